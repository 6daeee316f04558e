package recordings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tfserving/rehearsal/emulator"
)

const (
	// engineLag is what engine, plugins and a busy machine may take from the end of one step to the call that begins the next.
	engineLag = 15 * time.Second
	// pollLag is the longest time that HashiCorp's AWS provider waits between two looks at something that AWS is making
	// (its retry.StateChangeConf: twice as long each time, up to 10 s).
	pollLag = 10 * time.Second
)

// awsCall selects calls by their action and, if parameters is not empty, by a text that one of their parameters contains.
type awsCall struct {
	action     string
	parameters []string
}

func (c awsCall) String() string {
	return strings.TrimSpace(c.action + " " + strings.Join(c.parameters, ", "))
}

// in returns the calls of a journal that c selects and that succeeded.
func (c awsCall) in(journal []emulator.Event) (all []emulator.Event) {
	for _, e := range journal {
		if e.Action == c.action && e.Status == 200 && (c.parameters == nil || c.matchesParameters(e)) {
			all = append(all, e)
		}
	}
	return all
}

func (c awsCall) matchesParameters(e emulator.Event) bool {
	for _, value := range e.Params {
		if slices.ContainsFunc(c.parameters, func(text string) bool { return strings.Contains(value, text) }) {
			return true
		}
	}
	return false
}

// Add-ons that run on every node are active before there is a node; add-ons that are Deployments need a node.
var (
	daemonAddons     = []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
	deploymentAddons = []string{"coredns", "metrics-server"}
)

var (
	cluster     = awsCall{action: "CreateCluster"}
	nodeGroups  = awsCall{action: "CreateNodegroup"}
	nat         = awsCall{action: "CreateNatGateway"}
	daemons     = awsCall{"CreateAddon", daemonAddons}
	deployments = awsCall{"CreateAddon", deploymentAddons}
	// Roles, by their descriptions. This program makes ownRoles, pulumi-eks the control plane's.
	ownRoles    = awsCall{"CreateRole", []string{"of EKS cluster", "in EKS cluster"}}
	controlRole = awsCall{"CreateRole", []string{"Allows EKS to manage clusters"}}
)

// needs lists for each call the calls whose results AWS requires before it. A call without needs can come at once.
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
	// AWS requires nothing before this role. But pulumi-eks makes it, and the engine starts pulumi-eks's component when all
	// inputs of the component are known.
	{controlRole, []awsCall{{action: "CreateSubnet"}, {action: "CreateKey"}}},
	{nat, []awsCall{{action: "CreateSubnet"}, {action: "AllocateAddress"}, {action: "AttachInternetGateway"}}},
	{cluster, []awsCall{{action: "CreateSubnet"}, {action: "CreateKey"}, {action: "CreateLogGroup"}, controlRole}},
	{daemons, []awsCall{cluster}},
	{awsCall{action: "CreatePodIdentityAssociation"}, []awsCall{cluster}},
	{nodeGroups, []awsCall{cluster, nat}},
	{deployments, []awsCall{nodeGroups}},
}

// awsTimeOfAction is how long AWS works on after its answer to a call.
func awsTimeOfAction(action string, t emulator.Times) time.Duration {
	return map[string]time.Duration{"CreateCluster": t.Cluster, "CreateNodegroup": t.NodeGroup, "CreateAddon": t.Addon, "CreateNatGateway": t.NAT}[action]
}

// readyAt is when AWS has finished all that the calls asked for; the zero time if no such call was made.
func (c awsCall) readyAt(journal []emulator.Event, t emulator.Times) (last time.Time) {
	for _, e := range c.in(journal) {
		if at := e.Time.Add(e.Duration + awsTimeOfAction(e.Action, t)); at.After(last) {
			last = at
		}
	}
	return last
}

// LateCalls names the calls that came later than their needs allow, and the calls that are missing.
func LateCalls(journal []emulator.Event, begin time.Time, t emulator.Times) (late []string) {
	for _, n := range needs {
		calls := n.call.in(journal)
		if len(calls) == 0 {
			late = append(late, fmt.Sprintf("%s was never called", n.call))
		}
		ready, allowed := begin, engineLag
		for _, needed := range n.needs {
			if at := needed.readyAt(journal, t); at.After(ready) {
				ready = at
			}
			if awsTimeOfAction(needed.action, t) > 0 {
				allowed = engineLag + pollLag
			}
		}
		for _, e := range calls {
			if waited := e.Time.Sub(ready); waited > allowed {
				late = append(late, fmt.Sprintf("%s came %.1f s after everything it needs was ready; at most %.0f s is allowed", n.call, waited.Seconds(), allowed.Seconds()))
			}
		}
	}
	return late
}

// LongestChain lists the steps of the longest chain, and for each how long it took.
func LongestChain(journal []emulator.Event, begin, updateBegins time.Time, wall time.Duration, t emulator.Times) string {
	var b strings.Builder
	b.WriteString("on the longest chain, s:")
	at := begin
	step := func(name string, until time.Time) {
		fmt.Fprintf(&b, "\n%8.1f  %s", until.Sub(at).Seconds(), name)
		at = until
	}
	last := func(c awsCall) (at time.Time) {
		for _, e := range c.in(journal) {
			if e.Time.After(at) {
				at = e.Time
			}
		}
		return at
	}
	step("command and preview", updateBegins)
	step("until the request for the control plane", last(cluster))
	step("AWS: control plane", cluster.readyAt(journal, t))
	step("until the request for the last node group", last(nodeGroups))
	step("AWS: node groups", nodeGroups.readyAt(journal, t))
	step("until the request for the last add-on", last(deployments))
	step("AWS: add-ons", deployments.readyAt(journal, t))
	step("until controllers and application run", begin.Add(wall))
	return b.String()
}
