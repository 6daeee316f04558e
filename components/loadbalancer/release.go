package loadbalancer

import (
	"reflect"
	"time"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
)

// The chart is installed as a Helm release and not by the SDK's Chart (helm/v4):
//
//   - Preview. A release shows its values, which people choose. Chart v4 would show each of some thirty objects, and would
//     render the chart during the preview. The chart creates a new certificate for its webhook if it does not find the
//     existing one. So on a first `up`, and if a preview cannot reach the cluster, the preview would show another
//     certificate than the one that is created.
//   - Destroy. Helm removes the webhooks and the pods in order and waits. As single objects, a webhook can outlive the pods
//     that answer it, and then no Ingress can be changed. Helm also removes an incomplete installation, even after Ctrl-C
//     (but not if the plugin is killed: the release then has the status pending-install).
//   - Compile time. Package helm/v3 imports 67 packages of the SDK for a resource of a dozen fields, so these are declared
//     here. helm/v4 imports two.
//
// The disadvantages: a preview does not show what a new version of the chart changes, and each preview reads the chart's
// repository. Helm installs the chart's custom resource definitions once. It neither updates nor removes them; docs/eks.md
// has the command.
const releaseType = "kubernetes:helm.sh/v3:Release"

// timeout is how long Helm waits for the pods to be ready (Helm's default).
const timeout = 5 * time.Minute

// releaseArgs are the inputs of a Helm release that this package uses.
type releaseArgs struct {
	Name           pulumi.StringInput    `pulumi:"name"`
	Namespace      pulumi.StringInput    `pulumi:"namespace"`
	Chart          pulumi.StringInput    `pulumi:"chart"`
	RepositoryOpts pulumi.StringMapInput `pulumi:"repositoryOpts"` // nil if the chart is a path
	Version        pulumi.StringPtrInput `pulumi:"version"`
	Values         pulumi.MapInput       `pulumi:"values"`
	// Atomic removes an incomplete installation. CleanupOnFail removes the new objects of a failed upgrade.
	Atomic        pulumi.BoolInput   `pulumi:"atomic"`
	CleanupOnFail pulumi.BoolInput   `pulumi:"cleanupOnFail"`
	Timeout       pulumi.IntInput    `pulumi:"timeout"` // s
	Compat        pulumi.StringInput `pulumi:"compat"`
}

// plainRelease has the fields of releaseArgs with plain types. Pulumi needs them for type conversion.
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

// ElementType implements pulumi.Input.
func (*releaseArgs) ElementType() reflect.Type { return reflect.TypeFor[plainRelease]() }

// release is an installed chart whose pods are ready.
type release struct{ pulumi.CustomResourceState }

// newRelease installs the controller's chart and waits until its pods are ready.
func newRelease(ctx *pulumi.Context, name string, args *Args, values pulumi.Map, opts ...pulumi.ResourceOption) (*release, error) {
	inputs := &releaseArgs{
		Name:          pulumi.String(object),
		Namespace:     pulumi.String(catalog.SystemNamespace),
		Chart:         pulumi.String(args.Chart),
		Values:        values,
		Atomic:        pulumi.Bool(true),
		CleanupOnFail: pulumi.Bool(true),
		Timeout:       pulumi.Int(int(timeout / time.Second)),
		Compat:        pulumi.String("true"), // as the SDK sets it on this type
	}
	if args.Repository != "" {
		inputs.RepositoryOpts = pulumi.StringMap{"repo": pulumi.String(args.Repository)}
		inputs.Version = pulumi.StringPtr(args.Version)
	}
	var r release
	return &r, ctx.RegisterResource(releaseType, name, inputs, &r, utilities.PkgResourceDefaultOpts(opts)...)
}
