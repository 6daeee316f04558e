package repositories

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const keyARN = "arn:aws:kms:eu-west-1:111122223333:key/of-the-images"

// recorder stands in for the engine and AWS.
type recorder struct {
	mu   sync.Mutex
	seen map[string]pulumi.MockResourceArgs // by "type name"
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[args.TypeToken+" "+args.Name] = args
	outputs := args.Inputs.Copy()
	switch args.TypeToken {
	case keyType:
		outputs["arn"] = resource.NewProperty(keyARN)
	case repositoryType:
		outputs["repositoryUrl"] = resource.NewProperty("registry.test/" + args.Inputs["name"].StringValue())
	}
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("nothing answers %s", args.Token)
}

const (
	componentType  = "tfserving:repositories:Repositories"
	keyType        = "aws:kms/key:Key"
	repositoryType = "aws:ecr/repository:Repository"
	lifecycleType  = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
)

// made is the graph of some repositories, and their URLs.
func made(t *testing.T, args *Args) (map[string]pulumi.MockResourceArgs, map[string]string) {
	t.Helper()
	r := &recorder{seen: map[string]pulumi.MockResourceArgs{}}
	var urls map[string]string
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		made, err := NewRepositories(ctx, "p-s", args)
		if err != nil {
			return err
		}
		ctx.Export("seen", made.URLs.ApplyT(func(all map[string]string) string {
			urls = all
			return ""
		}))
		return nil
	}, pulumi.WithMocks("tfserving", "test", r))
	if err != nil {
		t.Fatal(err)
	}
	return r.seen, urls
}

func twoImages(protect bool) *Args {
	return &Args{Prefix: "p-s", Names: []string{"gateway", "team/model"}, KeepImages: 7, Protect: protect}
}

func TestEachImageHasARepositoryAndAURL(t *testing.T) {
	seen, urls := made(t, twoImages(false))
	want := []string{
		componentType + " p-s", keyType + " p-s-images",
		repositoryType + " p-s-gateway", lifecycleType + " p-s-gateway",
		repositoryType + " p-s-team/model", lifecycleType + " p-s-team/model",
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("the resources are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := map[string]string{"gateway": "registry.test/p-s/gateway", "team/model": "registry.test/p-s/team/model"}; !maps.Equal(urls, want) {
		t.Errorf("the URLs are %v, want %v", urls, want)
	}
	for name, args := range seen {
		if parent := args.RegisterRPC.GetParent(); args.Custom && !strings.HasSuffix(parent, componentType+"::p-s") {
			t.Errorf("the parent of %s is %s", name, parent)
		}
	}
}

func TestRepositoriesAreImmutableScannedAndEncryptedWithOneKeyThatRotates(t *testing.T) {
	seen, _ := made(t, twoImages(false))
	for name, args := range seen {
		inputs := args.Inputs.Mappable()
		switch args.TypeToken {
		case keyType:
			if inputs["enableKeyRotation"] != true {
				t.Errorf("%s does not rotate", name)
			}
		case repositoryType:
			if got := inputs["imageTagMutability"]; got != "IMMUTABLE" {
				t.Errorf("%s is %v", name, got)
			}
			if got := fmt.Sprint(inputs["imageScanningConfiguration"]); got != "map[scanOnPush:true]" {
				t.Errorf("%s scans %s", name, got)
			}
			if got := fmt.Sprint(inputs["encryptionConfigurations"]); got != "[map[encryptionType:KMS kmsKey:"+keyARN+"]]" {
				t.Errorf("%s is encrypted by %s", name, got)
			}
		}
	}
}

// Protected, nothing that holds images goes; otherwise `make down` leaves nothing behind.
func TestProtectionKeepsImagesAndItsLackLeavesNone(t *testing.T) {
	for _, protect := range []bool{true, false} {
		seen, _ := made(t, twoImages(protect))
		for name, args := range seen {
			holds := args.TypeToken == keyType || args.TypeToken == repositoryType
			if got := args.RegisterRPC.GetProtect(); got != (protect && holds) {
				t.Errorf("protect %t: protection of %s is %t", protect, name, got)
			}
			if force := args.Inputs["forceDelete"]; args.TypeToken == repositoryType && force.BoolValue() != !protect {
				t.Errorf("protect %t: %s is deleted with its images: %v", protect, name, force)
			}
		}
	}
}

func TestAStackWithoutOwnImagesPaysForNoKey(t *testing.T) {
	seen, urls := made(t, &Args{Prefix: "p-s", KeepImages: 1})
	if len(seen) != 1 || len(urls) != 0 {
		t.Errorf("there are %v with URLs %v, want the component alone", slices.Collect(maps.Keys(seen)), urls)
	}
}

func TestTheNewestTaggedImagesAreKeptAndUntaggedOnesADay(t *testing.T) {
	seen, _ := made(t, twoImages(false))
	for _, name := range []string{"p-s-gateway", "p-s-team/model"} {
		args := seen[lifecycleType+" "+name]
		if got, want := args.Inputs["repository"].StringValue(), seen[repositoryType+" "+name].Inputs["name"].StringValue(); got != want {
			t.Errorf("the policy of %s is on %s", want, got)
		}
		var got any
		if err := json.Unmarshal([]byte(args.Inputs["policy"].StringValue()), &got); err != nil {
			t.Fatal(err)
		}
		const want = `map[rules:[` +
			`map[action:map[type:expire] description:Leftovers of pushes rulePriority:1 selection:map[countNumber:1 countType:sinceImagePushed countUnit:days tagStatus:untagged]] ` +
			`map[action:map[type:expire] description:All but the newest 7 rulePriority:2 selection:map[countNumber:7 countType:imageCountMoreThan tagPatternList:[*] tagStatus:tagged]]]]`
		if fmt.Sprint(got) != want {
			t.Errorf("%s:\n%v\nwant\n%s", name, got, want)
		}
	}
}

func TestARepositoryKeepsAnImage(t *testing.T) {
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewRepositories(ctx, "p-s", &Args{Prefix: "p-s", Names: []string{"gateway"}})
		return err
	}, pulumi.WithMocks("tfserving", "test", &recorder{seen: map[string]pulumi.MockResourceArgs{}}))
	if err == nil || !strings.Contains(err.Error(), "must keep an image") {
		t.Errorf("the error is %v", err)
	}
}
