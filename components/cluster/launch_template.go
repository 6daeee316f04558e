package cluster

import (
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// rootDevice is the name of the root volume in Amazon's Linux 2023 image.
	rootDevice = "/dev/xvda"
	volumeType = "gp3"
	// metadataHops is how many network hops an answer of the instance metadata service survives. A pod is the second hop,
	// so one keeps the node's credentials from every pod that has a network of its own.
	metadataHops = 1
)

// newLaunchTemplate makes the template of a group's instances. It names no image and no security group, so EKS picks the
// image of its release and puts nodes in the cluster's own group, in which they and the control plane reach each other.
// There is no key pair: a shell is Systems Manager's affair.
func newLaunchTemplate(ctx *pulumi.Context, name string, args *Args, g NodeGroup, within pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
	return ec2.NewLaunchTemplate(ctx, name+"-"+g.Name, &ec2.LaunchTemplateArgs{
		Description: pulumi.Sprintf("Nodes of group %s in EKS cluster %s", g.Name, args.Name),
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(metadataHops),
		},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{&ec2.LaunchTemplateBlockDeviceMappingArgs{
			DeviceName: pulumi.String(rootDevice),
			Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeType:          pulumi.String(volumeType),
				VolumeSize:          pulumi.Int(g.DiskGiB),
				Encrypted:           pulumi.String("true"),
				DeleteOnTermination: pulumi.String("true"),
			},
		}},
		// Samples each minute cost money, and nothing here scales by them.
		Monitoring:        &ec2.LaunchTemplateMonitoringArgs{Enabled: pulumi.Bool(false)},
		TagSpecifications: tagSpecifications(args, g),
	}, within)
}

// tagSpecifications tag what comes and goes with an instance.
func tagSpecifications(args *Args, g NodeGroup) ec2.LaunchTemplateTagSpecificationArray {
	tags := maps.Clone(args.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags["Name"] = args.Name + "-" + g.Name
	var all ec2.LaunchTemplateTagSpecificationArray
	for _, kind := range []string{"instance", "volume", "network-interface"} {
		all = append(all, &ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String(kind), Tags: pulumi.ToStringMap(tags)})
	}
	return all
}
