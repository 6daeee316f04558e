package program

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	psapolicy "k8s.io/pod-security-admission/policy"
	"k8s.io/utils/ptr"
)

// podSecurityViolation returns why Pod Security admission rejects a Deployment's pods at a level, or "".
func podSecurityViolation(t *testing.T, d *appsv1.Deployment, level podsecurity.Level) string {
	t.Helper()
	evaluator, err := psapolicy.NewEvaluator(psapolicy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pod := d.Spec.Template
	result := psapolicy.AggregateCheckResults(evaluator.EvaluatePod(
		podsecurity.LevelVersion{Level: level, Version: podsecurity.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}

func TestPodSecurityIsRestrictedUnlessAPodRunsAsRoot(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		gatewayUser, modelUser := g.settings.Gateway.RunAsUser, g.settings.Model.RunAsUser
		enforced := podsecurity.LevelRestricted
		if gatewayUser == 0 || modelUser == 0 {
			enforced = podsecurity.LevelBaseline
		}
		got := objectNamed[*corev1.Namespace](t, g, g.settings.Namespace).Labels
		for label, want := range map[string]podsecurity.Level{
			podsecurity.EnforceLevelLabel: enforced, podsecurity.WarnLevelLabel: podsecurity.LevelRestricted, podsecurity.AuditLevelLabel: podsecurity.LevelRestricted,
		} {
			if got[label] != string(want) {
				t.Errorf("the namespace's %s is %q, want %q", label, got[label], want)
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if why := podSecurityViolation(t, d, enforced); why != "" {
				t.Errorf("%s: the namespace enforces level %s, which rejects its pods: %s", d.Name, enforced, why)
			}
			user := modelUser
			if d.Name == "gateway" {
				user = gatewayUser
			}
			if why := podSecurityViolation(t, d, podsecurity.LevelRestricted); user != 0 && why != "" {
				t.Errorf("%s does not run as root, but level restricted rejects its pods: %s", d.Name, why)
			}
			if s := d.Spec.Template.Spec.SecurityContext; ptr.Deref(s.RunAsUser, -1) != int64(user) || ptr.Deref(s.RunAsNonRoot, false) != (user != 0) {
				t.Errorf("%s runs as %+v, want user %d", d.Name, s, user)
			}
		}
	})
}

func TestPlatformPodsPassPodSecurityRestricted(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.platformObjects() {
			d, ok := r.object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			if why := podSecurityViolation(t, d, podsecurity.LevelRestricted); why != "" {
				t.Errorf("level restricted rejects the pods of %s: %s", d.Name, why)
			}
			c := container(t, d)
			if !ptr.Deref(c.SecurityContext.ReadOnlyRootFilesystem, false) || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s can write to its root file system, or has no CPU request or memory limit", d.Name)
			}
			if token := ptr.Deref(d.Spec.Template.Spec.AutomountServiceAccountToken, true); token != slices.Contains([]string{"cluster-autoscaler", "kube-state-metrics"}, d.Name) {
				t.Errorf("%s mounts a token of the Kubernetes API: %t", d.Name, token)
			}
		}
	})
}

// Pod Security has no check for most of these rules.
func TestContainersHaveAReadOnlyRootAndNoAPIToken(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		pod := d.Spec.Template.Spec
		if ptr.Deref(pod.AutomountServiceAccountToken, true) {
			t.Errorf("%s mounts a token of the Kubernetes API, but it never calls the API", d.Name)
		}
		account := objectNamed[*corev1.ServiceAccount](t, g, pod.ServiceAccountName)
		if account.Name != d.Name || ptr.Deref(account.AutomountServiceAccountToken, true) {
			t.Errorf("%s runs as ServiceAccount %s, want a ServiceAccount of its own that mounts no token", d.Name, account.Name)
		}
		if ptr.Deref(pod.EnableServiceLinks, true) {
			t.Errorf("%s gets an environment variable for every Service", d.Name)
		}
		s := container(t, d).SecurityContext
		if !ptr.Deref(s.ReadOnlyRootFilesystem, false) {
			t.Errorf("%s can write to its root file system", d.Name)
		}
		// This holds for pods that run as root too, for which Pod Security enforces only level baseline.
		if ptr.Deref(s.AllowPrivilegeEscalation, true) || ptr.Deref(s.Privileged, false) || len(s.Capabilities.Add) > 0 || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s has more privileges than its user: %+v", d.Name, s)
		}
		if pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s has seccomp profile %s, want RuntimeDefault", d.Name, pod.SecurityContext.SeccompProfile.Type)
		}
		for _, v := range pod.Volumes {
			if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
				t.Errorf("%s can fill its node's disk: volume %s has no size limit", d.Name, v.Name)
			}
		}
		if len(pod.NodeSelector) > 0 || pod.NodeName != "" {
			t.Errorf("%s runs only on nodes with a certain name or label", d.Name)
		}
	})
}

// Namespace kube-system has no Pod Security level, so only the cluster's own controllers belong there.
func TestOnlyTheClusterAutoscalerIsInKubeSystem(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			if inSystem := r.meta.GetNamespace() == "kube-system"; inSystem != (r.meta.GetLabels()["app.kubernetes.io/component"] == "cluster-autoscaler" && r.meta.GetNamespace() != "") {
				t.Errorf("%s is in namespace %q", r, r.meta.GetNamespace())
			}
		}
		for _, ns := range objects[*corev1.Namespace](g) {
			if ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
				t.Errorf("namespace %s does not enforce Pod Security level restricted", ns.Name)
			}
		}
	})
}
