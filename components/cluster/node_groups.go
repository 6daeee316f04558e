package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
)

// NodeGroup is a managed group of equal EC2 nodes.
type NodeGroup struct {
	Name          string
	InstanceTypes []string // alternatives, all of one architecture
	Architecture  string   // amd64 or arm64
	Spot          bool
	// Desired is how many nodes a new group starts with. After that, only the autoscaler sets the number, from Min to Max.
	Min, Max, Desired int
	// Resize gives a group that exists Desired nodes.
	Resize  bool
	DiskGiB int
	Labels  map[string]string
	Taints  []Taint
	// OffHours, if not nil, lowers Min outside working hours.
	OffHours *OffHours
}

// OffHours is when a group needs fewer nodes. Start and Stop are when work begins and ends, as a crontab writes it.
type OffHours struct {
	Min                   int // nodes outside working hours
	Start, Stop, TimeZone string
}

// Taint keeps pods that do not tolerate it off a group's nodes. Effect is NoSchedule, PreferNoSchedule or NoExecute, as in
// Kubernetes.
type Taint struct{ Key, Value, Effect string }

// maxUnavailablePercent is the share of a group's nodes, in percent, that an update replaces at a time: a third, so an
// application on three nodes or in three zones keeps two.
const maxUnavailablePercent = 33

// amiTypes are EKS's names for its Amazon Linux 2023 images, by architecture.
var amiTypes = map[string]string{"amd64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}

// taintEffects are EKS's names for the effects of taints, by Kubernetes' names.
var taintEffects = map[string]string{
	"NoSchedule":       "NO_SCHEDULE",
	"PreferNoSchedule": "PREFER_NO_SCHEDULE",
	"NoExecute":        "NO_EXECUTE",
}

// storageTag says how much of a node's disk its pods may use. The autoscaler's AWS provider reads it from the group. For an
// empty group it knows no disk otherwise, so a pod that requests ephemeral storage would fit on none of the group's nodes.
const storageTag = "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"

// podStorageGiB returns what a disk leaves to pods: the kubelet keeps 10 % of it free (its default for nodefs.available), and
// EKS's node image reserves 1 GiB (nodeadm).
func podStorageGiB(diskGiB int) int { return diskGiB*9/10 - 1 }

// newNodeGroups registers the node groups, with one role for all.
func newNodeGroups(ctx *pulumi.Context, name string, args *Args, cluster pulumi.StringInput, partition string, child pulumi.ResourceOption, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	role, err := newNodeRole(ctx, name, args, partition, child)
	if err != nil {
		return nil, err
	}
	var groups []pulumi.Resource
	for _, g := range args.NodeGroups {
		template, err := newLaunchTemplate(ctx, name, args, g, child)
		if err != nil {
			return nil, err
		}
		group := nodeGroupArgs(args, g)
		group.ClusterName, group.NodeRoleArn = cluster, role
		group.LaunchTemplate = &eks.NodeGroupLaunchTemplateArgs{
			Id: template.ID().ToStringOutput().ToStringPtrOutput(),
			// The number and not $Latest: then a change of the template updates the group, which replaces its nodes a few at
			// a time.
			Version: template.LatestVersion.ApplyT(strconv.Itoa).(pulumi.StringOutput),
		}
		groupOpts := append(slices.Clone(opts), child)
		if !g.Resize {
			// The autoscaler changes it. The setting is used only when the group is created.
			groupOpts = append(groupOpts, pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}))
		}
		resource, err := eks.NewNodeGroup(ctx, name+"-"+g.Name, group, groupOpts...)
		if err != nil {
			return nil, err
		}
		if g.OffHours != nil && g.OffHours.Min < g.Min {
			if err := newOffHours(ctx, name+"-"+g.Name, g, resource, child); err != nil {
				return nil, err
			}
		}
		groups = append(groups, resource)
	}
	return groups, nil
}

// unchanged is a size that a scheduled action leaves as it is.
const unchanged = -1

// newOffHours registers the actions of the group's Auto Scaling group that lower its minimum when work ends and raise it when
// work begins. In between, the autoscaler removes the nodes that nobody needs.
func newOffHours(ctx *pulumi.Context, name string, g NodeGroup, group *eks.NodeGroup, opts ...pulumi.ResourceOption) error {
	asg := group.Resources.ApplyT(func(all []eks.NodeGroupResource) (string, error) {
		if len(all) == 0 || len(all[0].AutoscalingGroups) == 0 || all[0].AutoscalingGroups[0].Name == nil {
			return "", fmt.Errorf("node group %s: EKS names no Auto Scaling group of it, so its off hours cannot be set", g.Name)
		}
		return *all[0].AutoscalingGroups[0].Name, nil
	}).(pulumi.StringOutput)
	for _, action := range []struct {
		name, at string
		min      int
	}{{catalog.ScheduleStop, g.OffHours.Stop, g.OffHours.Min}, {catalog.ScheduleStart, g.OffHours.Start, g.Min}} {
		_, err := autoscaling.NewSchedule(ctx, name+"-"+action.name, &autoscaling.ScheduleArgs{
			AutoscalingGroupName: asg,
			ScheduledActionName:  pulumi.String(g.Name + "-" + action.name),
			MinSize:              pulumi.Int(action.min),
			MaxSize:              pulumi.Int(unchanged),
			DesiredCapacity:      pulumi.Int(unchanged),
			Recurrence:           pulumi.String(action.at),
			TimeZone:             pulumi.String(g.OffHours.TimeZone),
		}, opts...)
		if err != nil {
			return err
		}
	}
	return nil
}

// nodeGroupArgs returns the inputs of a group that follow from its settings. A change of image type, capacity type, instance
// types or subnets replaces the group. The name here is a prefix, which the AWS provider completes, so the new group starts
// beside the old one before the nodes of the old one drain.
func nodeGroupArgs(args *Args, g NodeGroup) *eks.NodeGroupArgs {
	capacity := "ON_DEMAND"
	if g.Spot {
		capacity = "SPOT"
	}
	group := &eks.NodeGroupArgs{
		NodeGroupNamePrefix: pulumi.String(g.Name + "-"),
		Version:             pulumi.String(args.NodeVersion),
		AmiType:             pulumi.String(amiTypes[g.Architecture]),
		CapacityType:        pulumi.String(capacity),
		InstanceTypes:       pulumi.ToStringArray(g.InstanceTypes),
		SubnetIds:           args.NodeSubnetIDs,
		ScalingConfig: &eks.NodeGroupScalingConfigArgs{
			MinSize: pulumi.Int(g.Min), MaxSize: pulumi.Int(g.Max), DesiredSize: pulumi.Int(g.Desired),
		},
		UpdateConfig:     &eks.NodeGroupUpdateConfigArgs{MaxUnavailablePercentage: pulumi.Int(maxUnavailablePercent)},
		Tags:             pulumi.StringMap{storageTag: pulumi.Sprintf("%dGi", podStorageGiB(g.DiskGiB))},
		NodeRepairConfig: &eks.NodeGroupNodeRepairConfigArgs{Enabled: pulumi.Bool(args.NodeRepair)},
	}
	if len(g.Labels) > 0 {
		group.Labels = pulumi.ToStringMap(g.Labels)
	}
	if len(g.Taints) > 0 {
		group.Taints = taintArgs(g.Taints)
	}
	return group
}

// taintArgs returns taints as EKS names them.
func taintArgs(taints []Taint) eks.NodeGroupTaintArray {
	var all eks.NodeGroupTaintArray
	for _, t := range taints {
		taint := &eks.NodeGroupTaintArgs{Key: pulumi.String(t.Key), Effect: pulumi.String(taintEffects[t.Effect])}
		if t.Value != "" {
			taint.Value = pulumi.String(t.Value)
		}
		all = append(all, taint)
	}
	return all
}

// groupSuffix is the number of characters that the AWS provider adds to the prefix of a group's name, after a hyphen.
const groupSuffix = 26

// maxGroupName is the longest name of a group, in characters: EKS allows 63.
const maxGroupName = 63 - 1 - groupSuffix

// Fit sets the group's number of nodes if the group exists with a number that is not from Min to Max: EKS refuses limits that
// exclude the number ("Minimum capacity can't be greater than desired size"). sizes are the numbers of the cluster's groups, by
// their names in EKS. While a group is replaced there are two; the newer one counts.
func (g *NodeGroup) Fit(sizes map[string]int) {
	newest := "" // the suffix begins with the time
	for name := range sizes {
		if suffix, ofGroup := strings.CutPrefix(name, g.Name+"-"); ofGroup && len(suffix) == groupSuffix {
			newest = max(newest, name)
		}
	}
	size, exists := sizes[newest]
	if g.Resize = exists && (size < g.Min || size > g.Max); g.Resize {
		g.Desired = min(max(size, g.Min), g.Max)
	}
}

// checkGroup returns the first mistake in a group's arguments.
func checkGroup(g NodeGroup) error {
	if n := len(g.Name); n == 0 || n > maxGroupName {
		return fmt.Errorf("node group %q: its name has %d characters; 1 to %d are allowed", g.Name, n, maxGroupName)
	}
	if amiTypes[g.Architecture] == "" {
		return fmt.Errorf("node group %s: architecture %q is neither amd64 nor arm64", g.Name, g.Architecture)
	}
	for _, t := range g.Taints {
		if taintEffects[t.Effect] == "" {
			return fmt.Errorf("node group %s: taint %s has effect %q; it must be NoSchedule, PreferNoSchedule or NoExecute", g.Name, t.Key, t.Effect)
		}
	}
	return nil
}
