package emulator

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

func (c *eksCall) idleGroup() (*nodeGroup, error) {
	g, err := c.nodeGroup()
	if err == nil && g.Status != active {
		return nil, inUse("Nodegroup %s is %s and cannot be updated", g.Name, g.Status)
	}
	return g, err
}

func (c *eksCall) updateNodeGroupConfig(g *nodeGroup, in *struct {
	Labels struct {
		Add    map[string]string `json:"addOrUpdateLabels"`
		Remove []string          `json:"removeLabels"`
	} `json:"labels"`
	Taints struct {
		Add    []taint `json:"addOrUpdateTaints"`
		Remove []taint `json:"removeTaints"`
	} `json:"taints"`
	Scaling *scalingConfig `json:"scalingConfig"`
	Update  *updateConfig  `json:"updateConfig"`
	Repair  *enabled       `json:"nodeRepairConfig"`
	Token   string         `json:"clientRequestToken"`
}) (any, error) {
	one := g.owner
	if err := checkTaints(in.Taints.Add); err != nil {
		return nil, err
	}
	var params []updateParam
	if in.Scaling != nil {
		now, err := c.aws.scalingOf(c.ctx, g)
		if err != nil {
			return nil, err
		}
		to := &scalingConfig{cmp.Or(in.Scaling.Min, now.Min), cmp.Or(in.Scaling.Max, now.Max), cmp.Or(in.Scaling.Desired, now.Desired)}
		if err := to.check(); err != nil {
			return nil, err
		}
		if err := c.aws.setScaling(c.ctx, g, *to); err != nil {
			return nil, err
		}
		params = append(params, updateParam{"MinSize", mustJSON(to.Min)}, updateParam{"MaxSize", mustJSON(to.Max)},
			updateParam{"DesiredSize", mustJSON(to.Desired)})
	}
	labels := maps.Clone(g.Labels)
	maps.Copy(labels, in.Labels.Add)
	for _, key := range in.Labels.Remove {
		delete(labels, key)
	}
	taints := slices.DeleteFunc(slices.Clone(g.Taints), func(t taint) bool {
		same := func(other taint) bool { return other.Key == t.Key && other.Effect == t.Effect }
		return slices.ContainsFunc(in.Taints.Add, same) || slices.ContainsFunc(in.Taints.Remove, same)
	})
	taints = append(taints, in.Taints.Add...)
	return c.begin(one, "ConfigUpdate", g.Name, &g.Status, c.aws.cfg.Times.NodeGroupUpdate, func(context.Context) {
		g.Labels, g.Taints, g.ModifiedAt = labels, taints, stamp()
		if in.Update != nil {
			g.Update = *in.Update
		}
		g.Repair = cmp.Or(in.Repair, g.Repair)
	}, params...), nil
}

// updateNodeGroupVersion changes the launch template of new instances. EKS would also replace running instances.
func (c *eksCall) updateNodeGroupVersion(g *nodeGroup, in *struct {
	Version        string          `json:"version"`
	ReleaseVersion string          `json:"releaseVersion"`
	Template       *launchTemplate `json:"launchTemplate"`
	Force          bool            `json:"force"`
	Token          string          `json:"clientRequestToken"`
}) (any, error) {
	one := g.owner
	changed := g.NodeGroupFields
	changed.Version = cmp.Or(in.Version, g.Version)
	wanted, have := findRelease(changed.Version), findRelease(one.Version)
	switch {
	case wanted == nil:
		return nil, invalid("Requested Nodegroup version %s is invalid.", in.Version)
	case wanted.minor() > have.minor():
		return nil, invalid("Nodegroup Kubernetes version %s cannot be greater than cluster version %s", in.Version, one.Version)
	case in.ReleaseVersion != "" && in.ReleaseVersion != wanted.imageRelease():
		return nil, invalid("Requested Nodegroup release version %s is invalid. Allowed release version is %s", in.ReleaseVersion, wanted.imageRelease())
	case (in.Template == nil) != (g.Template == nil) && in.Template != nil:
		return nil, invalid("You cannot specify a launch template for a nodegroup that was created without one")
	}
	changed.ReleaseVersion = wanted.imageRelease()
	if in.Template != nil {
		if id := in.Template.ID; id != "" && id != g.Template.ID {
			return nil, invalid("Launch template ID %s is not the nodegroup's, %s", id, g.Template.ID)
		}
		changed.Template = &launchTemplate{ID: g.Template.ID, Name: g.Template.Name, Version: in.Template.Version}
	}
	if err := c.aws.renewScaling(c.ctx, one, g, &changed); err != nil {
		return nil, err
	}
	params := []updateParam{{"Version", changed.Version}, {"ReleaseVersion", changed.ReleaseVersion}}
	if changed.Template != nil {
		params = append(params, updateParam{"LaunchTemplateVersion", changed.Template.Version})
	}
	return c.begin(one, "VersionUpdate", g.Name, &g.Status, c.aws.cfg.Times.NodeGroupUpdate, func(context.Context) {
		g.Version, g.ReleaseVersion, g.Template, g.ModifiedAt = changed.Version, changed.ReleaseVersion, changed.Template, stamp()
	}, params...), nil
}
