package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/config"
)

// fakeAWS is a script in place of the AWS CLI. It appends its arguments to the file $CALLS, fails for the calls listed in $REFUSED,
// as call=code, and otherwise answers with the file of the call's name beside it, if there is one.
const fakeAWS = `#!/bin/sh
echo "$*" >> "$CALLS"
for refused in $REFUSED; do
	[ "${refused%=*}" = "$2" ] || continue
	echo "An error occurred (${refused#*=}) when calling an operation: for the test" >&2
	exit 254
done
answer="$(dirname "$0")/$2.json"
[ ! -f "$answer" ] || cat "$answer"
`

func TestAdmitMakesARoleAnAdministratorOfTheCluster(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/github-deploy-review-end"
	dev := readDev(t)
	for name, test := range map[string]struct {
		role, refused string
		calls         []string
		fails         string
	}{
		"a new role":                 {role, "", []string{"describe-cluster", "create-access-entry", "associate-access-policy"}, ""},
		"a role with an entry":       {role, "create-access-entry=ResourceInUseException", []string{"describe-cluster", "create-access-entry", "associate-access-policy"}, ""},
		"no cluster":                 {role, "describe-cluster=ResourceNotFoundException", []string{"describe-cluster"}, ""},
		"may not read the cluster":   {role, "describe-cluster=AccessDeniedException", []string{"describe-cluster"}, "aws eks describe-cluster: exit status 254\nAn error occurred (AccessDenied"},
		"may not change the cluster": {role, "create-access-entry=AccessDeniedException", []string{"describe-cluster", "create-access-entry"}, "aws eks create-access-entry: exit status 254\n"},
		"no role":                    {"", "", nil, `ROLE is ""; give the ARN`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(fakeAWS), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			t.Setenv("CALLS", filepath.Join(dir, "calls"))
			t.Setenv("REFUSED", test.refused)
			s := &pulumiStack{name: "review-7", root: dir, dir: dir, settings: dev}
			err := s.admit(t.Context(), []string{"-role", test.role})
			if (err == nil) != (test.fails == "") || err != nil && !strings.HasPrefix(err.Error(), test.fails) {
				t.Errorf("its error is %v; want %q", err, test.fails)
			}
			log, _ := os.ReadFile(filepath.Join(dir, "calls"))
			var calls []string
			for line := range strings.Lines(string(log)) {
				words := strings.Fields(line)
				calls = append(calls, words[1])
				if !slices.Contains(words, config.ClusterName("review-7")) || !slices.Contains(words, dev.Region) {
					t.Errorf("%q does not name the stack's cluster and its region", line)
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

func TestAdmitRefusesAStackThatIsNotOnEKS(t *testing.T) {
	s := &pulumiStack{name: "mine", settings: &config.Settings{Platform: config.PlatformKubernetes}}
	if err := s.admit(t.Context(), []string{"-role", "arn:aws:iam::123456789012:role/x"}); err == nil || !strings.Contains(err.Error(), "stack mine has no cluster on EKS") {
		t.Errorf("its error is %v", err)
	}
}
