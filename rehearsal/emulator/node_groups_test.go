package emulator

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func scalingGroupOf(t *testing.T, name string) *asgtypes.AutoScalingGroup {
	t.Helper()
	found, err := deployer().scaling.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if must(found, err)(t); len(found.AutoScalingGroups) == 0 {
		return nil
	}
	return &found.AutoScalingGroups[0]
}

func groupOf(t *testing.T, cluster, name string) *ekstypes.Nodegroup {
	t.Helper()
	found, err := deployer().eks.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
	return must(found, err)(t).Nodegroup
}

func TestANodeGroupHasAnAutoScalingGroupWithEKSsTags(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	name, scaling := newGroup(t, cluster, s)
	asg := scalingGroupOf(t, scaling)
	tags := map[string]string{}
	for _, tag := range asg.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		if !aws.ToBool(tag.PropagateAtLaunch) {
			t.Errorf("tag %s does not reach instances", *tag.Key)
		}
	}
	want := map[string]string{
		"eks:cluster-name": cluster, "eks:nodegroup-name": name, "kubernetes.io/cluster/" + cluster: "owned",
		"k8s.io/cluster-autoscaler/enabled": "true", "k8s.io/cluster-autoscaler/" + cluster: "owned",
	}
	if !maps.Equal(tags, want) {
		t.Errorf("the Auto Scaling group's tags are %v, want %v", tags, want)
	}
	if *asg.MinSize != 1 || *asg.MaxSize != 5 || *asg.DesiredCapacity != 2 || len(asg.Instances) != 2 || *asg.VPCZoneIdentifier != s.subnets[0]+","+s.subnets[1] {
		t.Errorf("it has %d to %d of %d instances in %s", *asg.MinSize, *asg.MaxSize, len(asg.Instances), *asg.VPCZoneIdentifier)
	}
	overrides := asg.MixedInstancesPolicy.LaunchTemplate.Overrides
	if len(overrides) != 2 || *overrides[0].InstanceType != "m5.large" || *overrides[1].InstanceType != "m5a.large" {
		t.Errorf("its instance types are %+v", overrides)
	}
	g := groupOf(t, cluster, name)
	if g.NodeRepairConfig == nil || !*g.NodeRepairConfig.Enabled {
		t.Errorf("the node group's repair is %+v", g.NodeRepairConfig)
	}
	if g.Status != ekstypes.NodegroupStatusActive || g.Labels["pool"] != "general" || len(g.Taints) != 1 || g.CapacityType != ekstypes.CapacityTypesOnDemand {
		t.Errorf("the node group is %+v", g)
	}

	ids := []string{*asg.Instances[0].InstanceId, *asg.Instances[1].InstanceId}
	found, err := deployer().ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
	for _, r := range must(found, err)(t).Reservations {
		for _, i := range r.Instances {
			if i.InstanceType != "m5.large" || i.State.Name != ec2types.InstanceStateNameRunning || aws.ToString(i.VpcId) != s.vpc {
				t.Errorf("instance %s is %s %s in %s", *i.InstanceId, i.State.Name, i.InstanceType, aws.ToString(i.VpcId))
			}
			tagged := func(key, value string) bool {
				return slices.ContainsFunc(i.Tags, func(tag ec2types.Tag) bool { return *tag.Key == key && *tag.Value == value })
			}
			if !tagged("eks:nodegroup-name", name) || !tagged("owner", "platform") {
				t.Errorf("its tags are %+v", i.Tags)
			}
		}
	}
}

func TestANodeGroupShowsTheSizeThatTheAutoscalerSet(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	name, scaling := newGroup(t, cluster, s)
	d := deployer()
	must(d.scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &scaling, DesiredCapacity: aws.Int32(4)}))(t)
	if got := *groupOf(t, cluster, name).ScalingConfig.DesiredSize; got != 4 {
		t.Errorf("the node group's desired size is %d, want 4", got)
	}
	instance := scalingGroupOf(t, scaling).Instances[0].InstanceId
	must(d.scaling.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{InstanceId: instance, ShouldDecrementDesiredCapacity: aws.Bool(true)}))(t)
	if got := *groupOf(t, cluster, name).ScalingConfig.DesiredSize; got != 3 {
		t.Errorf("the node group's desired size is %d, want 3", got)
	}
	// A change of labels leaves the number as it is; one of the limits keeps what it does not name.
	must(d.eks.UpdateNodegroupConfig(t.Context(), &eks.UpdateNodegroupConfigInput{
		ClusterName: &cluster, NodegroupName: &name, ScalingConfig: &ekstypes.NodegroupScalingConfig{MaxSize: aws.Int32(9)},
		Labels: &ekstypes.UpdateLabelsPayload{AddOrUpdateLabels: map[string]string{"a": "b"}, RemoveLabels: []string{"pool"}},
		Taints: &ekstypes.UpdateTaintsPayload{RemoveTaints: []ekstypes.Taint{{Key: aws.String("spot"), Effect: ekstypes.TaintEffectNoSchedule}}},
	}))(t)
	g, asg := groupOf(t, cluster, name), scalingGroupOf(t, scaling)
	if *g.ScalingConfig.DesiredSize != 3 || *asg.MaxSize != 9 || len(asg.Instances) != 3 || !maps.Equal(g.Labels, map[string]string{"a": "b"}) || len(g.Taints) != 0 {
		t.Errorf("the node group is %+v, with %d instances of at most %d", g, len(asg.Instances), *asg.MaxSize)
	}
	if len(asg.MixedInstancesPolicy.LaunchTemplate.Overrides) != 2 {
		t.Error("a change of size lost the instance types")
	}
}

func TestADeletedNodeGroupLeavesNothingThatEKSMadeForIt(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	slower(t, Times{NodeGroupDelete: 500 * time.Millisecond})
	name, scaling := newGroup(t, cluster, s)
	d := deployer()
	node := groupOf(t, cluster, name).NodeRole
	_, err := d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: &cluster})
	wantCode(t, err, "ResourceInUseException", "nodegroups attached")
	roleName := aws.String((&key{Principal: *node}).name())
	_, err = d.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: roleName})
	wantCode(t, err, "DeleteConflict", "instance profile")

	must(d.eks.DeleteNodegroup(t.Context(), &eks.DeleteNodegroupInput{ClusterName: &cluster, NodegroupName: &name}))(t)
	if got := groupOf(t, cluster, name).Status; got != ekstypes.NodegroupStatusDeleting {
		t.Errorf("the node group is %s", got)
	}
	if asg := scalingGroupOf(t, scaling); len(asg.Instances) != 0 {
		t.Errorf("the group that is being deleted still has %d instances", len(asg.Instances))
	}
	until(t, "the node group to go", func() bool { return scalingGroupOf(t, scaling) == nil })
	entries, err := d.eks.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: &cluster})
	if got := must(entries, err)(t).AccessEntries; slices.Contains(got, *node) {
		t.Error("the node role's access entry is left")
	}
	must(d.iam.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: roleName}))(t)
	must(d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: &cluster}))(t)
}

func TestANewLaunchTemplateVersionReachesNewInstances(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	name, scaling := newGroup(t, cluster, s)
	d := deployer()
	id := groupOf(t, cluster, name).LaunchTemplate.Id
	must(d.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: id, LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
		TagSpecifications: []ec2types.LaunchTemplateTagSpecificationRequest{{ResourceType: ec2types.ResourceTypeInstance, Tags: []ec2types.Tag{{Key: aws.String("owner"), Value: aws.String("new")}}}},
	}}))(t)
	update, err := d.eks.UpdateNodegroupVersion(t.Context(), &eks.UpdateNodegroupVersionInput{
		ClusterName: &cluster, NodegroupName: &name, LaunchTemplate: &ekstypes.LaunchTemplateSpecification{Id: id, Version: aws.String("2")},
	})
	got, err := d.eks.DescribeUpdate(t.Context(), &eks.DescribeUpdateInput{Name: &cluster, NodegroupName: &name, UpdateId: must(update, err)(t).Update.Id})
	if status := must(got, err)(t).Update.Status; status != ekstypes.UpdateStatusSuccessful {
		t.Errorf("the update is %s", status)
	}
	if v := groupOf(t, cluster, name).LaunchTemplate.Version; *v != "2" {
		t.Errorf("the node group has version %s of its launch template", *v)
	}
	must(d.scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &scaling, DesiredCapacity: aws.Int32(3)}))(t)
	newest := scalingGroupOf(t, scaling).Instances[2].InstanceId
	found, err := d.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []ec2types.Filter{
		{Name: aws.String("resource-id"), Values: []string{*newest}}, {Name: aws.String("key"), Values: []string{"owner"}}}})
	if tags := must(found, err)(t).Tags; len(tags) != 1 || *tags[0].Value != "new" {
		t.Errorf("the new instance's owner is %+v", tags)
	}
}

func TestInvalidNodeGroupsAreRefused(t *testing.T) {
	s, other := newSite(t), newSite(t)
	cluster := newCluster(t, s)
	for name, c := range map[string]struct {
		change     func(*eks.CreateNodegroupInput)
		code, part string
	}{
		"no such cluster":          {func(in *eks.CreateNodegroupInput) { in.ClusterName = aws.String("none") }, "ResourceNotFoundException", "none"},
		"no such template":         {func(in *eks.CreateNodegroupInput) { in.LaunchTemplate.Id = aws.String("lt-0") }, "InvalidParameterException", "lt-0"},
		"no such template version": {func(in *eks.CreateNodegroupInput) { in.LaunchTemplate.Version = aws.String("7") }, "InvalidParameterException", "7"},
		"no such role":             {func(in *eks.CreateNodegroupInput) { *in.NodeRole += "x" }, "InvalidParameterException", "does not exist"},
		"another VPC":              {func(in *eks.CreateNodegroupInput) { in.Subnets = other.subnets }, "InvalidParameterException", "VPC"},
		"newer than the cluster":   {func(in *eks.CreateNodegroupInput) { in.Version = aws.String("1.35") }, "InvalidParameterException", "newer"},
		"desired outside":          {func(in *eks.CreateNodegroupInput) { in.ScalingConfig.DesiredSize = aws.Int32(6) }, "InvalidParameterException", "6"},
		"disk size twice":          {func(in *eks.CreateNodegroupInput) { in.DiskSize = aws.Int32(40) }, "InvalidParameterException", "launch template"},
		"Amazon Linux 2":           {func(in *eks.CreateNodegroupInput) { in.AmiType = ekstypes.AMITypesAl2X8664 }, "InvalidParameterException", "AL2_x86_64"},
	} {
		t.Run(name, func(t *testing.T) {
			in := groupInput(t, cluster, s)
			c.change(in)
			_, err := deployer().eks.CreateNodegroup(t.Context(), in)
			wantCode(t, err, c.code, c.part)
		})
	}
	left, err := deployer().eks.ListNodegroups(t.Context(), &eks.ListNodegroupsInput{ClusterName: &cluster})
	if got := must(left, err)(t).Nodegroups; len(got) != 0 {
		t.Errorf("refused node groups are there: %v", got)
	}
}

func TestASpotGroupNeedsTheRoleOfSpotAndScalesFromZero(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	in := groupInput(t, cluster, s)
	in.CapacityType = ekstypes.CapacityTypesSpot
	_, err := deployer().eks.CreateNodegroup(t.Context(), in)
	wantCode(t, err, "InvalidParameterException", "service-linked role for EC2 Spot")
	must(deployer().iam.CreateServiceLinkedRole(t.Context(), &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String(spotService)}))(t)
	in.ScalingConfig = &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(0), MaxSize: aws.Int32(3), DesiredSize: aws.Int32(0)}
	scaling := must(deployer().eks.CreateNodegroup(t.Context(), in))(t).Nodegroup.Resources.AutoScalingGroups[0].Name
	must(deployer().scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: scaling, DesiredCapacity: aws.Int32(2)}))(t)
	if got := scalingGroupOf(t, *scaling); len(got.Instances) != 2 || *got.MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity != 0 {
		t.Errorf("the spot group has %d instances, distribution %+v", len(got.Instances), got.MixedInstancesPolicy.InstancesDistribution)
	}
}

func TestInstancesAreSpreadOverZonesWithinTheGroupsLimits(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	name, scaling := newGroup(t, cluster, s)
	d := deployer()
	spread := func() map[string]int {
		zones := map[string]int{}
		for _, i := range scalingGroupOf(t, scaling).Instances {
			zones[*i.AvailabilityZone]++
		}
		return zones
	}
	if got := spread(); !maps.Equal(got, map[string]int{"eu-west-1a": 1, "eu-west-1b": 1}) {
		t.Errorf("2 instances begin as %v", got)
	}
	set := func(n int32) error {
		_, err := d.scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &scaling, DesiredCapacity: &n})
		return err
	}
	check(t, set(4))
	if got := spread(); !maps.Equal(got, map[string]int{"eu-west-1a": 2, "eu-west-1b": 2}) {
		t.Errorf("4 instances are %v", got)
	}
	wantCode(t, set(6), "ValidationError", "above max value 5")
	wantCode(t, set(0), "ValidationError", "below min value 1")
	must(d.eks.UpdateNodegroupConfig(t.Context(), &eks.UpdateNodegroupConfigInput{
		ClusterName: &cluster, NodegroupName: &name, ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(6), MaxSize: aws.Int32(8), DesiredSize: aws.Int32(6)},
	}))(t)
	asg := scalingGroupOf(t, scaling)
	_, err := d.scaling.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{InstanceId: asg.Instances[0].InstanceId, ShouldDecrementDesiredCapacity: aws.Bool(true)})
	wantCode(t, err, "ValidationError", "min size")
	if got := spread(); !maps.Equal(got, map[string]int{"eu-west-1a": 3, "eu-west-1b": 3}) || *asg.VPCZoneIdentifier != s.subnets[0]+","+s.subnets[1] {
		t.Errorf("6 instances are %v in %s", got, *asg.VPCZoneIdentifier)
	}
}

func TestInstancesOfALostZoneAreReplacedInTheOthers(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	_, scaling := newGroup(t, cluster, s)
	in := func(zone string) (ids []string) {
		for _, i := range scalingGroupOf(t, scaling).Instances {
			if *i.AvailabilityZone == zone {
				ids = append(ids, *i.InstanceId)
			}
		}
		return ids
	}
	stays := in("eu-west-1b")
	check(t, cloud.LoseZone(t.Context(), "eu-west-1a"))
	defer cloud.RestoreZone()
	if a, b := in("eu-west-1a"), in("eu-west-1b"); len(a) != 0 || len(b) != 2 || !slices.Contains(b, stays[0]) {
		t.Errorf("without eu-west-1a the group has %v there, and %v in eu-west-1b, where %v was before", a, b, stays)
	}
	set := func(n int32) {
		must(deployer().scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &scaling, DesiredCapacity: &n}))(t)
	}
	set(3)
	if n := len(in("eu-west-1b")); n != 3 {
		t.Errorf("%d of 3 instances are in the zone that is left", n)
	}
	cloud.RestoreZone()
	set(4)
	if n := len(in("eu-west-1a")); n != 1 {
		t.Errorf("after its return, the zone gets %d instances, want the new one", n)
	}
}
