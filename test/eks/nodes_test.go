package eks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/catalog"
	"tfserving/internal/checkout"
	"tfserving/test/emulated"
)

// excludingBounds sets the bounds of the first node group so that they exclude the number of its nodes: first min above it, then
// max below it. EKS refuses such bounds together with the number.
func excludingBounds(t *testing.T, r *rehearsal) {
	restore := r.Keep(r.file())
	defer restore()
	r.Edit(r.file(), "monthlyBudget", nil)                     // more nodes may exceed it
	r.Edit(r.file(), "autoscaler.scaleDownUnneededTime", "1h") // nothing but the bounds removes a node, and moves its pods
	first := r.settings.NodeGroups[0]
	for _, bounds := range []struct{ min, max, want int }{
		{first.Max, first.Max, first.Max},
		{first.Min, first.Max - 1, first.Max - 1},
	} {
		before := len(r.aws.Journal())
		r.setBounds(bounds.min, bounds.max)
		if bounds.min == first.Min { // this once: an up takes minutes
			r.Edit(r.file(), "schedule", map[string]any{"from": "07:00", "to": "19:30", "timeZone": "Europe/Berlin"})
		}
		r.up()
		var sent []int
		for _, e := range r.aws.Journal()[before:] {
			var scaling struct{ DesiredSize int }
			if e.Action != "UpdateNodegroupConfig" || e.Params["scalingConfig"] == "" {
				continue
			}
			if err := json.Unmarshal([]byte(e.Params["scalingConfig"]), &scaling); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, scaling.DesiredSize)
		}
		if !slices.Equal(sent, []int{bounds.want}) {
			t.Errorf("bounds of %d to %d set the number of nodes to %v, want %d", bounds.min, bounds.max, sent, bounds.want)
		}
	}
	// The node that is too many ends after make up, as on EKS, and its pods count as ready until Kubernetes' garbage collection
	// finds that their node is gone, up to a minute later. Pulumi sends an update to a Deployment that lacks a pod.
	checkout.Eventually(t, "the node that is too many is gone, with its pods", func(ctx context.Context) error {
		nodes, err := r.admin().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if want := int(r.desired(t)); len(nodes.Items) != want {
			return fmt.Errorf("there are %d nodes, want %d", len(nodes.Items), want)
		}
		pods, err := r.admin().CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, p := range pods.Items {
			if p.Spec.NodeName != "" && !slices.ContainsFunc(nodes.Items, func(n corev1.Node) bool { return n.Name == p.Spec.NodeName }) {
				return fmt.Errorf("pod %s is on node %s, which is gone", p.Name, p.Spec.NodeName)
			}
		}
		return nil
	})
	r.isComplete(t)
	r.hasOffHours(t)
	if out := r.up(); checkout.Changes(out) != "" {
		t.Errorf("a second make up after new bounds changes something:\n%s", out)
	}
}

// hasOffHours fails the test unless each group's minimum is lowered in the evening: to one node of the first group and none of the
// others. The emulation does not carry the actions out.
func (r *rehearsal) hasOffHours(t *testing.T) {
	t.Helper()
	found, err := autoscaling.NewFromConfig(emulated.Config(r.aws)).DescribeScheduledActions(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]string{}, map[string]string{}
	for _, a := range found.ScheduledUpdateGroupActions {
		got[*a.ScheduledActionName] = fmt.Sprint(*a.MinSize, " at ", *a.Recurrence, " in ", aws.ToString(a.TimeZone))
	}
	for i, g := range r.settings.NodeGroups {
		least := 0
		if i == 0 {
			least = 1
		}
		if g.Min > least {
			want[g.Name+"-stop"] = fmt.Sprint(least, " at 30 19 * * 1,2,3,4,5 in Europe/Berlin")
			want[g.Name+"-start"] = fmt.Sprint(g.Min, " at 0 7 * * 1,2,3,4,5 in Europe/Berlin")
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the scheduled actions are %v, want %v", got, want)
	}
}

// setBounds sets the bounds of the first node group.
func (r *rehearsal) setBounds(least, most int) {
	var groups []any
	for i, g := range r.settings.NodeGroups {
		if i == 0 {
			g.Min, g.Max, g.Desired = least, most, 0
		}
		groups = append(groups, map[string]any{"name": g.Name, "instanceTypes": g.InstanceTypes, "capacity": g.Capacity, "min": g.Min, "max": g.Max, "diskGiB": g.DiskGiB})
	}
	r.Edit(r.file(), "nodeGroups", groups)
}

// upgradeAndBack follows "Upgrade Kubernetes" and "Roll back" of docs/operations.md.
func upgradeAndBack(t *testing.T, r *rehearsal) {
	older, _ := catalog.FindRelease(r.older)
	if !time.Now().Before(older.StandardEnd()) {
		t.Skipf("NOT REHEARSED, the way back of an upgrade: Kubernetes %s is in extended support, so EKS does not go back to it under support policy STANDARD", r.older)
	}
	restore := r.Keep(r.file())
	defer restore()
	to := func(version, nodes string) {
		r.Edit(r.file(), "cluster.version", version)
		r.Edit(r.file(), "cluster.nodeVersion", nodes)
	}
	for _, step := range []struct{ version, nodes string }{
		{r.newer, r.older}, // the control plane first
		{r.older, r.older}, // and back, while the nodes stay
		{r.newer, r.newer}, // again, with the nodes
	} {
		to(step.version, step.nodes)
		r.up()
		r.wantVersions(t, step.version, step.nodes)
	}
	to(r.older, r.older)
	r.MakeFails([]string{"Rollback readiness insights", "kubelet version skew"}, "up", "STACK="+r.stack, "YES=1")
	for _, step := range []struct{ version, nodes string }{
		{r.newer, r.older}, // the nodes first
		{r.older, r.older}, // then the control plane
	} {
		to(step.version, step.nodes)
		r.up()
		r.wantVersions(t, step.version, step.nodes)
	}
}

// wantVersions fails the test unless the control plane has a version, and nodes and kube-proxy have another.
func (r *rehearsal) wantVersions(t *testing.T, version, nodes string) {
	t.Helper()
	client, name := eks.NewFromConfig(emulated.Config(r.aws)), aws.String(r.clusterName())
	cluster, err := client.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(cluster.Cluster.Version); got != version {
		t.Errorf("the control plane has version %s, want %s", got, version)
	}
	groups, err := client.ListNodegroups(t.Context(), &eks.ListNodegroupsInput{ClusterName: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups.Nodegroups {
		found, err := client.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: name, NodegroupName: &group})
		if err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(found.Nodegroup.Version); got != nodes {
			t.Errorf("node group %s has version %s, want %s", group, got, nodes)
		}
	}
	proxy, err := client.DescribeAddon(t.Context(), &eks.DescribeAddonInput{ClusterName: name, AddonName: aws.String("kube-proxy")})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(proxy.Addon.AddonVersion); !strings.HasPrefix(got, "v"+nodes+".") {
		t.Errorf("kube-proxy has version %s, want one of %s", got, nodes)
	}
}
