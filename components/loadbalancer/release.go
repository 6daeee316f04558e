package loadbalancer

import (
	"reflect"
	"time"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The chart is installed as a Helm release and not by the SDK's Chart (helm/v4):
//
//   - Preview. A release shows as its values, which is what a person chose. Chart v4 would show each of some thirty
//     objects, but it renders the chart during the preview. The chart makes a certificate for its webhook whenever it
//     does not find the one that it made before, so on a first `up`, and wherever a preview cannot reach the cluster,
//     what is shown is not what is then made.
//   - Destroy. Helm removes the webhooks and the pods in its own order and waits for it; as single objects, a webhook
//     can outlive the pods that answer it, and then no Ingress can be changed any more. What is installed half is
//     removed again, also on Ctrl-C. (Not if the plugin is killed: the release then counts as being installed.)
//   - Compile time. Package helm/v3 pulls 67 packages of the SDK after it, for a resource of a dozen fields. They stand
//     here instead. helm/v4 pulls two.
//
// The price: a preview does not show what a new version of the chart changes inside, and it reads the chart's repository
// each time. Helm installs the chart's definitions of custom resources once; it neither renews nor removes them.
const releaseType = "kubernetes:helm.sh/v3:Release"

// timeout is how long Helm waits for the pods to be ready; its own default.
const timeout = 5 * time.Minute

// releaseArgs are those inputs of a Helm release that are used here.
type releaseArgs struct {
	Name           pulumi.StringInput    `pulumi:"name"`
	Namespace      pulumi.StringInput    `pulumi:"namespace"`
	Chart          pulumi.StringInput    `pulumi:"chart"`
	RepositoryOpts pulumi.StringMapInput `pulumi:"repositoryOpts"` // nil where the chart is a path
	Version        pulumi.StringPtrInput `pulumi:"version"`
	Values         pulumi.MapInput       `pulumi:"values"`
	// Atomic takes away what could not be installed whole; CleanupOnFail does so for an upgrade's new objects.
	Atomic        pulumi.BoolInput   `pulumi:"atomic"`
	CleanupOnFail pulumi.BoolInput   `pulumi:"cleanupOnFail"`
	Timeout       pulumi.IntInput    `pulumi:"timeout"` // s
	Compat        pulumi.StringInput `pulumi:"compat"`
}

// plainRelease is releaseArgs with values in place of inputs, from which Pulumi reads the types.
type plainRelease struct {
	Name           string            `pulumi:"name"`
	Namespace      string            `pulumi:"namespace"`
	Chart          string            `pulumi:"chart"`
	RepositoryOpts map[string]string `pulumi:"repositoryOpts"`
	Version        *string           `pulumi:"version"`
	Values         map[string]any    `pulumi:"values"`
	Atomic         bool              `pulumi:"atomic"`
	CleanupOnFail  bool              `pulumi:"cleanupOnFail"`
	Timeout        int               `pulumi:"timeout"`
	Compat         string            `pulumi:"compat"`
}

// ElementType is part of being the inputs of a resource.
func (*releaseArgs) ElementType() reflect.Type { return reflect.TypeFor[plainRelease]() }

// release is an installed chart, with its pods ready.
type release struct{ pulumi.CustomResourceState }

// newRelease installs the controller's chart and waits until its pods are ready.
func newRelease(ctx *pulumi.Context, name string, args *Args, values pulumi.Map, opts ...pulumi.ResourceOption) (*release, error) {
	inputs := &releaseArgs{
		Name:          pulumi.String(object),
		Namespace:     pulumi.String(Namespace),
		Chart:         pulumi.String(args.Chart),
		Values:        values,
		Atomic:        pulumi.Bool(true),
		CleanupOnFail: pulumi.Bool(true),
		Timeout:       pulumi.Int(int(timeout / time.Second)),
		Compat:        pulumi.String("true"), // the SDK's own mark of this type
	}
	if args.Repository != "" {
		inputs.RepositoryOpts = pulumi.StringMap{"repo": pulumi.String(args.Repository)}
		inputs.Version = pulumi.StringPtr(args.Version)
	}
	var r release
	return &r, ctx.RegisterResource(releaseType, name, inputs, &r, utilities.PkgResourceDefaultOpts(opts)...)
}
