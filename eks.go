package main

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/account"
	"tfserving/components/autoscaler"
	"tfserving/components/cluster"
	"tfserving/components/gateway"
	"tfserving/components/loadbalancer"
	"tfserving/components/network"
	"tfserving/components/repositories"
	"tfserving/components/workload"
	"tfserving/config"
	"tfserving/ec2"
)

// Live checks, which the tests of the resource graph do without.
var (
	checkAccount = account.Check
	findImage    = account.FindImage
)

// unfitZones are zones in which EKS has no control plane, by zone id (EKS user guide, network requirements).
var unfitZones = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// newEKS makes everything below the application: the network, the cluster with its nodes, what scales them and what
// makes load balancers.
func newEKS(ctx *pulumi.Context, s *config.Settings) (*platform, error) {
	caller, err := checkAccount(ctx.Context(), s.Region, s.AWS.AllowedAccountIDs)
	if err != nil {
		return nil, err
	}
	if !cluster.Admits(s.Cluster.Administrators, caller.ARN) {
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
	images, urls, err := newImages(ctx, s, onAWS)
	if err != nil {
		return nil, err
	}
	net, err := network.NewNetwork(ctx, name, &network.Args{
		ClusterName:          name,
		Region:               s.Region,
		CIDR:                 s.Network.CIDR,
		Zones:                zones,
		NATPerZone:           s.Network.NATGateways == "perZone",
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
		// An ALB sends to pods from its own addresses in the VPC; it is no pod.
		ingressPods: networkingv1.NetworkPolicyPeerArray{workload.Addresses(s.Network.CIDR)},
		outputs: pulumi.Map{
			"clusterName":  eks.Name,
			"region":       pulumi.String(s.Region),
			"repositories": urls,
		},
		namespaceLabels:   map[string]string{loadbalancer.ReadinessGates: "enabled"},
		loadBalancerClass: gateway.ClassNLB,
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
		ExcludeZoneIds: unfitZones,
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
			Spot: g.Capacity == "spot", Min: g.Min, Max: g.Max, Desired: max(g.Desired, g.Min), DiskGiB: g.DiskGiB, Labels: g.Labels,
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

// newImages makes a repository for each image of the settings whose name has no registry, and says where those images
// are run from, and the repositories' URLs. A repository that is there already and lacks the image is an error now, and
// not pods that wait for it later.
func newImages(ctx *pulumi.Context, s *config.Settings, opts ...pulumi.ResourceOption) (from map[string]pulumi.StringInput, urls pulumi.StringMapOutput, err error) {
	prefix := config.ClusterName(ctx.Stack())
	var names []string
	own := map[string]*repositories.Reference{}
	for _, image := range []string{s.Model.Image, s.Gateway.Image} {
		ref, err := repositories.Resolve(prefix, image)
		if err != nil {
			return nil, urls, err
		}
		if ref == nil {
			continue
		}
		own[image] = ref
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
		if err := requireImage(ctx, s.Region, image, ref); err != nil {
			return nil, urls, err
		}
	}
	made, err := repositories.NewRepositories(ctx, prefix, &repositories.Args{
		Prefix: prefix, Names: names, KeepImages: s.Repositories.KeepImages, Protect: s.AWS.Protect,
	}, opts...)
	if err != nil {
		return nil, urls, err
	}
	from = map[string]pulumi.StringInput{}
	for image, ref := range own {
		from[image] = pulumi.Sprintf("%s%s", made.URLs.MapIndex(pulumi.String(ref.Name)), ref.Suffix)
	}
	return from, made.URLs, nil
}

// requireImage refuses an image that is certainly missing. Where the repository is yet to be made there is time to push
// until the cluster is there.
func requireImage(ctx *pulumi.Context, region, image string, ref *repositories.Reference) error {
	state, err := findImage(ctx.Context(), region, ref.Repository, ref.Suffix)
	if err != nil {
		return err
	}
	switch state {
	case account.ImageMissing:
		return fmt.Errorf("image %s is not in the stack's repository %s of %s: push it first (README, \"Your images\")", image, ref.Repository, region)
	case account.NoRepository:
		return ctx.Log.Warn(fmt.Sprintf("repository %s of image %s is yet to be made: push the image while the cluster is being made, which takes a quarter of an hour; its pods wait for it", ref.Repository, image), nil)
	default:
		return nil
	}
}

// architecture is that of a group's instances; the settings have been checked, so the first type is known and speaks for
// all.
func architecture(g config.NodeGroup) string {
	t, err := ec2.Lookup(g.InstanceTypes[0])
	if err != nil {
		panic(err)
	}
	return t.Architecture
}
