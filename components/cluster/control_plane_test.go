package cluster

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api/v1"

	"tfserving/internal/mockengine"
)

func TestTheControlPlaneHasNoOutdatedDefault(t *testing.T) {
	got := newGraph(t).inputs(t, controlPlane)
	for property, want := range map[string]any{
		"name":                   "dev",
		"version":                "1.35",
		"authenticationMode":     "API",
		"skipDefaultNodeGroup":   true,
		"instanceRoles":          []any{},
		"useDefaultVpcCni":       true,
		"createOidcProvider":     false,
		"encryptionConfigKeyArn": "arn:aws:kms:eu-west-1:" + mockengine.Account + ":key/tfserving",
		"enabledClusterLogTypes": []any{"api", "audit"},
		"vpcId":                  "vpc-1",
		"subnetIds":              []any{"subnet-a", "subnet-b"},
		"endpointPrivateAccess":  true,
		"endpointPublicAccess":   true,
		"publicAccessCidrs":      []any{"192.0.2.0/24"},
	} {
		if !reflect.DeepEqual(got[property], want) {
			t.Errorf("%s is %v, want %v", property, got[property], want)
		}
	}
	for _, property := range []string{"roleMappings", "userMappings", "storageClasses", "instanceRole", "vpcCniOptions"} {
		if got[property] != nil {
			t.Errorf("%s is %v, want none", property, got[property])
		}
	}
}

func TestTheEndpointIsPublicOnlyIfAddressRangesAreSet(t *testing.T) {
	got := newGraph(t, func(a *Args) { a.PublicAccessCIDRs = nil }).inputs(t, controlPlane)
	if got["endpointPublicAccess"] != false || got["endpointPrivateAccess"] != true {
		t.Errorf("public %v, private %v, want the private endpoint alone", got["endpointPublicAccess"], got["endpointPrivateAccess"])
	}
	if cidrs, ok := got["publicAccessCidrs"]; ok {
		t.Errorf("a private endpoint has publicAccessCidrs %v", cidrs)
	}
}

func TestLogsAreKeptAsLongAsTheSettingsSayAndOutliveTheControlPlane(t *testing.T) {
	g := newGraph(t)
	got := g.inputs(t, logGroup)
	// EKS writes to the group of this name, and creates it if it does not exist.
	if got["name"] != "/aws/eks/dev/cluster" || got["retentionInDays"] != 30.0 {
		t.Errorf("the log group is %v", got)
	}
	if !g.comesAfter(t, controlPlane, logGroup) {
		t.Error("the control plane does not wait for its log group, so EKS creates one")
	}
}

func TestTheKeyOfSecretsRotatesAndCanBeRestored(t *testing.T) {
	got := newGraph(t).inputs(t, secretsKey)
	if got["enableKeyRotation"] != true || got["deletionWindowInDays"] != 30.0 {
		t.Errorf("the key is %v", got)
	}
}

// transformed returns the result of the transform for a resource inside pulumi-eks's component.
func transformed(args *Args, kind string) *pulumi.ResourceTransformResult {
	return transform(args)(context.Background(), &pulumi.ResourceTransformArgs{Type: kind, Props: pulumi.Map{"name": pulumi.String("dev")}})
}

func TestTheEKSClusterHasTheSettingsThatPulumiEKSDoesNotOffer(t *testing.T) {
	got := transformed(exampleArgs(), "aws:eks/cluster:Cluster")
	want := pulumi.Map{
		"name":                       pulumi.String("dev"),
		"upgradePolicy":              pulumi.Map{"supportType": pulumi.String("STANDARD")},
		"bootstrapSelfManagedAddons": pulumi.Bool(false),
		"zonalShiftConfig":           pulumi.Map{"enabled": pulumi.Bool(true)},
		"accessConfig": pulumi.Map{
			"authenticationMode":                      pulumi.String("API"),
			"bootstrapClusterCreatorAdminPermissions": pulumi.Bool(false),
		},
	}
	if !reflect.DeepEqual(got.Props, want) {
		t.Errorf("properties are %v, want %v", got.Props, want)
	}
	for _, kind := range []string{"aws:eks/accessEntry:AccessEntry", "aws:ec2/securityGroup:SecurityGroup", "eks:index:Cluster"} {
		if transformed(exampleArgs(), kind) != nil {
			t.Errorf("the transform changes a %s", kind)
		}
	}
	if n := len(newGraph(t).get(t, controlPlane).RegisterRPC.GetTransforms()); n != 1 {
		t.Errorf("pulumi-eks's component has %d transforms, want 1", n)
	}
}

func TestPulumiEKSsOwnProvidersReachNoCluster(t *testing.T) {
	text, ok := transformed(exampleArgs(), "pulumi:providers:kubernetes").Props["kubeconfig"].(pulumi.String)
	if !ok || text == "" {
		t.Fatalf("the provider has kubeconfig %q; an empty one would make it use the caller's own", text)
	}
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}).ClientConfig(); !clientcmd.IsEmptyConfig(err) {
		t.Errorf("the provider's kubeconfig gives error %v, want one that says that it is empty", err)
	}
}

func TestOnlyTheClusterAndTheKeyOfItsSecretsAreProtected(t *testing.T) {
	for _, protect := range []bool{true, false} {
		set := func(a *Args) { a.Protect = protect }
		for _, r := range newGraph(t, set).Resources {
			if want := protect && r.TypeToken+" "+r.Name == secretsKey; r.RegisterRPC.GetProtect() != want {
				t.Errorf("protect %v: %s %s is protected: %v, want %v", protect, r.TypeToken, r.Name, !want, want)
			}
		}
		args := exampleArgs()
		set(args)
		if got := transformed(args, "aws:eks/cluster:Cluster").Opts.Protect; got != protect {
			t.Errorf("protect %v: the cluster is protected: %v", protect, got)
		}
	}
}

func TestTheKubeconfigIsASecretAndNamesTheRegion(t *testing.T) {
	g := newGraph(t)
	value := g.get(t, "aws:iam/rolePolicy:RolePolicy user-of-kubeconfig").Inputs["role"]
	if !value.IsSecret() {
		t.Fatal("the kubeconfig is not a secret")
	}
	var config clientcmdapi.Config
	if err := json.Unmarshal([]byte(value.SecretValue().Element.StringValue()), &config); err != nil {
		t.Fatal(err)
	}
	exec := config.AuthInfos[0].AuthInfo.Exec
	want := []string{"eks", "get-token", "--cluster-name", "dev", "--region", "eu-west-1"}
	if exec.Command != "aws" || !slices.Equal(exec.Args, want) {
		t.Errorf("tokens come from %s %v, want aws %v", exec.Command, exec.Args, want)
	}
	if c := config.Clusters[0].Cluster; c.Server != "https://api.example.net" || string(c.CertificateAuthorityData) != "CA" {
		t.Errorf("the cluster is %+v", c)
	}
	if _, err := withRegion(`{"users":[]}`, "eu-west-1"); err == nil || !strings.Contains(err.Error(), "no command") {
		t.Errorf("for a kubeconfig without a command the error is %v", err)
	}
}
