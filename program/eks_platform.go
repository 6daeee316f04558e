package program

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/autoscaler"
	"tfserving/components/cluster"
	"tfserving/components/loadbalancer"
	"tfserving/components/network"
	"tfserving/components/workload"
	"tfserving/config"
	"tfserving/preflight"
)

// newEKS makes everything below the application: the network, the cluster with its nodes, what scales them and what
// makes load balancers.
func newEKS(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) (*platform, error) {
	caller, err := checks.Account(ctx.Context(), s.Region, s.AWS.AllowedAccountIDs)
	if err != nil {
		return nil, err
	}
	if !preflight.MayAdminister(s.Cluster.Administrators, caller.ARN) {
		return nil, fmt.Errorf("tfserving:cluster.administrators names who administers the cluster, and not %s, who is making it and could not deploy to it: add the role's or user's ARN", caller.ARN)
	}
	name, tags := config.ClusterName(ctx.Stack()), tags(ctx, s)
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
		Region:            pulumi.String(s.Region),
		AllowedAccountIds: pulumi.ToStringArray(s.AWS.AllowedAccountIDs),
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(tags)},
	})
	if err != nil {
		return nil, err
	}
	onAWS := pulumi.Provider(provider)
	zones, err := zones(ctx, s, onAWS)
	if err != nil {
		return nil, err
	}
	images, urls, err := newImages(ctx, s, checks, onAWS)
	if err != nil {
		return nil, err
	}
	net, err := network.NewNetwork(ctx, name, &network.Args{
		ClusterName:          name,
		Region:               s.Region,
		CIDR:                 s.Network.CIDR,
		Zones:                zones,
		NATPerZone:           s.Network.NATGateways == config.NATPerZone,
		InterfaceEndpoints:   s.Network.InterfaceEndpoints,
		FlowLogRetentionDays: s.Network.FlowLogRetentionDays,
		Protect:              s.AWS.Protect,
	}, onAWS)
	if err != nil {
		return nil, err
	}
	eks, err := cluster.NewCluster(ctx, name, clusterArgs(name, tags, s, net), onAWS)
	if err != nil {
		return nil, err
	}
	onEKS, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{
		Kubeconfig: eks.Kubeconfig,
		// What tells one cluster from another. Without it, any change of the kubeconfig's text would look like a new
		// cluster, and replace every object.
		ClusterIdentifier: eks.Name,
	})
	if err != nil {
		return nil, err
	}
	ingressClass, err := newControllers(ctx, name, tags, s, net, eks, onEKS, onAWS)
	if err != nil {
		return nil, err
	}
	return &platform{
		provider:   onEKS,
		kubeconfig: eks.Kubeconfig,
		images:     images,
		ready:      ingressClass,
		outputs: pulumi.Map{
			"clusterName":  eks.Name,
			"region":       pulumi.String(s.Region),
			"repositories": urls,
		},
		namespaceLabels:   map[string]string{loadbalancer.ReadinessGates: "enabled"},
		loadBalancerClass: catalog.LoadBalancerClassNLB,
	}, nil
}

// tags are on every AWS resource: through the provider, and on instances and volumes through their launch template.
func tags(ctx *pulumi.Context, s *config.Settings) map[string]string {
	all := map[string]string{"project": config.Project, "stack": ctx.Stack(), "owner": s.AWS.Owner, "managed-by": "pulumi"}
	if s.AWS.CostCentre != "" {
		all["cost-centre"] = s.AWS.CostCentre
	}
	return all
}

// zones are the region's availability zones that the stack spreads over.
func zones(ctx *pulumi.Context, s *config.Settings, opts ...pulumi.InvokeOption) ([]string, error) {
	// Whatever their state: one that is out of order for a day must not move the subnets.
	found, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		ExcludeZoneIds: catalog.ZonesWithoutControlPlane,
		// Neither local zones nor those that an account must ask for.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("listing the availability zones of %s: %w", s.Region, err)
	}
	names := slices.Sorted(slices.Values(found.Names))
	if len(names) < s.Network.Zones {
		return nil, fmt.Errorf("tfserving:network.zones is %d, and %s has %d in which EKS runs: %v", s.Network.Zones, s.Region, len(names), names)
	}
	return names[:s.Network.Zones], nil
}

func clusterArgs(name string, tags map[string]string, s *config.Settings, net *network.Network) *cluster.Args {
	args := &cluster.Args{
		Name:              name,
		Version:           s.Cluster.Version,
		Region:            s.Region,
		VPCID:             net.VPCID,
		SubnetIDs:         net.PrivateSubnetIDs,
		NodeSubnetIDs:     net.NodeSubnetIDs,
		PublicAccessCIDRs: s.Cluster.PublicAccessCIDRs,
		Administrators:    s.Cluster.Administrators,
		LogRetentionDays:  s.Cluster.LogRetentionDays,
		PrefixDelegation:  s.Cluster.PrefixDelegation,
		SSMAccess:         s.Cluster.SSMAccess,
		AddonVersions:     s.Cluster.AddonVersions,
		Tags:              tags,
		Protect:           s.AWS.Protect,
	}
	for _, g := range s.NodeGroups {
		group := cluster.NodeGroup{
			Name: g.Name, InstanceTypes: g.InstanceTypes, Architecture: architecture(g),
			Spot: g.Capacity == config.CapacitySpot, Min: g.Min, Max: g.Max, Desired: max(g.Desired, g.Min), DiskGiB: g.DiskGiB, Labels: g.Labels,
		}
		for _, t := range g.Taints {
			group.Taints = append(group.Taints, cluster.Taint(t))
		}
		args.NodeGroups = append(args.NodeGroups, group)
	}
	return args
}

// newControllers deploys what runs in the cluster on AWS's behalf, and returns the Ingress class that it serves.
func newControllers(ctx *pulumi.Context, name string, tags map[string]string, s *config.Settings, net *network.Network, eks *cluster.Cluster, onEKS pulumi.ProviderResource, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	args := &autoscaler.Args{
		ClusterName:    name,
		ClusterARN:     eks.ARN,
		ClusterVersion: s.Cluster.Version,
		Region:         s.Region,
		Ready:          eks.Ready,
		Image:          s.Autoscaler.Image,
		Kubernetes:     onEKS,
		Pace: autoscaler.Pace{
			ScanInterval:           s.Autoscaler.ScanInterval,
			ScaleDownUnneededTime:  s.Autoscaler.ScaleDownUnneededTime,
			ScaleDownDelayAfterAdd: s.Autoscaler.ScaleDownDelayAfterAdd,
		},
	}
	if room := s.Autoscaler.Headroom; room.Pods > 0 {
		args.Headroom = &autoscaler.Headroom{Pods: room.Pods, Resources: workload.Resources{CPU: string(room.Resources.CPU), Memory: string(room.Resources.Memory)}}
	}
	if _, err := autoscaler.NewAutoscaler(ctx, name, args, opts...); err != nil {
		return pulumi.StringOutput{}, err
	}
	c := s.LoadBalancerController
	balancers, err := loadbalancer.NewController(ctx, name, &loadbalancer.Args{
		ClusterName: name,
		ClusterARN:  eks.ARN,
		Ready:       eks.Ready,
		VPCID:       net.VPCID,
		Region:      s.Region,
		Chart:       c.Chart, Repository: c.Repository, Version: c.Version,
		Replicas:   c.Replicas,
		Tags:       tags,
		Kubernetes: onEKS,
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return balancers.IngressClass, nil
}

// architecture is that of a group's instances; the settings have been checked, so the first type is known and speaks for
// all.
func architecture(g config.NodeGroup) string {
	t, err := catalog.Lookup(g.InstanceTypes[0])
	if err != nil {
		panic(err)
	}
	return t.Architecture
}
