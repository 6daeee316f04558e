package program

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/cluster"
	"tfserving/components/network"
	"tfserving/config"
)

func newNetwork(ctx *pulumi.Context, name string, zones []string, s *config.Settings, opts ...pulumi.ResourceOption) (*network.Network, error) {
	return network.NewNetwork(ctx, name, &network.Args{
		ClusterName:          name,
		Region:               s.Region,
		CIDR:                 s.Network.CIDR,
		Zones:                zones,
		NATPerZone:           s.Network.NATGateways == config.NATPerZone,
		InterfaceEndpoints:   s.Network.InterfaceEndpoints,
		FlowLogRetentionDays: s.Network.FlowLogRetentionDays,
		Protect:              s.AWS.Protect,
	}, opts...)
}

// clusterArgs returns the arguments of the cluster. sizes are the numbers of nodes of its groups that exist.
func clusterArgs(name string, tags map[string]string, s *config.Settings, vpc *network.Network, sizes map[string]int) *cluster.Args {
	args := &cluster.Args{
		Name:              name,
		Version:           s.Cluster.Version,
		NodeVersion:       s.Cluster.VersionOfNodes(),
		Region:            s.Region,
		VPCID:             vpc.VPCID,
		SubnetIDs:         vpc.PrivateSubnetIDs,
		NodeSubnetIDs:     vpc.NodeSubnetIDs,
		PublicAccessCIDRs: s.Cluster.PublicAccessCIDRs,
		Administrators:    s.Cluster.Administrators,
		LogTypes:          s.Cluster.LogTypes,
		LogRetentionDays:  s.Cluster.LogRetentionDays,
		PrefixDelegation:  s.Cluster.PrefixDelegation,
		SSMAccess:         s.Cluster.SSMAccess,
		NodeRepair:        s.Cluster.NodeRepair,
		ZonalShift:        s.Cluster.ZonalShift,
		AddonVersions:     s.Cluster.AddonVersions,
		Tags:              tags,
		Protect:           s.AWS.Protect,
	}
	for _, g := range s.NodeGroups {
		group := nodeGroup(g)
		if work := s.Schedule; work.On() {
			group.OffHours = &cluster.OffHours{Min: s.OffHoursMin()[g.Name], Start: work.Start(), Stop: work.Stop(), TimeZone: work.TimeZone}
		}
		group.Fit(sizes)
		args.NodeGroups = append(args.NodeGroups, group)
	}
	return args
}

func nodeGroup(g config.NodeGroup) cluster.NodeGroup {
	// All types of a group have one architecture; config checks that, and that each type is known.
	instanceType, err := catalog.Lookup(g.InstanceTypes[0])
	if err != nil {
		panic(err)
	}
	group := cluster.NodeGroup{
		Name:          g.Name,
		InstanceTypes: g.InstanceTypes,
		Architecture:  instanceType.Architecture,
		Spot:          g.Capacity == config.CapacitySpot,
		Min:           g.Min, Max: g.Max, Desired: max(g.Desired, g.Min),
		DiskGiB: g.DiskGiB,
		Labels:  g.Labels,
	}
	for _, t := range g.Taints {
		group.Taints = append(group.Taints, cluster.Taint(t))
	}
	return group
}
