package program

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"k8s.io/utils/ptr"

	"tfserving/internal/mockengine"
)

// refused says why Pod Security admission refuses a Deployment's pods at a level, or nothing.
func refused(t *testing.T, d *appsv1.Deployment, level podsecurity.Level) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pod := d.Spec.Template
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(
		podsecurity.LevelVersion{Level: level, Version: podsecurity.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}

func TestPodSecurityIsRestrictedUnlessAPodRunsAsRoot(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		users := map[bool]int{true: g.settings.Gateway.RunAsUser, false: g.settings.Model.RunAsUser}
		enforced := podsecurity.LevelRestricted
		if users[true] == 0 || users[false] == 0 {
			enforced = podsecurity.LevelBaseline
		}
		got := find[*corev1.Namespace](t, g, g.settings.Namespace).Labels
		for label, want := range map[string]podsecurity.Level{
			podsecurity.EnforceLevelLabel: enforced, podsecurity.WarnLevelLabel: podsecurity.LevelRestricted, podsecurity.AuditLevelLabel: podsecurity.LevelRestricted,
		} {
			if got[label] != string(want) {
				t.Errorf("the namespace's %s is %q, want %q", label, got[label], want)
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if why := refused(t, d, enforced); why != "" {
				t.Errorf("%s: the namespace enforces %s and would refuse its pods: %s", d.Name, enforced, why)
			}
			user := users[d.Name == "gateway"]
			if why := refused(t, d, podsecurity.LevelRestricted); user != 0 && why != "" {
				t.Errorf("%s does not run as root and is not fit for restricted: %s", d.Name, why)
			}
			if s := d.Spec.Template.Spec.SecurityContext; ptr.Deref(s.RunAsUser, -1) != int64(user) || ptr.Deref(s.RunAsNonRoot, false) != (user != 0) {
				t.Errorf("%s runs as %+v, want user %d", d.Name, s, user)
			}
		}
	})
}

// What Pod Security has no check for.
func TestContainersCanChangeNothingAndHoldNoToken(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			pod := d.Spec.Template.Spec
			if ptr.Deref(pod.AutomountServiceAccountToken, true) {
				t.Errorf("%s mounts a token of the Kubernetes API, which it never calls", d.Name)
			}
			account := find[*corev1.ServiceAccount](t, g, pod.ServiceAccountName)
			if account.Name != d.Name || ptr.Deref(account.AutomountServiceAccountToken, true) {
				t.Errorf("%s runs as ServiceAccount %s, want one of its own that mounts no token", d.Name, account.Name)
			}
			if ptr.Deref(pod.EnableServiceLinks, true) {
				t.Errorf("%s gets an environment variable for every Service", d.Name)
			}
			s := container(t, d).SecurityContext
			if !ptr.Deref(s.ReadOnlyRootFilesystem, false) {
				t.Errorf("%s can write to its root", d.Name)
			}
			// Held for root too, where Pod Security level baseline asks for less.
			if ptr.Deref(s.AllowPrivilegeEscalation, true) || ptr.Deref(s.Privileged, false) || len(s.Capabilities.Add) > 0 || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
				t.Errorf("%s has rights beyond its user's: %+v", d.Name, s)
			}
			if pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s has seccomp profile %s, want RuntimeDefault", d.Name, pod.SecurityContext.SeccompProfile.Type)
			}
			for _, v := range pod.Volumes {
				if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
					t.Errorf("%s can fill its node's disk through volume %s", d.Name, v.Name)
				}
			}
			if len(pod.NodeSelector) > 0 || pod.NodeName != "" {
				t.Errorf("%s is bound to nodes by name or label", d.Name)
			}
		}
	})
}

// secretShaped matches texts that are credentials by their shape: private keys, AWS access keys, JSON Web Tokens.
var secretShaped = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w-]+\.[\w-]+\.`)

// secretNamed matches names of fields and variables that hold credentials; secretName names a Secret and holds none.
var secretNamed = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|credential)`)

func TestNoSecretIsInPlainSight(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			if r.object != nil {
				if kind := r.object.GetObjectKind().GroupVersionKind().Kind; kind == "Secret" || strings.HasSuffix(kind, "List") {
					t.Errorf("%s is a %s", r, kind)
				}
			}
			if r.TypeToken == "pulumi:providers:kubernetes" && !r.Inputs["kubeconfig"].IsSecret() {
				t.Errorf("the provider's kubeconfig is not a secret: it would stand in the state in plain")
			}
			plain(resource.NewProperty(r.Inputs), "", func(name, text string) {
				if strings.Contains(text, mockengine.SentinelToken) || secretShaped.MatchString(text) || secretNamed.MatchString(name) && name != "secretName" && text != "" {
					t.Errorf("%s holds a secret in plain at %q", r, name)
				}
			})
		}
	})
}

// plain visits every text of a value that is not secret, with the name of the field or variable that holds it.
func plain(v resource.PropertyValue, name string, visit func(name, text string)) {
	switch {
	case v.IsString():
		visit(name, v.StringValue())
	case v.IsArray():
		for _, e := range v.ArrayValue() {
			plain(e, name, visit)
		}
	case v.IsObject():
		o := v.ObjectValue()
		if o["name"].IsString() && o["value"].IsString() { // an environment variable
			name = o["name"].StringValue()
			visit(name, o["value"].StringValue())
			return
		}
		for key, value := range o {
			plain(value, string(key), visit)
		}
	}
}
