package program

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/cluster"
	"tfserving/components/loadbalancer"
	"tfserving/config"
	"tfserving/preflight"
)

// newEKSPlatform makes the network, the cluster with its nodes, the autoscaler and the load balancer controller.
func newEKSPlatform(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) (*platform, error) {
	if err := checkDeployer(ctx, s, checks); err != nil {
		return nil, err
	}
	if err := checkSpotRole(ctx, s, checks); err != nil {
		return nil, err
	}
	name, tags := config.ClusterName(ctx.Stack()), resourceTags(ctx.Stack(), s)
	sizes, err := checks.NodeGroupSizes(ctx.Context(), s.Region, name)
	if err != nil {
		return nil, err
	}
	awsProvider, err := newAWSProvider(ctx, s, tags)
	if err != nil {
		return nil, err
	}
	onAWS := pulumi.Provider(awsProvider)
	zones, err := availabilityZones(ctx, s, onAWS)
	if err != nil {
		return nil, err
	}
	images, repositoryURLs, err := newImages(ctx, s, checks, onAWS)
	if err != nil {
		return nil, err
	}
	vpc, err := newNetwork(ctx, name, zones, s, onAWS)
	if err != nil {
		return nil, err
	}
	eksCluster, err := cluster.NewCluster(ctx, name, clusterArgs(name, tags, s, vpc, sizes), onAWS)
	if err != nil {
		return nil, err
	}
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{
		Kubeconfig: eksCluster.Kubeconfig,
		// Without an identifier, the provider identifies the cluster by the kubeconfig's text, and any change of that text
		// replaces every object.
		ClusterIdentifier: eksCluster.Name,
	})
	if err != nil {
		return nil, err
	}
	shared := controllerArgs{name: name, tags: tags, settings: s, network: vpc, cluster: eksCluster, provider: provider}
	if err := newAutoscaler(ctx, shared, onAWS); err != nil {
		return nil, err
	}
	ingressClass, err := newLoadBalancerController(ctx, shared, onAWS)
	if err != nil {
		return nil, err
	}
	p := &platform{
		provider:   provider,
		kubeconfig: eksCluster.Kubeconfig,
		images:     images,
		ready:      ingressClass,
		outputs: pulumi.Map{
			"clusterName":  eksCluster.Name,
			"region":       pulumi.String(s.Region),
			"repositories": repositoryURLs,
		},
		namespaceLabels:   map[string]string{loadbalancer.ReadinessGates: "enabled"},
		loadBalancerClass: catalog.LoadBalancerClassNLB,
	}
	if s.Monitoring.Enabled {
		p.monitor = func(url, namespace pulumi.StringOutput) error {
			return newMonitoring(ctx, shared, url, namespace, onAWS)
		}
	}
	return p, nil
}

// checkDeployer fails if the credentials are not of an allowed account, or of an identity that the cluster will not admit.
func checkDeployer(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) error {
	deployer, err := checks.Account(ctx.Context(), s.Region, s.AWS.AllowedAccountIDs)
	if err != nil {
		return err
	}
	if !preflight.MayAdminister(s.Cluster.Administrators, deployer.ARN) {
		return fmt.Errorf("checking who may deploy to the cluster: tfserving:cluster.administrators has other identities, but not yours, %s: add the ARN of your role or user", deployer.ARN)
	}
	return nil
}

// checkSpotRole fails if a node group has spot instances and the account cannot launch them.
func checkSpotRole(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) error {
	if !slices.ContainsFunc(s.NodeGroups, func(g config.NodeGroup) bool { return g.Capacity == config.CapacitySpot }) {
		return nil
	}
	return checks.SpotRole(ctx.Context(), s.Region)
}

// newAWSProvider makes the provider of every AWS resource. It puts tags on each resource that can have tags, except on
// instances and volumes, which get them from their launch template.
func newAWSProvider(ctx *pulumi.Context, s *config.Settings, tags map[string]string) (*aws.Provider, error) {
	return aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
		Region:            pulumi.String(s.Region),
		AllowedAccountIds: pulumi.ToStringArray(s.AWS.AllowedAccountIDs),
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(tags)},
	})
}

// resourceTags returns the tags of every AWS resource of a stack.
func resourceTags(stack string, s *config.Settings) map[string]string {
	tags := map[string]string{"project": config.Project, "stack": stack, "owner": s.AWS.Owner, "managed-by": "pulumi"}
	if s.AWS.CostCentre != "" {
		tags["cost-centre"] = s.AWS.CostCentre
	}
	return tags
}

// availabilityZones returns the names of the zones that the stack spreads over. It fails if the region has fewer than the
// settings ask for.
func availabilityZones(ctx *pulumi.Context, s *config.Settings, opts ...pulumi.InvokeOption) ([]string, error) {
	// The filter leaves out local zones and zones that an account must opt in to. There is no filter for the zone's state:
	// an outage of one zone must not move the subnets.
	answer, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		ExcludeZoneIds: catalog.ZonesWithoutControlPlane,
		Filters:        []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("listing the availability zones of %s: %w", s.Region, err)
	}
	names := slices.Sorted(slices.Values(answer.Names))
	if len(names) < s.Network.Zones {
		return nil, fmt.Errorf("choosing availability zones: tfserving:network.zones is %d, but %s has %d zones in which EKS runs (%v): lower the setting", s.Network.Zones, s.Region, len(names), names)
	}
	return names[:s.Network.Zones], nil
}
