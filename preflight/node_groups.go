package preflight

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/smithy-go"
)

// NodeGroupSizes returns the number of nodes that each managed node group of a cluster is to have now, by the group's name in
// EKS. The autoscaler sets that number. It returns no group if the cluster does not exist, or if the credentials lack the
// permission to look: the same credentials may be able to deploy. It fails if AWS does not answer within awsTimeout.
func NodeGroupSizes(ctx context.Context, region, cluster string) (map[string]int, error) {
	return nodeGroupSizes(ctx, region, cluster, awsTimeout)
}

func nodeGroupSizes(ctx context.Context, region, cluster string, timeout time.Duration) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &awsQuery{action: "reading the node groups of cluster " + cluster, region: region, timeout: timeout}
	if err := q.signIn(ctx); err != nil {
		return nil, err
	}
	client := eks.NewFromConfig(q.config)
	q.endpoint = aws.ToString(client.Options().BaseEndpoint)
	sizes := map[string]int{}
	pages := eks.NewListNodegroupsPaginator(client, &eks.ListNodegroupsInput{ClusterName: &cluster})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, q.unlessAbsent(ctx, err, "ResourceNotFoundException")
		}
		for _, name := range page.Nodegroups {
			found, err := client.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
			if err != nil {
				return nil, q.unlessAbsent(ctx, err, "ResourceNotFoundException")
			}
			if found.Nodegroup != nil && found.Nodegroup.ScalingConfig != nil {
				sizes[name] = int(aws.ToInt32(found.Nodegroup.ScalingConfig.DesiredSize))
			}
		}
	}
	return sizes, nil
}

// unlessAbsent returns the error of a query, or nil if AWS refused it with one of these codes or for lack of permission.
func (q *awsQuery) unlessAbsent(ctx context.Context, err error, codes ...string) error {
	var refusal smithy.APIError
	if errors.As(err, &refusal) && slices.Contains(append(codes, accessDeniedCodes...), refusal.ErrorCode()) {
		return nil
	}
	return q.explain(ctx, err)
}
