// Package workload has what the project's Deployments share: labels, security contexts, spreading, autoscaling, disruption
// budgets and parts of network policies.
package workload

import (
	"maps"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// PartOf is the value of the part-of label of every object.
const PartOf = "tfserving"

// Labels of every object, among those that Kubernetes recommends.
const (
	PartOfLabel    = "app.kubernetes.io/part-of"
	ComponentLabel = "app.kubernetes.io/component"
	InstanceLabel  = "app.kubernetes.io/instance"
)

// Identity has the values of Kubernetes' recommended labels that identify an object.
type Identity struct {
	Component string // gateway, model-server, cluster-autoscaler, …
	Name      string // of the program: tf-serving, gateway, …
	Instance  string // distinguishes several of one name: the model's name
}

// Labels returns the labels of every object of the component.
func (i Identity) Labels() pulumi.StringMap {
	labels := pulumi.StringMap{
		PartOfLabel:                    pulumi.String(PartOf),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
	maps.Copy(labels, i.Selector())
	return labels
}

// Selector returns the labels that select the component's pods. A Deployment's selector is immutable, so no label that may
// change belongs here.
func (i Identity) Selector() pulumi.StringMap {
	return pulumi.StringMap{
		ComponentLabel:           pulumi.String(i.Component),
		"app.kubernetes.io/name": pulumi.String(i.Name),
		InstanceLabel:            pulumi.String(i.Instance),
	}
}

// ObjectMeta returns the metadata of a component's object.
func ObjectMeta(name string, namespace pulumi.StringInput, id Identity) *metav1.ObjectMetaArgs {
	return Annotate(&metav1.ObjectMetaArgs{
		Name:      pulumi.String(name),
		Namespace: namespace,
		Labels:    id.Labels(),
	}, nil)
}

// Annotate sets the annotations of an object, and returns meta. One more annotation makes an `up` take over a field that
// something else has set, such as an image that `kubectl edit` or Argo CD changed. Without it, server-side apply ends the
// `up` with a conflict and leaves the change in the cluster.
func Annotate(meta *metav1.ObjectMetaArgs, annotations map[string]string) *metav1.ObjectMetaArgs {
	all := pulumi.ToStringMap(annotations)
	all["pulumi.com/patchForce"] = pulumi.String("true")
	meta.Annotations = all
	return meta
}

// WithoutWaiting sets the annotation by which an `up` does not wait until the object is ready, and returns meta. A Service
// that is created before its pods has no endpoints yet; the `up` still waits for their Deployment.
func WithoutWaiting(meta *metav1.ObjectMetaArgs) *metav1.ObjectMetaArgs {
	return Annotate(meta, map[string]string{"pulumi.com/skipAwait": "true"})
}
