package program

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/utils/ptr"

	"tfserving/resource"
)

func TestClusterAutoscalerMatchesTheCluster(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		d := objectNamed[*appsv1.Deployment](t, g, "cluster-autoscaler")
		c := container(t, d)
		flags := flagsOf(t, c)
		if want := "asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/tfserving-" + g.stack; flags["--node-group-auto-discovery"] != want {
			t.Errorf("the autoscaler finds node groups by %q, want %q", flags["--node-group-auto-discovery"], want)
		}
		for flag, want := range map[string]string{
			"--scan-interval":              g.settings.Autoscaler.ScanInterval.String(),
			"--scale-down-unneeded-time":   g.settings.Autoscaler.ScaleDownUnneededTime.String(),
			"--scale-down-delay-after-add": g.settings.Autoscaler.ScaleDownDelayAfterAdd.String(),
		} {
			if flags[flag] != want {
				t.Errorf("%s is %s, want %s", flag, flags[flag], want)
			}
		}
		if _, tag, _ := strings.Cut(c.Image, ":v"); !strings.HasPrefix(tag, g.settings.Cluster.Version+".") {
			t.Errorf("the autoscaler's image is %s, but the cluster's version is %s", c.Image, g.settings.Cluster.Version)
		}
		if set := g.settings.Autoscaler.Image; set != "" && c.Image != set {
			t.Errorf("the autoscaler's image is %s, want %s", c.Image, set)
		}
		if d.Spec.Template.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] != "false" || d.Spec.Template.Spec.PriorityClassName != "system-cluster-critical" {
			t.Errorf("the autoscaler may evict its own pod, or other pods may preempt it")
		}
		budget := objectNamed[*policyv1.PodDisruptionBudget](t, g, "cluster-autoscaler")
		if m := budget.Spec.MaxUnavailable; m == nil || m.IntVal < 1 {
			t.Errorf("the autoscaler's node can never be drained: %v", budget.Spec)
		}
		if env := environment(d); env["AWS_REGION"] != g.settings.Region {
			t.Errorf("the autoscaler's environment is %v, but the region is %s", env, g.settings.Region)
		}
		association := g.resource(t, resource.PodIdentityAssociation, g.clusterName()+"-cluster-autoscaler")
		if d.Spec.Template.Spec.ServiceAccountName != association.text("serviceAccount") || d.Namespace != association.text("namespace") {
			t.Errorf("the autoscaler runs as %s/%s, but its role is associated with %s/%s", d.Namespace, d.Spec.Template.Spec.ServiceAccountName, association.text("namespace"), association.text("serviceAccount"))
		}
	})
}

func TestEveryPodMayReplaceHeadroom(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		want := g.settings.Autoscaler.Headroom
		var deployments []*appsv1.Deployment
		for _, d := range objects[*appsv1.Deployment](g) {
			if d.Labels["app.kubernetes.io/component"] == "headroom" {
				deployments = append(deployments, d)
			}
		}
		if (len(deployments) == 1) != (want.Pods > 0) || len(deployments) > 1 {
			t.Fatalf("there are %d Deployments of headroom, want one if headroom.pods is set; it is %d", len(deployments), want.Pods)
		}
		if len(deployments) == 0 {
			return
		}
		pod := deployments[0].Spec.Template
		if ptr.Deref(deployments[0].Spec.Replicas, 1) != int32(want.Pods) {
			t.Errorf("headroom has %d pods, want %d", ptr.Deref(deployments[0].Spec.Replicas, 1), want.Pods)
		}
		requests := container(t, deployments[0]).Resources.Requests
		if requests.Cpu().String() != string(want.Resources.CPU) || requests.Memory().String() != string(want.Resources.Memory) {
			t.Errorf("each pod of headroom requests %v, want %v", requests, want.Resources)
		}
		class := objectNamed[*schedulingv1.PriorityClass](t, g, pod.Spec.PriorityClassName)
		// For a pod with a priority below -10 the autoscaler adds no node (--expendable-pods-priority-cutoff).
		if class.Value >= 0 || class.Value < -10 || ptr.Deref(class.PreemptionPolicy, corev1.PreemptLowerPriority) != corev1.PreemptNever || class.GlobalDefault {
			t.Errorf("headroom has priority %+v, want -10 to -1 without preemption of others", class)
		}
		if pod.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] != "true" {
			t.Errorf("headroom stops the autoscaler from removing a node")
		}
	})
}
