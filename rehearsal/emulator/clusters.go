package emulator

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tfserving/catalog"
)

// cluster is an EKS cluster.
type cluster struct {
	ClusterFields
	creator      string
	nodeGroups   map[string]*nodeGroup
	addons       map[string]*addon
	entries      map[string]*accessEntry
	associations map[string]*association
	updates      map[string]*update
	interfaces   []string // network interfaces of the control plane, in moto
	upgrade      upgrade
}

// upgrade is the last upgrade of a cluster's version. It is zero after a rollback, and for a cluster that has its first version.
type upgrade struct {
	from string
	done time.Time
}

// ClusterFields are the fields of a cluster in the API.
type ClusterFields struct {
	Name             string            `json:"name"`
	ARN              string            `json:"arn"`
	CreatedAt        float64           `json:"createdAt"`
	Version          string            `json:"version"`
	Endpoint         string            `json:"endpoint,omitempty"`
	RoleARN          string            `json:"roleArn"`
	VPC              vpcConfig         `json:"resourcesVpcConfig"`
	Network          networkConfig     `json:"kubernetesNetworkConfig"`
	Logging          logging           `json:"logging"`
	Identity         *identity         `json:"identity,omitempty"`
	Status           string            `json:"status"`
	CA               certificate       `json:"certificateAuthority"`
	PlatformVersion  string            `json:"platformVersion"`
	Tags             map[string]string `json:"tags"`
	Encryption       []encryption      `json:"encryptionConfig,omitempty"`
	Health           health            `json:"health"`
	Access           accessConfig      `json:"accessConfig"`
	Upgrade          upgradePolicy     `json:"upgradePolicy"`
	DeletionProtects bool              `json:"deletionProtection"`
	ZonalShift       *enabled          `json:"zonalShiftConfig,omitempty"`
}

type (
	// enabled is the configuration of zonal shift, and of node repair.
	enabled struct {
		Enabled bool `json:"enabled"`
	}
	certificate struct {
		Data string `json:"data,omitempty"`
	}
	identity struct {
		OIDC struct {
			Issuer string `json:"issuer"`
		} `json:"oidc"`
	}
	encryption struct {
		Resources []string          `json:"resources"`
		Provider  map[string]string `json:"provider"`
	}
	health struct {
		Issues []any `json:"issues"`
	}
	accessConfig struct {
		Mode string `json:"authenticationMode"`
		// Bootstrap is a field of the request only.
		Bootstrap *bool `json:"bootstrapClusterCreatorAdminPermissions,omitempty"`
	}
	upgradePolicy struct {
		SupportType string `json:"supportType"`
	}
	networkConfig struct {
		ServiceCIDR string `json:"serviceIpv4Cidr,omitempty"`
		Family      string `json:"ipFamily"`
		Balancing   struct {
			Enabled bool `json:"enabled"`
		} `json:"elasticLoadBalancing"`
	}
	logging struct {
		Cluster []logSetup `json:"clusterLogging"`
	}
	logSetup struct {
		Types   []string `json:"types"`
		Enabled *bool    `json:"enabled"`
	}
	vpcConfig struct {
		SubnetIDs     []string `json:"subnetIds"`
		GroupIDs      []string `json:"securityGroupIds"`
		ClusterGroup  string   `json:"clusterSecurityGroupId,omitempty"`
		VPCID         string   `json:"vpcId,omitempty"`
		PublicAccess  *bool    `json:"endpointPublicAccess"`
		PrivateAccess *bool    `json:"endpointPrivateAccess"`
		PublicCIDRs   []string `json:"publicAccessCidrs"`
	}
)

// States of EKS's resources.
const (
	creating = "CREATING"
	active   = "ACTIVE"
	updating = "UPDATING"
	deleting = "DELETING"
	degraded = "DEGRADED" // add-ons only
)

// createCluster is the request. A field that is not here is an error.
type createCluster struct {
	Name       string            `json:"name"`
	Version    string            `json:"version"`
	RoleARN    string            `json:"roleArn"`
	VPC        vpcConfig         `json:"resourcesVpcConfig"`
	Network    *networkConfig    `json:"kubernetesNetworkConfig"`
	Logging    *logging          `json:"logging"`
	Token      string            `json:"clientRequestToken"`
	Tags       map[string]string `json:"tags"`
	Encryption []encryption      `json:"encryptionConfig"`
	Access     *accessConfig     `json:"accessConfig"`
	// The add-ons that EKS would install by itself are not in its API, so the emulator does not make them.
	SelfManagedAddons *bool          `json:"bootstrapSelfManagedAddons"`
	Upgrade           *upgradePolicy `json:"upgradePolicy"`
	DeletionProtects  bool           `json:"deletionProtection"`
	ZonalShift        *enabled       `json:"zonalShiftConfig"`
}

var clusterName = regexp.MustCompile(`^[0-9A-Za-z][A-Za-z0-9\-_]{0,99}$`)

func (c *eksCall) createCluster() (any, error) {
	in := createCluster{Access: &accessConfig{}, Upgrade: &upgradePolicy{SupportType: "EXTENDED"}, Network: &networkConfig{}, Logging: &logging{}}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !clusterName.MatchString(in.Name) {
		return nil, invalid("ClusterName is not valid: %q", in.Name)
	}
	if c.aws.eks.clusters[in.Name] != nil {
		return nil, inUse("Cluster already exists with name: %s", in.Name)
	}
	in.Version = cmp.Or(in.Version, defaultRelease)
	if r := findRelease(in.Version); r == nil || r.status() == unsupported {
		return nil, invalid("unsupported Kubernetes version %s", in.Version)
	}
	if err := c.requirePassRole(in.RoleARN, "eks.amazonaws.com"); err != nil {
		return nil, err
	}
	network, err := c.aws.describeSubnets(c.ctx, in.VPC.SubnetIDs)
	if err != nil {
		return nil, err
	}
	if len(network.zones) < 2 {
		return nil, invalid("Subnets specified must be in at least two different AZs")
	}
	in.VPC.VPCID = network.vpc
	completeCluster(&in, network)
	one := &cluster{
		ClusterFields: ClusterFields{
			Name: in.Name, ARN: c.aws.arn("cluster", in.Name), CreatedAt: stamp(), Version: in.Version, RoleARN: in.RoleARN, VPC: in.VPC,
			Network: *in.Network, Logging: spreadLogs(*in.Logging), Status: creating, PlatformVersion: platformVersion, Tags: orEmpty(in.Tags),
			Encryption: in.Encryption, Health: health{Issues: []any{}}, Access: accessConfig{Mode: in.Access.Mode}, Upgrade: *in.Upgrade,
			DeletionProtects: in.DeletionProtects, ZonalShift: in.ZonalShift,
		},
		creator:    c.who.Principal,
		nodeGroups: map[string]*nodeGroup{}, addons: map[string]*addon{}, entries: map[string]*accessEntry{},
		associations: map[string]*association{}, updates: map[string]*update{},
	}
	if err := c.aws.connect(c.ctx, one); err != nil {
		return nil, err
	}
	if in.Access.Bootstrap == nil || *in.Access.Bootstrap {
		c.addEntry(one, &accessEntry{Principal: one.creator, Type: "STANDARD"}).policies[adminPolicy] = &associatedPolicy{
			ARN: policyARN(adminPolicy), Scope: accessScope{Type: "cluster"}, AssociatedAt: stamp(), ModifiedAt: stamp(),
		}
	}
	c.aws.eks.clusters[in.Name] = one
	c.after(c.aws.cfg.Times.Cluster, func(context.Context) {
		one.Status = active
		one.Identity = &identity{}
		one.Identity.OIDC.Issuer = fmt.Sprintf("https://oidc.eks.%s.amazonaws.com/id/%X", c.aws.cfg.Region, newUUID()[:8])
	})
	return c.aws.show(one), nil
}

// completeCluster sets the defaults of a request.
func completeCluster(in *createCluster, network *subnets) {
	yes, no := true, false
	in.VPC.PublicAccess, in.VPC.PrivateAccess = cmp.Or(in.VPC.PublicAccess, &yes), cmp.Or(in.VPC.PrivateAccess, &no)
	if in.VPC.PublicCIDRs == nil {
		in.VPC.PublicCIDRs = []string{}
		if *in.VPC.PublicAccess {
			in.VPC.PublicCIDRs = []string{"0.0.0.0/0"}
		}
	}
	if in.VPC.GroupIDs == nil {
		in.VPC.GroupIDs = []string{}
	}
	in.Access.Mode, in.Network.Family = cmp.Or(in.Access.Mode, "CONFIG_MAP"), cmp.Or(in.Network.Family, "ipv4")
	if in.Network.ServiceCIDR == "" {
		// EKS takes the one of the two ranges that does not overlap the VPC.
		if in.Network.ServiceCIDR = "10.100.0.0/16"; strings.HasPrefix(network.cidr, "10.") {
			in.Network.ServiceCIDR = "172.20.0.0/16"
		}
	}
}

// spreadLogs completes a logging configuration: each type of log is either enabled or disabled.
func spreadLogs(in logging) logging {
	yes, no := true, false
	on, off := []string{}, []string{}
	for _, kind := range catalog.LogTypes() {
		if slices.ContainsFunc(in.Cluster, func(s logSetup) bool { return s.Enabled != nil && *s.Enabled && slices.Contains(s.Types, kind) }) {
			on = append(on, kind)
		} else {
			off = append(off, kind)
		}
	}
	var out logging
	if len(on) > 0 {
		out.Cluster = append(out.Cluster, logSetup{on, &yes})
	}
	if len(off) > 0 {
		out.Cluster = append(out.Cluster, logSetup{off, &no})
	}
	return out
}

// show is a cluster in an answer. It has an endpoint and a CA once the cluster is active.
func (a *AWS) show(one *cluster) any {
	fields := one.ClusterFields
	if endpoint, ca, _ := a.controlPlane(); fields.Status != creating {
		fields.Endpoint, fields.CA.Data = endpoint, base64.StdEncoding.EncodeToString(ca)
	}
	return map[string]any{"cluster": fields}
}

// cluster is the cluster that the path names.
func (c *eksCall) cluster() (*cluster, error) {
	one := c.aws.eks.clusters[c.path["name"]]
	if one == nil {
		return nil, notFound("No cluster found for name: %s.", c.path["name"])
	}
	return one, nil
}

// activeCluster is the cluster that the path names. An error means that it does not exist or is not active.
func (c *eksCall) activeCluster() (*cluster, error) {
	one, err := c.cluster()
	if err == nil && one.Status != active && one.Status != updating {
		return nil, invalidState("Cluster %s is %s; it must be ACTIVE", one.Name, one.Status)
	}
	return one, err
}

func (c *eksCall) describeCluster(one *cluster) (any, error) { return c.aws.show(one), nil }

func (c *eksCall) listClusters() (any, error) {
	return map[string]any{"clusters": sortedKeys(c.aws.eks.clusters)}, nil
}

func (c *eksCall) deleteCluster() (any, error) {
	one, err := c.cluster()
	switch {
	case err != nil:
		return nil, err
	case len(one.nodeGroups) > 0:
		return nil, inUse("Cluster has nodegroups attached")
	case one.DeletionProtects:
		return nil, invalidState("Cluster %s has deletion protection enabled", one.Name)
	case one.Status == creating || one.Status == updating || one.Status == deleting:
		return nil, inUse("Cluster %s is %s", one.Name, one.Status)
	}
	one.Status = deleting
	c.after(c.aws.cfg.Times.ClusterDelete, func(ctx context.Context) {
		if err := c.aws.disconnect(ctx, one); err != nil {
			c.aws.logf("deleting cluster %s: %v", one.Name, err)
		}
		delete(c.aws.eks.clusters, one.Name)
		c.aws.eks.lateLogs[one.Name] = slices.ContainsFunc(one.Logging.Cluster, func(s logSetup) bool { return *s.Enabled })
	})
	return c.aws.show(one), nil
}

// sortedKeys are the sorted keys of a map, never nil: an empty list of EKS is [] in JSON, not null.
func sortedKeys[V any](m map[string]V) []string {
	return append([]string{}, slices.Sorted(maps.Keys(m))...)
}
