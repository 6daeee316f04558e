package repositories

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

const (
	componentType  = "tfserving:repositories:Repositories"
	keyType        = "aws:kms/key:Key"
	repositoryType = "aws:ecr/repository:Repository"
	lifecycleType  = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
)

// register registers repositories "p-s". It returns the engine that recorded them, and their URLs.
func register(args *Args) (engine *mockengine.Engine, urls map[string]string, err error) {
	engine = mockengine.New("eu-west-1")
	err = engine.Run(func(ctx *pulumi.Context) error {
		r, err := NewRepositories(ctx, "p-s", args)
		if err != nil {
			return err
		}
		ctx.Export("urls", r.URLs.ApplyT(func(all map[string]string) map[string]string {
			urls = all
			return all
		}))
		return nil
	})
	return engine, urls, err
}

func mustRegister(t *testing.T, args *Args) (*mockengine.Engine, map[string]string) {
	t.Helper()
	engine, urls, err := register(args)
	if err != nil {
		t.Fatal(err)
	}
	return engine, urls
}

func twoImages(protect bool) *Args {
	return &Args{Prefix: "p-s", Names: []string{"gateway", "team/model"}, KeepImages: 7, Protect: protect}
}

// keys are the types and names of what an engine recorded, sorted.
func keys(engine *mockengine.Engine) (all []string) {
	for _, r := range engine.Resources {
		all = append(all, r.TypeToken+" "+r.Name)
	}
	slices.Sort(all)
	return all
}

func TestEachImageHasARepositoryAndAURL(t *testing.T) {
	engine, urls := mustRegister(t, twoImages(false))
	want := []string{
		lifecycleType + " p-s-gateway", lifecycleType + " p-s-team/model",
		repositoryType + " p-s-gateway", repositoryType + " p-s-team/model",
		keyType + " p-s-images",
		componentType + " p-s",
	}
	if got := keys(engine); !slices.Equal(got, want) {
		t.Errorf("the resources are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	const registry = mockengine.Account + ".dkr.ecr.eu-west-1.amazonaws.com/"
	if want := map[string]string{"gateway": registry + "p-s/gateway", "team/model": registry + "p-s/team/model"}; !maps.Equal(urls, want) {
		t.Errorf("the URLs are %v, want %v", urls, want)
	}
	for _, r := range engine.Resources {
		if parent := r.RegisterRPC.GetParent(); r.Custom && !strings.HasSuffix(parent, componentType+"::p-s") {
			t.Errorf("the parent of %s is %s", r.Name, parent)
		}
	}
}

func TestRepositoriesAreImmutableScannedAndEncryptedWithOneKeyThatRotates(t *testing.T) {
	engine, _ := mustRegister(t, twoImages(false))
	for _, key := range engine.OfType(keyType) {
		if !key.Inputs["enableKeyRotation"].BoolValue() {
			t.Errorf("%s does not rotate", key.Name)
		}
	}
	for _, repository := range engine.OfType(repositoryType) {
		inputs := repository.Inputs.Mappable()
		if got := inputs["imageTagMutability"]; got != "IMMUTABLE" {
			t.Errorf("%s is %v", repository.Name, got)
		}
		if got := fmt.Sprint(inputs["imageScanningConfiguration"]); got != "map[scanOnPush:true]" {
			t.Errorf("%s scans %s", repository.Name, got)
		}
		if got, want := fmt.Sprint(inputs["encryptionConfigurations"]), "[map[encryptionType:KMS kmsKey:"+engine.ARN("kms", "key/p-s-images")+"]]"; got != want {
			t.Errorf("%s is encrypted with %s, want %s", repository.Name, got, want)
		}
	}
}

func TestProtectionKeepsTheImagesAndWithoutItDownDeletesThem(t *testing.T) {
	for _, protect := range []bool{true, false} {
		engine, _ := mustRegister(t, twoImages(protect))
		for _, r := range engine.Resources {
			hasImages := r.TypeToken == keyType || r.TypeToken == repositoryType
			if got := r.RegisterRPC.GetProtect(); got != (protect && hasImages) {
				t.Errorf("protect %t: protection of %s %s is %t", protect, r.TypeToken, r.Name, got)
			}
			if force := r.Inputs["forceDelete"]; r.TypeToken == repositoryType && force.BoolValue() != !protect {
				t.Errorf("protect %t: forceDelete of %s is %v", protect, r.Name, force)
			}
		}
	}
}

func TestAStackWithoutOwnImagesPaysForNoKey(t *testing.T) {
	engine, urls := mustRegister(t, &Args{Prefix: "p-s", KeepImages: 1})
	if got := keys(engine); !slices.Equal(got, []string{componentType + " p-s"}) || len(urls) != 0 {
		t.Errorf("the resources are %v with URLs %v, want the component alone", got, urls)
	}
}

func TestRepositoriesKeepTheNewestTaggedImagesAndUntaggedOnesForADay(t *testing.T) {
	engine, _ := mustRegister(t, twoImages(false))
	for _, name := range []string{"gateway", "team/model"} {
		policy := engine.Get(t, lifecycleType, "p-s-"+name)
		if got, want := policy.Inputs["repository"].StringValue(), "p-s/"+name; got != want {
			t.Errorf("the policy of %s is on %s", want, got)
		}
		var got any
		if err := json.Unmarshal([]byte(policy.Inputs["policy"].StringValue()), &got); err != nil {
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

func TestARepositoryMustKeepAnImage(t *testing.T) {
	if _, _, err := register(&Args{Prefix: "p-s", Names: []string{"gateway"}}); err == nil || !strings.Contains(err.Error(), "must keep at least one image") {
		t.Errorf("the error is %v", err)
	}
}
