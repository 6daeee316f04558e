package emulator

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// update is a change of a cluster, node group or add-on.
type update struct {
	ID        string        `json:"id"`
	Status    string        `json:"status"`
	Type      string        `json:"type"`
	Params    []updateParam `json:"params"`
	CreatedAt float64       `json:"createdAt"`
	Errors    []any         `json:"errors"`
	of        string        // name of the node group or add-on; empty for the cluster
}

type updateParam struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// begin starts an update and calls done when it has ended. Until then state is UPDATING, and ACTIVE afterwards.
func (c *eksCall) begin(one *cluster, kind, of string, state *string, takes time.Duration, done func(ctx context.Context), params ...updateParam) any {
	u := &update{ID: newUUID(), Status: "InProgress", Type: kind, Params: params, CreatedAt: stamp(), Errors: []any{}, of: of}
	one.updates[u.ID] = u
	*state = updating
	c.after(takes, func(ctx context.Context) {
		u.Status, *state = "Successful", active
		if done != nil {
			done(ctx)
		}
	})
	// A copy, because the update may end before the answer is encoded.
	return map[string]any{"update": *u}
}

func (c *eksCall) updateOwner() string {
	return c.query.Get("nodegroupName") + c.query.Get("addonName")
}

func (c *eksCall) describeUpdate(one *cluster) (any, error) {
	u := one.updates[c.path["update"]]
	if u == nil || u.of != c.updateOwner() {
		return nil, notFound("No update found for ID: %s", c.path["update"])
	}
	return map[string]any{"update": u}, nil
}

func (c *eksCall) listUpdates(one *cluster) (any, error) {
	ids := []string{}
	for _, id := range sortedKeys(one.updates) {
		if one.updates[id].of == c.updateOwner() {
			ids = append(ids, id)
		}
	}
	return map[string]any{"updateIds": ids}, nil
}

// idle is the cluster that the path names. An error means that it does not exist, is not active or is being updated.
func (c *eksCall) idle() (*cluster, error) {
	one, err := c.activeCluster()
	if err == nil && one.Status == updating {
		return nil, inUse("Cannot update cluster %s: another update is in progress", one.Name)
	}
	return one, err
}

// maxKubeletSkew is how many minor versions a kubelet may be older than its API server (Kubernetes, "Version Skew Policy").
const maxKubeletSkew = 3

func (c *eksCall) updateClusterVersion(one *cluster, in *struct {
	Version string `json:"version"`
	Token   string `json:"clientRequestToken"`
	Force   bool   `json:"force"`
}) (any, error) {
	wanted, have := findRelease(in.Version), findRelease(one.Version)
	switch {
	case wanted == nil || wanted.status() == unsupported:
		return nil, invalid("unsupported Kubernetes version %s", in.Version)
	case wanted.minor() == have.minor():
		return nil, invalid("Cluster is already at the version %s", in.Version)
	case wanted.minor() == have.minor()-1:
		return c.rollBack(one, wanted, in.Force)
	case wanted.minor() != have.minor()+1:
		return nil, invalid("Unsupported Kubernetes minor version update from %s to %s", one.Version, in.Version)
	}
	for _, name := range sortedKeys(one.nodeGroups) {
		if g := findRelease(one.nodeGroups[name].Version); g != nil && wanted.minor()-g.minor() > maxKubeletSkew {
			return nil, invalid("Nodegroup %s has version %s, too old for a cluster of %s", name, g.version, in.Version)
		}
	}
	return c.beginVersion(one, "VersionUpdate", in.Version, func() { one.upgrade = upgrade{from: one.Version, done: time.Now()} }), nil
}

// beginVersion starts an update of the control plane's version. record runs before the version changes.
func (c *eksCall) beginVersion(one *cluster, kind, version string, record func()) any {
	return c.begin(one, kind, "", &one.Status, c.aws.cfg.Times.ClusterUpdate, func(context.Context) {
		record()
		one.Version = version
	}, updateParam{"Version", version}, updateParam{"PlatformVersion", platformVersion})
}

func (c *eksCall) updateClusterConfig(one *cluster, in *struct {
	VPC              *vpcConfig     `json:"resourcesVpcConfig"`
	Logging          *logging       `json:"logging"`
	Access           *accessConfig  `json:"accessConfig"`
	Upgrade          *upgradePolicy `json:"upgradePolicy"`
	DeletionProtects *bool          `json:"deletionProtection"`
	ZonalShift       *enabled       `json:"zonalShiftConfig"`
	Token            string         `json:"clientRequestToken"`
}) (any, error) {
	begin := func(kind string, done func(), params ...updateParam) (any, error) {
		return c.begin(one, kind, "", &one.Status, c.aws.cfg.Times.ClusterUpdate, func(context.Context) { done() }, params...), nil
	}
	switch {
	case in.Logging != nil:
		wanted := spreadLogs(*in.Logging)
		if mustJSON(wanted) == mustJSON(one.Logging) {
			return nil, invalid("No changes needed for the logging config provided")
		}
		return begin("LoggingUpdate", func() { one.Logging = wanted }, updateParam{"ClusterLogging", mustJSON(wanted)})
	case in.VPC != nil:
		return c.updateVPC(one, in.VPC, begin)
	case in.Access != nil:
		order := []string{"CONFIG_MAP", "API_AND_CONFIG_MAP", "API"}
		if from, to := slices.Index(order, one.Access.Mode), slices.Index(order, in.Access.Mode); to <= from {
			return nil, invalid("Unsupported authentication mode update from %s to %s", one.Access.Mode, in.Access.Mode)
		}
		return begin("AccessConfigUpdate", func() { one.Access.Mode = in.Access.Mode }, updateParam{"AuthenticationMode", in.Access.Mode})
	case in.Upgrade != nil:
		return begin("UpgradePolicyUpdate", func() { one.Upgrade = *in.Upgrade }, updateParam{"UpgradePolicy", mustJSON(in.Upgrade)})
	case in.DeletionProtects != nil:
		return begin("DeletionProtectionUpdate", func() { one.DeletionProtects = *in.DeletionProtects },
			updateParam{"DeletionProtection", mustJSON(in.DeletionProtects)})
	case in.ZonalShift != nil:
		return begin("ZonalShiftConfigUpdate", func() { one.ZonalShift = in.ZonalShift }, updateParam{"ZonalShiftConfig", mustJSON(in.ZonalShift)})
	default:
		return nil, invalid("The type for cluster update was not provided.")
	}
}

func (c *eksCall) updateVPC(one *cluster, in *vpcConfig, begin func(string, func(), ...updateParam) (any, error)) (any, error) {
	if in.SubnetIDs != nil || in.GroupIDs != nil {
		return nil, invalid("the emulator does not cover an update of a cluster's subnets or security groups")
	}
	wanted := one.VPC
	wanted.PublicAccess = cmp.Or(in.PublicAccess, one.VPC.PublicAccess)
	wanted.PrivateAccess = cmp.Or(in.PrivateAccess, one.VPC.PrivateAccess)
	if in.PublicCIDRs != nil {
		wanted.PublicCIDRs = in.PublicCIDRs
	}
	switch {
	case !*wanted.PublicAccess && !*wanted.PrivateAccess:
		return nil, invalid("Private and public endpoint access cannot be false")
	case mustJSON(wanted) == mustJSON(one.VPC):
		return nil, invalid("Cluster is already at the desired configuration with endpointPrivateAccess: %t, endpointPublicAccess: %t, and Public Endpoint Restrictions: [%s]",
			*wanted.PrivateAccess, *wanted.PublicAccess, strings.Join(wanted.PublicCIDRs, ", "))
	}
	return begin("EndpointAccessUpdate", func() { one.VPC = wanted },
		updateParam{"EndpointPublicAccess", mustJSON(wanted.PublicAccess)}, updateParam{"EndpointPrivateAccess", mustJSON(wanted.PrivateAccess)},
		updateParam{"PublicAccessCidrs", mustJSON(wanted.PublicCIDRs)})
}

func (c *eksCall) associateEncryption(one *cluster, in *struct {
	Encryption []encryption `json:"encryptionConfig"`
	Token      string       `json:"clientRequestToken"`
}) (any, error) {
	if len(one.Encryption) > 0 {
		return nil, invalid("Cluster already has encryption configuration associated")
	}
	return c.begin(one, "AssociateEncryptionConfig", "", &one.Status, c.aws.cfg.Times.ClusterUpdate,
		func(context.Context) { one.Encryption = in.Encryption }, updateParam{"EncryptionConfig", mustJSON(in.Encryption)}), nil
}
