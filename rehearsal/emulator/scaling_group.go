package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
)

// scalingGroup are the resources that EKS makes for a node group: an Auto Scaling group, a launch template made from the node
// group's, and an instance profile of the node role.
type scalingGroup struct{ group, template, profile, role string }

func (a *AWS) makeScaling(ctx context.Context, one *cluster, g *nodeGroup) error {
	data, err := a.templateData(ctx, one, &g.NodeGroupFields)
	if err != nil {
		return err
	}
	id := newUUID()
	s := &g.scaling
	s.role = g.NodeRole[strings.LastIndex(g.NodeRole, "/")+1:]
	steps := []func() error{
		func() error {
			name := "eks-" + id
			_, err := a.clients.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &name})
			if err == nil {
				s.profile = name
				_, err = a.clients.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &name, RoleName: &s.role})
			}
			return err
		},
		func() error {
			made, err := a.clients.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("eks-" + id), LaunchTemplateData: data})
			if err == nil {
				s.template = aws.ToString(made.LaunchTemplate.LaunchTemplateId)
			}
			return err
		},
		func() error {
			name := fmt.Sprintf("eks-%s-%s", g.Name, id)
			_, err := a.clients.autoscaling.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
				AutoScalingGroupName: &name, MinSize: g.Scaling.Min, MaxSize: g.Scaling.Max, DesiredCapacity: aws.Int32(0),
				VPCZoneIdentifier: aws.String(strings.Join(g.Subnets, ",")), MixedInstancesPolicy: instancesPolicy(g, "1"), Tags: scalingTags(one.Name, g.Name, name),
				CapacityRebalance: aws.Bool(g.CapacityType == "SPOT"), NewInstancesProtectedFromScaleIn: aws.Bool(false),
			})
			if err == nil {
				s.group = name
				g.Resources.Groups = []groupName{{name}}
			}
			return err
		},
		func() error { return a.launch(ctx, g, *g.Scaling.Desired) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return errors.Join(fmt.Errorf("making node group %s: %w", g.Name, err), a.removeScaling(ctx, g))
		}
	}
	return nil
}

// scalingTags are the tags that EKS puts on an Auto Scaling group. It does not copy the node group's tags.
func scalingTags(cluster, group, name string) (tags []asgtypes.Tag) {
	for _, t := range [][2]string{
		{"eks:cluster-name", cluster}, {"eks:nodegroup-name", group}, {"kubernetes.io/cluster/" + cluster, "owned"},
		{"k8s.io/cluster-autoscaler/enabled", "true"}, {"k8s.io/cluster-autoscaler/" + cluster, "owned"},
	} {
		tags = append(tags, asgtypes.Tag{Key: &t[0], Value: &t[1], PropagateAtLaunch: aws.Bool(true), ResourceId: &name, ResourceType: aws.String("auto-scaling-group")})
	}
	return tags
}

// instancesPolicy is the policy of an Auto Scaling group: a version of the launch template, the instance types, and on-demand
// or spot capacity.
func instancesPolicy(g *nodeGroup, version string) *asgtypes.MixedInstancesPolicy {
	p := &asgtypes.MixedInstancesPolicy{
		LaunchTemplate: &asgtypes.LaunchTemplate{LaunchTemplateSpecification: &asgtypes.LaunchTemplateSpecification{
			LaunchTemplateId: &g.scaling.template, Version: &version,
		}},
		InstancesDistribution: &asgtypes.InstancesDistribution{
			OnDemandAllocationStrategy: aws.String("prioritized"), OnDemandBaseCapacity: aws.Int32(0), OnDemandPercentageAboveBaseCapacity: aws.Int32(100),
		},
	}
	if g.CapacityType == "SPOT" {
		p.InstancesDistribution.OnDemandPercentageAboveBaseCapacity = aws.Int32(0)
		p.InstancesDistribution.SpotAllocationStrategy = aws.String("price-capacity-optimized")
	}
	for _, kind := range g.InstanceTypes {
		p.LaunchTemplate.Overrides = append(p.LaunchTemplate.Overrides, asgtypes.LaunchTemplateOverrides{InstanceType: &kind})
	}
	return p
}

// templateData is the launch template of a node group's instances: the group's own template, in which EKS sets the image and the
// cluster's security group. It also completes the template's name and version in the node group.
func (a *AWS) templateData(ctx context.Context, one *cluster, g *NodeGroupFields) (*ec2types.RequestLaunchTemplateData, error) {
	data := &ec2types.RequestLaunchTemplateData{}
	if g.Template != nil {
		v, err := a.templateVersion(ctx, g.Template)
		if err != nil {
			return nil, err
		}
		g.Template = &launchTemplate{ID: aws.ToString(v.LaunchTemplateId), Name: aws.ToString(v.LaunchTemplateName), Version: fmt.Sprint(aws.ToInt64(v.VersionNumber))}
		// The two types have the same field names.
		if err := json.Unmarshal([]byte(mustJSON(v.LaunchTemplateData)), data); err != nil {
			return nil, fmt.Errorf("reading launch template %s: %w", g.Template.Name, err)
		}
		switch {
		case data.ImageId != nil:
			return nil, invalid("the emulator does not cover launch templates with an image of their own (%s)", *data.ImageId)
		case data.InstanceType != "" && len(g.InstanceTypes) > 0:
			return nil, invalid("You cannot specify instance types in both the launch template and the request")
		case data.IamInstanceProfile != nil:
			return nil, invalid("Launch template should not specify an instance profile. The noderole in your request will be used")
		case data.InstanceType != "":
			g.InstanceTypes = []string{string(data.InstanceType)}
		case len(g.InstanceTypes) == 0:
			g.InstanceTypes = []string{"t3.medium"}
		}
	}
	for _, device := range data.BlockDeviceMappings {
		if device.Ebs != nil && device.Ebs.DeleteOnTermination == nil {
			device.Ebs.DeleteOnTermination = aws.Bool(true) // EC2's default, which moto does not have
		}
	}
	image, err := a.image(ctx, g.ImageType, findRelease(g.Version))
	if err != nil {
		return nil, err
	}
	data.ImageId = &image
	data.InstanceType = ec2types.InstanceType(g.InstanceTypes[0])
	if len(data.SecurityGroupIds) == 0 && len(data.NetworkInterfaces) == 0 {
		data.SecurityGroupIds = []string{one.VPC.ClusterGroup}
	}
	return data, nil
}

func (a *AWS) templateVersion(ctx context.Context, t *launchTemplate) (*ec2types.LaunchTemplateVersion, error) {
	in := &ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{cmp.Or(t.Version, "$Default")}}
	if t.ID != "" {
		in.LaunchTemplateId = &t.ID
	} else {
		in.LaunchTemplateName = &t.Name
	}
	found, err := a.clients.ec2.DescribeLaunchTemplateVersions(ctx, in)
	var failure smithy.APIError
	switch {
	case errors.As(err, &failure):
		return nil, invalid("Launch template is not usable: %s", failure.ErrorMessage())
	case err != nil:
		return nil, fmt.Errorf("reading launch template %s%s: %w", t.ID, t.Name, err)
	case len(found.LaunchTemplateVersions) == 0:
		return nil, invalid("Launch template %s%s has no version %s", t.ID, t.Name, t.Version)
	}
	return &found.LaunchTemplateVersions[0], nil
}

// renewScaling sets the launch template of new instances to changed fields.
func (a *AWS) renewScaling(ctx context.Context, one *cluster, g *nodeGroup, changed *NodeGroupFields) error {
	template := *changed
	template.InstanceTypes = changed.InstanceTypes
	data, err := a.templateData(ctx, one, &template)
	if err != nil {
		return err
	}
	changed.Template = template.Template
	made, err := a.clients.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: &g.scaling.template, LaunchTemplateData: data})
	if err != nil {
		return fmt.Errorf("updating node group %s: %w", g.Name, err)
	}
	version := fmt.Sprint(aws.ToInt64(made.LaunchTemplateVersion.VersionNumber))
	if _, err := a.clients.autoscaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &g.scaling.group, MixedInstancesPolicy: instancesPolicy(g, version),
	}); err != nil {
		return fmt.Errorf("updating node group %s: %w", g.Name, err)
	}
	return nil
}

// scalingOf are the current numbers of the node group's Auto Scaling group.
func (a *AWS) scalingOf(ctx context.Context, g *nodeGroup) (scalingConfig, error) {
	found, err := a.clients.autoscaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{g.scaling.group}})
	if err != nil {
		return scalingConfig{}, fmt.Errorf("reading node group %s: %w", g.Name, err)
	}
	if len(found.AutoScalingGroups) == 0 {
		return g.Scaling, nil // the group was deleted; in EKS the node group would be degraded
	}
	group := found.AutoScalingGroups[0]
	return scalingConfig{Min: group.MinSize, Max: group.MaxSize, Desired: group.DesiredCapacity}, nil
}

func (a *AWS) setScaling(ctx context.Context, g *nodeGroup, to scalingConfig) error {
	now, err := a.scalingOf(ctx, g)
	if err != nil {
		return err
	}
	_, err = a.clients.autoscaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &g.scaling.group, MinSize: to.Min, MaxSize: to.Max, DesiredCapacity: aws.Int32(min(*to.Desired, *now.Desired)),
		// moto removes the policy in an update without it.
		MixedInstancesPolicy: instancesPolicy(g, "$Latest"),
	})
	if err != nil {
		return fmt.Errorf("setting the size of node group %s: %w", g.Name, err)
	}
	return a.launch(ctx, g, *to.Desired)
}

// removeScaling deletes the resources that makeScaling made, also after it failed.
func (a *AWS) removeScaling(ctx context.Context, g *nodeGroup) error {
	s := &g.scaling
	var failures []error
	if s.group != "" {
		_, err := a.clients.autoscaling.DeleteAutoScalingGroup(ctx, &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: &s.group, ForceDelete: aws.Bool(true)})
		failures = append(failures, err)
	}
	if s.template != "" {
		_, err := a.clients.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &s.template})
		failures = append(failures, err)
	}
	if s.profile != "" {
		_, err := a.clients.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &s.profile, RoleName: &s.role})
		failures = append(failures, err)
		_, err = a.clients.iam.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &s.profile})
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// roleExists says whether there is a role with this ARN.
func (a *AWS) roleExists(ctx context.Context, arn string) (bool, error) {
	role, err := a.role(ctx, arn)
	return role != nil, err
}
