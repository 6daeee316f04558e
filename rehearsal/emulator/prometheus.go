package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prometheus is Amazon Managed Service for Prometheus. moto lacks its alert manager and its collectors, which refer to workspaces, so
// all of it is here. Nothing is collected and no rule is evaluated.
type prometheus struct {
	workspaces map[string]*workspace
	scrapers   map[string]*scraper
}

// status is a state of a resource, which AWS reaches at once here.
type status struct {
	StatusCode string `json:"statusCode"`
}

var isActive = status{"ACTIVE"}

type workspace struct {
	Alias      string            `json:"alias"`
	ARN        string            `json:"arn"`
	CreatedAt  float64           `json:"createdAt"`
	Endpoint   string            `json:"prometheusEndpoint"`
	Status     status            `json:"status"`
	Tags       map[string]string `json:"tags"`
	ID         string            `json:"workspaceId"`
	rules      map[string]*ruleGroups
	definition *definition
}

type ruleGroups struct {
	ARN        string            `json:"arn"`
	CreatedAt  float64           `json:"createdAt"`
	Data       string            `json:"data"` // base64
	ModifiedAt float64           `json:"modifiedAt"`
	Name       string            `json:"name"`
	Status     status            `json:"status"`
	Tags       map[string]string `json:"tags"`
}

type definition struct {
	CreatedAt  float64 `json:"createdAt"`
	Data       string  `json:"data"` // base64
	ModifiedAt float64 `json:"modifiedAt"`
	Status     status  `json:"status"`
}

type scraper struct {
	scraperSettings
	ARN            string            `json:"arn"`
	CreatedAt      float64           `json:"createdAt"`
	LastModifiedAt float64           `json:"lastModifiedAt"`
	RoleARN        string            `json:"roleArn"`
	ID             string            `json:"scraperId"`
	Status         status            `json:"status"`
	Tags           map[string]string `json:"tags"`
}

// scraperSettings are the parts of a collector that its caller sets.
type scraperSettings struct {
	Alias         string `json:"alias"`
	Configuration struct {
		Blob string `json:"configurationBlob"` // base64
	} `json:"scrapeConfiguration"`
	Source struct {
		EKS struct {
			ClusterARN       string   `json:"clusterArn"`
			SecurityGroupIDs []string `json:"securityGroupIds"`
			SubnetIDs        []string `json:"subnetIds"`
		} `json:"eksConfiguration"`
	} `json:"source"`
	Destination struct {
		AMP struct {
			WorkspaceARN string `json:"workspaceArn"`
		} `json:"ampConfiguration"`
	} `json:"destination"`
}

// prometheusRequest has the fields of the requests that make and change workspaces, rules and definitions.
type prometheusRequest struct {
	Alias       string            `json:"alias"`
	ClientToken string            `json:"clientToken"`
	Data        string            `json:"data"`
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
}

const (
	workspacePath  = "/workspaces/{workspace}"
	rulesPath      = workspacePath + "/rulegroupsnamespaces"
	definitionPath = workspacePath + "/alertmanager/definition"
)

var prometheusRoutes = []route{
	{"CreateWorkspace", "POST", "/workspaces", with(nothing, (*eksCall).createWorkspace)},
	{"DescribeWorkspace", "GET", workspacePath, on((*eksCall).workspace, func(_ *eksCall, w *workspace) (any, error) { return map[string]any{"workspace": w}, nil })},
	{"UpdateWorkspaceAlias", "POST", workspacePath + "/alias", with((*eksCall).workspace, func(_ *eksCall, w *workspace, in *prometheusRequest) (any, error) {
		w.Alias = in.Alias
		return struct{}{}, nil
	})},
	{"DeleteWorkspace", "DELETE", workspacePath, on((*eksCall).workspace, func(c *eksCall, w *workspace) (any, error) {
		delete(c.aws.eks.prometheus.workspaces, w.ID)
		return struct{}{}, nil
	})},
	{"DescribeLoggingConfiguration", "GET", workspacePath + "/logging", on((*eksCall).workspace, func(*eksCall, *workspace) (any, error) {
		return nil, notFound("the workspace has no logging configuration")
	})},
	{"CreateRuleGroupsNamespace", "POST", rulesPath, with((*eksCall).workspace, (*eksCall).putRules)},
	{"PutRuleGroupsNamespace", "PUT", rulesPath + "/{rules}", with((*eksCall).workspace, (*eksCall).putRules)},
	{"DescribeRuleGroupsNamespace", "GET", rulesPath + "/{rules}", on((*eksCall).rules, func(_ *eksCall, r *ruleGroups) (any, error) {
		return map[string]any{"ruleGroupsNamespace": r}, nil
	})},
	{"DeleteRuleGroupsNamespace", "DELETE", rulesPath + "/{rules}", on((*eksCall).rules, func(c *eksCall, r *ruleGroups) (any, error) {
		delete(c.aws.eks.prometheus.workspaces[c.path["workspace"]].rules, r.Name)
		return struct{}{}, nil
	})},
	{"CreateAlertManagerDefinition", "POST", definitionPath, with((*eksCall).workspace, (*eksCall).putDefinition)},
	{"PutAlertManagerDefinition", "PUT", definitionPath, with((*eksCall).workspace, (*eksCall).putDefinition)},
	{"DescribeAlertManagerDefinition", "GET", definitionPath, on((*eksCall).workspace, func(_ *eksCall, w *workspace) (any, error) {
		if w.definition == nil {
			return nil, notFound("the workspace has no alert manager definition")
		}
		return map[string]any{"alertManagerDefinition": w.definition}, nil
	})},
	{"DeleteAlertManagerDefinition", "DELETE", definitionPath, on((*eksCall).workspace, func(_ *eksCall, w *workspace) (any, error) {
		w.definition = nil
		return struct{}{}, nil
	})},
	{"CreateScraper", "POST", "/scrapers", with(nothing, (*eksCall).createScraper)},
	{"DescribeScraper", "GET", "/scrapers/{scraper}", on((*eksCall).scraper, func(_ *eksCall, s *scraper) (any, error) { return map[string]any{"scraper": s}, nil })},
	{"UpdateScraper", "PUT", "/scrapers/{scraper}", with((*eksCall).scraper, func(_ *eksCall, s *scraper, in *scraperRequest) (any, error) {
		s.Alias, s.Configuration, s.Destination, s.LastModifiedAt = in.Alias, in.Configuration, in.Destination, stamp()
		return map[string]any{"arn": s.ARN, "scraperId": s.ID, "status": isActive, "tags": s.Tags}, nil
	})},
	{"DeleteScraper", "DELETE", "/scrapers/{scraper}", on((*eksCall).scraper, func(c *eksCall, s *scraper) (any, error) {
		delete(c.aws.eks.prometheus.scrapers, s.ID)
		return map[string]any{"scraperId": s.ID, "status": status{"DELETING"}}, nil
	})},
	{"ListTagsForResource", "GET", "/tags/{arn}", on((*eksCall).tags, (*eksCall).listTags)},
	{"TagResource", "POST", "/tags/{arn}", on((*eksCall).tags, (*eksCall).changeTags)},
	{"UntagResource", "DELETE", "/tags/{arn}", on((*eksCall).tags, (*eksCall).changeTags)},
}

// nothing is what a call that makes a resource finds.
func nothing(*eksCall) (struct{}, error) { return struct{}{}, nil }

func (a *AWS) prometheusARN(kind string, parts ...string) string {
	return fmt.Sprintf("arn:aws:aps:%s:%s:%s/%s", a.cfg.Region, a.account, kind, strings.Join(parts, "/"))
}

func (c *eksCall) createWorkspace(_ struct{}, in *prometheusRequest) (any, error) {
	w := &workspace{Alias: in.Alias, ID: "ws-" + newUUID(), CreatedAt: stamp(), Status: isActive, Tags: orEmpty(in.Tags), rules: map[string]*ruleGroups{}}
	w.ARN = c.aws.prometheusARN("workspace", w.ID)
	w.Endpoint = fmt.Sprintf("https://aps-workspaces.%s.amazonaws.com/workspaces/%s/", c.region, w.ID)
	c.aws.eks.prometheus.workspaces[w.ID] = w
	return w, nil
}

func (c *eksCall) workspace() (*workspace, error) {
	if w := c.aws.eks.prometheus.workspaces[c.path["workspace"]]; w != nil {
		return w, nil
	}
	return nil, notFound("there is no workspace %s", c.path["workspace"])
}

func (c *eksCall) rules() (*ruleGroups, error) {
	w, err := c.workspace()
	if err != nil {
		return nil, err
	}
	if r := w.rules[c.path["rules"]]; r != nil {
		return r, nil
	}
	return nil, notFound("there is no namespace of rule groups %s", c.path["rules"])
}

// putRules makes a namespace of rule groups, or changes its data.
func (c *eksCall) putRules(w *workspace, in *prometheusRequest) (any, error) {
	r, now := w.rules[c.path["rules"]], stamp()
	switch isNew := c.path["rules"] == ""; {
	case isNew && w.rules[in.Name] != nil:
		return nil, &refusal{409, "ConflictException", "a namespace of rule groups has this name"}
	case isNew:
		r = &ruleGroups{ARN: c.aws.prometheusARN("rulegroupsnamespace", w.ID, in.Name), Name: in.Name, CreatedAt: now, Status: isActive, Tags: orEmpty(in.Tags)}
		w.rules[r.Name] = r
	case r == nil:
		return nil, notFound("there is no namespace of rule groups %s", c.path["rules"])
	}
	r.Data, r.ModifiedAt = in.Data, now
	return map[string]any{"arn": r.ARN, "name": r.Name, "status": r.Status, "tags": r.Tags}, nil
}

// putDefinition sets the definition of the alert manager.
func (c *eksCall) putDefinition(w *workspace, in *prometheusRequest) (any, error) {
	if isNew := c.action == "CreateAlertManagerDefinition"; isNew != (w.definition == nil) {
		return nil, &refusal{409, "ConflictException", "whether the workspace has an alert manager definition does not fit the call"}
	}
	if w.definition == nil {
		w.definition = &definition{CreatedAt: stamp(), Status: isActive}
	}
	w.definition.Data, w.definition.ModifiedAt = in.Data, stamp()
	return map[string]any{"status": isActive}, nil
}

type scraperRequest struct {
	scraperSettings
	ClientToken string            `json:"clientToken"`
	Tags        map[string]string `json:"tags"`
}

// createScraper makes a collector for a cluster that exists. It needs subnets in two zones.
func (c *eksCall) createScraper(_ struct{}, in *scraperRequest) (any, error) {
	source := &in.Source.EKS
	found := slices.Collect(maps.Values(c.aws.eks.clusters))
	i := slices.IndexFunc(found, func(one *cluster) bool { return one.ARN == source.ClusterARN })
	if i < 0 {
		return nil, notFound("there is no cluster %s", source.ClusterARN)
	}
	if len(source.SubnetIDs) < 2 { // a stack has one in each zone
		return nil, &refusal{400, "ValidationException", "a collector needs subnets in two availability zones"}
	}
	to := slices.IndexFunc(slices.Collect(maps.Values(c.aws.eks.prometheus.workspaces)), func(w *workspace) bool { return w.ARN == in.Destination.AMP.WorkspaceARN })
	if to < 0 {
		return nil, notFound("there is no workspace %s", in.Destination.AMP.WorkspaceARN)
	}
	s := &scraper{scraperSettings: in.scraperSettings, ID: "s-" + newUUID(), CreatedAt: stamp(), LastModifiedAt: stamp(), Status: isActive, Tags: orEmpty(in.Tags)}
	s.ARN = c.aws.prometheusARN("scraper", s.ID)
	s.RoleARN = fmt.Sprintf("arn:aws:iam::%s:role/aws-service-role/scraper.aps.amazonaws.com/AWSServiceRoleForAmazonPrometheusScraper_%s", c.aws.account, s.ID)
	c.aws.eks.prometheus.scrapers[s.ID] = s
	return map[string]any{"arn": s.ARN, "scraperId": s.ID, "status": isActive, "tags": s.Tags}, nil
}

func (c *eksCall) scraper() (*scraper, error) {
	if s := c.aws.eks.prometheus.scrapers[c.path["scraper"]]; s != nil {
		return s, nil
	}
	return nil, notFound("there is no collector %s", c.path["scraper"])
}

// tagsOf points to the tags of a workspace, of its rules or of a collector. It is nil if there is none of the ARN.
func (p *prometheus) tagsOf(arn string) *map[string]string {
	for _, w := range p.workspaces {
		if w.ARN == arn {
			return &w.Tags
		}
		for _, r := range w.rules {
			if r.ARN == arn {
				return &r.Tags
			}
		}
	}
	for _, s := range p.scrapers {
		if s.ARN == arn {
			return &s.Tags
		}
	}
	return nil
}
