package cluster

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
)

const (
	// rootDevice is the name of the root volume in the Amazon Linux 2023 image.
	rootDevice = "/dev/xvda"
	// volumeType is the cheaper general-purpose type.
	volumeType = "gp3"
)

// newLaunchTemplate registers the launch template of a group's instances. It names no image and no security group: EKS
// chooses the image of its release and uses the cluster's security group, which lets nodes and control plane reach each
// other. It has no key pair: people open a shell through Systems Manager.
func newLaunchTemplate(ctx *pulumi.Context, name string, args *Args, g NodeGroup, child pulumi.ResourceOption) (*ec2.LaunchTemplate, error) {
	return ec2.NewLaunchTemplate(ctx, name+"-"+g.Name, &ec2.LaunchTemplateArgs{
		Description: pulumi.Sprintf("Nodes of group %s in EKS cluster %s", g.Name, args.Name),
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(catalog.MetadataHops),
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
		// Metrics for each minute cost money, and nothing in the stack uses them.
		Monitoring:        &ec2.LaunchTemplateMonitoringArgs{Enabled: pulumi.Bool(false)},
		TagSpecifications: tagSpecifications(args, g),
	}, child)
}

// tagSpecifications tag the instances of a group, and their volumes and network interfaces.
func tagSpecifications(args *Args, g NodeGroup) ec2.LaunchTemplateTagSpecificationArray {
	tags := pulumi.ToStringMap(args.Tags)
	tags["Name"] = pulumi.String(args.Name + "-" + g.Name)
	var all ec2.LaunchTemplateTagSpecificationArray
	for _, kind := range []string{"instance", "volume", "network-interface"} {
		all = append(all, &ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String(kind), Tags: tags})
	}
	return all
}
