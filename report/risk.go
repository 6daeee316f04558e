package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"tfserving/preview"
)

// Risk is something about a change that a person should have seen before it is made.
type Risk struct {
	Rule string // its heading
	Step preview.Step
	What line // what happens, and why that matters
}

// rule finds one kind of risk in a step.
type rule struct {
	name string
	when string // the condition, for docs/pull-requests.md
	find func(preview.Step, *plan) []line
}

// plan is what a rule may know beyond its step.
type plan struct {
	// gone are namespaces of Kubernetes that are deleted: what protected them goes with them, which is no risk more.
	gone map[string]bool
	// made are those that are new.
	made map[string]bool
	// roles are those of IAM that are new, by name.
	roles map[string]bool
	// young is set where the control plane is new: nobody had access to it.
	young bool
	// renewed is set where the control plane is replaced: whatever is in it is asked for anew, with names nobody knows yet.
	renewed bool
	// clusterGone is set where the control plane is deleted: then nobody needs access to it, nor guards in it.
	clusterGone bool
}

// guardless says whether what a resource guarded goes as well.
func (p *plan) guardless(s preview.Step) bool {
	return p.clusterGone || p.gone[text(s.Old, "metadata", "namespace")]
}

// The order is that of the report: what cannot be undone comes first.
var rules = []rule{
	{"state is lost", "a " + names(holdsState) + " is replaced or deleted", goes(holdsState)},
	{"traffic is interrupted", "a " + names(carriesTraffic) + " is replaced or deleted", goes(carriesTraffic)},
	{"nodes end", "a node group is replaced or deleted; its launch template, its Kubernetes version or its image release changes; its `minSize` or `maxSize` is lowered", nodes},
	{"a door is opened", "the Kubernetes endpoint, a security group, a load balancer or a NetworkPolicy lets through addresses, prefix lists, pods, protocols or ports that it did not before; the public endpoint is switched on; a load balancer becomes internet-facing; a NetworkPolicy is deleted, loses an exception or a direction, or selects fewer pods", doors},
	{"access is given", "a " + grantNames() + " is new, or allows more than it did or something else; not so with a cluster, a role or a namespace that is new itself, nor in a stack that is", gives},
	{"a protection is removed", "`protect`, `retainOnDelete` or deletion protection is switched off; encryption, a key of the stack's own, key rotation, image scanning, immutable tags, session tokens of nodes or the private Kubernetes endpoint are switched off; a retention or deletion window is shortened; a log of the control plane is switched off; a Pod Security level is lowered; a " + names(guards) + " is deleted", protections},
	{"access is taken away", "a " + names(givesAccess) + " is replaced or deleted, and the cluster stays", access},
	{"AWS may refuse it", "the control plane's subnets change", subnets},
	{"there is no way back", "the control plane's Kubernetes version changes", oneWay},
}

// kind is what a type of resource is called, and what its loss means.
type kind struct{ name, lost string }

var holdsState = map[string]kind{
	"aws:eks/cluster:Cluster":                  {"cluster", "everything in the cluster goes with it; no request is answered until another has nodes and pods"},
	"aws:ec2/vpc:Vpc":                          {"VPC", "everything in it goes; what is made anew has other addresses"},
	"aws:kms/key:Key":                          {"KMS key", "what it encrypted cannot be read once its deletion window is over"},
	"aws:ecr/repository:Repository":            {"repository", "its images go with it; no pod that needs one starts until they are pushed again"},
	"aws:cloudwatch/logGroup:LogGroup":         {"log group", "its logs go with it"},
	"kubernetes:core/v1:Namespace":             {"namespace", "every object in it goes with it, those that the stack did not make too"},
	"kubernetes:core/v1:Secret":                {"Secret", "pods that mount it do not start without it"},
	"kubernetes:core/v1:PersistentVolumeClaim": {"volume claim", "its data goes with it unless the storage class retains it"},
}

var carriesTraffic = map[string]kind{
	"kubernetes:networking.k8s.io/v1:Ingress": {"Ingress", "its load balancer goes with it, and so does the name that callers know"},
	"kubernetes:core/v1:Service":              {"Service", "callers find no pod by it, and its address is given up"},
	"kubernetes:apps/v1:Deployment":           {"Deployment", "all its pods end at once"},
	"kubernetes:helm.sh/v3:Release":           {"Helm release", "what it runs ends; nothing keeps load balancers up to date without it"},
	"aws:ec2/natGateway:NatGateway":           {"NAT gateway", "connections out of the private subnets break"},
	"aws:ec2/eip:Eip":                         {"public address", "the address is given up; whoever lists it must be told"},
	"aws:ec2/internetGateway:InternetGateway": {"internet gateway", "nothing reaches the VPC or leaves it without one"},
	"aws:ec2/subnet:Subnet":                   {"subnet", "nodes and load balancers in it must move first"},
	"aws:ec2/route:Route":                     {"route", "connections that took it break"},
	"aws:ec2/vpcEndpoint:VpcEndpoint":         {"VPC endpoint", "connections that went by it take another way, or none"},
}

var guards = map[string]kind{
	"kubernetes:policy/v1:PodDisruptionBudget": {"disruption budget", "a drain may take all its pods at once"},
	"kubernetes:core/v1:ResourceQuota":         {"quota", "the namespace may take the whole cluster"},
	"kubernetes:core/v1:LimitRange":            {"limit range", "containers without limits are let in"},
	"aws:ec2/flowLog:FlowLog":                  {"flow log", "nobody sees any more who talked to whom"},
}

// important are the types that come first in a list of changes.
func important(typ string) bool {
	for _, all := range []map[string]kind{holdsState, carriesTraffic, guards} {
		if _, is := all[typ]; is {
			return true
		}
	}
	return typ == nodeGroup
}

func names(kinds map[string]kind) string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
	}
	slices.Sort(all)
	return joined(all, "or")
}

// risks are those of a preview, in the order of the rules, then by type and name.
func risks(p *preview.Preview) (found []Risk) {
	about := &plan{gone: map[string]bool{}, made: map[string]bool{}, roles: map[string]bool{}}
	for _, s := range p.Steps {
		switch {
		case s.Type == "aws:eks/cluster:Cluster" && s.Op == preview.OpDelete:
			about.clusterGone = true
		case s.Type == "aws:eks/cluster:Cluster" && s.Op == preview.OpCreate:
			about.young = true
		case s.Type == "aws:eks/cluster:Cluster" && s.Op == preview.OpReplace:
			about.renewed = true
		case s.Type == roleType && s.Op == preview.OpCreate:
			about.roles[text(s.New, "name")] = true
		case s.Type != "kubernetes:core/v1:Namespace":
		case s.Op == preview.OpDelete || s.Op == preview.OpReplace:
			about.gone[text(s.Old, "metadata", "name")] = true
		case s.Op == preview.OpCreate:
			about.made[text(s.New, "metadata", "name")] = true
		}
	}
	// What names nobody belongs to none of them.
	delete(about.roles, "")
	delete(about.made, "")
	for _, r := range rules {
		var all []Risk
		for _, s := range p.Steps {
			for _, what := range r.find(s, about) {
				all = append(all, Risk{Rule: r.name, Step: s, What: what})
			}
		}
		slices.SortStableFunc(all, func(a, b Risk) int {
			return cmp.Or(cmp.Compare(a.Step.Type, b.Step.Type), cmp.Compare(bare(a.What), bare(b.What)), cmp.Compare(a.Step.Name, b.Step.Name))
		})
		found = append(found, all...)
	}
	return found
}

// goes finds what is replaced or deleted of some kinds.
func goes(kinds map[string]kind) func(preview.Step, *plan) []line {
	return func(s preview.Step, _ *plan) []line {
		k, is := kinds[s.Type]
		switch {
		case !is:
			return nil
		case s.Op == preview.OpDelete:
			return []line{say(went(s) + ": " + k.lost)}
		case s.Op == preview.OpReplace:
			return []line{append(say("replaced because of "), append(reasons(s), say(": "+k.lost)...)...)}
		}
		return nil
	}
}

// went says by whom something was deleted.
func went(s preview.Step) string {
	if s.Drift {
		return "gone"
	}
	return "deleted"
}

// reasons are the properties that force a replacement.
func reasons(s preview.Step) (l line) {
	for _, c := range s.Changes {
		if !c.Forces {
			continue
		}
		if len(l) > 0 {
			l = append(l, span{text: ", "})
		}
		l = append(l, value(c.Path))
	}
	if len(l) == 0 {
		return say("something that the engine does not name")
	}
	return l
}

const nodeGroup = "aws:eks/nodeGroup:NodeGroup"

func nodes(s preview.Step, _ *plan) (found []line) {
	if s.Type != nodeGroup {
		return nil
	}
	switch s.Op {
	case preview.OpDelete:
		return []line{say(went(s) + ": its nodes drain and end, and their pods need room elsewhere")}
	case preview.OpReplace:
		return []line{append(say("replaced because of "), append(reasons(s), say(": its nodes drain, and every pod on them starts anew on another node")...)...)}
	case preview.OpUpdate:
		for _, key := range []string{"minSize", "maxSize"} {
			before, after := get(s.Old.Inputs, "scalingConfig", key), get(s.New.Inputs, "scalingConfig", key)
			if lower(before, after) {
				found = append(found, say(value("scalingConfig."+key), " from ", value(shown(before)), " to ", value(shown(after)), ": nodes may end, and their pods need room elsewhere"))
			}
		}
		for _, c := range s.Changes {
			if slices.Contains([]string{"version", "releaseVersion", "launchTemplate.version", "launchTemplate.id", "launchTemplate"}, c.Path) {
				return append(found, say("updated because of ", value(c.Path), ": its nodes are replaced, some at a time, and their pods start anew"))
			}
		}
	}
	return found
}

// subnets finds what the provider plans as a change, and EKS takes only within the VPC and the zones of the first.
func subnets(s preview.Step, _ *plan) []line {
	if s.Type != "aws:eks/cluster:Cluster" || s.Op != preview.OpUpdate {
		return nil
	}
	before, after := get(s.Old.Inputs, "vpcConfig", "subnetIds"), get(s.New.Inputs, "vpcConfig", "subnetIds")
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return []line{say("its subnets change, from ", value(brief(before)), " to ", value(brief(after)), ": EKS takes none of another VPC, nor of a zone that the cluster was not made with")}
}

func oneWay(s preview.Step, _ *plan) []line {
	if s.Type != "aws:eks/cluster:Cluster" || s.Op != preview.OpUpdate {
		return nil
	}
	if before, after := text(s.Old, "version"), text(s.New, "version"); before != after && before != "" {
		return []line{say(fmt.Sprintf("from %s to %s: EKS takes one minor version at a time, and never goes back", before, shown(after)))}
	}
	return nil
}
