package cluster

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NodeGroup is a managed group of EC2 nodes that are alike.
type NodeGroup struct {
	Name          string
	InstanceTypes []string // any of which will do; all of one architecture
	Architecture  string   // amd64 or arm64
	Spot          bool
	// Desired is how many nodes a new group starts with. From then on the autoscaler alone decides, within Min and Max.
	Min, Max, Desired int
	DiskGiB           int
	Labels            map[string]string
	Taints            []Taint
}

// Taint keeps pods that do not tolerate it off a group's nodes. Effect is Kubernetes' word: NoSchedule,
// PreferNoSchedule, NoExecute.
type Taint struct{ Key, Value, Effect string }

// maxUnavailable is how many of a group's nodes, in percent, an update replaces at a time: a third, so that what is spread
// over three nodes or zones keeps two.
const maxUnavailable = 33

// amiTypes are EKS's names of its Amazon Linux 2023 images, by architecture.
var amiTypes = map[string]string{"amd64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}

// taintEffects are EKS's words for Kubernetes' effects.
var taintEffects = map[string]string{
	"NoSchedule":       "NO_SCHEDULE",
	"PreferNoSchedule": "PREFER_NO_SCHEDULE",
	"NoExecute":        "NO_EXECUTE",
}

// newNodeGroups makes the node groups, with one role for all.
func newNodeGroups(ctx *pulumi.Context, name string, args *Args, cluster pulumi.StringInput, partition string, within pulumi.ResourceOption, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	role, err := newNodeRole(ctx, name, args, partition, within)
	if err != nil {
		return nil, err
	}
	var groups []pulumi.Resource
	for _, g := range args.NodeGroups {
		template, err := newLaunchTemplate(ctx, name, args, g, within)
		if err != nil {
			return nil, err
		}
		group := nodeGroupArgs(args, g)
		group.ClusterName, group.NodeRoleArn = cluster, role
		group.LaunchTemplate = &eks.NodeGroupLaunchTemplateArgs{
			Id: template.ID().ToStringOutput().ToStringPtrOutput(),
			// A number, not $Latest: a change of the template is then a change of the group, which replaces its nodes a
			// few at a time.
			Version: template.LatestVersion.ApplyT(strconv.Itoa).(pulumi.StringOutput),
		}
		made, err := eks.NewNodeGroup(ctx, name+"-"+g.Name, group, append(opts, within,
			// The autoscaler's to set; the setting counts when the group is made.
			pulumi.IgnoreChanges([]string{"scalingConfig.desiredSize"}))...)
		if err != nil {
			return nil, err
		}
		groups = append(groups, made)
	}
	return groups, nil
}

// nodeGroupArgs are what a group's settings say. A change of image type, capacity type, instance types or subnets takes a
// new group. Its name is only begun here, and EKS's provider completes it, so that the new group can come up beside the
// old one before that one's nodes drain.
func nodeGroupArgs(args *Args, g NodeGroup) *eks.NodeGroupArgs {
	capacity := "ON_DEMAND"
	if g.Spot {
		capacity = "SPOT"
	}
	group := &eks.NodeGroupArgs{
		NodeGroupNamePrefix: pulumi.String(g.Name + "-"),
		Version:             pulumi.String(args.Version),
		AmiType:             pulumi.String(amiTypes[g.Architecture]),
		CapacityType:        pulumi.String(capacity),
		InstanceTypes:       pulumi.ToStringArray(g.InstanceTypes),
		SubnetIds:           args.NodeSubnetIDs,
		ScalingConfig: &eks.NodeGroupScalingConfigArgs{
			MinSize: pulumi.Int(g.Min), MaxSize: pulumi.Int(g.Max), DesiredSize: pulumi.Int(g.Desired),
		},
		UpdateConfig: &eks.NodeGroupUpdateConfigArgs{MaxUnavailablePercentage: pulumi.Int(maxUnavailable)},
	}
	if len(g.Labels) > 0 {
		group.Labels = pulumi.ToStringMap(g.Labels)
	}
	if len(g.Taints) > 0 {
		group.Taints = taints(g.Taints)
	}
	return group
}

func taints(of []Taint) eks.NodeGroupTaintArray {
	var all eks.NodeGroupTaintArray
	for _, t := range of {
		taint := &eks.NodeGroupTaintArgs{Key: pulumi.String(t.Key), Effect: pulumi.String(taintEffects[t.Effect])}
		if t.Value != "" {
			taint.Value = pulumi.String(t.Value)
		}
		all = append(all, taint)
	}
	return all
}

// maxGroupName is how long a group's name may be, in characters: EKS takes 63, of which the provider completes a prefix
// with a hyphen and 26 digits.
const maxGroupName = 63 - 1 - 26

// checkGroup says what keeps a group from being made.
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
