package cluster

import (
	"errors"
	"fmt"
	"slices"
)

// check says, all at once, what would fail only after the control plane's ten minutes.
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
		// The DNS would wait for a node until `up` gives up, and the autoscaler, which could bring one, would wait for it.
		problems = append(problems, errors.New("no node group starts with a node that takes any pod: one must have desired of 1 or more and no taint that keeps pods off"))
	}
	return errors.Join(problems...)
}

// takesAnyPod tells whether a group has nodes from the start that a pod without tolerations can run on.
func takesAnyPod(g NodeGroup) bool {
	keepsOff := func(t Taint) bool { return t.Effect != "PreferNoSchedule" }
	return g.Desired > 0 && !slices.ContainsFunc(g.Taints, keepsOff)
}
