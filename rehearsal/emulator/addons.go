package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// addon is an EKS add-on of a cluster.
type addon struct {
	Name          string            `json:"addonName"`
	Cluster       string            `json:"clusterName"`
	Status        string            `json:"status"`
	Version       string            `json:"addonVersion"`
	Health        health            `json:"health"`
	ARN           string            `json:"addonArn"`
	CreatedAt     float64           `json:"createdAt"`
	ModifiedAt    float64           `json:"modifiedAt"`
	Role          string            `json:"serviceAccountRoleArn,omitempty"`
	Tags          map[string]string `json:"tags"`
	Configuration string            `json:"configurationValues,omitempty"`
	Associations  []string          `json:"podIdentityAssociations,omitempty"`
	owner         *cluster
	due           bool // Times.Addon has passed; a Deployment also needs a node to become active
}

// addonChange has the fields that requests to create and to update an add-on share.
type addonChange struct {
	Version       string           `json:"addonVersion"`
	Role          *string          `json:"serviceAccountRoleArn"`
	Conflicts     string           `json:"resolveConflicts"`
	Token         string           `json:"clientRequestToken"`
	Configuration *string          `json:"configurationValues"`
	Associations  *json.RawMessage `json:"podIdentityAssociations"`
}

func (in *addonChange) check(name string, one *cluster) error {
	if in.Associations != nil {
		return invalid("the emulator does not cover Pod Identity associations that are made with an add-on")
	}
	have := findRelease(one.Version)
	if have.addonVersions(name) == nil {
		return invalid("Addon %s is not supported in %s", name, one.Version)
	}
	if in.Version != "" && !have.accepts(name, in.Version) {
		return invalid("Addon version specified is not supported: %s of %s with Kubernetes %s", in.Version, name, one.Version)
	}
	if !slices.Contains([]string{"", "NONE", "OVERWRITE", "PRESERVE"}, in.Conflicts) {
		return invalid("resolveConflicts is %q", in.Conflicts)
	}
	if in.Configuration != nil && *in.Configuration != "" {
		var object map[string]any
		if err := json.Unmarshal([]byte(*in.Configuration), &object); err != nil {
			return invalid("ConfigurationValue provided in request is not supported: %v (the emulator accepts only JSON)", err)
		}
	}
	return nil
}

func (in *addonChange) apply(to *addon) {
	to.Version = cmp.Or(in.Version, to.Version)
	if in.Role != nil {
		to.Role = *in.Role
	}
	if in.Configuration != nil {
		to.Configuration = *in.Configuration
	}
	to.ModifiedAt = stamp()
}

func (c *eksCall) createAddon(one *cluster, in *struct {
	addonChange
	Name string            `json:"addonName"`
	Tags map[string]string `json:"tags"`
}) (any, error) {
	if one.addons[in.Name] != nil {
		return nil, inUse("Addon already exists.")
	}
	if err := in.check(in.Name, one); err != nil {
		return nil, err
	}
	if in.Role != nil && *in.Role != "" {
		if err := c.requirePassRole(*in.Role, "eks.amazonaws.com"); err != nil {
			return nil, err
		}
	}
	d := &addon{
		owner: one, Name: in.Name, Cluster: one.Name, Status: creating, Version: findRelease(one.Version).addonVersions(in.Name)[0],
		Health: health{Issues: []any{}}, ARN: c.aws.arn("addon", one.Name, in.Name, newUUID()), CreatedAt: stamp(), Tags: orEmpty(in.Tags),
	}
	in.apply(d)
	one.addons[d.Name] = d
	c.after(c.aws.cfg.Times.Addon, func(context.Context) {
		d.due = true
		d.settle()
	})
	return showAddon(*d), nil
}

// settle makes a due add-on active. CoreDNS and metrics-server are Deployments: they are degraded until there is a node, on
// which their pods run.
func (d *addon) settle() {
	if d.Status != creating && d.Status != degraded || !d.due {
		return
	}
	if addonKinds[d.Name].deployment {
		hasNode := false
		for _, g := range d.owner.nodeGroups {
			hasNode = hasNode || g.Status != creating && g.Status != deleting && *g.Scaling.Desired > 0
		}
		if !hasNode {
			d.Status, d.Health = degraded, health{Issues: []any{map[string]any{
				"code": "InsufficientNumberOfReplicas", "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
			}}}
			return
		}
	}
	d.Status, d.Health = active, health{Issues: []any{}}
}

// showAddon is an add-on in an answer. It takes a copy, because the state may change before the answer is encoded.
func showAddon(d addon) any { return map[string]any{"addon": d} }

func (c *eksCall) addon() (*addon, error) {
	d, err := part(c, func(one *cluster) map[string]*addon { return one.addons }, c.path["addon"],
		notFound("No addon: %s found in cluster: %s", c.path["addon"], c.path["name"]))
	if err == nil {
		d.settle()
	}
	return d, err
}

func (c *eksCall) describeAddon(d *addon) (any, error) { return showAddon(*d), nil }

func (c *eksCall) listAddons(one *cluster) (any, error) {
	return map[string]any{"addons": sortedKeys(one.addons)}, nil
}

func (c *eksCall) updateAddon(d *addon, in *addonChange) (any, error) {
	one := d.owner
	if d.Status != active {
		return nil, inUse("Addon %s is %s and cannot be updated", d.Name, d.Status)
	}
	if err := in.check(d.Name, one); err != nil {
		return nil, err
	}
	params := []updateParam{{"AddonVersion", in.Version}, {"ResolveConflicts", in.Conflicts}}
	if in.Configuration != nil {
		params = append(params, updateParam{"ConfigurationValues", *in.Configuration})
	}
	return c.begin(one, "AddonUpdate", d.Name, &d.Status, c.aws.cfg.Times.Addon, func(context.Context) { in.apply(d) }, params...), nil
}

func (c *eksCall) deleteAddon(d *addon) (any, error) {
	one := d.owner
	if d.Status == deleting || d.Status == updating {
		return nil, inUse("Addon %s is %s", d.Name, d.Status)
	}
	d.Status = deleting
	c.after(c.aws.cfg.Times.AddonDelete, func(context.Context) { delete(one.addons, d.Name) })
	return showAddon(*d), nil
}

// addonKind is an add-on that EKS offers.
type addonKind struct {
	kind       string
	deployment bool
	// versions are the versions for a minor version of Kubernetes, the default first. Their form is EKS's. The numbers are
	// examples.
	versions func(minor int) []string
}

func fixed(versions ...string) func(int) []string {
	return func(int) []string { return versions }
}

var addonKinds = map[string]addonKind{
	"vpc-cni": {"networking", false, fixed("v1.20.4-eksbuild.2", "v1.21.1-eksbuild.1")},
	"kube-proxy": {"networking", false, func(minor int) []string {
		return []string{fmt.Sprintf("v1.%d.0-eksbuild.2", minor), fmt.Sprintf("v1.%d.2-eksbuild.1", minor)}
	}},
	"coredns": {"networking", true, func(minor int) []string {
		if minor < 34 {
			return []string{"v1.12.1-eksbuild.2", "v1.12.4-eksbuild.1"}
		}
		return []string{"v1.13.1-eksbuild.1", "v1.13.2-eksbuild.1"}
	}},
	"eks-pod-identity-agent": {"security", false, fixed("v1.3.10-eksbuild.1", "v1.3.10-eksbuild.2")},
	"metrics-server":         {"observability", true, fixed("v0.8.0-eksbuild.5", "v0.8.0-eksbuild.6")},
	"aws-ebs-csi-driver":     {"storage", false, fixed("v1.53.0-eksbuild.1", "v1.54.0-eksbuild.1")},
}

func (r *release) addonVersions(name string) []string {
	kind, known := addonKinds[name]
	if !known {
		return nil
	}
	return kind.versions(r.minor())
}

// accepts says whether EKS takes a version of an add-on for this version of Kubernetes: one of its own, or of an older minor
// version. EKS lists kube-proxy 1.26 for Kubernetes 1.27, for example, because kube-proxy may be older than the API server
// (Kubernetes, "Version Skew Policy").
func (r *release) accepts(name, version string) bool {
	return slices.ContainsFunc(releases, func(other release) bool {
		skew := r.minor() - other.minor()
		return skew >= 0 && skew <= maxKubeletSkew && slices.Contains(other.addonVersions(name), version)
	})
}

func (c *eksCall) describeAddonVersions() (any, error) {
	version, name := c.query.Get("kubernetesVersion"), c.query.Get("addonName")
	if version != "" && findRelease(version) == nil {
		return nil, invalid("unsupported Kubernetes version %s", version)
	}
	if name != "" && addonKinds[name].versions == nil {
		return nil, invalid("Addon %s specified is not supported", name)
	}
	all := []any{}
	for _, known := range sortedKeys(addonKinds) {
		if name != "" && known != name {
			continue
		}
		all = append(all, map[string]any{
			"addonName": known, "type": addonKinds[known].kind, "owner": "aws", "publisher": "eks", "defaultNamespace": "kube-system",
			"addonVersions": addonInfos(known, version),
		})
	}
	return map[string]any{"addons": all}, nil
}

// addonInfos are the versions of an add-on, newest first, each with its Kubernetes versions. A Kubernetes version in only
// limits the list.
func addonInfos(name, only string) []any {
	var versions []string
	compatible := map[string][]any{}
	for _, r := range slices.Backward(releases) {
		if only != "" && r.version != only {
			continue
		}
		for i, v := range slices.Backward(r.addonVersions(name)) {
			if compatible[v] == nil {
				versions = append(versions, v)
			}
			compatible[v] = append(compatible[v], map[string]any{
				"clusterVersion": r.version, "platformVersions": []string{"*"}, "defaultVersion": i == 0,
			})
		}
	}
	infos := []any{}
	for _, v := range versions {
		infos = append(infos, map[string]any{
			"addonVersion": v, "architecture": []string{"amd64", "arm64"}, "computeTypes": []string{"ec2"}, "compatibilities": compatible[v],
			"requiresConfiguration": false, "requiresIamPermissions": name == "vpc-cni" || name == "aws-ebs-csi-driver",
		})
	}
	return infos
}

// describeAddonConfiguration answers a schema that accepts everything: the emulator does not have the add-ons' schemas.
func (c *eksCall) describeAddonConfiguration() (any, error) {
	name, version := c.query.Get("addonName"), c.query.Get("addonVersion")
	if !slices.ContainsFunc(releases, func(r release) bool { return slices.Contains(r.addonVersions(name), version) }) {
		return nil, notFound("No addon %s of version %s", name, version)
	}
	return map[string]any{
		"addonName": name, "addonVersion": version,
		"configurationSchema": `{"$schema":"http://json-schema.org/draft-06/schema#","type":"object"}`,
	}, nil
}
