package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// accessEntry gives an IAM principal access to a cluster.
type accessEntry struct {
	Cluster    string            `json:"clusterName"`
	Principal  string            `json:"principalArn"`
	Groups     []string          `json:"kubernetesGroups"`
	ARN        string            `json:"accessEntryArn"`
	CreatedAt  float64           `json:"createdAt"`
	ModifiedAt float64           `json:"modifiedAt"`
	Tags       map[string]string `json:"tags"`
	Username   string            `json:"username"`
	Type       string            `json:"type"`
	owner      *cluster
	policies   map[string]*associatedPolicy
	ofNodes    bool      // made by EKS for the role of a node group
	since      time.Time // when it takes effect
}

type associatedPolicy struct {
	ARN          string      `json:"policyArn"`
	Scope        accessScope `json:"accessScope"`
	AssociatedAt float64     `json:"associatedAt"`
	ModifiedAt   float64     `json:"modifiedAt"`
}

type accessScope struct {
	Type       string   `json:"type"`
	Namespaces []string `json:"namespaces"`
}

const adminPolicy = "AmazonEKSClusterAdminPolicy"

// accessPolicies are EKS' access policies for people.
var accessPolicies = []string{adminPolicy, "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"}

func policyARN(name string) string { return "arn:aws:eks::aws:cluster-access-policy/" + name }

// addEntry completes an entry and adds it to a cluster.
func (c *eksCall) addEntry(one *cluster, e *accessEntry) *accessEntry {
	kind, name := "role", e.Principal[strings.LastIndex(e.Principal, "/")+1:]
	if strings.Contains(e.Principal, ":user/") {
		kind = "user"
	}
	e.owner, e.Cluster, e.ARN = one, one.Name, c.aws.arn("access-entry", one.Name, kind, c.aws.account, name, newUUID())
	e.CreatedAt, e.ModifiedAt, e.Tags, e.policies = stamp(), stamp(), orEmpty(e.Tags), map[string]*associatedPolicy{}
	e.since = time.Now().Add(c.aws.cfg.Times.AccessEntry)
	switch {
	case e.Type == "EC2_LINUX":
		e.Username, e.Groups = "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes"}
	case e.Username != "":
	case kind == "user":
		e.Username = e.Principal
	default:
		e.Username = fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/{{SessionName}}", c.aws.account, name)
	}
	if e.Groups == nil {
		e.Groups = []string{}
	}
	one.entries[e.Principal] = e
	return e
}

func (c *eksCall) createEntry(one *cluster, in *struct {
	Principal string            `json:"principalArn"`
	Groups    []string          `json:"kubernetesGroups"`
	Tags      map[string]string `json:"tags"`
	Token     string            `json:"clientRequestToken"`
	Username  string            `json:"username"`
	Type      string            `json:"type"`
}) (any, error) {
	in.Type = cmp.Or(in.Type, "STANDARD")
	switch {
	case one.Access.Mode == "CONFIG_MAP":
		return nil, invalidState("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.")
	case one.entries[in.Principal] != nil:
		return nil, inUse("The specified access entry resource is already in use on this cluster.")
	case in.Type != "STANDARD" && in.Type != "EC2_LINUX":
		return nil, invalid("the emulator does not cover access entries of type %s", in.Type)
	case in.Type != "STANDARD" && (in.Username != "" || in.Groups != nil):
		return nil, invalid("The type field cannot be %s when a username or groups are given", in.Type)
	}
	if err := checkGroups(in.Groups); err != nil {
		return nil, err
	}
	if there, err := c.principalExists(in.Principal); err != nil {
		return nil, err
	} else if !there {
		return nil, invalid("The specified principalArn is invalid: invalid principal.")
	}
	e := c.addEntry(one, &accessEntry{Principal: in.Principal, Groups: in.Groups, Tags: in.Tags, Username: in.Username, Type: in.Type})
	return map[string]any{"accessEntry": e}, nil
}

func checkGroups(groups []string) error {
	for _, group := range groups {
		if strings.HasPrefix(group, "system:") {
			return invalid("The kubernetes group name %s is invalid, it cannot start with system:", group)
		}
	}
	return nil
}

func (c *eksCall) principalExists(arn string) (bool, error) {
	if !strings.Contains(arn, ":user/") {
		return c.aws.roleExists(c.ctx, arn)
	}
	found, err := c.aws.clients.iam.GetUser(c.ctx, &iam.GetUserInput{UserName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
	var missing *iamtypes.NoSuchEntityException
	if errors.As(err, &missing) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("looking for user %s: %w", arn, err)
	}
	return aws.ToString(found.User.Arn) == arn, nil
}

func (c *eksCall) entry() (*accessEntry, error) {
	return part(c, func(one *cluster) map[string]*accessEntry { return one.entries }, c.path["principal"],
		notFound("The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."))
}

func (c *eksCall) describeEntry(e *accessEntry) (any, error) {
	return map[string]any{"accessEntry": e}, nil
}

func (c *eksCall) listEntries(one *cluster) (any, error) {
	names := sortedKeys(one.entries)
	if arn := c.query.Get("associatedPolicyArn"); arn != "" {
		names = slices.DeleteFunc(names, func(name string) bool { return one.entries[name].policies[policyName(arn)] == nil })
	}
	return map[string]any{"accessEntries": names}, nil
}

func (c *eksCall) updateEntry(e *accessEntry, in *struct {
	Groups   *[]string `json:"kubernetesGroups"`
	Username string    `json:"username"`
	Token    string    `json:"clientRequestToken"`
}) (any, error) {
	if e.Type != "STANDARD" {
		return nil, invalid("An access entry of type %s cannot be updated", e.Type)
	}
	if in.Groups != nil {
		if err := checkGroups(*in.Groups); err != nil {
			return nil, err
		}
		e.Groups = *in.Groups
	}
	e.Username, e.ModifiedAt = cmp.Or(in.Username, e.Username), stamp()
	return map[string]any{"accessEntry": e}, nil
}

func (c *eksCall) deleteEntry(e *accessEntry) (any, error) {
	delete(e.owner.entries, e.Principal)
	return struct{}{}, nil
}

func policyName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (c *eksCall) associatePolicy(e *accessEntry, in *struct {
	ARN   string      `json:"policyArn"`
	Scope accessScope `json:"accessScope"`
}) (any, error) {
	name := policyName(in.ARN)
	switch {
	case in.ARN != policyARN(name) || !slices.Contains(accessPolicies, name):
		return nil, invalid("The policyArn parameter format is not valid: %s", in.ARN)
	case e.Type != "STANDARD":
		return nil, invalid("Policies can be associated only with access entries of type STANDARD, not %s", e.Type)
	case in.Scope.Type != "cluster" && (in.Scope.Type != "namespace" || len(in.Scope.Namespaces) == 0):
		return nil, invalid("The access scope is neither the cluster nor a list of namespaces")
	}
	if in.Scope.Namespaces == nil {
		in.Scope.Namespaces = []string{}
	}
	p := &associatedPolicy{ARN: in.ARN, Scope: in.Scope, AssociatedAt: stamp(), ModifiedAt: stamp()}
	if before := e.policies[name]; before != nil {
		p.AssociatedAt = before.AssociatedAt
	}
	e.policies[name] = p
	return map[string]any{"clusterName": e.Cluster, "principalArn": e.Principal, "associatedAccessPolicy": p}, nil
}

func (c *eksCall) listPolicies(e *accessEntry) (any, error) {
	all := []any{}
	for _, name := range sortedKeys(e.policies) {
		all = append(all, e.policies[name])
	}
	return map[string]any{"clusterName": e.Cluster, "principalArn": e.Principal, "associatedAccessPolicies": all}, nil
}

func (c *eksCall) disassociatePolicy(e *accessEntry) (any, error) {
	name := policyName(c.path["policy"])
	if e.policies[name] == nil {
		return nil, notFound("The specified policy %s is not associated with %s", c.path["policy"], e.Principal)
	}
	delete(e.policies, name)
	return struct{}{}, nil
}

func (c *eksCall) listAccessPolicies() (any, error) {
	all := []any{}
	for _, name := range accessPolicies {
		all = append(all, map[string]string{"name": name, "arn": policyARN(name)})
	}
	return map[string]any{"accessPolicies": all}, nil
}
