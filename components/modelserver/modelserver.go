// Package modelserver registers a server of one TensorFlow model: TensorFlow Serving in a Deployment, an internal Service,
// an autoscaler, a disruption budget and a network policy.
package modelserver

import (
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Component is the value of the component label of a model server's objects.
const Component = "model-server"

// Ports on which TensorFlow Serving listens (its documentation).
const (
	GRPCPort = 8500
	RESTPort = 8501
)

// Args describe a model server.
type Args struct {
	Namespace pulumi.StringInput
	Model     string // the name under which TF-Serving serves the model
	Image     pulumi.StringInput
	Resources workload.Resources
	Threads   int // within an operation, and for parallel operations: one for each core
	Scaling   workload.Scaling
	// InitialReplicas is the number of pods of a new Deployment.
	InitialReplicas pulumi.IntInput
	Nodes           workload.Nodes
	Batching        *Batching // nil turns batching off
	// MaxConnectionAge is the age at which the server ends a gRPC connection. A client that keeps its connection never reaches
	// pods that start later.
	MaxConnectionAge time.Duration
	StartupTimeout   time.Duration // how long loading the model may take
	RunAsUser        int           // 0 is root, which the namespace must allow
	Environment      map[string]string
	// Callers are the labels of the pods that may call the model. CallersDrain is the longest time that such a pod still calls
	// it after its end has begun.
	Callers      pulumi.StringMap
	CallersDrain time.Duration
}

// Batching makes the server compute several requests in one step.
type Batching struct {
	MaxBatchSize       int           // requests in a batch
	Timeout            time.Duration // the longest time that a batch waits for more requests
	MaxEnqueuedBatches int           // the most batches that wait; the server refuses further requests
}

// ModelServer is the server of one model.
type ModelServer struct {
	pulumi.ResourceState

	// Endpoint is the host:port of the gRPC API inside the cluster. A resource that uses it waits until the rollout has ended,
	// so gateways call a new model only when it serves, and an old model is deleted only when no gateway calls it.
	Endpoint pulumi.StringOutput
	// Deployment is the name of the Deployment. It is known once Pulumi has made or changed it.
	Deployment pulumi.StringOutput
}

// ServiceName returns the name of a model's Service.
func ServiceName(model string) string { return "tf-serving-" + model }

// Identity returns the labels of a model's server.
func Identity(model string) workload.Identity {
	return workload.Identity{Component: Component, Name: "tf-serving", Instance: model}
}

// Pods returns labels that select the pods of every model server. All of them are in the selector of each model's Service,
// too: EKS's policy controller admits the address of a Service only if the peer's labels match the Service's selector.
func Pods() pulumi.StringMap {
	labels := Identity("").Selector()
	delete(labels, workload.InstanceLabel)
	return labels
}

// NewModelServer deploys a model server into an existing namespace.
func NewModelServer(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*ModelServer, error) {
	m := &ModelServer{}
	if err := ctx.RegisterComponentResource("tfserving:modelserver:ModelServer", name, m, opts...); err != nil {
		return nil, err
	}
	id := Identity(args.Model)
	object := ServiceName(args.Model)
	child := pulumi.Parent(m)

	account, err := workload.NewServiceAccount(ctx, object, args.Namespace, id, child)
	if err != nil {
		return nil, err
	}
	// The pods wait for the policy. Some network plugins still admit everything for a moment after a pod's start: the VPC CNI
	// in its standard mode for 1 to 2 s, until it has read the policy.
	policy, err := newNetworkPolicy(ctx, object, args, id, child)
	if err != nil {
		return nil, err
	}
	service, err := corev1.NewService(ctx, object, &corev1.ServiceArgs{
		Metadata: workload.WithoutWaiting(workload.ObjectMeta(object, args.Namespace, id)),
		Spec: &corev1.ServiceSpecArgs{
			Type:     pulumi.String("ClusterIP"),
			Selector: id.Selector(),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("grpc"), Port: pulumi.Int(GRPCPort), TargetPort: pulumi.String("grpc"),
			}},
		},
	}, child)
	if err != nil {
		return nil, err
	}
	deployment, err := newDeployment(ctx, object, args, id, account, child, pulumi.DependsOn([]pulumi.Resource{policy, service}))
	if err != nil {
		return nil, err
	}
	if err := workload.Protect(ctx, object, args.Namespace, id, args.Scaling, child); err != nil {
		return nil, err
	}
	m.Deployment = deployment.Metadata.Name().Elem()
	address := pulumi.Sprintf("%s.%s.svc.cluster.local:%d", service.Metadata.Name().Elem(), args.Namespace, GRPCPort)
	m.Endpoint = pulumi.OutputWithDependencies(ctx.Context(), address, deployment).(pulumi.StringOutput)
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{"endpoint": m.Endpoint})
}

func newNetworkPolicy(ctx *pulumi.Context, object string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (*networkingv1.NetworkPolicy, error) {
	return networkingv1.NewNetworkPolicy(ctx, object, &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				From:  networkingv1.NetworkPolicyPeerArray{workload.Pods(args.Callers)},
				Ports: workload.TCP(GRPCPort),
			}},
		},
	}, opts...)
}
