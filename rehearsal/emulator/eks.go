package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// eksState is the state of EKS. One lock protects it, so no call sees a part of another call's changes.
type eksState struct {
	mu       sync.Mutex
	clusters map[string]*cluster
	images   map[string]string // machine images registered in moto, by their name
	lateLogs map[string]bool   // deleted clusters, by name, whose last log lines EKS has not delivered
	lostZone string            // the zone in which no instance starts
	// prometheus has the same lock: its collectors are of clusters.
	prometheus prometheus
	stopped    bool
	timers     []*time.Timer
}

func newEKSState() *eksState {
	return &eksState{clusters: map[string]*cluster{}, images: map[string]string{}, lateLogs: map[string]bool{},
		prometheus: prometheus{workspaces: map[string]*workspace{}, scrapers: map[string]*scraper{}}}
}

func (s *eksState) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, t := range s.timers {
		t.Stop()
	}
}

// eksCall is one call of the EKS API, or of another service that the front answers.
type eksCall struct {
	*call
	ctx   context.Context
	aws   *AWS
	who   *key
	path  map[string]string // the route's variables
	query url.Values
	now   []func() // run once the answer is encoded
}

// after runs do after a delay, with EKS's state locked. Without a delay, do runs once the answer is encoded. So the answer shows
// the state in between, like AWS's.
func (c *eksCall) after(delay time.Duration, do func(ctx context.Context)) {
	s := c.aws.eks
	if delay <= 0 {
		c.now = append(c.now, func() { do(c.ctx) })
		return
	}
	s.timers = append(s.timers, time.AfterFunc(delay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stopped {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		do(ctx)
	}))
}

// route is an operation of the EKS API. A pattern's variables are in braces.
type route struct {
	action, method, pattern string
	handle                  handler
}

type handler func(*eksCall) (any, error)

// on is the handler of an operation on what find finds by the path.
func on[T any](find func(*eksCall) (T, error), answer func(*eksCall, T) (any, error)) handler {
	return func(c *eksCall) (any, error) {
		found, err := find(c)
		if err != nil {
			return nil, err
		}
		return answer(c, found)
	}
}

// with is like on, for an operation whose request has a body. Fields that are not in In are an error.
func with[T, In any](find func(*eksCall) (T, error), answer func(*eksCall, T, *In) (any, error)) handler {
	return func(c *eksCall) (any, error) {
		in := new(In)
		if err := c.decode(in); err != nil {
			return nil, err
		}
		return on(find, func(c *eksCall, found T) (any, error) { return answer(c, found, in) })(c)
	}
}

// part is the part of the path's cluster that id names. missing is the error if there is none.
func part[T any](c *eksCall, parts func(*cluster) map[string]*T, id string, missing error) (*T, error) {
	one, err := c.cluster()
	if err != nil {
		return nil, err
	}
	if found := parts(one)[id]; found != nil {
		return found, nil
	}
	return nil, missing
}

const (
	clusterPath     = "/clusters/{name}"
	nodeGroupPath   = clusterPath + "/node-groups/{nodegroup}"
	addonPath       = clusterPath + "/addons/{addon}"
	entryPath       = clusterPath + "/access-entries/{principal}"
	associationPath = clusterPath + "/pod-identity-associations/{association}"
)

var routes = []route{
	{"CreateCluster", "POST", "/clusters", (*eksCall).createCluster},
	{"ListClusters", "GET", "/clusters", (*eksCall).listClusters},
	{"DescribeCluster", "GET", clusterPath, on((*eksCall).cluster, (*eksCall).describeCluster)},
	{"DeleteCluster", "DELETE", clusterPath, (*eksCall).deleteCluster},
	{"UpdateClusterConfig", "POST", clusterPath + "/update-config", with((*eksCall).idle, (*eksCall).updateClusterConfig)},
	{"UpdateClusterVersion", "POST", clusterPath + "/updates", with((*eksCall).idle, (*eksCall).updateClusterVersion)},
	{"AssociateEncryptionConfig", "POST", clusterPath + "/encryption-config/associate", with((*eksCall).idle, (*eksCall).associateEncryption)},
	{"ListUpdates", "GET", clusterPath + "/updates", on((*eksCall).cluster, (*eksCall).listUpdates)},
	{"DescribeUpdate", "GET", clusterPath + "/updates/{update}", on((*eksCall).cluster, (*eksCall).describeUpdate)},
	{"DescribeClusterVersions", "GET", "/cluster-versions", (*eksCall).describeClusterVersions},

	{"CreateNodegroup", "POST", clusterPath + "/node-groups", with((*eksCall).activeCluster, (*eksCall).createNodeGroup)},
	{"ListNodegroups", "GET", clusterPath + "/node-groups", on((*eksCall).cluster, (*eksCall).listNodeGroups)},
	{"DescribeNodegroup", "GET", nodeGroupPath, on((*eksCall).nodeGroup, (*eksCall).showGroup)},
	{"DeleteNodegroup", "DELETE", nodeGroupPath, on((*eksCall).nodeGroup, (*eksCall).deleteNodeGroup)},
	{"UpdateNodegroupConfig", "POST", nodeGroupPath + "/update-config", with((*eksCall).idleGroup, (*eksCall).updateNodeGroupConfig)},
	{"UpdateNodegroupVersion", "POST", nodeGroupPath + "/update-version", with((*eksCall).idleGroup, (*eksCall).updateNodeGroupVersion)},

	{"CreateAddon", "POST", clusterPath + "/addons", with((*eksCall).activeCluster, (*eksCall).createAddon)},
	{"ListAddons", "GET", clusterPath + "/addons", on((*eksCall).cluster, (*eksCall).listAddons)},
	{"DescribeAddon", "GET", addonPath, on((*eksCall).addon, (*eksCall).describeAddon)},
	{"UpdateAddon", "POST", addonPath + "/update", with((*eksCall).addon, (*eksCall).updateAddon)},
	{"DeleteAddon", "DELETE", addonPath, on((*eksCall).addon, (*eksCall).deleteAddon)},
	{"DescribeAddonVersions", "GET", "/addons/supported-versions", (*eksCall).describeAddonVersions},
	{"DescribeAddonConfiguration", "GET", "/addons/configuration-schemas", (*eksCall).describeAddonConfiguration},

	{"CreateAccessEntry", "POST", clusterPath + "/access-entries", with((*eksCall).activeCluster, (*eksCall).createEntry)},
	{"ListAccessEntries", "GET", clusterPath + "/access-entries", on((*eksCall).cluster, (*eksCall).listEntries)},
	{"DescribeAccessEntry", "GET", entryPath, on((*eksCall).entry, (*eksCall).describeEntry)},
	{"UpdateAccessEntry", "POST", entryPath, with((*eksCall).entry, (*eksCall).updateEntry)},
	{"DeleteAccessEntry", "DELETE", entryPath, on((*eksCall).entry, (*eksCall).deleteEntry)},
	{"AssociateAccessPolicy", "POST", entryPath + "/access-policies", with((*eksCall).entry, (*eksCall).associatePolicy)},
	{"ListAssociatedAccessPolicies", "GET", entryPath + "/access-policies", on((*eksCall).entry, (*eksCall).listPolicies)},
	{"DisassociateAccessPolicy", "DELETE", entryPath + "/access-policies/{policy}", on((*eksCall).entry, (*eksCall).disassociatePolicy)},
	{"ListAccessPolicies", "GET", "/access-policies", (*eksCall).listAccessPolicies},

	{"CreatePodIdentityAssociation", "POST", clusterPath + "/pod-identity-associations", with((*eksCall).activeCluster, (*eksCall).createAssociation)},
	{"ListPodIdentityAssociations", "GET", clusterPath + "/pod-identity-associations", on((*eksCall).cluster, (*eksCall).listAssociations)},
	{"DescribePodIdentityAssociation", "GET", associationPath, on((*eksCall).association, (*eksCall).describeAssociation)},
	{"UpdatePodIdentityAssociation", "POST", associationPath, with((*eksCall).association, (*eksCall).updateAssociation)},
	{"DeletePodIdentityAssociation", "DELETE", associationPath, on((*eksCall).association, (*eksCall).deleteAssociation)},

	{"ListTagsForResource", "GET", "/tags/{arn}", on((*eksCall).tags, (*eksCall).listTags)},
	{"TagResource", "POST", "/tags/{arn}", on((*eksCall).tags, (*eksCall).changeTags)},
	{"UntagResource", "DELETE", "/tags/{arn}", on((*eksCall).tags, (*eksCall).changeTags)},
}

// match returns the values of a pattern's variables. A variable is one segment of the path. An ARN at the end is the rest of
// the path, because some clients do not encode its slashes.
func match(pattern, escapedPath string) (map[string]string, bool) {
	wanted := strings.Split(pattern, "/")
	got := strings.Split(escapedPath, "/")
	if last := wanted[len(wanted)-1]; last == "{arn}" && len(got) > len(wanted) {
		got = append(got[:len(wanted)-1:len(wanted)-1], strings.Join(got[len(wanted)-1:], "/"))
	}
	if len(wanted) != len(got) {
		return nil, false
	}
	variables := map[string]string{}
	for i, w := range wanted {
		plain, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if name, isVariable := strings.CutPrefix(w, "{"); isVariable && plain != "" {
			variables[strings.TrimSuffix(name, "}")] = plain
		} else if plain != w {
			return nil, false
		}
	}
	return variables, true
}

// serveOwn answers a call of a service whose operations are routes.
func (a *AWS) serveOwn(w http.ResponseWriter, r *http.Request, c *call, who *key, event *Event, routes []route) {
	for _, op := range routes {
		variables, fits := match(op.pattern, r.URL.EscapedPath())
		if !fits || op.method != r.Method {
			continue
		}
		c.action, event.Action = op.action, op.action
		for name, value := range variables {
			c.params[name] = value
		}
		event.Params = c.journalParams()
		// A caller that disconnects does not stop the operation. It does not stop AWS either.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
		defer cancel()
		text, err := a.callEKS(&eksCall{call: c, ctx: ctx, aws: a, who: who, path: variables, query: r.URL.Query()}, op)
		var failure *refusal
		switch {
		case errors.As(err, &failure):
			refuse(w, event, restJSON, failure)
		case err != nil:
			a.logf("%s: %v", op.action, err)
			refuse(w, event, restJSON, &refusal{http.StatusInternalServerError, "ServerException", err.Error()})
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-Requestid", newUUID())
			_, _ = w.Write(text)
		}
		return
	}
	refuse(w, event, restJSON, &refusal{http.StatusNotFound, "UnknownOperationException", fmt.Sprintf("the emulator does not have %s %s of %s", r.Method, r.URL.Path, c.service)})
}

func (a *AWS) callEKS(c *eksCall, op route) ([]byte, error) {
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	arn, tags := c.resource()
	q := question{action: c.service + ":" + op.action, resource: arn}
	q.setResourceTags(c.service, tags)
	if err := c.require(q); err != nil {
		return nil, err
	}
	answer, err := op.handle(c)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	for _, do := range c.now {
		do()
	}
	return text, nil
}

// require returns a refusal unless the caller has all permissions.
func (c *eksCall) require(questions ...question) error {
	d, err := c.aws.allows(c.ctx, c.call, c.who, questions)
	if err != nil {
		return err
	}
	if !d.allowed {
		return accessDenied(restJSON, d.reason)
	}
	return nil
}

// requirePassRole requires the permission to pass a role to EKS, and that the role exists.
func (c *eksCall) requirePassRole(arn, service string) error {
	q := question{action: "iam:PassRole", resource: arn}
	q.context.set("iam:PassedToService", service)
	if err := c.require(q); err != nil {
		return err
	}
	if there, err := c.aws.roleExists(c.ctx, arn); err != nil || there {
		return err
	}
	return invalid("Role with arn: %s, could not be assumed because it does not exist or the trusted entity is not correct", arn)
}

// decode reads the body. It refuses unknown fields, so that none is ignored.
func (c *eksCall) decode(into any) error {
	if len(c.body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("the emulator does not support the request: %v", err)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "InvalidParameterException", fmt.Sprintf(format, args...)}
}

func invalidState(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "InvalidRequestException", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &refusal{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) error {
	return &refusal{http.StatusConflict, "ResourceInUseException", fmt.Sprintf(format, args...)}
}

// stamp is the current time in the form of EKS's JSON: seconds since 1970.
func stamp() float64 { return float64(time.Now().UnixMilli()) / 1000 }
