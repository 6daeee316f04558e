// Package preflight checks what a deployment needs before the program registers a resource: the AWS credentials, the images
// in the account, and access to an existing cluster. Each error is one line with the check, its input, the problem and the
// remedy.
package preflight

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
)

// Checks are the queries that the program sends: to AWS before it registers the first resource, and to the cluster before it
// creates a Deployment and after its rollout. Tests and dry runs replace them, to work without an account and without a cluster.
type Checks struct {
	Account        func(ctx context.Context, region string, allowed []string) (*Identity, error)    // CheckAccount
	Image          func(ctx context.Context, region, repository, suffix string) (ImageState, error) // FindImage
	NodeGroupSizes func(ctx context.Context, region, cluster string) (map[string]int, error)        // NodeGroupSizes
	SpotRole       func(ctx context.Context, region string) error                                   // CheckSpotRole
	// Deployments is Deployments. It is nil if there is no cluster.
	Deployments func(ctx context.Context, kubeconfig, namespace string, labels map[string]string) ([]appsv1.Deployment, error)
}

// Live are the checks that query AWS and the cluster.
var Live = Checks{Account: CheckAccount, Image: FindImage, NodeGroupSizes: NodeGroupSizes, SpotRole: CheckSpotRole, Deployments: Deployments}
