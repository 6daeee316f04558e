// Package workload holds what the project's Deployments have in common: labels, pod hardening, spreading, autoscaling
// and disruption budgets.
package workload

import (
	"maps"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// PartOf is the application that every object belongs to.
const PartOf = "tfserving"

// Identity says what an object is, in Kubernetes' recommended labels.
type Identity struct {
	Component string // gateway, model-server, cluster-autoscaler, …
	Name      string // the program: tf-serving, gateway, …
	Instance  string // one of possibly several: the model's name
}

// Labels are the labels that every object of the component carries.
func (i Identity) Labels() pulumi.StringMap {
	labels := pulumi.StringMap{
		"app.kubernetes.io/part-of":    pulumi.String(PartOf),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
	maps.Copy(labels, i.Selector())
	return labels
}

// Selector are the labels that tell the component's pods from all others. A Deployment's selector cannot change, so
// nothing that may change belongs here.
func (i Identity) Selector() pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/component": pulumi.String(i.Component),
		"app.kubernetes.io/name":      pulumi.String(i.Name),
		"app.kubernetes.io/instance":  pulumi.String(i.Instance),
	}
}

// ObjectMeta is the metadata of a component's object.
func ObjectMeta(name string, namespace pulumi.StringInput, id Identity) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{
		Name:      pulumi.String(name),
		Namespace: namespace,
		Labels:    id.Labels(),
	}
}

// WithoutWaiting tells the Kubernetes plugin not to wait for a Service's endpoints. A Service that comes before the
// pods it selects has none yet; the Deployment's own wait covers them.
func WithoutWaiting(meta *metav1.ObjectMetaArgs) *metav1.ObjectMetaArgs {
	meta.Annotations = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}
	return meta
}
