package delivery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// recorder stands in for the engine and AWS.
type recorder struct {
	mu   sync.Mutex
	seen map[string]resource.PropertyMap // by "type name"
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[args.TypeToken+" "+args.Name] = args.Inputs
	outputs := args.Inputs.Copy()
	outputs["arn"] = resource.NewProperty("arn:of:" + args.Name)
	outputs["name"] = resource.NewProperty(args.Name + "-0123456")
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return resource.PropertyMap{"partition": resource.NewProperty("aws")}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return resource.PropertyMap{"accountId": resource.NewProperty("111122223333")}, nil
	}
	return nil, fmt.Errorf("nothing answers %s", args.Token)
}

func example() *Args {
	return &Args{
		Project: "tfserving", Region: "eu-west-1", Repository: "example/serving", Branch: "main",
		Environments: []Environment{{Name: "prod", Stacks: "prod"}, {Name: "review", Stacks: "review-*"}},
		State:        &State{Bucket: "example-state", KeyARN: "arn:aws:kms:eu-west-1:111122223333:key/0-1"},
	}
}

func made(t *testing.T, args *Args) *recorder {
	t.Helper()
	r := &recorder{seen: map[string]resource.PropertyMap{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewDelivery(ctx, "github", args)
		return err
	}, pulumi.WithMocks("tfserving-delivery", "main", r))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each role is taken by tokens of one repository for one purpose, to the letter: no pattern, no other audience.
func TestARoleIsTakenForOnePurposeOfOneRepository(t *testing.T) {
	r := made(t, example())
	for name, want := range map[string][]string{
		"github-preview":       {"repo:example/serving:pull_request", "repo:example/serving:ref:refs/heads/main"},
		"github-deploy-prod":   {"repo:example/serving:environment:prod"},
		"github-deploy-review": {"repo:example/serving:environment:review"},
	} {
		var trust struct {
			Statement []struct {
				Effect    string
				Principal map[string]string
				Action    []string
				Condition map[string]map[string]any
			}
		}
		if err := json.Unmarshal([]byte(r.seen["aws:iam/role:Role "+name]["assumeRolePolicy"].StringValue()), &trust); err != nil || len(trust.Statement) != 1 {
			t.Fatalf("%s: %v: %+v", name, err, trust)
		}
		s := trust.Statement[0]
		if s.Effect != "Allow" || s.Principal["Federated"] != "arn:of:github" || len(s.Principal) != 1 || !slices.Equal(s.Action, []string{"sts:AssumeRoleWithWebIdentity"}) {
			t.Errorf("%s: %+v", name, s)
		}
		equals := s.Condition["StringEquals"]
		if len(s.Condition) != 1 || len(equals) != 2 || equals[issuer+":aud"] != audience || fmt.Sprint(equals[issuer+":sub"]) != fmt.Sprint(want) {
			t.Errorf("%s is taken by %v, want %v", name, s.Condition, want)
		}
	}
}

func TestTheProviderIsMadeUnlessTheAccountHasIt(t *testing.T) {
	const provider = "aws:iam/openIdConnectProvider:OpenIdConnectProvider github"
	if p := made(t, example()).seen[provider]; p["url"].StringValue() != "https://"+issuer || fmt.Sprint(p["clientIdLists"]) != "{[{"+audience+"}]}" {
		t.Errorf("the provider is %v", p)
	}
	args := example()
	args.ProviderARN = "arn:aws:iam::111122223333:oidc-provider/" + issuer
	r := made(t, args)
	if _, there := r.seen[provider]; there {
		t.Error("a second provider is made")
	}
	if trust := r.seen["aws:iam/role:Role github-preview"]["assumeRolePolicy"].StringValue(); !strings.Contains(trust, args.ProviderARN) {
		t.Errorf("the role is not taken by the account's provider: %s", trust)
	}
}

// maxInline is how many characters the inline policies of a role may have in all, white space not counted (IAM quotas).
const maxInline = 10240

func TestAPolicyFitsARole(t *testing.T) {
	args := example()
	args.Environments[0].Stacks = strings.Repeat("x", 16) // the longest name of a stack on EKS
	for name, inputs := range made(t, args).seen {
		if !strings.HasPrefix(name, "aws:iam/rolePolicy:RolePolicy ") {
			continue
		}
		length := 0
		for _, c := range inputs["policy"].StringValue() {
			if !unicode.IsSpace(c) {
				length++
			}
		}
		if t.Logf("%s has %d characters", name, length); length > maxInline {
			t.Errorf("%s has %d characters, and IAM takes %d", name, length, maxInline)
		}
	}
}

// A pull request changes nothing, whatever code is in it.
func TestThePreviewRoleOnlyReads(t *testing.T) {
	policy := made(t, example()).seen["aws:iam/rolePolicy:RolePolicy github-preview"]["policy"].StringValue()
	var document struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range document.Statement {
		for _, action := range s.Action {
			seen++
			_, verb, _ := strings.Cut(action, ":")
			if !slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(p string) bool { return strings.HasPrefix(verb, p) }) && action != "kms:Decrypt" {
				t.Errorf("the preview role may %s", action)
			}
			if strings.Contains(action, "*") {
				t.Errorf("the preview role may %s, which AWS may add to", action)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d actions were looked at", seen)
	}
}

func TestWithoutABucketNothingIsSaidOfOne(t *testing.T) {
	args := example()
	args.State = nil
	for name, inputs := range made(t, args).seen {
		if policy, there := inputs["policy"]; there && (strings.Contains(policy.StringValue(), "s3:") || strings.Contains(policy.StringValue(), "kms:Decrypt")) {
			t.Errorf("%s: %s", name, policy.StringValue())
		}
	}
}

func TestNamesThatOpenARoleAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Args){
		`the repository is "*/serving"`:                func(a *Args) { a.Repository = "*/serving" },
		`the repository is "example/*"`:                func(a *Args) { a.Repository = "example/*" },
		`the repository is "example/x:environment:p"`:  func(a *Args) { a.Repository = "example/x:environment:p" },
		`the branch is "*"`:                            func(a *Args) { a.Branch = "*" },
		`the branch is ""`:                             func(a *Args) { a.Branch = "" },
		`an environment's name is "*"`:                 func(a *Args) { a.Environments[0].Name = "*" },
		`environment prod is there twice`:              func(a *Args) { a.Environments[1].Name = "prod" },
		`the stacks of environment prod is "*"`:        func(a *Args) { a.Environments[0].Stacks = "*" },
		`the stacks of environment prod is "d*v"`:      func(a *Args) { a.Environments[0].Stacks = "d*v" },
		`the identity provider is "arn:aws:iam::1:x"`:  func(a *Args) { a.ProviderARN = "arn:aws:iam::1:x" },
		`the state's bucket is "b/*"`:                  func(a *Args) { a.State.Bucket = "b/*" },
		`the state's key is "arn:aws:kms:r:1:alias/x"`: func(a *Args) { a.State.KeyARN = "arn:aws:kms:r:1:alias/x" },
	} {
		args := example()
		change(args)
		if err := args.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q, want %s", err, want)
		}
	}
	args := example()
	args.Repository, args.Branch = "", "*"
	if err := args.check(); err == nil || !strings.Contains(err.Error(), "the repository") || !strings.Contains(err.Error(), "the branch") {
		t.Errorf("not all mistakes at once: %v", err)
	}
}

func TestWhatIsMade(t *testing.T) {
	want := []string{
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider github",
		"aws:iam/role:Role github-deploy-prod", "aws:iam/role:Role github-deploy-review", "aws:iam/role:Role github-preview",
		"aws:iam/rolePolicy:RolePolicy github-deploy-prod", "aws:iam/rolePolicy:RolePolicy github-deploy-review", "aws:iam/rolePolicy:RolePolicy github-preview",
		"tfserving:delivery:Delivery github",
	}
	if got := slices.Sorted(maps.Keys(made(t, example()).seen)); !slices.Equal(got, want) {
		t.Errorf("it makes\n%s", strings.Join(got, "\n"))
	}
}
