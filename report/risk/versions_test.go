package risk

import (
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

// sentence returns the sentence of the risk of a kind in a preview of steps, or "".
func sentence(kind string, steps ...preview.Step) string {
	for _, r := range Of(&preview.Preview{Steps: steps}) {
		if r.Kind == kind {
			return r.What.String()
		}
	}
	return ""
}

func TestTheReportSaysWhetherNodesAreInTheWayOfARollback(t *testing.T) {
	version := func(v string) object { return object{"version": v} }
	up := stepOf(change, resource.EKSCluster, version("1.35"), version("1.36"))
	down := stepOf(change, resource.EKSCluster, version("1.36"), version("1.35"))
	for _, c := range []struct {
		name, kind string
		steps      []preview.Step
		has        string
		warns      bool
	}{
		{"up, and nodes stay", wayBackIsShort, []preview.Step{up, stepOf(preview.OpSame, resource.NodeGroup, version("1.35"), version("1.35"))}, "Nodes change with it", false},
		{"up, and nodes with it", wayBackIsShort, []preview.Step{up, stepOf(change, resource.NodeGroup, version("1.35"), version("1.36"))}, "Nodes change with it and must go back first", true},
		{"back, and nodes stayed", awsMayRefuse, []preview.Step{down, stepOf(preview.OpSame, resource.NodeGroup, version("1.35"), version("1.35"))}, "Nodes have", false},
		{"back, and nodes with it", awsMayRefuse, []preview.Step{down, stepOf(change, resource.NodeGroup, version("1.36"), version("1.35"))}, "Nodes have 1.36: set tfserving:cluster.nodeVersion to 1.35", true},
	} {
		if text := sentence(c.kind, c.steps...); text == "" || strings.Contains(text, c.has) != c.warns {
			t.Errorf("%s: the risk is %q, with %q: want %v", c.name, text, c.has, c.warns)
		}
	}
}

func TestTheReportSaysIfADrainMayTakeLongerThanEKSWaits(t *testing.T) {
	labels := object{"app": "model"}
	meta := object{"name": "model", "namespace": "tfserving"}
	// pods are unchanged objects of a Deployment of at most so many pods, each of which may take so many seconds to start.
	pods := func(most, start float64) []preview.Step {
		same := func(typ string, spec object) preview.Step {
			inputs := object{"metadata": meta, "spec": spec}
			return stepOf(preview.OpSame, typ, inputs, inputs)
		}
		return []preview.Step{
			same(resource.Deployment, object{"selector": object{"matchLabels": labels}, "template": object{"spec": object{
				"terminationGracePeriodSeconds": 60.0,
				"containers":                    []any{object{"startupProbe": object{"periodSeconds": 2.0, "failureThreshold": start / 2}}},
			}}}),
			same(podAutoscaler, object{"scaleTargetRef": object{"name": "model"}, "maxReplicas": most}),
			same(disruptionBudget, object{"maxUnavailable": 1.0, "selector": object{"matchLabels": labels}}),
		}
	}
	group := func(nodes float64) object {
		return object{"updateConfig": object{"maxUnavailablePercentage": 33.0}, "scalingConfig": object{"desiredSize": nodes}}
	}
	for _, c := range []struct {
		name               string
		most, start, nodes float64
		has                string
	}{
		{"12 pods of 4 minutes on 9 nodes", 12, 240, 9, "the update fails if a pod of Deployment model takes more than 3m30s to start (4 of at most 12 pods leave, 1 at a time)"},
		{"12 pods of 3 minutes on 9 nodes", 12, 180, 9, ""},
		{"4 pods of 5 minutes on 2 nodes", 4, 300, 2, ""},
		{"6 pods of 5 minutes on 2 nodes", 6, 300, 2, "more than 4m40s to start (3 of at most 6 pods leave, 1 at a time)"},
		{"6 pods of 5 minutes on 9 nodes", 6, 300, 9, ""},
	} {
		rolled := stepOf(change, resource.NodeGroup, group(c.nodes), group(c.nodes), preview.Change{Path: "version"})
		text := sentence(nodesEnd, append(pods(c.most, c.start), rolled)...)
		if warns := strings.Contains(text, "EKS waits 15 minutes"); warns != (c.has != "") || !strings.Contains(text, c.has) {
			t.Errorf("%s: the risk is %q, want one with %q", c.name, text, c.has)
		}
	}
}
