package emulator

import (
	"fmt"
	"maps"
	"strings"
)

// arn is the ARN of an EKS resource of this account.
func (a *AWS) arn(parts ...string) string {
	return fmt.Sprintf("arn:aws:eks:%s:%s:%s", a.cfg.Region, a.account, strings.Join(parts, "/"))
}

// resource is the ARN of a call's resource, with the resource's tags.
func (c *eksCall) resource() (arn string, tags map[string]string) {
	if arn := c.path["arn"]; arn != "" {
		if t := c.aws.eks.tagsOf(arn); t != nil {
			return arn, *t
		}
		return arn, nil
	}
	name := c.path["name"]
	if c.action == "CreateCluster" {
		name = c.params["name"]
	}
	if name == "" {
		return "*", nil
	}
	one := c.aws.eks.clusters[name]
	if one == nil {
		one = &cluster{}
	}
	if id := c.path["nodegroup"]; id != "" {
		if g, found := one.nodeGroups[id]; found {
			return g.ARN, g.Tags
		}
		return c.aws.arn("nodegroup", name, id, "*"), nil
	}
	if id := c.path["addon"]; id != "" {
		if d, found := one.addons[id]; found {
			return d.ARN, d.Tags
		}
		return c.aws.arn("addon", name, id, "*"), nil
	}
	if id := c.path["principal"]; id != "" {
		if e, found := one.entries[id]; found {
			return e.ARN, e.Tags
		}
		return c.aws.arn("access-entry", name, "*"), nil
	}
	if id := c.path["association"]; id != "" {
		if p, found := one.associations[id]; found {
			return p.ARN, p.Tags
		}
		return c.aws.arn("podidentityassociation", name, id), nil
	}
	return c.aws.arn("cluster", name), one.Tags
}

// tagsOf points to the tags of a resource. It is nil if the resource does not exist.
func (s *eksState) tagsOf(arn string) *map[string]string {
	if tags := s.prometheus.tagsOf(arn); tags != nil {
		return tags
	}
	for _, c := range s.clusters {
		if c.ARN == arn {
			return &c.Tags
		}
		for _, g := range c.nodeGroups {
			if g.ARN == arn {
				return &g.Tags
			}
		}
		for _, d := range c.addons {
			if d.ARN == arn {
				return &d.Tags
			}
		}
		for _, e := range c.entries {
			if e.ARN == arn {
				return &e.Tags
			}
		}
		for _, p := range c.associations {
			if p.ARN == arn {
				return &p.Tags
			}
		}
	}
	return nil
}

func (c *eksCall) tags() (*map[string]string, error) {
	if tags := c.aws.eks.tagsOf(c.path["arn"]); tags != nil {
		return tags, nil
	}
	return nil, &refusal{404, "NotFoundException", "no resource has the ARN " + c.path["arn"]}
}

func (c *eksCall) listTags(tags *map[string]string) (any, error) {
	return map[string]any{"tags": orEmpty(*tags)}, nil
}

// changeTags sets the tags of a request (TagResource) and deletes the keys of its query (UntagResource).
func (c *eksCall) changeTags(tags *map[string]string) (any, error) {
	changed := maps.Clone(orEmpty(*tags))
	maps.Copy(changed, c.requestTags)
	for _, key := range c.query["tagKeys"] {
		delete(changed, key)
	}
	*tags = changed
	return struct{}{}, nil
}

func orEmpty(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}
