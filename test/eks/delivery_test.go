package eks

import (
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// The commands of docs/delivery.md make the roles that GitHub's workflows take.
func TestTheCommandsOfTheDocsMakeTheWorkflowsRoles(t *testing.T) {
	r := &rehearsal{Checkout: checkout.New(t, "../.."), stack: defaultStack, begin: time.Now()}
	r.Make("tools")
	r.aws = emulated.Start(t, r.folder("aws"), emulated.Region, emulator.Times{})
	r.Env = append(r.aws.Env(), r.mark(), "PULUMI_CONFIG_PASSPHRASE="+passphrase, "PULUMI_SKIP_UPDATE_CHECK=true")
	t.Cleanup(r.endPlugins)
	if plugins := os.Getenv("AWS_PLUGINS"); plugins != "" {
		r.usePlugins(plugins)
	}
	commands := strings.TrimSpace(r.ShellBlocks("delivery.md")["make the roles"])
	if !strings.HasSuffix(commands, "\npulumi up") {
		t.Fatalf("docs/delivery.md makes the roles by other commands:\n%s", commands)
	}
	r.Shell(commands + " --yes --non-interactive")
	const again = `eval "$(make -s env STACK=` + defaultStack + `)"; unset PULUMI_OPTION_POLICY_PACK; cd delivery; `
	r.Shell(again + "pulumi preview --stack sandbox --expect-no-changes --non-interactive")
	var outputs struct {
		PreviewRole string
		DeployRoles map[string]string
	}
	if err := json.Unmarshal([]byte(r.Shell(again+"pulumi stack output --json --stack sandbox --non-interactive")), &outputs); err != nil {
		t.Fatal(err)
	}
	client := iam.NewFromConfig(emulated.Config(r.aws))
	for subject, arn := range map[string]string{
		"repo:example/tfserving:pull_request":           outputs.PreviewRole,
		"repo:example/tfserving:environment:dev":        outputs.DeployRoles["dev"],
		"repo:example/tfserving:environment:review-end": outputs.DeployRoles["review-end"],
	} {
		role, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
		if err != nil {
			t.Fatalf("reading the role of %s: %v", subject, err)
		}
		trust, err := url.PathUnescape(aws.ToString(role.Role.AssumeRolePolicyDocument))
		if err != nil || !strings.Contains(trust, strconv.Quote(subject)) || !strings.Contains(trust, ":oidc-provider/token.actions.githubusercontent.com") {
			t.Errorf("the role of %s has the trust policy %s (%v)", subject, trust, err)
		}
	}
	r.Shell(again + "pulumi destroy --stack sandbox --yes --non-interactive")
	left, err := r.aws.Leftovers(t.Context())
	if err != nil || len(left) > 0 {
		t.Errorf("after destroy the account has %v (%v)", left, err)
	}
}
