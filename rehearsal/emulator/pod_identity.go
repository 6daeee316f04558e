package emulator

import "strings"

// association gives the pods of a service account an IAM role.
type association struct {
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

func (c *eksCall) createAssociation() (any, error) {
	var in struct {
		Namespace      string            `json:"namespace"`
		ServiceAccount string            `json:"serviceAccount"`
		Role           string            `json:"roleArn"`
		Token          string            `json:"clientRequestToken"`
		Tags           map[string]string `json:"tags"`
		NoTags         *bool             `json:"disableSessionTags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	one, err := c.activeCluster()
	if err != nil {
		return nil, err
	}
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
		Cluster: one.Name, Namespace: in.Namespace, ServiceAccount: in.ServiceAccount, Role: in.Role, ID: id,
		ARN: c.aws.arn("podidentityassociation", one.Name, id), Tags: orEmpty(in.Tags), CreatedAt: stamp(), ModifiedAt: stamp(), NoTags: in.NoTags,
	}
	one.associations[id] = p
	return map[string]any{"association": p}, nil
}

func (c *eksCall) association() (*cluster, *association, error) {
	one, err := c.cluster()
	if err != nil {
		return nil, nil, err
	}
	p := one.associations[c.path["association"]]
	if p == nil {
		return nil, nil, notFound("No association found for cluster name: %s, association ID: %s", one.Name, c.path["association"])
	}
	return one, p, nil
}

func (c *eksCall) describeAssociation() (any, error) {
	_, p, err := c.association()
	if err != nil {
		return nil, err
	}
	return map[string]any{"association": p}, nil
}

func (c *eksCall) listAssociations() (any, error) {
	one, err := c.cluster()
	if err != nil {
		return nil, err
	}
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

func (c *eksCall) updateAssociation() (any, error) {
	var in struct {
		Role   string `json:"roleArn"`
		Token  string `json:"clientRequestToken"`
		NoTags *bool  `json:"disableSessionTags"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	_, p, err := c.association()
	if err != nil {
		return nil, err
	}
	if in.Role != "" {
		if err := c.requirePassRole(in.Role, podIdentityService); err != nil {
			return nil, err
		}
		p.Role = in.Role
	}
	if in.NoTags != nil {
		p.NoTags = in.NoTags
	}
	p.ModifiedAt = stamp()
	return map[string]any{"association": p}, nil
}

func (c *eksCall) deleteAssociation() (any, error) {
	one, p, err := c.association()
	if err != nil {
		return nil, err
	}
	delete(one.associations, p.ID)
	return map[string]any{"association": p}, nil
}
