package emulator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// nodeGroup is a managed node group.
type nodeGroup struct {
	NodeGroupFields
	owner   *cluster
	scaling scalingGroup // the resources that EKS made for it
}

// NodeGroupFields are the fields of a node group in the API.
type NodeGroupFields struct {
	Name           string            `json:"nodegroupName"`
	ARN            string            `json:"nodegroupArn"`
	Cluster        string            `json:"clusterName"`
	Version        string            `json:"version"`
	ReleaseVersion string            `json:"releaseVersion"`
	CreatedAt      float64           `json:"createdAt"`
	ModifiedAt     float64           `json:"modifiedAt"`
	Status         string            `json:"status"`
	CapacityType   string            `json:"capacityType"`
	Scaling        scalingConfig     `json:"scalingConfig"`
	InstanceTypes  []string          `json:"instanceTypes"`
	Subnets        []string          `json:"subnets"`
	ImageType      string            `json:"amiType"`
	NodeRole       string            `json:"nodeRole"`
	Labels         map[string]string `json:"labels"`
	Taints         []taint           `json:"taints,omitempty"`
	Resources      groupResources    `json:"resources"`
	DiskSize       *int              `json:"diskSize,omitempty"`
	Health         health            `json:"health"`
	Update         updateConfig      `json:"updateConfig"`
	Repair         *enabled          `json:"nodeRepairConfig,omitempty"`
	Template       *launchTemplate   `json:"launchTemplate,omitempty"`
	Tags           map[string]string `json:"tags"`
}

type (
	scalingConfig struct {
		Min     *int32 `json:"minSize"`
		Max     *int32 `json:"maxSize"`
		Desired *int32 `json:"desiredSize"`
	}
	taint struct {
		Key    string `json:"key"`
		Value  string `json:"value,omitempty"`
		Effect string `json:"effect"`
	}
	groupName struct {
		Name string `json:"name"`
	}
	groupResources struct {
		Groups []groupName `json:"autoScalingGroups"`
	}
	updateConfig struct {
		Unavailable        *int   `json:"maxUnavailable,omitempty"`
		UnavailablePercent *int   `json:"maxUnavailablePercentage,omitempty"`
		Strategy           string `json:"updateStrategy,omitempty"`
	}
	launchTemplate struct {
		Name    string `json:"name,omitempty"`
		Version string `json:"version,omitempty"`
		ID      string `json:"id,omitempty"`
	}
)

// createNodeGroup is the request. A field that is not here is an error.
type createNodeGroup struct {
	Name           string            `json:"nodegroupName"`
	Scaling        *scalingConfig    `json:"scalingConfig"`
	DiskSize       *int              `json:"diskSize"`
	Subnets        []string          `json:"subnets"`
	InstanceTypes  []string          `json:"instanceTypes"`
	ImageType      string            `json:"amiType"`
	NodeRole       string            `json:"nodeRole"`
	Labels         map[string]string `json:"labels"`
	Taints         []taint           `json:"taints"`
	Tags           map[string]string `json:"tags"`
	Token          string            `json:"clientRequestToken"`
	Template       *launchTemplate   `json:"launchTemplate"`
	Update         *updateConfig     `json:"updateConfig"`
	Repair         *enabled          `json:"nodeRepairConfig"`
	CapacityType   string            `json:"capacityType"`
	Version        string            `json:"version"`
	ReleaseVersion string            `json:"releaseVersion"`
}

func (c *eksCall) createNodeGroup(one *cluster, in *createNodeGroup) (any, error) {
	if one.nodeGroups[in.Name] != nil {
		return nil, inUse("NodeGroup already exists with name %s and cluster name %s", in.Name, one.Name)
	}
	if err := in.check(one); err != nil {
		return nil, err
	}
	if err := c.requirePassRole(in.NodeRole, "ec2.amazonaws.com"); err != nil {
		return nil, err
	}
	if in.CapacityType == "SPOT" {
		if there, err := c.aws.roleExists(c.ctx, c.aws.spotRole()); err != nil {
			return nil, err
		} else if !there {
			// EKS makes the group and reports this in its health, after it has tried to launch instances.
			return nil, invalid("AsgInstanceLaunchFailures: AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.")
		}
	}
	if network, err := c.aws.describeSubnets(c.ctx, in.Subnets); err != nil {
		return nil, err
	} else if network.vpc != one.VPC.VPCID {
		return nil, invalid("Subnets are not in the VPC of cluster %s", one.Name)
	}
	g := &nodeGroup{owner: one, NodeGroupFields: NodeGroupFields{
		Name: in.Name, Cluster: one.Name, ARN: c.aws.arn("nodegroup", one.Name, in.Name, newUUID()), CreatedAt: stamp(), ModifiedAt: stamp(),
		Version: in.Version, ReleaseVersion: findRelease(in.Version).imageRelease(), Status: creating, CapacityType: in.CapacityType, Scaling: *in.Scaling,
		InstanceTypes: in.InstanceTypes, Subnets: in.Subnets, ImageType: in.ImageType, NodeRole: in.NodeRole, Labels: orEmpty(in.Labels),
		Taints: in.Taints, DiskSize: in.DiskSize, Health: health{Issues: []any{}}, Update: *in.Update, Repair: in.Repair, Template: in.Template, Tags: orEmpty(in.Tags),
	}}
	if err := c.aws.makeScaling(c.ctx, one, g); err != nil {
		return nil, err
	}
	if one.entries[g.NodeRole] == nil && one.Access.Mode != "CONFIG_MAP" {
		c.addEntry(one, &accessEntry{Principal: g.NodeRole, Type: "EC2_LINUX", ofNodes: true})
	}
	one.nodeGroups[g.Name] = g
	c.after(c.aws.cfg.Times.NodeGroup, func(context.Context) { g.Status = active })
	return c.showGroup(g)
}

// check refuses invalid requests, like EKS, and sets defaults.
func (in *createNodeGroup) check(one *cluster) error {
	in.Version = cmp.Or(in.Version, one.Version)
	wanted, have := findRelease(in.Version), findRelease(one.Version)
	switch {
	case in.Name == "" || len(in.Name) > 63:
		return invalid("Nodegroup name is not valid: %q", in.Name)
	case wanted == nil:
		return invalid("Requested Nodegroup release version %s is invalid.", in.Version)
	case wanted.minor() > have.minor():
		return invalid("NodeGroup version %s can not be newer than the cluster version %s", in.Version, one.Version)
	case in.ReleaseVersion != "" && in.ReleaseVersion != wanted.imageRelease():
		return invalid("Requested Nodegroup release version %s is invalid. Allowed release version is %s", in.ReleaseVersion, wanted.imageRelease())
	case len(in.Subnets) == 0:
		return invalid("Subnets are not provided")
	}
	in.Scaling = cmp.Or(in.Scaling, &scalingConfig{Min: aws.Int32(1), Max: aws.Int32(2), Desired: aws.Int32(2)})
	if err := in.Scaling.check(); err != nil {
		return err
	}
	in.ImageType = cmp.Or(in.ImageType, "AL2023_x86_64_STANDARD")
	if imageArchitectures[in.ImageType] == "" {
		return invalid("the emulator has no images of type %s", in.ImageType)
	}
	in.CapacityType = cmp.Or(in.CapacityType, "ON_DEMAND")
	in.Update = cmp.Or(in.Update, &updateConfig{Unavailable: aws.Int(1)})
	if in.Template == nil && len(in.InstanceTypes) == 0 {
		in.InstanceTypes = []string{"t3.medium"}
	}
	if in.Template == nil {
		in.DiskSize = cmp.Or(in.DiskSize, aws.Int(20)) // GiB
	}
	if in.Template != nil && in.DiskSize != nil {
		return invalid("Disk size must be specified within the launch template.")
	}
	return checkTaints(in.Taints)
}

func checkTaints(taints []taint) error {
	for _, t := range taints {
		if !slices.Contains([]string{"NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"}, t.Effect) {
			return invalid("Taint %s has effect %q", t.Key, t.Effect)
		}
	}
	return nil
}

func (s *scalingConfig) check() error {
	switch {
	case s.Min == nil || s.Max == nil || s.Desired == nil:
		return invalid("the emulator needs minSize, maxSize and desiredSize together")
	case *s.Min < 0 || *s.Max < 1:
		return invalid("Minimum capacity %d must be 0 or more and maximum capacity %d 1 or more", *s.Min, *s.Max)
	case *s.Min > *s.Desired:
		return invalid("Minimum capacity %d can't be greater than desired size %d", *s.Min, *s.Desired)
	case *s.Desired > *s.Max:
		return invalid("desired capacity %d can't be greater than max size %d", *s.Desired, *s.Max)
	}
	return nil
}

// showGroup is a node group in an answer, with the current numbers of its Auto Scaling group.
func (c *eksCall) showGroup(g *nodeGroup) (any, error) {
	if g.Status != deleting {
		now, err := c.aws.scalingOf(c.ctx, g)
		if err != nil {
			return nil, err
		}
		g.Scaling = now
	}
	return map[string]any{"nodegroup": g.NodeGroupFields}, nil
}

func (c *eksCall) nodeGroup() (*nodeGroup, error) {
	id := c.path["nodegroup"]
	return part(c, func(one *cluster) map[string]*nodeGroup { return one.nodeGroups }, id, notFound("No node group found for name: %s.", id))
}

func (c *eksCall) listNodeGroups(one *cluster) (any, error) {
	return map[string]any{"nodegroups": sortedKeys(one.nodeGroups)}, nil
}

// deleteNodeGroup terminates the instances at once. After Times.NodeGroupDelete it deletes the group with the resources that
// EKS made for it.
func (c *eksCall) deleteNodeGroup(g *nodeGroup) (any, error) {
	one := g.owner
	if g.Status == deleting || g.Status == updating || g.Status == creating {
		return nil, inUse("Nodegroup %s is %s", g.Name, g.Status)
	}
	now, err := c.aws.scalingOf(c.ctx, g)
	if err != nil {
		return nil, err
	}
	g.Scaling = now
	if err := c.aws.setScaling(c.ctx, g, scalingConfig{Min: new(int32), Max: new(int32), Desired: new(int32)}); err != nil {
		return nil, err
	}
	g.Status = deleting
	c.after(c.aws.cfg.Times.NodeGroupDelete, func(ctx context.Context) {
		if err := c.aws.removeScaling(ctx, g); err != nil {
			c.aws.logf("deleting node group %s: %v", g.Name, err)
		}
		delete(one.nodeGroups, g.Name)
		c.deleteNodeEntry(one, g.NodeRole)
	})
	return c.showGroup(g)
}

// deleteNodeEntry deletes the access entry that EKS made for a node role, if no node group has the role.
func (c *eksCall) deleteNodeEntry(one *cluster, role string) {
	for _, g := range one.nodeGroups {
		if g.NodeRole == role {
			return
		}
	}
	if e := one.entries[role]; e != nil && e.ofNodes {
		delete(one.entries, role)
	}
}

// imageArchitectures are the types of machine images that the emulator has, with EC2's name of their architecture.
var imageArchitectures = map[string]string{
	"AL2023_x86_64_STANDARD": "x86_64",
	"AL2023_ARM_64_STANDARD": "arm64",
}

// imageName is AWS's name of the machine image for a version and type.
func imageName(imageType string, r *release) string {
	return fmt.Sprintf("amazon-eks-node-al2023-%s-standard-%s-v%s", strings.ToLower(imageArchitectures[imageType]), r.version, imageDay)
}
