package privilege

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// passLinter runs cfn-lint on a CloudFormation template with the policies. cfn-lint checks the language of policies, the names of
// actions, and the resources of each action.
func (s *policies) passLinter(t *testing.T) {
	type object = map[string]any
	resources := object{}
	for name, r := range s.roles {
		var inline []object
		for policy, text := range r.inline {
			inline = append(inline, object{"PolicyName": policy, "PolicyDocument": json.RawMessage(text)})
		}
		resources[strings.ReplaceAll(name, "-", "")] = object{"Type": "AWS::IAM::Role", "Properties": object{
			"AssumeRolePolicyDocument": json.RawMessage(r.trust), "Policies": inline, "ManagedPolicyArns": append([]string{}, r.managed...),
		}}
	}
	template, err := json.MarshalIndent(object{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, "", "  ")
	if err != nil {
		t.Fatalf("a policy is not JSON: %v", err)
	}
	file := filepath.Join(t.TempDir(), "policies.json")
	if err := os.WriteFile(file, template, 0o600); err != nil {
		t.Fatal(err)
	}
	// I are the informational checks. One of them compares an action with the type of its resource.
	cmd := exec.CommandContext(t.Context(), ensureLinter(t), "--include-checks", "I", "--regions", region, "--format", "json", "--template", file)
	out, err := cmd.Output()
	var found []struct {
		Message  string
		Rule     struct{ Id string }
		Location struct{ Path []any }
	}
	if jsonErr := json.Unmarshal(out, &found); jsonErr != nil {
		t.Fatalf("cfn-lint: %v: %s", err, errorText(out, err))
	}
	for _, f := range found {
		t.Errorf("%s: %s: %.200s", f.Rule.Id, strings.Trim(fmt.Sprint(f.Location.Path), "[]"), f.Message)
	}
	if err != nil && len(found) == 0 {
		t.Errorf("cfn-lint fails without a finding: %s", errorText(out, err))
	}
}
