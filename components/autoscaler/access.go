package autoscaler

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

const (
	// lease is the name of the Lease that the active autoscaler holds (the autoscaler's default).
	lease = "cluster-autoscaler"
	// status is the name of the ConfigMap to which the autoscaler writes its status (the autoscaler's default).
	status = "cluster-autoscaler-status"
)

// readVerbs are the verbs that change nothing.
var readVerbs = []string{"get", "list", "watch"}

func rule(group string, resources, verbs []string, names ...string) *rbacv1.PolicyRuleArgs {
	r := &rbacv1.PolicyRuleArgs{
		ApiGroups: pulumi.ToStringArray([]string{group}),
		Resources: pulumi.ToStringArray(resources),
		Verbs:     pulumi.ToStringArray(verbs),
	}
	if len(names) > 0 {
		r.ResourceNames = pulumi.ToStringArray(names)
	}
	return r
}

// clusterRules are the autoscaler's rights in the whole cluster: read what its scheduler needs, taint nodes, evict pods.
// They follow the example of its AWS provider (releases 1.33 to 1.35) without the rights that only older releases use:
// leases as Endpoints, workloads of group extensions, changes of Jobs and of pods' status.
func clusterRules() rbacv1.PolicyRuleArray {
	return rbacv1.PolicyRuleArray{
		rule("", []string{"nodes"}, append([]string{"update"}, readVerbs...)),
		rule("", []string{"pods/eviction"}, []string{"create"}),
		rule("", []string{"events"}, []string{"create", "patch"}),
		rule("", []string{"namespaces", "pods", "services", "replicationcontrollers", "persistentvolumeclaims", "persistentvolumes"}, readVerbs),
		rule("apps", []string{"daemonsets", "replicasets", "statefulsets"}, readVerbs),
		rule("batch", []string{"jobs"}, readVerbs),
		rule("policy", []string{"poddisruptionbudgets"}, readVerbs),
		rule("storage.k8s.io", []string{"csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"}, readVerbs),
		// Release 1.35 and later always watch these. The example lacks them (kubernetes/autoscaler#9244).
		rule("resource.k8s.io", []string{"deviceclasses", "resourceclaims", "resourceslices"}, readVerbs),
	}
}

// ownRules are the autoscaler's rights in its own namespace: read the groups' priorities, create its lease and its status,
// and change these two objects alone. RBAC cannot limit a create to one name, nor a list or a watch without a selector.
func ownRules() rbacv1.PolicyRuleArray {
	change := []string{"get", "update"}
	return rbacv1.PolicyRuleArray{
		rule("", []string{"configmaps"}, []string{"create", "list", "watch"}),
		rule("", []string{"configmaps"}, change, status),
		rule("coordination.k8s.io", []string{"leases"}, []string{"create"}),
		rule("coordination.k8s.io", []string{"leases"}, change, lease),
	}
}

// newAccess registers the autoscaler's service account, its rights, and the bindings that grant them. It returns the
// account and the bindings.
func newAccess(ctx *pulumi.Context, name string, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.ServiceAccount, []pulumi.Resource, error) {
	// The account mounts no token by default. The spec of the autoscaler's pod mounts it.
	account, err := workload.NewServiceAccount(ctx, object, namespace, id, opts...)
	if err != nil {
		return nil, nil, err
	}
	inCluster := &metav1.ObjectMetaArgs{Name: pulumi.String(object), Labels: id.Labels()}
	clusterRole, err := rbacv1.NewClusterRole(ctx, name, &rbacv1.ClusterRoleArgs{Metadata: inCluster, Rules: clusterRules()}, opts...)
	if err != nil {
		return nil, nil, err
	}
	role, err := rbacv1.NewRole(ctx, name, &rbacv1.RoleArgs{Metadata: workload.ObjectMeta(object, namespace, id), Rules: ownRules()}, opts...)
	if err != nil {
		return nil, nil, err
	}
	subjects := rbacv1.SubjectArray{&rbacv1.SubjectArgs{
		Kind: pulumi.String("ServiceAccount"), Name: account.Metadata.Name().Elem(), Namespace: namespace,
	}}
	clusterBinding, err := rbacv1.NewClusterRoleBinding(ctx, name, &rbacv1.ClusterRoleBindingArgs{
		Metadata: inCluster, RoleRef: roleRef("ClusterRole", clusterRole.Metadata.Name().Elem()), Subjects: subjects,
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	binding, err := rbacv1.NewRoleBinding(ctx, name, &rbacv1.RoleBindingArgs{
		Metadata: workload.ObjectMeta(object, namespace, id), RoleRef: roleRef("Role", role.Metadata.Name().Elem()), Subjects: subjects,
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	return account, []pulumi.Resource{clusterBinding, binding}, nil
}

func roleRef(kind string, name pulumi.StringInput) *rbacv1.RoleRefArgs {
	return &rbacv1.RoleRefArgs{ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String(kind), Name: name}
}
