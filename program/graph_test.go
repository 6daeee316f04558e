package program

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"tfserving/components/modelserver"
	"tfserving/components/namespace"
	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/preflight"
)

const (
	stackName = "test"
	// root is the checkout, where the stacks' files are.
	root = ".."
)

// graph is everything that the program registers for one stack's settings.
type graph struct {
	settings      *config.Settings
	stack         string
	moreModels    []string // models that the test adds through the constructor
	resources     []*registered
	byURN         map[string]*registered
	url, endpoint string // the outputs gatewayUrl and modelEndpoint
	engine        *mockengine.Engine
	// secretKubeconfig says whether the output is a secret.
	secretKubeconfig bool
}

// registered is a resource as the engine would get it.
type registered struct {
	pulumi.MockResourceArgs
	urn    string
	object runtime.Object // Kubernetes' own type of it; nil for components and providers
	meta   metav1.Object
}

func (r *registered) String() string { return r.TypeToken + " " + r.Name }

// newGraph runs newPlatform and newApplication for a stack's settings: those of Pulumi.local.yaml with overlay, as a
// stack file would write it, on top. The cluster is an HTTP server that only says that it is there.
func newGraph(overlay string, moreModels ...string) (*graph, error) {
	dir, err := os.MkdirTemp("", "tfserving")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"gitVersion":"v1.30.0"}`) }))
	defer server.Close()
	file := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(file, kubeconfigOf(server.URL), 0o600); err != nil {
		return nil, err
	}
	g := &graph{stack: stackName, moreModels: moreModels}
	cluster := fmt.Sprintf("%s:kubernetes: {kubeconfig: %q}", config.Project, file)
	if g.settings, err = config.ReadStackFile(filepath.Join(root, "Pulumi.local.yaml"), overlay, cluster); err != nil {
		return nil, err
	}
	engine := mockengine.New("")
	if err := g.run(engine, preflight.Checks{}); err != nil {
		return nil, err
	}
	return g, g.keep(engine)
}

// run runs the program on the graph's settings, and the test's own model servers with it.
func (g *graph) run(engine *mockengine.Engine, checks preflight.Checks) error {
	engine.Stack = g.stack
	return engine.Run(func(ctx *pulumi.Context) error {
		cluster, err := newPlatform(ctx, g.settings, checks)
		if err != nil {
			return err
		}
		app, err := newApplication(ctx, cluster, g.settings)
		if err != nil {
			return err
		}
		ctx.Export("told", pulumi.All(app.gatewayURL, app.modelEndpoint).ApplyT(func(all []any) string {
			g.url, g.endpoint = all[0].(string), all[1].(string)
			return ""
		}))
		g.secretKubeconfig = pulumi.IsSecret(cluster.kubeconfig)
		for _, name := range g.moreModels {
			s := *g.settings
			s.Model.Name = name
			args := modelArgs(&s, scaling(s.Model.Replicas, s.Model.TargetCPU, s.Model.Scaling), cluster, &namespace.Namespace{Name: app.namespace})
			if _, err := modelserver.NewModelServer(ctx, name, args, pulumi.Provider(cluster.provider)); err != nil {
				return err
			}
		}
		return nil
	})
}

// keep notes what was registered.
func (g *graph) keep(engine *mockengine.Engine) (err error) {
	g.engine, g.byURN = engine, map[string]*registered{}
	for _, args := range engine.Resources {
		r := &registered{MockResourceArgs: args, urn: engine.URN(args)}
		if r.object, r.meta, err = kubernetesObject(args); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		g.resources = append(g.resources, r)
		g.byURN[r.urn] = r
	}
	return nil
}

func kubeconfigOf(server string) []byte {
	return fmt.Appendf(nil, `{apiVersion: v1, kind: Config, current-context: test,
  clusters: [{name: test, cluster: {server: %q}}],
  users: [{name: test, user: {token: %s}}],
  contexts: [{name: test, context: {cluster: test, user: test}}]}`, server, mockengine.SentinelToken)
}

// strict decodes Kubernetes objects as the API server does, and refuses a field that it does not know.
var strict = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

func kubernetesObject(args pulumi.MockResourceArgs) (runtime.Object, metav1.Object, error) {
	if !args.Custom || !args.Inputs.HasValue("apiVersion") {
		return nil, nil, nil
	}
	text, err := json.Marshal(args.Inputs.Mappable())
	if err != nil {
		return nil, nil, err
	}
	object, _, err := strict.Decode(text, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	m, err := meta.Accessor(object)
	return object, m, err
}

// kubernetesObjects are the resources that are Kubernetes objects.
func (g *graph) kubernetesObjects() []*registered {
	return slices.DeleteFunc(slices.Clone(g.resources), func(r *registered) bool { return r.object == nil })
}

// objects are the Kubernetes objects of one type.
func objects[T runtime.Object](g *graph) []T {
	var all []T
	for _, r := range g.resources {
		if o, ok := r.object.(T); ok {
			all = append(all, o)
		}
	}
	return all
}

// find returns the object of a type and name, which must be there.
func find[T interface {
	runtime.Object
	metav1.Object
}](t *testing.T, g *graph, name string) T {
	t.Helper()
	var none T
	for _, o := range objects[T](g) {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("there is no %T named %q", none, name)
	return none
}

// comesAfter says whether one resource waits for another, directly or through others.
func (g *graph) comesAfter(later, earlier *registered) bool {
	return g.engine.DependsOn(later.MockResourceArgs, earlier.MockResourceArgs)
}
