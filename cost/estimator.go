package cost

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tfserving/resource"
)

// Of estimates what resources cost a month, under the usage Assumed. EKS's price for a version of Kubernetes depends on the
// date at. Unpriced resources have a line that says why, and no amount.
func Of(resources []resource.Resource, at time.Time) *Estimate { return Assumed.Of(resources, at) }

// Of estimates what resources cost a month under this usage.
func (u Usage) Of(resources []resource.Resource, at time.Time) *Estimate {
	// The engine's order differs between two previews of the same change.
	resources = slices.SortedStableFunc(slices.Values(resources), func(a, b resource.Resource) int { return strings.Compare(a.URN, b.URN) })
	e := &estimator{usage: u, resources: resources, estimate: &Estimate{At: at}}
	e.region, e.noRegion = region(resources)
	e.estimate.Region = e.region
	e.planNodes()
	e.warnOfLargeNodes()
	for _, r := range resources {
		e.add(r)
	}
	if len(e.estimate.Lines) > 0 {
		e.estimate.Assumptions = u.assumptions()
	}
	return e.estimate
}

// estimator adds the lines of one estimate.
type estimator struct {
	usage     Usage
	resources []resource.Resource
	region    string
	noRegion  error                 // why there is no region; nil if there is one
	nodes     map[string]*groupPlan // by the node group's URN
	estimate  *Estimate
}

// region is the one region of the AWS providers. Resources do not record their provider's region here, so several regions
// are an error.
func region(resources []resource.Resource) (string, error) {
	var found []string
	for _, r := range resources {
		if r.Type != resource.AWSProvider {
			continue
		}
		name, err := resource.Text(r.Inputs, "region")
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

// eksComponent is pulumi-eks's component.
const eksComponent = "eks:index:Cluster"

// priced has the types that are charged for, and the function that adds their lines.
var priced = map[string]func(*estimator, resource.Resource){
	resource.EKSCluster:            (*estimator).controlPlane,
	eksComponent:                   (*estimator).clusterComponent,
	resource.NodeGroup:             (*estimator).nodeGroup,
	resource.NATGateway:            (*estimator).natGateway,
	resource.ElasticIP:             (*estimator).address,
	resource.VPCEndpoint:           (*estimator).endpoint,
	resource.FlowLog:               (*estimator).flowLog,
	resource.LogGroup:              (*estimator).logGroup,
	resource.KMSKey:                (*estimator).key,
	resource.PrometheusWorkspace:   (*estimator).workspace,
	resource.PrometheusCollector:   (*estimator).collector,
	resource.MetricAlarm:           (*estimator).alarm,
	resource.Repository:            (*estimator).repository,
	resource.Ingress:               (*estimator).ingress,
	resource.Service:               (*estimator).service,
	resource.PersistentVolumeClaim: (*estimator).volumeClaim,
}

// free are types of AWS that are free, or whose price is part of another type's.
var free = []string{
	resource.DefaultSecurityGroup, resource.InternetGateway,
	resource.LaunchTemplate, resource.Route, "aws:ec2/routeTable:RouteTable",
	"aws:ec2/routeTableAssociation:RouteTableAssociation", resource.SecurityGroup,
	resource.SecurityGroupRule, resource.Subnet, resource.VPC,
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", resource.SecurityGroupIngressRule,
	"aws:amp/ruleGroupNamespace:RuleGroupNamespace", "aws:amp/alertManagerDefinition:AlertManagerDefinition",
	resource.Topic, "aws:sns/topicPolicy:TopicPolicy", resource.TopicSubscription, // 1,000 e-mails a month
	resource.ScalingSchedule, "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy",
	resource.AccessEntry, resource.AccessPolicyAssociation, "aws:eks/addon:Addon",
	resource.PodIdentityAssociation,
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider", resource.IAMPolicy, resource.IAMRole,
	resource.IAMRolePolicy, resource.IAMRolePolicyAttachment, "aws:kms/alias:Alias",
}

// freePrefixes begin the types of components, of the engine's own resources and of Kubernetes objects. They are free unless
// priced has them: pods run on nodes, which are priced.
var freePrefixes = []string{
	"pulumi:", "tfserving:", "eks:index:",
	"kubernetes:core/", "kubernetes:apps/", "kubernetes:autoscaling/", "kubernetes:batch/", "kubernetes:policy/",
	"kubernetes:networking.k8s.io/", "kubernetes:rbac.authorization.k8s.io/", "kubernetes:scheduling.k8s.io/",
	"kubernetes:storage.k8s.io/", resource.HelmRelease,
}

func (e *estimator) add(r resource.Resource) {
	if addLines, known := priced[r.Type]; known {
		addLines(e, r)
		return
	}
	if slices.Contains(free, r.Type) || slices.ContainsFunc(freePrefixes, func(prefix string) bool { return strings.HasPrefix(r.Type, prefix) }) {
		return
	}
	e.unknown(r, "a resource", fmt.Errorf("what %s costs is not known here", r.Type))
}

// unknown adds a line that says why there is no amount.
func (e *estimator) unknown(r resource.Resource, what string, why error) {
	e.estimate.Lines = append(e.estimate.Lines, Line{URN: r.URN, Type: r.Type, Name: r.Name, What: what, Unknown: why.Error()})
}

// bill adds a line for a quantity of an item of the price list.
func (e *estimator) bill(r resource.Resource, what, item string, quantity Range, assumption string) {
	p, err := e.price(item)
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	hours := e.usage.Hours
	e.line(r, what, Range{p.monthly(quantity.Min, hours), p.monthly(quantity.Expected, hours), p.monthly(quantity.Max, hours)}, assumption)
}

// line adds a line of amounts. Amounts are rounded only here.
func (e *estimator) line(r resource.Resource, what string, usd Range, assumption string) {
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

// always is a quantity that does not depend on demand.
func always(quantity float64) Range { return Range{quantity, quantity, quantity} }

// byDemand is a quantity that is proportional to demand.
func (e *estimator) byDemand(full float64) Range { return Range{0, full * e.usage.Demand, full} }
