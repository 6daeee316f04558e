package mockengine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	corev1 "k8s.io/api/core/v1"
)

const keyType = "aws:kms/key:Key"

// register registers a resource of a type and name.
func register(ctx *pulumi.Context, token, name string, options ...pulumi.ResourceOption) (pulumi.Resource, error) {
	r := &struct{ pulumi.CustomResourceState }{}
	return r, ctx.RegisterResource(token, name, pulumi.Map{}, r, options...)
}

// run runs a program on an engine. The test fails if the program does.
func run(t *testing.T, program pulumi.RunFunc) *Engine {
	t.Helper()
	engine := New("eu-west-1")
	if err := engine.Run(program); err != nil {
		t.Fatal(err)
	}
	return engine
}

// chain registers first <- provider <- throughProvider <- last, and independent.
func chain(ctx *pulumi.Context) error {
	first, err := register(ctx, keyType, "first")
	if err != nil {
		return err
	}
	provider := &struct{ pulumi.ProviderResourceState }{}
	if err := ctx.RegisterResource("pulumi:providers:aws", "provider", pulumi.Map{}, provider, pulumi.DependsOn([]pulumi.Resource{first})); err != nil {
		return err
	}
	throughProvider, err := register(ctx, keyType, "throughProvider", pulumi.Provider(provider))
	if err != nil {
		return err
	}
	if _, err := register(ctx, keyType, "last", pulumi.DependsOn([]pulumi.Resource{throughProvider})); err != nil {
		return err
	}
	_, err = register(ctx, keyType, "independent")
	return err
}

func TestAResourceDependsOnItsDependenciesAndItsProvidersDependencies(t *testing.T) {
	engine := run(t, chain)
	for later, want := range map[string][]string{
		"first":           nil,
		"throughProvider": {"first"},
		"last":            {"first", "throughProvider"},
		"independent":     nil,
	} {
		var got []string
		for _, earlier := range engine.OfType(keyType) {
			if engine.DependsOn(engine.Get(t, keyType, later), earlier) {
				got = append(got, earlier.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s depends on %v, want %v", later, got, want)
		}
	}
}

func TestResourcesThatUseAnotherProviderAreListed(t *testing.T) {
	got := run(t, chain).ViaOtherProvider("provider")
	slices.Sort(got)
	if len(got) != 3 || !strings.Contains(got[0], "first") || !strings.Contains(got[1], "independent") || !strings.Contains(got[2], "last") {
		t.Errorf("the resources of another provider are %q, want first, independent and last", got)
	}
}

func TestAURNHasTheTypeOfTheParent(t *testing.T) {
	engine := run(t, func(ctx *pulumi.Context) error {
		parent := &struct{ pulumi.ResourceState }{}
		if err := ctx.RegisterComponentResource("tfserving:test:Test", "parent", parent); err != nil {
			return err
		}
		_, err := register(ctx, keyType, "child", pulumi.Parent(parent))
		return err
	})
	if got, want := engine.URN(engine.Get(t, keyType, "child")), "urn:pulumi:test::tfserving::tfserving:test:Test$"+keyType+"::child"; got != want {
		t.Errorf("the URN is %s, want %s", got, want)
	}
}

func TestControlPlaneIsWhatTheProgramsTransformationReturns(t *testing.T) {
	transform := func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		args.Props["upgradePolicy"] = pulumi.Map{"supportType": pulumi.String("STANDARD")}
		args.Opts.Protect = true
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
	component := func(options ...pulumi.ResourceOption) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			inputs := pulumi.Map{"name": pulumi.String("tfserving-test"), "version": pulumi.String("1.35")}
			return ctx.RegisterRemoteComponentResource(Cluster, "tfserving-test", inputs, &struct{ pulumi.ResourceState }{}, options...)
		}
	}
	got := run(t, component(pulumi.Transforms([]pulumi.ResourceTransform{transform}))).ControlPlane
	if got == nil || got.Name != "tfserving-test-eksCluster" || !got.Protected || got.Properties["version"] != "1.35" || got.Properties["upgradePolicy"] == nil {
		t.Errorf("the control plane is %+v, want the protected one of the transformation", got)
	}
	if got := run(t, component()).ControlPlane; got != nil {
		t.Errorf("without a transformation the control plane is %+v, want none", got)
	}
}

func TestAnInvokeWithoutAnAnswerFails(t *testing.T) {
	if _, err := New("eu-west-1").Call(pulumi.MockCallArgs{Token: "aws:ec2/getVpc:getVpc"}); err == nil || !strings.Contains(err.Error(), "aws:ec2/getVpc:getVpc") {
		t.Errorf("the error is %v, want one that names the invoke", err)
	}
	newest := pulumi.MockCallArgs{Token: "aws:eks/getAddonVersion:getAddonVersion", Args: resource.PropertyMap{"mostRecent": resource.NewProperty(true)}}
	if _, err := New("eu-west-1").Call(newest); err == nil || !strings.Contains(err.Error(), "mostRecent") {
		t.Errorf("the error for the newest version of an add-on is %v", err)
	}
}

func TestObjectsWithAnUnknownFieldAreRefused(t *testing.T) {
	service := func(field string) pulumi.MockResourceArgs {
		return pulumi.MockResourceArgs{Custom: true, Inputs: resource.NewPropertyMapFromMap(map[string]any{
			"apiVersion": "v1", "kind": "Service", "spec": map[string]any{field: "ClusterIP"},
		})}
	}
	object, err := Object(service("type"))
	if s, isService := object.(*corev1.Service); err != nil || !isService || s.Spec.Type != corev1.ServiceTypeClusterIP {
		t.Errorf("the object is %+v, %v", object, err)
	}
	if _, err := Object(service("tipe")); err == nil || !strings.Contains(err.Error(), "tipe") {
		t.Errorf("the error is %v, want one that names the unknown field", err)
	}
}
