package config

import (
	"fmt"
	"regexp"
)

const (
	// maxRoleName is the number of characters that IAM allows in a role's name (IAM quotas). No other AWS name leaves less
	// room for the stack's name.
	maxRoleName = 64
	// roleSuffix is the number of characters after the cluster's name in a role's name: the component's name, and
	// randomSuffix.
	roleSuffix = 38
	// maxStack is the number of characters that remain for the stack's name.
	maxStack = maxRoleName - roleSuffix - len(Project+"-")
	// maxNodeGroupName is the number of characters that EKS allows in a managed node group's name (EKS API reference).
	maxNodeGroupName = 63
	// randomSuffix is the number of characters that Pulumi appends to make a name unique: - and 7 random ones.
	randomSuffix = 8
)

// stackName matches a name that every AWS service accepts: EKS allows no dots, ECR no upper case.
var stackName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// ClusterName returns the name of a stack's EKS cluster. The names of the stack's other AWS resources begin with it.
func ClusterName(stack string) string { return Project + "-" + stack }

// nameProblems lists the problems with AWS names that contain the stack's name.
func (s *Settings) nameProblems(stack string) (problems []string) {
	if s.Platform != PlatformEKS {
		return nil
	}
	switch {
	case !stackName.MatchString(stack):
		return []string{fmt.Sprintf("the stack's name is %q; the names of AWS resources contain it, so on platform eks it must be lower-case letters, digits and -, with a letter or digit first and last", stack)}
	case len(stack) > maxStack:
		return []string{fmt.Sprintf("the stack's name %q has %d characters; the names of IAM roles begin with %s, so on platform eks it may have %d", stack, len(stack), ClusterName(stack), maxStack)}
	}
	most := maxNodeGroupName - len(ClusterName(stack)+"-") - randomSuffix
	for i, g := range s.NodeGroups {
		if len(g.Name) > most && len(g.Name) <= maxNodeGroupName {
			problems = append(problems, fmt.Sprintf("%s:nodeGroups[%d].name has %d characters; it follows the cluster's name %s, so it may have %d", Project, i, len(g.Name), ClusterName(stack), most))
		}
	}
	return problems
}
