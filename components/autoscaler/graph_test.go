package autoscaler

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
	"tfserving/internal/mockengine"
)

const (
	region     = "eu-central-1"
	cluster    = "tfserving-test"
	clusterARN = "arn:aws:eks:" + region + ":" + mockengine.Account + ":cluster/" + cluster
	roleName   = cluster + "-cluster-autoscaler"
	// nodesType is the type of a resource that stands for all that a pod needs to run.
	nodesType = "test:index:Nodes"
)

// deploy runs NewAutoscaler with args, which it completes.
func deploy(t *testing.T, args Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New(region)
	if err := engine.Run(func(ctx *pulumi.Context) error {
		var nodes pulumi.CustomResourceState
		if err := ctx.RegisterResource(nodesType, "nodes", nil, &nodes); err != nil {
			return err
		}
		args.ClusterName, args.ClusterVersion, args.Region = cluster, "1.35", region
		args.ClusterARN = pulumi.String(clusterARN)
		args.Ready = pulumi.OutputWithDependencies(ctx.Context(), pulumi.String(cluster).ToStringOutput(), &nodes).(pulumi.StringOutput)
		_, err := NewAutoscaler(ctx, cluster, &args)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func withHeadroom() Args {
	return Args{Headroom: &Headroom{Pods: 2, Resources: workload.Resources{CPU: "1", Memory: "1Gi", CPULimit: "1"}}}
}
