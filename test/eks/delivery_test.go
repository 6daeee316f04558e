package eks

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
)

// deliveryCommands are those of docs/delivery.md that make the roles.
var deliveryCommands = regexp.MustCompile("(?s)```sh\n(eval [^`]*pulumi stack init sandbox\npulumi up)\n```")

// TestDelivery runs the commands of docs/delivery.md that make the workflows' roles, and looks at what is in the account
// then.
func TestDelivery(t *testing.T) {
	r := &rehearsal{Checkout: checkout.New(t, "../.."), stack: "dev", begin: time.Now()}
	r.Make("tools")
	moto, err := emulator.EnsureMoto(t.Context(), os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	// A context of its own: the account must outlive the test's end until its cleanup has run.
	r.aws, err = emulator.Start(context.WithoutCancel(t.Context()), emulator.Config{Dir: r.folder("aws"), MotoServer: moto, Region: region, Log: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stopped("emulated AWS", r.aws.Stop()) })
	r.folder("state")
	r.Env = append(r.aws.Env(), r.mark(), "PULUMI_CONFIG_PASSPHRASE="+passphrase, "PULUMI_SKIP_UPDATE_CHECK=true")
	t.Cleanup(r.endPlugins)
	if plugins := os.Getenv("AWS_PLUGINS"); plugins != "" {
		r.standIn(plugins)
	}
	page, err := os.ReadFile("../../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := deliveryCommands.FindSubmatch(page)
	if commands == nil {
		t.Fatal("docs/delivery.md shows no commands that make the roles")
	}
	must := func(script string) string {
		t.Helper()
		out, err := r.Start("sh", "-ec", script).Wait()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, script, out)
		}
		return out
	}
	must(string(commands[1]) + " --yes --non-interactive")
	again := `eval "$(make -s env STACK=dev)"; unset PULUMI_OPTION_POLICY_PACK; cd delivery; `
	must(again + "pulumi preview --stack sandbox --expect-no-changes --non-interactive")
	var outputs struct {
		PreviewRole string
		DeployRoles map[string]string
	}
	if err := json.Unmarshal([]byte(must(again+"pulumi stack output --json --stack sandbox --non-interactive")), &outputs); err != nil {
		t.Fatal(err)
	}
	client := iam.NewFromConfig(configOf(r.aws.Env()))
	for subject, arn := range map[string]string{
		"repo:example/tfserving:pull_request":           outputs.PreviewRole,
		"repo:example/tfserving:environment:dev":        outputs.DeployRoles["dev"],
		"repo:example/tfserving:environment:review-end": outputs.DeployRoles["review-end"],
	} {
		got, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
		if err != nil {
			t.Fatalf("the role of %s: %v", subject, err)
		}
		trust, err := url.PathUnescape(aws.ToString(got.Role.AssumeRolePolicyDocument))
		if err != nil || !strings.Contains(trust, strconv.Quote(subject)) || !strings.Contains(trust, ":oidc-provider/token.actions.githubusercontent.com") {
			t.Errorf("the role of %s is taken by %s (%v)", subject, trust, err)
		}
	}
	must(again + "pulumi destroy --stack sandbox --yes --non-interactive")
	left, err := r.aws.Leftovers(t.Context())
	if err != nil || len(left) > 0 {
		t.Errorf("after destroy the account has %v (%v)", left, err)
	}
}
