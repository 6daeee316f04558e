package program

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/utils/ptr"

	"tfserving/internal/mockengine"
)

// platformObjects are the Kubernetes objects that are not the application's.
func (g *graph) platformObjects() []*registered {
	app := g.application().resources
	return slices.DeleteFunc(g.kubernetesObjects(), func(r *registered) bool { return slices.Contains(app, r) })
}

func TestEveryObjectOfThePlatformCarriesTheFiveLabels(t *testing.T) {
	// Components of the label by the component that makes the object; the autoscaler makes its headroom, too.
	components := map[string][]string{
		"tfserving:autoscaler:Autoscaler":   {"cluster-autoscaler", "headroom"},
		"tfserving:loadbalancer:Controller": {"load-balancer-controller"},
	}
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.platformObjects() {
			carrying := map[string]map[string]string{"": r.meta.GetLabels()}
			if d, ok := as[*appsv1.Deployment](r); ok {
				carrying["'s pods"] = d.Spec.Template.Labels
			}
			for of, labels := range carrying {
				parent := g.byURN[r.RegisterRPC.GetParent()]
				if parent == nil || !slices.Contains(components[parent.TypeToken], labels["app.kubernetes.io/component"]) {
					t.Errorf("%s%s: label app.kubernetes.io/component is %q", r, of, labels["app.kubernetes.io/component"])
				}
				for key, want := range map[string]string{"part-of": "tfserving", "managed-by": "pulumi", "instance": "tfserving-" + g.stack} {
					if got := labels["app.kubernetes.io/"+key]; got != want {
						t.Errorf("%s%s: label app.kubernetes.io/%s is %q, want %q", r, of, key, got, want)
					}
				}
				if labels["app.kubernetes.io/name"] == "" {
					t.Errorf("%s%s: label app.kubernetes.io/name is missing", r, of)
				}
			}
		}
		// Of the chart's own objects, those labels that Helm does not set itself.
		for _, key := range []string{"additionalLabels", "podLabels"} {
			got := tagsOf(g.release(t).input("values", key))
			if got["app.kubernetes.io/part-of"] != "tfserving" || got["app.kubernetes.io/component"] != "load-balancer-controller" {
				t.Errorf("the chart's %s are %v", key, got)
			}
		}
	})
}

func TestPodsOfThePlatformAreFitForRestricted(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.platformObjects() {
			d, ok := as[*appsv1.Deployment](r)
			if !ok {
				continue
			}
			if why := refused(t, d, podsecurity.LevelRestricted); why != "" {
				t.Errorf("%s is not fit for restricted: %s", d.Name, why)
			}
			c := container(t, d)
			if !ptr.Deref(c.SecurityContext.ReadOnlyRootFilesystem, false) || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s can write to its root, or is without bounds", d.Name)
			}
			if token := ptr.Deref(d.Spec.Template.Spec.AutomountServiceAccountToken, true); token != (d.Name == "cluster-autoscaler") {
				t.Errorf("%s mounts a token of the Kubernetes API: %t", d.Name, token)
			}
		}
	})
}

func TestTheAutoscalerScalesThisClusterAndIsOfItsVersion(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		d := find[*appsv1.Deployment](t, g, "cluster-autoscaler")
		c := container(t, d)
		flags := flagsOf(t, c)
		if want := "asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/tfserving-" + g.stack; flags["--node-group-auto-discovery"] != want {
			t.Errorf("it looks for groups by %q, want %q", flags["--node-group-auto-discovery"], want)
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
			t.Errorf("its image is %s, and the cluster of version %s", c.Image, g.settings.Cluster.Version)
		}
		if set := g.settings.Autoscaler.Image; set != "" && c.Image != set {
			t.Errorf("its image is %s, want %s", c.Image, set)
		}
		if d.Spec.Template.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] != "false" || d.Spec.Template.Spec.PriorityClassName != "system-cluster-critical" {
			t.Errorf("it may move itself, or gives way to others")
		}
		budget := find[*policyv1.PodDisruptionBudget](t, g, "cluster-autoscaler")
		if m := budget.Spec.MaxUnavailable; m == nil || m.IntVal < 1 {
			t.Errorf("its node can never be drained: %v", budget.Spec)
		}
		if env := environment(d); env["AWS_REGION"] != g.settings.Region {
			t.Errorf("it is told %v, and the region is %s", env, g.settings.Region)
		}
		account := c.Name
		association := g.registered(t, "aws:eks/podIdentityAssociation:PodIdentityAssociation", "tfserving-"+g.stack+"-cluster-autoscaler")
		if d.Spec.Template.Spec.ServiceAccountName != association.text("serviceAccount") || d.Namespace != association.text("namespace") {
			t.Errorf("%s runs as %s/%s, and the role is handed to %s/%s", account, d.Namespace, d.Spec.Template.Spec.ServiceAccountName, association.text("namespace"), association.text("serviceAccount"))
		}
	})
}

func TestHeadroomGivesWayToEverything(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		want := g.settings.Autoscaler.Headroom
		var rooms []*appsv1.Deployment
		for _, d := range objects[*appsv1.Deployment](g) {
			if d.Labels["app.kubernetes.io/component"] == "headroom" {
				rooms = append(rooms, d)
			}
		}
		if (len(rooms) == 1) != (want.Pods > 0) || len(rooms) > 1 {
			t.Fatalf("there are %d Deployments of headroom, and %d pods are asked for", len(rooms), want.Pods)
		}
		if len(rooms) == 0 {
			return
		}
		pod := rooms[0].Spec.Template
		if ptr.Deref(rooms[0].Spec.Replicas, 1) != int32(want.Pods) {
			t.Errorf("it keeps %d pods' room, want %d", ptr.Deref(rooms[0].Spec.Replicas, 1), want.Pods)
		}
		requests := container(t, rooms[0]).Resources.Requests
		if requests.Cpu().String() != string(want.Resources.CPU) || requests.Memory().String() != string(want.Resources.Memory) {
			t.Errorf("each pod keeps %v, want %v", requests, want.Resources)
		}
		class := find[*schedulingv1.PriorityClass](t, g, pod.Spec.PriorityClassName)
		// Below -10 the autoscaler adds no node for a pod (--expendable-pods-priority-cutoff).
		if class.Value >= 0 || class.Value < -10 || ptr.Deref(class.PreemptionPolicy, corev1.PreemptLowerPriority) != corev1.PreemptNever || class.GlobalDefault {
			t.Errorf("its priority is %+v, want from -10 to -1 and never to take another's place", class)
		}
		if pod.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] != "true" {
			t.Errorf("it keeps a node from being taken away")
		}
	})
}

func TestPodsAreReadyOnlyWhenTheLoadBalancerFindsThemSo(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		ns := find[*corev1.Namespace](t, g, g.settings.Namespace)
		if got := ns.Labels["elbv2.k8s.aws/pod-readiness-gate-inject"]; got != "enabled" {
			t.Errorf("the namespace's label of readiness gates is %q, want enabled", got)
		}
	})
}

func TestTheControllerServesTheClassThatTheIngressNames(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		class := objects[*networkingv1.IngressClass](g)
		if len(class) != 1 || class[0].Spec.Controller != "ingress.k8s.aws/alb" {
			t.Fatalf("Ingress classes are %v, want the controller's one", class)
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			if *in.Spec.IngressClassName != class[0].Name {
				t.Errorf("Ingress %s is of class %s, want %s", in.Name, *in.Spec.IngressClassName, class[0].Name)
			}
		}
		release, c := g.release(t), g.settings.LoadBalancerController
		for key, want := range map[string]string{
			"clusterName": "tfserving-" + g.stack, "region": g.settings.Region, "vpcId": "vpc/tfserving-" + g.stack, "ingressClass": class[0].Name,
		} {
			if got := release.text("values", key); got != want {
				t.Errorf("the controller's %s is %q, want %q", key, got, want)
			}
		}
		if release.text("chart") != c.Chart || release.text("repositoryOpts", "repo") != c.Repository || c.Repository != "" && release.text("version") != c.Version {
			t.Errorf("the chart is %s %s of %s, want %+v", release.text("chart"), release.text("version"), release.text("repositoryOpts", "repo"), c)
		}
		association := g.registered(t, "aws:eks/podIdentityAssociation:PodIdentityAssociation", "tfserving-"+g.stack+"-aws-load-balancer-controller")
		if release.text("values", "serviceAccount", "name") != association.text("serviceAccount") || release.text("namespace") != association.text("namespace") {
			t.Errorf("the controller runs as %s, and its role is handed to %s", release.text("values", "serviceAccount", "name"), association.text("serviceAccount"))
		}
	})
}

func TestImagesAreRunFromTheStacksRepositories(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		made := map[string]bool{}
		for _, r := range g.ofType("aws:ecr/repository:Repository") {
			made[mockengine.Account+".dkr.ecr."+g.settings.Region+".amazonaws.com/"+r.text("name")] = false
		}
		for _, d := range objects[*appsv1.Deployment](g.application()) {
			set := g.settings.Model.Image
			if d.Name == "gateway" {
				set = g.settings.Gateway.Image
			}
			image := container(t, d).Image
			if want := g.imageOf(set); image != want {
				t.Errorf("%s runs %s, want %s", d.Name, image, want)
			}
			repository := image[:strings.LastIndex(image, ":")]
			if _, ours := made[repository]; ours == (image == set) {
				t.Errorf("%s runs %s, and the stack's repositories are %v", d.Name, image, made)
			} else if ours {
				made[repository] = true
			}
		}
		for repository, used := range made {
			if !used {
				t.Errorf("nothing is run from %s", repository)
			}
		}
	})
}
