package mockengine

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

const (
	// Cluster is the type of pulumi-eks's component.
	Cluster = "eks:index:Cluster"
	// InnerCluster is the type of the control plane inside that component.
	InnerCluster = "aws:eks/cluster:Cluster"
)

// ControlPlane is the EKS cluster inside pulumi-eks's component, after the program's transformation. Pulumi-eks's plugin
// creates the component's other children, so the mock engine has none of them; a rehearsal shows them.
type ControlPlane struct {
	Component  pulumi.MockResourceArgs
	Name       string
	Properties map[string]any
	Protected  bool
}

// transformControlPlane calls the program's transformation, as the engine does, for the control plane inside pulumi-eks's
// component. It returns nil if the component has no transformation.
func transformControlPlane(args pulumi.MockResourceArgs) (*ControlPlane, error) {
	transforms := args.RegisterRPC.GetTransforms()
	if len(transforms) == 0 {
		return nil, nil
	}
	if len(transforms) > 1 {
		return nil, fmt.Errorf("%s has %d transformations; the mock engine applies one", args.Name, len(transforms))
	}
	connection, err := grpc.NewClient(transforms[0].GetTarget(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	inner := resource.PropertyMap{}
	for _, key := range []resource.PropertyKey{"name", "version", "enabledClusterLogTypes"} {
		inner[key] = args.Inputs[key]
	}
	properties, err := plugin.MarshalProperties(inner, plugin.MarshalOptions{})
	if err != nil {
		return nil, err
	}
	name := args.Name + "-eksCluster" // as pulumi-eks names it
	request, err := proto.Marshal(&pulumirpc.TransformRequest{
		Type: InnerCluster, Name: name, Custom: true, Properties: properties, Options: &pulumirpc.TransformResourceOptions{},
	})
	if err != nil {
		return nil, err
	}
	answer, err := pulumirpc.NewCallbacksClient(connection).Invoke(context.Background(), &pulumirpc.CallbackInvokeRequest{Token: transforms[0].GetToken(), Request: request})
	if err != nil {
		return nil, err
	}
	var response pulumirpc.TransformResponse
	if err := proto.Unmarshal(answer.GetResponse(), &response); err != nil {
		return nil, err
	}
	changed, err := plugin.UnmarshalProperties(response.GetProperties(), plugin.MarshalOptions{KeepSecrets: true})
	if err != nil {
		return nil, err
	}
	return &ControlPlane{Component: args, Name: name, Properties: changed.Mappable(), Protected: response.GetOptions().GetProtect()}, nil
}
