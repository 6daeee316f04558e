package config

import (
	"strings"
	"testing"
	"time"
)

func TestScalingRules(t *testing.T) {
	runRules(t, []rule{
		{"a gateway without a limit may aim at all of its request", set("tfserving:gateway.targetCPU", 100), ""},
		{"a limit is not below the request", set("tfserving:gateway.cpuLimit", 99), `tfserving:gateway.cpuLimit is 99 % of the request; Kubernetes refuses a limit below the request, so it must be 0, which sets none, or at least 100`},
		{"a reading can reach what adds pods", []change{{"tfserving:model.cpuLimit", 100}, {"tfserving:model.targetCPU", 90}}, ""},
		{"no reading reaches what adds pods", []change{{"tfserving:model.cpuLimit", 100}, {"tfserving:model.targetCPU", 91}}, `tfserving:model.targetCPU is 91: with a tolerance of 10 % the autoscaler adds pods above 100 % of the request, and a pod uses at most 100 % (cpuLimit); lower it, or raise model.cpuLimit`},
		{"a tolerance counts", []change{{"tfserving:model.cpuLimit", 100}, {"tfserving:model.scaling.up.tolerance", 50}}, `tfserving:model.targetCPU is 70: with a tolerance of 50 % the autoscaler adds pods above 105 % of the request, and a pod uses at most 100 % (cpuLimit); lower it, or raise model.cpuLimit`},
		{"a fixed number of pods needs no reading", []change{{"tfserving:model.cpuLimit", 100}, {"tfserving:model.targetCPU", 100}, {"tfserving:model.replicas", map[string]int{"min": 3, "max": 3}}}, ""},
		{"a tolerance is a share of the target", set("tfserving:gateway.scaling.up.tolerance", 1001), `tfserving:gateway.scaling.up.tolerance is 1001; it must be from 0 to 1000`},
		{"a new cluster has a tolerance of its own", onEKS(change{"tfserving:gateway.scaling.up.tolerance", 50}), ""},
		{"an old cluster has not", onEKS(change{"tfserving:cluster.version", "1.34"}, change{"tfserving:gateway.scaling.up.tolerance", 50}), `tfserving:gateway.scaling.up.tolerance is 50; Kubernetes 1.34 ignores it: it must be 10 before 1.35`},
	})
}

func TestPodsThatCannotBeAddedDuringARolloutHaveAWarning(t *testing.T) {
	replicas := func(least, most int) change {
		return change{"tfserving:gateway.replicas", map[string]int{"min": least, "max": most}}
	}
	warning := "tfserving:gateway cannot get more pods while a rollout waits for its new ones: "
	for name, test := range map[string]struct {
		changes []change
		warning string
	}{
		"the defaults": {nil, ""},
		// 2 pods at 100 % and 1 at 0 % read 66 %.
		"a limit at the request":               {set("tfserving:gateway.cpuLimit", 100), warning + "2 pods use at most 100 % of their request each, the rollout's 1 count as 0 %, so the reading is at most 66 %, and the autoscaler adds pods above 77 %; raise"},
		"and a lower target":                   {[]change{{"tfserving:gateway.cpuLimit", 100}, {"tfserving:gateway.targetCPU", 59}}, ""},
		"a limit that is just high enough":     {set("tfserving:gateway.cpuLimit", 117), ""},
		"a limit that is just too low":         {set("tfserving:gateway.cpuLimit", 116), warning},
		"more pods, of which 5 have a surge 2": {[]change{{"tfserving:gateway.cpuLimit", 105}, replicas(3, 9)}, warning + "5 pods use at most 105 % of their request each, the rollout's 2 count as 0 %"},
		"a fixed number of pods":               {[]change{{"tfserving:gateway.cpuLimit", 100}, replicas(2, 2)}, ""},
		// A node of m6i.large has 1780m for pods.
		"nodes not larger than a pod": {onEKS(change{"tfserving:gateway.resources.cpu", "1700m"}, replicas(2, 3), change{"tfserving:model.replicas.max", 2}), warning + "2 pods use at most 104 %"},
	} {
		got := decoded(t, test.changes...).Warnings(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
		if test.warning == "" && len(got) > 0 || test.warning != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.warning)) {
			t.Errorf("%s: warnings %q, want %q", name, got, test.warning)
		}
	}
}
