package cluster

import (
	"errors"
	"fmt"
	"slices"
)

// check returns all mistakes in the arguments that would fail only after the ten minutes that a control plane takes.
func check(name string, args *Args) error {
	problems := []error{checkName(name)}
	seen := map[string]bool{}
	for _, g := range args.NodeGroups {
		problems = append(problems, checkGroup(g))
		if seen[g.Name] {
			problems = append(problems, fmt.Errorf("two node groups are named %q", g.Name))
		}
		seen[g.Name] = true
	}
	if !slices.ContainsFunc(args.NodeGroups, takesAnyPod) {
		// CoreDNS would wait for a node until the timeout of `up`. The autoscaler, which could add a node, waits for CoreDNS.
		problems = append(problems, errors.New("no node group starts with a node that takes any pod: one must have desired of 1 or more and no taint that keeps pods off"))
	}
	return errors.Join(problems...)
}

// takesAnyPod says whether a group starts with nodes on which a pod without tolerations can run.
func takesAnyPod(g NodeGroup) bool {
	keepsOff := func(t Taint) bool { return t.Effect != "PreferNoSchedule" }
	return g.Desired > 0 && !slices.ContainsFunc(g.Taints, keepsOff)
}
