package eks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tfserving/rehearsal/emulator"
)

const (
	// engineLag is what engine, plugins and a busy machine may take from one thing being there to the call for the next.
	engineLag = 15 * time.Second
	// pollLag is the longest that HashiCorp's AWS provider lets pass between two looks at something that AWS is making
	// (its retry.StateChangeConf: twice as long each time, up to 10 s).
	pollLag = 10 * time.Second
)

// awsCall names calls by their action, and where that says too little by what one of their parameters contains.
type awsCall struct {
	action string
	about  []string
}

func (c awsCall) String() string {
	return strings.TrimSpace(c.action + " " + strings.Join(c.about, ", "))
}

func (c awsCall) in(journal []emulator.Event) (all []emulator.Event) {
	for _, e := range journal {
		if e.Action == c.action && e.Status == 200 && (c.about == nil || mentions(e, c.about)) {
			all = append(all, e)
		}
	}
	return all
}

func mentions(e emulator.Event, about []string) bool {
	for _, value := range e.Params {
		if slices.ContainsFunc(about, func(text string) bool { return strings.Contains(value, text) }) {
			return true
		}
	}
	return false
}

var (
	cluster    = awsCall{action: "CreateCluster"}
	nodeGroups = awsCall{action: "CreateNodegroup"}
	nat        = awsCall{action: "CreateNatGateway"}
	// Add-ons that run on every node are active without one; the others need one.
	daemons     = awsCall{"CreateAddon", []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}}
	deployments = awsCall{"CreateAddon", []string{"coredns", "metrics-server"}}
	// Roles, by their descriptions: this program's, and the control plane's, which pulumi-eks makes.
	ownRoles    = awsCall{"CreateRole", []string{"of EKS cluster", "in EKS cluster"}}
	controlRole = awsCall{"CreateRole", []string{"Allows EKS to manage clusters"}}
)

// needs is all that AWS makes a call wait for; a call without needs can be made at once.
var needs = []struct {
	call  awsCall
	needs []awsCall
}{
	{call: awsCall{action: "CreateVpc"}},
	{call: awsCall{action: "CreateRepository"}},
	{call: ownRoles},
	{call: awsCall{action: "CreateKey"}},
	{call: awsCall{action: "CreateLogGroup"}},
	{call: awsCall{action: "AllocateAddress"}},
	{call: awsCall{action: "CreateLaunchTemplate"}},
	{awsCall{action: "CreateSubnet"}, []awsCall{{action: "CreateVpc"}}},
	// It needs nothing either, but a component of another plugin begins once all of its inputs are known.
	{controlRole, []awsCall{{action: "CreateSubnet"}, {action: "CreateKey"}}},
	{nat, []awsCall{{action: "CreateSubnet"}, {action: "AllocateAddress"}, {action: "AttachInternetGateway"}}},
	{cluster, []awsCall{{action: "CreateSubnet"}, {action: "CreateKey"}, {action: "CreateLogGroup"}, controlRole}},
	{daemons, []awsCall{cluster}},
	{awsCall{action: "CreatePodIdentityAssociation"}, []awsCall{cluster}},
	{nodeGroups, []awsCall{cluster, nat}},
	{deployments, []awsCall{nodeGroups}},
}

// awsTakes is how long after the answer to a call its thing is there.
func awsTakes(action string, t emulator.Times) time.Duration {
	return map[string]time.Duration{"CreateCluster": t.Cluster, "CreateNodegroup": t.NodeGroup, "CreateAddon": t.Addon, "CreateNatGateway": t.NAT}[action]
}

// there is when all that calls asked for is there; zero if no such call was made.
func (c awsCall) there(journal []emulator.Event, t emulator.Times) (last time.Time) {
	for _, e := range c.in(journal) {
		if at := e.Time.Add(e.Duration + awsTakes(e.Action, t)); at.After(last) {
			last = at
		}
	}
	return last
}

// lateStarts says which calls came later than what they need was there.
func lateStarts(journal []emulator.Event, begin time.Time, t emulator.Times) (late []string) {
	for _, n := range needs {
		calls := n.call.in(journal)
		if len(calls) == 0 {
			late = append(late, fmt.Sprintf("%s was never called", n.call))
		}
		ready, allowed := begin, engineLag
		for _, needed := range n.needs {
			if at := needed.there(journal, t); at.After(ready) {
				ready = at
			}
			if awsTakes(needed.action, t) > 0 {
				allowed = engineLag + pollLag
			}
		}
		for _, e := range calls {
			if waited := e.Time.Sub(ready); waited > allowed {
				late = append(late, fmt.Sprintf("%s came %.1f s after all that it needs was there; %.0f s is what looking and asking take", n.call, waited.Seconds(), allowed.Seconds()))
			}
		}
	}
	return late
}

// whereTimeGoes follows the longest chain, and says what on it is not AWS's.
func whereTimeGoes(journal []emulator.Event, begin, update time.Time, wall time.Duration, t emulator.Times) string {
	var b strings.Builder
	b.WriteString("on the longest chain, s:")
	at := begin
	step := func(what string, until time.Time) {
		fmt.Fprintf(&b, "\n%8.1f  %s", until.Sub(at).Seconds(), what)
		at = until
	}
	last := func(c awsCall) (begin time.Time) {
		for _, e := range c.in(journal) {
			if e.Time.After(begin) {
				begin = e.Time
			}
		}
		return begin
	}
	step("command and preview", update)
	step("what comes before the control plane is asked for", last(cluster))
	step("AWS: control plane", cluster.there(journal, t))
	step("until that is seen and the last node group is asked for", last(nodeGroups))
	step("AWS: node groups", nodeGroups.there(journal, t))
	step("until that is seen and the last add-on is asked for", last(deployments))
	step("AWS: add-ons", deployments.there(journal, t))
	step("until that is seen, and controllers and application run", begin.Add(wall))
	return b.String()
}
