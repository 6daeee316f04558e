package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/config"
)

// awsCLI stands in for the AWS CLI: it writes down how it is called, and refuses the calls named in $REFUSED, as call=code.
const awsCLI = `#!/bin/sh
echo "$*" >> "$CALLS"
for refused in $REFUSED; do
	[ "${refused%=*}" = "$2" ] || continue
	echo "An error occurred (${refused#*=}) when calling an operation: for the test" >&2
	exit 254
done
`

// Who takes a stack down is let into its cluster first, if there is one; a refusal other than those that say that it is
// done, or that there is nothing to do, is an error.
func TestARoleIsLetIntoTheCluster(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/github-deploy-review-end"
	_, dev := readDev(t)
	for name, test := range map[string]struct {
		role, refused string
		calls         []string
		fails         string
	}{
		"a cluster":                  {role, "", []string{"describe-cluster", "create-access-entry", "associate-access-policy"}, ""},
		"one that knows it":          {role, "create-access-entry=ResourceInUseException", []string{"describe-cluster", "create-access-entry", "associate-access-policy"}, ""},
		"none":                       {role, "describe-cluster=ResourceNotFoundException", []string{"describe-cluster"}, ""},
		"one that it may not see":    {role, "describe-cluster=AccessDeniedException", []string{"describe-cluster"}, "aws eks describe-cluster: exit status 254\nAn error occurred (AccessDenied"},
		"one that it may not change": {role, "create-access-entry=AccessDeniedException", []string{"describe-cluster", "create-access-entry"}, "aws eks create-access-entry: exit status 254\n"},
		"no role":                    {"", "", nil, `ROLE is ""; give the ARN`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(awsCLI), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			t.Setenv("CALLS", filepath.Join(dir, "calls"))
			t.Setenv("REFUSED", test.refused)
			s := &stack{name: "review-7", root: dir, dir: dir, settings: dev}
			err := s.admit(t.Context(), []string{"-role", test.role})
			if (err == nil) != (test.fails == "") || err != nil && !strings.HasPrefix(err.Error(), test.fails) {
				t.Errorf("its error is %v; want %q", err, test.fails)
			}
			said, _ := os.ReadFile(filepath.Join(dir, "calls"))
			var calls []string
			for line := range strings.Lines(string(said)) {
				words := strings.Fields(line)
				calls = append(calls, words[1])
				if !slices.Contains(words, config.ClusterName("review-7")) || !slices.Contains(words, dev.Region) {
					t.Errorf("%q is no call about the stack's cluster in its region", line)
				}
				if words[1] != "describe-cluster" && !slices.Contains(words, role) {
					t.Errorf("%q does not name the role", line)
				}
			}
			if !slices.Equal(calls, test.calls) {
				t.Errorf("it calls %v, want %v", calls, test.calls)
			}
		})
	}
}

func TestOnlyEKSKnowsRoles(t *testing.T) {
	s := &stack{name: "mine", settings: &config.Settings{Platform: config.PlatformKubernetes}}
	if err := s.admit(t.Context(), []string{"-role", "arn:aws:iam::123456789012:role/x"}); err == nil || !strings.Contains(err.Error(), "stack mine has no cluster on EKS") {
		t.Errorf("its error is %v", err)
	}
}
