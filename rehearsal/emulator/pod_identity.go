package emulator

import (
	"cmp"
	"strings"
)

// association gives the pods of a service account an IAM role.
type association struct {
	owner          *cluster
	Cluster        string            `json:"clusterName"`
	Namespace      string            `json:"namespace"`
	ServiceAccount string            `json:"serviceAccount"`
	Role           string            `json:"roleArn,omitempty"`
	ARN            string            `json:"associationArn"`
	ID             string            `json:"associationId"`
	Tags           map[string]string `json:"tags,omitempty"`
	CreatedAt      float64           `json:"createdAt,omitempty"`
	ModifiedAt     float64           `json:"modifiedAt,omitempty"`
	NoTags         *bool             `json:"disableSessionTags,omitempty"`
}

func (c *eksCall) createAssociation(one *cluster, in *struct {
	Namespace      string            `json:"namespace"`
	ServiceAccount string            `json:"serviceAccount"`
	Role           string            `json:"roleArn"`
	Token          string            `json:"clientRequestToken"`
	Tags           map[string]string `json:"tags"`
	NoTags         *bool             `json:"disableSessionTags"`
}) (any, error) {
	if in.Namespace == "" || in.ServiceAccount == "" {
		return nil, invalid("namespace and serviceAccount must be given")
	}
	for _, p := range one.associations {
		if p.Namespace == in.Namespace && p.ServiceAccount == in.ServiceAccount {
			return nil, inUse("Association already exists: %s", p.ID)
		}
	}
	if err := c.requirePassRole(in.Role, podIdentityService); err != nil {
		return nil, err
	}
	id := "a-" + strings.ReplaceAll(newUUID(), "-", "")[:17]
	p := &association{
		owner: one, Cluster: one.Name, Namespace: in.Namespace, ServiceAccount: in.ServiceAccount, Role: in.Role, ID: id,
		ARN: c.aws.arn("podidentityassociation", one.Name, id), Tags: orEmpty(in.Tags), CreatedAt: stamp(), ModifiedAt: stamp(), NoTags: in.NoTags,
	}
	one.associations[id] = p
	return map[string]any{"association": p}, nil
}

func (c *eksCall) association() (*association, error) {
	id := c.path["association"]
	return part(c, func(one *cluster) map[string]*association { return one.associations }, id,
		notFound("No association found for cluster name: %s, association ID: %s", c.path["name"], id))
}

func (c *eksCall) describeAssociation(p *association) (any, error) {
	return map[string]any{"association": p}, nil
}

func (c *eksCall) listAssociations(one *cluster) (any, error) {
	matches := func(name, value string) bool { return !c.query.Has(name) || c.query.Get(name) == value }
	all := []any{}
	for _, id := range sortedKeys(one.associations) {
		p := one.associations[id]
		if matches("namespace", p.Namespace) && matches("serviceAccount", p.ServiceAccount) {
			all = append(all, association{Cluster: p.Cluster, Namespace: p.Namespace, ServiceAccount: p.ServiceAccount, ARN: p.ARN, ID: p.ID})
		}
	}
	return map[string]any{"associations": all}, nil
}

func (c *eksCall) updateAssociation(p *association, in *struct {
	Role   string `json:"roleArn"`
	Token  string `json:"clientRequestToken"`
	NoTags *bool  `json:"disableSessionTags"`
}) (any, error) {
	if in.Role != "" {
		if err := c.requirePassRole(in.Role, podIdentityService); err != nil {
			return nil, err
		}
		p.Role = in.Role
	}
	p.NoTags, p.ModifiedAt = cmp.Or(in.NoTags, p.NoTags), stamp()
	return map[string]any{"association": p}, nil
}

func (c *eksCall) deleteAssociation(p *association) (any, error) {
	delete(p.owner.associations, p.ID)
	return map[string]any{"association": p}, nil
}
