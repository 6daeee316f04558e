package program

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"tfserving/components/modelserver"
	"tfserving/components/namespace"
	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/preflight"
	"tfserving/resource"
)

const (
	// root is the checkout, where the stacks' files are.
	root = ".."
	// localStack is the stack of platform kubernetes whose settings the tests change.
	localStack = "local"
	// deployer is the identity that runs the program in these tests, in STS's form for an assumed role.
	deployer = "arn:aws:sts::" + mockengine.Account + ":assumed-role/Deployer/session"
)

// graph holds what the program registers for one stack's settings.
type graph struct {
	settings      *config.Settings
	stack         string
	moreModels    []string // model servers that the test adds to the program's own
	engine        *mockengine.Engine
	resources     []*registration
	byURN         map[string]*registration
	url, endpoint string // the outputs gatewayUrl and modelEndpoint
	// secretKubeconfig says whether the output kubeconfig is a secret.
	secretKubeconfig bool
}

// registration is a resource as the engine receives it.
type registration struct {
	pulumi.MockResourceArgs
	urn    string
	object runtime.Object // the resource as Kubernetes' own type; nil for other resources
	meta   metav1.Object
}

func (r *registration) String() string { return r.TypeToken + " " + r.Name }

// newLocalGraph runs the program for stack local with overlay, YAML as below config: in a stack's file, on top of its
// settings. An HTTP server answers for the cluster.
func newLocalGraph(overlay string, moreModels []string) (*graph, error) {
	dir, err := os.MkdirTemp("", "tfserving")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"gitVersion":"v1.30.0"}`) }))
	defer server.Close()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	text := fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: test,
  clusters: [{name: test, cluster: {server: %q}}],
  users: [{name: test, user: {token: %s}}],
  contexts: [{name: test, context: {cluster: test, user: test}}]}`, server.URL, mockengine.SentinelToken)
	if err := os.WriteFile(kubeconfig, text, 0o600); err != nil {
		return nil, err
	}
	g := &graph{stack: localStack, moreModels: moreModels}
	return g, g.run(nil, preflight.Checks{}, overlay, fmt.Sprintf("tfserving:kubernetes: {kubeconfig: %q}", kubeconfig))
}

// newEKSGraph runs the program for a checked-in stack with overlay on top of its settings, in an account. If it fails, the
// graph holds what the program registered before.
func newEKSGraph(stack, overlay string, account *fakeAWS) (*graph, error) {
	g := &graph{stack: stack}
	return g, g.run(account.zones, account.checks(), overlay)
}

// run runs the program for the settings of the graph's stack, and adds the test's own model servers.
func (g *graph) run(zones []string, checks preflight.Checks, overlays ...string) (err error) {
	if g.settings, err = config.ReadStackFile(filepath.Join(root, config.StackFile(g.stack)), overlays...); err != nil {
		return err
	}
	g.engine = mockengine.New(g.settings.Region)
	g.engine.Stack, g.engine.Zones = g.stack, zones
	err = g.engine.Run(func(ctx *pulumi.Context) error {
		cluster, err := newPlatform(ctx, g.settings, checks)
		if err != nil {
			return err
		}
		app, err := newApplication(ctx, cluster, g.settings)
		if err != nil {
			return err
		}
		ctx.Export("endpoints", pulumi.All(app.gatewayURL, app.modelEndpoint).ApplyT(func(all []any) string {
			g.url, g.endpoint = all[0].(string), all[1].(string)
			return ""
		}))
		g.secretKubeconfig = pulumi.IsSecret(cluster.kubeconfig)
		for _, name := range g.moreModels {
			s := *g.settings
			s.Model.Name = name
			args := modelArgs(&s, scaling(s.Model.Replicas, s.Model.TargetCPU, s.Model.Scaling), cluster, &namespace.Namespace{Name: app.namespace})
			args.InitialReplicas = cluster.initialReplicas(ctx, s.Namespace, modelserver.Component, s.Model.Replicas)
			if _, err := modelserver.NewModelServer(ctx, name, args, pulumi.Provider(cluster.provider)); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, g.readRegistrations())
}

// secretReplicas says whether the number of pods of any Deployment is a secret.
func (g *graph) secretReplicas() bool {
	return slices.ContainsFunc(g.resources, func(r *registration) bool {
		spec := r.Inputs["spec"]
		return r.TypeToken == resource.Deployment && spec.IsObject() && spec.ObjectValue()["replicas"].IsSecret()
	})
}

// readRegistrations fills in the graph's resources. An unknown field of a Kubernetes object is an error.
func (g *graph) readRegistrations() (err error) {
	g.byURN = map[string]*registration{}
	for _, args := range g.engine.Resources {
		r := &registration{MockResourceArgs: args, urn: g.engine.URN(args)}
		if r.object, err = mockengine.Object(args); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		if r.object != nil {
			if r.meta, err = meta.Accessor(r.object); err != nil {
				return fmt.Errorf("%s: %w", r, err)
			}
		}
		g.resources = append(g.resources, r)
		g.byURN[r.urn] = r
	}
	return nil
}

// fakeAWS is the AWS account that the program runs in.
type fakeAWS struct {
	caller     string
	accountErr error // the error of the account check
	zones      []string
	images     map[string]preflight.ImageState // by repository and suffix; an image absent from the map exists
	// replicas are the pods of the largest Deployment of each component, replicasErr the error of the question.
	replicas    map[string]int
	replicasErr error
	deployments []appsv1.Deployment // those that the program waits for
	waited      bool                // whether the program asked for them
	nodeGroups  map[string]int      // the numbers of nodes of the cluster's groups, by name
	spotErr     error               // the error of the check of spot's role
}

// newFakeAWS returns an account that fits the checked-in stacks. Its zones are not sorted: AWS promises no order.
func newFakeAWS() *fakeAWS {
	a := &fakeAWS{caller: deployer, zones: []string{"eu-west-1c", "eu-west-1a", "eu-west-1b"}}
	for _, name := range []string{"gateway", "tf-serving-clothing-model"} {
		d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](2)}}
		d.Status = appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
		a.deployments = append(a.deployments, d)
	}
	return a
}

func (a *fakeAWS) checks() preflight.Checks {
	return preflight.Checks{
		Account: func(context.Context, string, []string) (*preflight.Identity, error) {
			if a.accountErr != nil {
				return nil, a.accountErr
			}
			return &preflight.Identity{Account: mockengine.Account, ARN: a.caller}, nil
		},
		Deployments: func(_ context.Context, _, namespace string, labels map[string]string) ([]appsv1.Deployment, error) {
			component := labels["app.kubernetes.io/component"]
			if namespace != "tfserving" || labels["app.kubernetes.io/part-of"] != "tfserving" {
				return nil, fmt.Errorf("a question for Deployments with %v in namespace %s", labels, namespace)
			}
			if component == "" { // the wait for the end of the rollouts
				a.waited = true
				return a.deployments, nil
			}
			if a.replicasErr != nil {
				return nil, a.replicasErr
			}
			return []appsv1.Deployment{{Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(a.replicas[component]))}}}, nil
		},
		Image: func(_ context.Context, _, repository, suffix string) (preflight.ImageState, error) {
			if state, ok := a.images[repository+suffix]; ok {
				return state, nil
			}
			return preflight.ImageExists, nil
		},
		NodeGroupSizes: func(context.Context, string, string) (map[string]int, error) { return a.nodeGroups, nil },
		SpotRole:       func(context.Context, string) error { return a.spotErr },
	}
}
