package cost

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Of estimates what resources cost a month if they are as they are at a time, which decides about EKS's price for
// versions of Kubernetes that have aged out. What it does not know has a line that says so.
func Of(resources []Resource, at time.Time) *Estimate { return Assumed.Of(resources, at) }

// Of is an estimate under this usage.
func (u Usage) Of(resources []Resource, at time.Time) *Estimate {
	// The engine tells of them as they come, which no two previews of the same change do alike.
	resources = slices.SortedStableFunc(slices.Values(resources), func(a, b Resource) int { return strings.Compare(a.URN, b.URN) })
	e := &estimator{usage: u, resources: resources, estimate: &Estimate{At: at}}
	e.region, e.noRegion = region(resources)
	e.estimate.Region = e.region
	e.planNodes()
	for _, r := range resources {
		e.add(r)
	}
	if len(e.estimate.Lines) > 0 {
		e.estimate.Assumptions = u.assumptions()
	}
	return e.estimate
}

// estimator makes an estimate.
type estimator struct {
	usage     Usage
	resources []Resource
	region    string
	noRegion  error // why the region is not known
	nodes     map[string]*groupPlan
	estimate  *Estimate
}

// awsProvider says in which region AWS's resources are.
const awsProvider = "pulumi:providers:aws"

// region is where the resources are. There is one: an estimate of several would have to tell which resource is where.
func region(resources []Resource) (string, error) {
	var found []string
	for _, r := range resources {
		if r.Type != awsProvider {
			continue
		}
		name, err := r.text("region")
		if err != nil {
			return "", fmt.Errorf("the AWS provider's %w", err)
		}
		if name != "" && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no AWS provider says which region this is in")
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("the AWS providers are in several regions: %s", strings.Join(found, ", "))
}

// priced are the resources that something is paid for, by type.
var priced = map[string]func(*estimator, Resource){
	"aws:eks/cluster:Cluster":                  (*estimator).controlPlane,
	"eks:index:Cluster":                        (*estimator).clusterComponent,
	"aws:eks/nodeGroup:NodeGroup":              (*estimator).nodeGroup,
	"aws:ec2/natGateway:NatGateway":            (*estimator).natGateway,
	"aws:ec2/eip:Eip":                          (*estimator).address,
	"aws:ec2/vpcEndpoint:VpcEndpoint":          (*estimator).endpoint,
	"aws:ec2/flowLog:FlowLog":                  (*estimator).flowLog,
	"aws:cloudwatch/logGroup:LogGroup":         (*estimator).logGroup,
	"aws:kms/key:Key":                          (*estimator).key,
	"aws:ecr/repository:Repository":            (*estimator).repository,
	"kubernetes:networking.k8s.io/v1:Ingress":  (*estimator).ingress,
	"kubernetes:core/v1:Service":               (*estimator).service,
	"kubernetes:core/v1:PersistentVolumeClaim": (*estimator).volumeClaim,
}

// free are AWS's resources that nothing is paid for, or that are paid for with another.
var free = []string{
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:ec2/internetGateway:InternetGateway",
	"aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable",
	"aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/securityGroup:SecurityGroup",
	"aws:ec2/securityGroupRule:SecurityGroupRule", "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
	"aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy",
	"aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws:eks/addon:Addon",
	"aws:eks/podIdentityAssociation:PodIdentityAssociation",
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws:iam/policy:Policy", "aws:iam/role:Role",
	"aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:kms/alias:Alias",
}

// freeKinds begin the types of components, of the engine's own resources and of Kubernetes' objects, for which nobody is
// paid but where priced has them; their pods are paid for with the nodes.
var freeKinds = []string{
	"pulumi:", "tfserving:", "eks:index:",
	"kubernetes:core/", "kubernetes:apps/", "kubernetes:autoscaling/", "kubernetes:batch/", "kubernetes:policy/",
	"kubernetes:networking.k8s.io/", "kubernetes:rbac.authorization.k8s.io/", "kubernetes:scheduling.k8s.io/",
	"kubernetes:storage.k8s.io/", "kubernetes:helm.sh/v3:Release",
}

func (e *estimator) add(r Resource) {
	if estimate, known := priced[r.Type]; known {
		estimate(e, r)
		return
	}
	if slices.Contains(free, r.Type) || slices.ContainsFunc(freeKinds, func(kind string) bool { return strings.HasPrefix(r.Type, kind) }) {
		return
	}
	e.unknown(r, "a resource", fmt.Errorf("what %s costs is not known here", r.Type))
}

// unknown adds a line that says why there is no amount.
func (e *estimator) unknown(r Resource, what string, why error) {
	e.estimate.Lines = append(e.estimate.Lines, Line{URN: r.URN, Type: r.Type, Name: r.Name, What: what, Unknown: why.Error()})
}

// bill adds a line for so much of an item.
func (e *estimator) bill(r Resource, what, item string, quantity Range, assumption string) {
	p, err := e.price(item)
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	hours := e.usage.Hours
	e.line(r, what, Range{p.monthly(quantity.Min, hours), p.monthly(quantity.Expected, hours), p.monthly(quantity.Max, hours)}, assumption)
}

// line adds a line of amounts, which are rounded here and nowhere else.
func (e *estimator) line(r Resource, what string, usd Range, assumption string) {
	e.estimate.Lines = append(e.estimate.Lines, Line{
		URN: r.URN, Type: r.Type, Name: r.Name, What: what, Assumption: assumption,
		Min: cents(usd.Min), Expected: cents(usd.Expected), Max: cents(usd.Max),
	})
}

func (e *estimator) price(item string) (price, error) {
	if e.noRegion != nil {
		return price{}, e.noRegion
	}
	return findPrice(e.region, item)
}

// always is a quantity that is the same whatever the demand.
func always(quantity float64) Range { return Range{quantity, quantity, quantity} }

// byDemand is a quantity that follows demand, from none.
func (e *estimator) byDemand(full float64) Range { return Range{0, full * e.usage.Demand, full} }
