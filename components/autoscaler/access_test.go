package autoscaler

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"tfserving/catalog"
	"tfserving/internal/mockengine"
)

func TestTheAutoscalersRightsAreNamedInFullAndIncludeNoSecrets(t *testing.T) {
	engine := deploy(t, Args{})
	rules := append(mockengine.ObjectOf[*rbacv1.ClusterRole](t, engine, cluster).Rules, mockengine.ObjectOf[*rbacv1.Role](t, engine, cluster).Rules...)
	if len(rules) < 10 {
		t.Fatalf("there are only %d rules", len(rules))
	}
	for _, r := range rules {
		for _, word := range slices.Concat(r.APIGroups, r.Resources, r.Verbs) {
			if slices.Contains([]string{"*", "secrets", "escalate", "bind", "impersonate", "serviceaccounts/token", "pods/exec", "delete"}, word) {
				t.Errorf("rule %v contains %q", r, word)
			}
		}
	}
}

func TestTheAutoscalerTaintsNodesEvictsPodsAndChangesNothingElseInTheCluster(t *testing.T) {
	changes := map[string][]string{"nodes": {"update"}, "pods/eviction": {"create"}, "events": {"create", "patch"}}
	for _, r := range mockengine.ObjectOf[*rbacv1.ClusterRole](t, deploy(t, Args{}), cluster).Rules {
		for _, resource := range r.Resources {
			for _, verb := range r.Verbs {
				if !slices.Contains(readVerbs, verb) && !slices.Contains(changes[resource], verb) {
					t.Errorf("the autoscaler may %s %s", verb, resource)
				}
			}
		}
	}
}

// The scheduler inside the autoscaler watches these before its first loop. Without the right to one, it never starts.
func TestTheAutoscalerReadsWhatItsSchedulerWatches(t *testing.T) {
	readable := map[string]bool{}
	for _, r := range mockengine.ObjectOf[*rbacv1.ClusterRole](t, deploy(t, Args{}), cluster).Rules {
		for _, resource := range r.Resources {
			readable[r.APIGroups[0]+"/"+resource] = slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
		}
	}
	for _, want := range []string{
		"/nodes", "/pods", "/namespaces", "/services", "/replicationcontrollers", "/persistentvolumes", "/persistentvolumeclaims",
		"apps/daemonsets", "apps/replicasets", "apps/statefulsets", "batch/jobs", "policy/poddisruptionbudgets",
		"storage.k8s.io/csidrivers", "storage.k8s.io/csinodes", "storage.k8s.io/csistoragecapacities", "storage.k8s.io/storageclasses", "storage.k8s.io/volumeattachments",
		"resource.k8s.io/deviceclasses", "resource.k8s.io/resourceclaims", "resource.k8s.io/resourceslices",
	} {
		if !readable[want] {
			t.Errorf("the autoscaler may not list and watch %s", want)
		}
	}
}

func TestTheAutoscalerChangesOnlyItsLeaseAndItsStatusInItsNamespace(t *testing.T) {
	engine := deploy(t, Args{})
	role := mockengine.ObjectOf[*rbacv1.Role](t, engine, cluster)
	if role.Namespace != catalog.SystemNamespace {
		t.Errorf("the role is in namespace %s", role.Namespace)
	}
	own := map[string]string{"leases": "cluster-autoscaler", "configmaps": "cluster-autoscaler-status"}
	for _, r := range role.Rules {
		if slices.Equal(r.Verbs, []string{"create"}) || slices.Equal(r.Resources, []string{"configmaps"}) && slices.Equal(r.Verbs, []string{"create", "list", "watch"}) {
			continue
		}
		if len(r.Resources) != 1 || !slices.Equal(r.ResourceNames, []string{own[r.Resources[0]]}) {
			t.Errorf("the autoscaler may %v %v named %v", r.Verbs, r.Resources, r.ResourceNames)
		}
	}
}

func TestThePodsServiceAccountHasTheRightsAndTheAWSRole(t *testing.T) {
	engine := deploy(t, Args{})
	account := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster).Spec.Template.Spec.ServiceAccountName
	want := rbacv1.Subject{Kind: "ServiceAccount", Name: account, Namespace: catalog.SystemNamespace}
	clusterBinding, binding := mockengine.ObjectOf[*rbacv1.ClusterRoleBinding](t, engine, cluster), mockengine.ObjectOf[*rbacv1.RoleBinding](t, engine, cluster)
	for name, subjects := range map[string][]rbacv1.Subject{"ClusterRoleBinding": clusterBinding.Subjects, "RoleBinding": binding.Subjects} {
		if !slices.Equal(subjects, []rbacv1.Subject{want}) {
			t.Errorf("%s grants its rights to %v, want %v", name, subjects, want)
		}
	}
	if clusterBinding.RoleRef.Kind != "ClusterRole" || clusterBinding.RoleRef.Name != mockengine.ObjectOf[*rbacv1.ClusterRole](t, engine, cluster).Name {
		t.Errorf("the ClusterRoleBinding grants %v", clusterBinding.RoleRef)
	}
	if binding.RoleRef.Kind != "Role" || binding.RoleRef.Name != mockengine.ObjectOf[*rbacv1.Role](t, engine, cluster).Name {
		t.Errorf("the RoleBinding grants %v", binding.RoleRef)
	}
	association := engine.Get(t, associationType, roleName).Inputs
	if association["serviceAccount"].StringValue() != account || association["namespace"].StringValue() != catalog.SystemNamespace {
		t.Errorf("the AWS role is for %v/%v, and the pod runs as %s/%s", association["namespace"], association["serviceAccount"], catalog.SystemNamespace, account)
	}
}
