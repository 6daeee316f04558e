package autoscaler

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

const (
	// lease is the object by which one autoscaler at a time is at work; its own default.
	lease = "cluster-autoscaler"
	// status is the ConfigMap in which the autoscaler says what it thinks; its own default.
	status = "cluster-autoscaler-status"
)

var see = []string{"get", "list", "watch"}

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

// clusterRules are what the autoscaler may do in the whole cluster: see what its scheduler weighs, taint nodes, evict
// pods. They follow the example of its AWS provider (releases 1.33 to 1.35), less what that grants for older ones:
// leases as Endpoints, workloads of group extensions, changes of Jobs and of pods' status.
func clusterRules() rbacv1.PolicyRuleArray {
	return rbacv1.PolicyRuleArray{
		rule("", []string{"nodes"}, append([]string{"update"}, see...)),
		rule("", []string{"pods/eviction"}, []string{"create"}),
		rule("", []string{"events"}, []string{"create", "patch"}),
		rule("", []string{"namespaces", "pods", "services", "replicationcontrollers", "persistentvolumeclaims", "persistentvolumes"}, see),
		rule("apps", []string{"daemonsets", "replicasets", "statefulsets"}, see),
		rule("batch", []string{"jobs"}, see),
		rule("policy", []string{"poddisruptionbudgets"}, see),
		rule("storage.k8s.io", []string{"csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"}, see),
		// From 1.35 on it always watches these, and the example lacks them (kubernetes/autoscaler#9244).
		rule("resource.k8s.io", []string{"deviceclasses", "resourceclaims", "resourceslices"}, see),
	}
}

// ownRules are what the autoscaler may do in its own namespace: keep its lease and its status. A name cannot limit who
// makes an object, only who changes it.
func ownRules() rbacv1.PolicyRuleArray {
	change := []string{"get", "update"}
	return rbacv1.PolicyRuleArray{
		rule("", []string{"configmaps"}, []string{"create"}),
		rule("", []string{"configmaps"}, change, status),
		rule("coordination.k8s.io", []string{"leases"}, []string{"create"}),
		rule("coordination.k8s.io", []string{"leases"}, change, lease),
	}
}

// newAccess makes the autoscaler's service account and gives it its rights. It returns the bindings, without which a pod
// of the account can do nothing.
func newAccess(ctx *pulumi.Context, name string, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.ServiceAccount, []pulumi.Resource, error) {
	namespace := pulumi.String(Namespace)
	// The account's token is mounted by the pod that needs it and by no other of the account.
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
	everywhere, err := rbacv1.NewClusterRoleBinding(ctx, name, &rbacv1.ClusterRoleBindingArgs{
		Metadata: inCluster, RoleRef: roleRef("ClusterRole", clusterRole.Metadata.Name().Elem()), Subjects: subjects,
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	own, err := rbacv1.NewRoleBinding(ctx, name, &rbacv1.RoleBindingArgs{
		Metadata: workload.ObjectMeta(object, namespace, id), RoleRef: roleRef("Role", role.Metadata.Name().Elem()), Subjects: subjects,
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	return account, []pulumi.Resource{everywhere, own}, nil
}

func roleRef(kind string, name pulumi.StringInput) *rbacv1.RoleRefArgs {
	return &rbacv1.RoleRefArgs{ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String(kind), Name: name}
}
