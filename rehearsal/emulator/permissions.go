package emulator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// policyCache keeps the policies of principals until a call changes IAM.
type policyCache struct {
	mu          sync.Mutex
	generation  int
	byPrincipal map[string][]*policy
}

// changed empties the cache after a call that may have changed a policy.
func (p *policyCache) changed(c *call) {
	if c.service != "iam" || strings.HasPrefix(c.action, "Get") || strings.HasPrefix(c.action, "List") {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byPrincipal, p.generation = nil, p.generation+1
}

// policiesOf are all identity-based policies of the user or role behind a key.
func (a *AWS) policiesOf(ctx context.Context, who *key) ([]*policy, error) {
	cache := &a.policies
	cache.mu.Lock()
	found, there := cache.byPrincipal[who.Principal]
	generation := cache.generation
	cache.mu.Unlock()
	if there {
		return found, nil
	}
	read := a.userPolicies
	if who.isRole() {
		read = a.rolePolicies
	}
	policies, err := read(ctx, who.name())
	if err != nil {
		return nil, fmt.Errorf("reading the policies of %s: %w", who.Principal, err)
	}
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if cache.generation == generation {
		if cache.byPrincipal == nil {
			cache.byPrincipal = map[string][]*policy{}
		}
		cache.byPrincipal[who.Principal] = policies
	}
	return policies, nil
}

// errBoundary refuses a principal with a permissions boundary, which would limit its policies.
var errBoundary = errors.New("it has a permissions boundary, which the emulator does not cover")

func (a *AWS) rolePolicies(ctx context.Context, name string) ([]*policy, error) {
	role, err := a.clients.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, err
	}
	if role.Role.PermissionsBoundary != nil {
		return nil, errBoundary
	}
	inline, err := a.clients.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
	if err != nil {
		return nil, err
	}
	var all policySet
	for _, p := range inline.PolicyNames {
		got, err := a.clients.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &p})
		if err != nil {
			return nil, err
		}
		all.add(p, got.PolicyDocument)
	}
	attached, err := a.clients.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		return nil, err
	}
	for _, p := range attached.AttachedPolicies {
		a.addManaged(ctx, &all, aws.ToString(p.PolicyArn))
	}
	return all.policies, all.err
}

func (a *AWS) userPolicies(ctx context.Context, name string) ([]*policy, error) {
	user, err := a.clients.iam.GetUser(ctx, &iam.GetUserInput{UserName: &name})
	if err != nil {
		return nil, err
	}
	if user.User.PermissionsBoundary != nil {
		return nil, errBoundary
	}
	groups, err := a.clients.iam.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: &name})
	if err != nil {
		return nil, err
	}
	if len(groups.Groups) > 0 {
		return nil, errors.New("it is in an IAM group, which the emulator does not cover")
	}
	inline, err := a.clients.iam.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: &name})
	if err != nil {
		return nil, err
	}
	var all policySet
	for _, p := range inline.PolicyNames {
		got, err := a.clients.iam.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &name, PolicyName: &p})
		if err != nil {
			return nil, err
		}
		all.add(p, got.PolicyDocument)
	}
	attached, err := a.clients.iam.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: &name})
	if err != nil {
		return nil, err
	}
	for _, p := range attached.AttachedPolicies {
		a.addManaged(ctx, &all, aws.ToString(p.PolicyArn))
	}
	return all.policies, all.err
}

type policySet struct {
	policies []*policy
	err      error
}

// add adds a policy document in the percent-encoded form of IAM's answers.
func (s *policySet) add(name string, document *string) {
	text, err := url.PathUnescape(aws.ToString(document))
	if err == nil {
		var p *policy
		if p, err = parsePolicy(name, text); err == nil {
			s.policies = append(s.policies, p)
			return
		}
	}
	s.err = err
}

func (a *AWS) addManaged(ctx context.Context, all *policySet, arn string) {
	p, err := a.clients.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		all.err = err
		return
	}
	version, err := a.clients.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: p.Policy.DefaultVersionId})
	if err != nil {
		all.err = err
		return
	}
	all.add(aws.ToString(p.Policy.PolicyName), version.PolicyVersion.Document)
}

// authorize decides whether a caller may make a call to moto.
func (a *AWS) authorize(ctx context.Context, c *call, who *key) (decision, error) {
	if who.unlimited || c.service == "sts" && c.action == "GetCallerIdentity" { // needs no permission
		return decision{allowed: true}, nil
	}
	if c.action == "" {
		return decision{reason: fmt.Sprintf("the emulator does not know the actions of service %s", c.service)}, nil
	}
	questions, err := a.questions(ctx, c)
	if err != nil {
		return decision{}, err
	}
	d, err := a.allows(ctx, c, who, questions)
	if c.service == "sts" {
		d.narrow = false // moto checks the resource of these calls, and must see the caller for the role's trust policy
	}
	return d, err
}

// allows decides by a caller's policies. The call is allowed if all questions are.
func (a *AWS) allows(ctx context.Context, c *call, who *key, questions []question) (decision, error) {
	if who.unlimited {
		return decision{allowed: true}, nil
	}
	policies, err := a.policiesOf(ctx, who)
	if err != nil {
		return decision{}, err
	}
	all := decision{allowed: true}
	for _, q := range questions {
		q.context.set("aws:PrincipalArn", who.Principal)
		q.context.set("aws:PrincipalAccount", a.account)
		q.context.set("aws:RequestedRegion", c.region)
		q.context.setTags("aws:RequestTag/", c.requestTags)
		q.context.set("aws:TagKeys", slices.Sorted(maps.Keys(c.requestTags))...)
		d := decide(policies, q)
		all.narrow = all.narrow || d.narrow
		if !d.allowed {
			all.allowed = false
			all.reason = fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because %s", who.ARN, q.action, q.resource, d.reason)
			return all, nil
		}
	}
	return all, nil
}
