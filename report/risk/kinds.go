package risk

// The names of the kinds of risk, as reports show them.
const (
	stateIsLost          = "state is lost"
	trafficIsInterrupted = "traffic is interrupted"
	nodesEnd             = "nodes end"
	accessIsOpened       = "a door is opened"
	accessIsGiven        = "access is given"
	protectionIsRemoved  = "a protection is removed"
	accessIsTakenAway    = "access is taken away"
	awsMayRefuse         = "AWS may refuse it"
	wayBackIsShort       = "the way back is short"
)

// Kinds returns the kinds of risk in the order of a report. What nobody can undo comes first.
func Kinds() []Kind {
	return []Kind{
		{stateIsLost, "a " + nouns(stateIsLost) + " is replaced or deleted"},
		{trafficIsInterrupted, "a " + nouns(trafficIsInterrupted) + " is replaced or deleted"},
		{nodesEnd, "a node group is replaced or deleted; its launch template, its Kubernetes version or its image release changes; its `minSize` or `maxSize` is lowered"},
		{accessIsOpened, "the Kubernetes endpoint, a security group, a load balancer or a NetworkPolicy lets through addresses, prefix lists, pods, protocols or ports that it did not before; the public endpoint is switched on; a load balancer becomes internet-facing; a NetworkPolicy is deleted, loses an exception or a direction, or selects fewer pods"},
		{accessIsGiven, "a " + nouns(accessIsGiven) + " is new, or allows more than it did or something else; not so with a cluster, a role or a namespace that is new itself, nor in a stack that is"},
		{protectionIsRemoved, "`protect`, `retainOnDelete` or deletion protection is switched off; encryption, a key of the stack's own, key rotation, image scanning, immutable tags, session tokens of nodes or the private Kubernetes endpoint are switched off; a retention or deletion window is shortened; a log of the control plane is switched off; a Pod Security level is lowered; a " + nouns(protectionIsRemoved) + " is deleted"},
		{accessIsTakenAway, "a " + nouns(accessIsTakenAway) + " is replaced or deleted, and the cluster stays"},
		{awsMayRefuse, "the control plane's subnets change, or its Kubernetes version goes back"},
		{wayBackIsShort, "the control plane's Kubernetes version rises"},
	}
}
