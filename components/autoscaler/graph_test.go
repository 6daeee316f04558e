package autoscaler

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"tfserving/components/workload"
)

const (
	project, stack = "tfserving", "test"
	cluster        = "tfserving-test"
	clusterARN     = "arn:aws:eks:eu-central-1:123456789012:cluster/tfserving-test"
	roleARN        = "arn:aws:iam::123456789012:role/of-the-test"
)

// registered is a resource as the engine would get it.
type registered struct {
	pulumi.MockResourceArgs
	object runtime.Object // Kubernetes' own type of it; nil for the others
}

// graph stands in for the engine: it notes what is registered and answers as AWS and the cluster would.
type graph struct {
	mu   sync.Mutex
	seen []*registered
	err  error
}

// strict decodes Kubernetes objects as the API server does, and refuses a field that it does not know.
var strict = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

func (g *graph) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r := &registered{MockResourceArgs: args}
	g.mu.Lock()
	defer g.mu.Unlock()
	if args.Custom && args.Inputs.HasValue("apiVersion") {
		text, err := json.Marshal(args.Inputs.Mappable())
		if err == nil {
			r.object, _, err = strict.Decode(text, nil, nil)
		}
		if err != nil {
			g.err = fmt.Errorf("%s %s: %w", args.TypeToken, args.Name, err)
		}
	}
	g.seen = append(g.seen, r)
	outputs := args.Inputs.Copy()
	if args.TypeToken == "aws:iam/role:Role" {
		outputs["arn"] = resource.NewProperty(roleARN)
	}
	return args.Name + "-id", outputs, nil
}

func (g *graph) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return resource.PropertyMap{"partition": resource.NewProperty("aws")}, nil
	case "aws:index/getRegion:getRegion":
		return resource.PropertyMap{"name": resource.NewProperty("eu-central-1")}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return resource.PropertyMap{"accountId": resource.NewProperty("123456789012")}, nil
	}
	return nil, fmt.Errorf("the component calls %s, which nothing here answers", args.Token)
}

// nodesType is the type of a resource that stands for all that a pod needs to run.
const nodesType = "test:index:Nodes"

// deploy runs NewAutoscaler with args, which it completes.
func deploy(t *testing.T, args Args) *graph {
	t.Helper()
	g := &graph{}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		var nodes pulumi.CustomResourceState
		if err := ctx.RegisterResource(nodesType, "nodes", nil, &nodes); err != nil {
			return err
		}
		args.ClusterName, args.Region = cluster, "eu-central-1"
		args.ClusterARN = pulumi.String(clusterARN)
		args.Ready = pulumi.OutputWithDependencies(ctx.Context(), pulumi.String(cluster).ToStringOutput(), &nodes).(pulumi.StringOutput)
		if args.ClusterVersion == "" {
			args.ClusterVersion = "1.35"
		}
		_, err := NewAutoscaler(ctx, cluster, &args)
		return err
	}, pulumi.WithMocks(project, stack, g))
	if err == nil {
		err = g.err
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func withHeadroom() Args {
	return Args{Headroom: &Headroom{Pods: 2, Resources: workload.Resources{CPU: "1", Memory: "1Gi"}}}
}

// find returns the one resource of a type that is called name.
func (g *graph) find(t *testing.T, token, name string) *registered {
	t.Helper()
	for _, r := range g.seen {
		if r.TypeToken == token && r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no %s %s", token, name)
	return nil
}

// objectOf returns the one Kubernetes object of a type that is registered as name.
func objectOf[T runtime.Object](t *testing.T, g *graph, name string) T {
	t.Helper()
	for _, r := range g.seen {
		if o, ok := r.object.(T); ok && r.Name == name {
			return o
		}
	}
	var none T
	t.Fatalf("there is no %T registered as %s", none, name)
	return none
}

func urn(r *registered) string {
	parent := tokens.Type("")
	if u := resource.URN(r.RegisterRPC.GetParent()); u != "" && u.QualifiedType() != resource.RootStackType {
		parent = u.QualifiedType()
	}
	return string(resource.NewURN(stack, project, parent, tokens.Type(r.TypeToken), r.Name))
}

// comesAfter says whether one resource waits for another, by way of others too.
func (g *graph) comesAfter(later, earlier *registered) bool {
	if slices.Contains(later.RegisterRPC.GetDependencies(), urn(earlier)) {
		return true
	}
	for _, r := range g.seen {
		if r != later && slices.Contains(later.RegisterRPC.GetDependencies(), urn(r)) && g.comesAfter(r, earlier) {
			return true
		}
	}
	return false
}
