package config

import (
	"fmt"
	"regexp"
)

const (
	// A role's name is the shortest of those that AWS limits (IAM quotas): 64 characters.
	maxRoleName = 64
	// roleSuffix is kept for what follows the cluster's name in a role's: the component's name, and the 8 characters
	// with which Pulumi tells two of them apart.
	roleSuffix = 38
	// maxStack is what is left for the stack's name.
	maxStack = maxRoleName - roleSuffix - len(Project+"-")
	// maxNodeGroupName are the characters of a managed node group's name (EKS API reference).
	maxNodeGroupName = 63
	// randomSuffix is what Pulumi adds to a name to tell two apart: - and 7 characters.
	randomSuffix = 8
)

// stackName is what every AWS name takes: EKS has no dots, ECR no upper case.
var stackName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// ClusterName is the name of a stack's EKS cluster, with which the names of what belongs to it begin.
func ClusterName(stack string) string { return Project + "-" + stack }

// nameProblems says what is wrong with the names that are made from the stack's.
func (s *Settings) nameProblems(stack string) (wrong []string) {
	if s.Platform != PlatformEKS {
		return nil
	}
	switch {
	case !stackName.MatchString(stack):
		wrong = append(wrong, fmt.Sprintf("the stack's name is %q; AWS resources are named after it, so on platform eks it must be lower-case letters, digits and -, with a letter or digit first and last", stack))
	case len(stack) > maxStack:
		wrong = append(wrong, fmt.Sprintf("the stack's name %q has %d characters; on platform eks the names of IAM roles, which begin with %s, leave room for %d", stack, len(stack), ClusterName(stack), maxStack))
	}
	if len(wrong) > 0 {
		return wrong
	}
	most := maxNodeGroupName - len(ClusterName(stack)+"-") - randomSuffix
	for i, g := range s.NodeGroups {
		if len(g.Name) > most && len(g.Name) <= maxNodeGroupName {
			wrong = append(wrong, fmt.Sprintf("%s:nodeGroups[%d].name has %d characters; after the cluster's name, %s, there is room for %d", Project, i, len(g.Name), ClusterName(stack), most))
		}
	}
	return wrong
}
