package delivery

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

const (
	componentType = "tfserving:delivery:Delivery"
	providerType  = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
	roleType      = "aws:iam/role:Role"
	policyType    = "aws:iam/rolePolicy:RolePolicy"
	readsType     = "aws:iam/policy:Policy"
	attachedType  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
)

func example() *Args {
	return &Args{
		Project: "tfserving", Region: "eu-west-1", Repository: "example/serving", Branch: "main",
		Environments: []Environment{{Name: "prod", Stacks: "prod"}, {Name: "review", Stacks: "review-*"}},
		State:        &State{Bucket: "example-state", KeyARN: "arn:aws:kms:eu-west-1:111122223333:key/0-1"},
	}
}

// register registers delivery "github", and returns the engine that recorded it.
func register(t *testing.T, args *Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New(args.Region)
	if err := engine.Run(func(ctx *pulumi.Context) error {
		_, err := NewDelivery(ctx, "github", args)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

// trustPolicy is the JSON of the policy that decides who takes a role.
func trustPolicy(t *testing.T, engine *mockengine.Engine, name string) string {
	t.Helper()
	return engine.Get(t, roleType, name).Inputs["assumeRolePolicy"].StringValue()
}

// The subject and the audience of the token must match exactly.
func TestOnlyWorkflowsOfTheRepositoryWithTheRightPurposeTakeARole(t *testing.T) {
	engine := register(t, example())
	provider := "arn:aws:iam::" + mockengine.Account + ":oidc-provider/" + issuer
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
		if err := json.Unmarshal([]byte(trustPolicy(t, engine, name)), &trust); err != nil || len(trust.Statement) != 1 {
			t.Fatalf("%s: %v: %+v", name, err, trust)
		}
		s := trust.Statement[0]
		if s.Effect != "Allow" || s.Principal["Federated"] != provider || len(s.Principal) != 1 || !slices.Equal(s.Action, []string{"sts:AssumeRoleWithWebIdentity"}) {
			t.Errorf("%s: %+v", name, s)
		}
		equals := s.Condition["StringEquals"]
		if len(s.Condition) != 1 || len(equals) != 2 || equals[issuer+":aud"] != audience || fmt.Sprint(equals[issuer+":sub"]) != fmt.Sprint(want) {
			t.Errorf("%s is taken by %v, want %v", name, s.Condition, want)
		}
	}
}

func TestTheProviderIsMadeUnlessTheAccountHasIt(t *testing.T) {
	provider, _ := register(t, example()).Find(providerType, "github")
	if got, want := fmt.Sprint(provider.Inputs.Mappable()), "map[clientIdLists:["+audience+"] url:https://"+issuer+"]"; got != want {
		t.Errorf("the provider is %s, want %s", got, want)
	}
	args := example()
	args.ProviderARN = "arn:aws:iam::111122223333:oidc-provider/" + issuer
	engine := register(t, args)
	if _, found := engine.Find(providerType, "github"); found {
		t.Error("a second provider is made")
	}
	if trust := trustPolicy(t, engine, "github-preview"); !strings.Contains(trust, args.ProviderARN) {
		t.Errorf("the role does not trust the account's provider: %s", trust)
	}
}

// maxInlinePolicy is the most characters, without white space, of all inline policies of a role together, and maxPolicy that of a
// policy of its own (IAM quotas).
const (
	maxInlinePolicy = 10240
	maxPolicy       = 6144
)

func TestEachPolicyFitsARole(t *testing.T) {
	args := example()
	args.Environments[0].Stacks = strings.Repeat("x", 16) // the longest stack name on EKS
	engine := register(t, args)
	for _, policy := range append(engine.OfType(policyType), engine.OfType(readsType)...) {
		length, most := 0, maxInlinePolicy
		if policy.TypeToken == readsType {
			most = maxPolicy
		}
		for _, c := range policy.Inputs["policy"].StringValue() {
			if !unicode.IsSpace(c) {
				length++
			}
		}
		if t.Logf("%s has %d characters", policy.Name, length); length > most {
			t.Errorf("%s has %d characters; IAM allows %d", policy.Name, length, most)
		}
	}
}

// The code of a pull request runs with this role.
func TestThePreviewRoleOnlyReads(t *testing.T) {
	policy, _ := register(t, example()).Find(policyType, "github-preview")
	var document struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(policy.Inputs["policy"].StringValue()), &document); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, s := range document.Statement {
		for _, action := range s.Action {
			checked++
			_, verb, _ := strings.Cut(action, ":")
			if !slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(p string) bool { return strings.HasPrefix(verb, p) }) && action != "kms:Decrypt" {
				t.Errorf("the preview role may %s", action)
			}
			if strings.Contains(action, "*") {
				t.Errorf("the preview role may %s, a pattern that also matches actions that AWS adds later", action)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d actions were checked", checked)
	}
}

func TestWithoutAStateBucketNoPolicyAllowsS3OrDecryption(t *testing.T) {
	args := example()
	args.State = nil
	for _, policy := range register(t, args).OfType(policyType) {
		if text := policy.Inputs["policy"].StringValue(); strings.Contains(text, "s3:") || strings.Contains(text, "kms:Decrypt") {
			t.Errorf("%s: %s", policy.Name, text)
		}
	}
}

func TestArgumentsThatOpenARoleToOthersAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Args){
		`the repository is "*/serving"`:                func(a *Args) { a.Repository = "*/serving" },
		`the repository is "example/*"`:                func(a *Args) { a.Repository = "example/*" },
		`the repository is "example/x:environment:p"`:  func(a *Args) { a.Repository = "example/x:environment:p" },
		`the branch is "*"`:                            func(a *Args) { a.Branch = "*" },
		`the branch is ""`:                             func(a *Args) { a.Branch = "" },
		`an environment's name is "*"`:                 func(a *Args) { a.Environments[0].Name = "*" },
		`environment prod is listed twice`:             func(a *Args) { a.Environments[1].Name = "prod" },
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
		t.Errorf("the error does not have all mistakes: %v", err)
	}
}

func TestDeliveryMakesAProviderAndARoleForPreviewsAndForEachEnvironment(t *testing.T) {
	want := []string{
		providerType + " github", readsType + " github-reads",
		roleType + " github-deploy-prod", roleType + " github-deploy-review", roleType + " github-preview",
		policyType + " github-deploy-prod", policyType + " github-deploy-review", policyType + " github-preview",
		attachedType + " github-deploy-prod", attachedType + " github-deploy-review",
		componentType + " github",
	}
	var got []string
	for _, r := range register(t, example()).Resources {
		got = append(got, r.TypeToken+" "+r.Name)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the resources are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
