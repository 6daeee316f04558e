package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheLogGroupOfADeletedClusterIsRemovedAndNoOther(t *testing.T) {
	const (
		group   = `{"logGroups":[{"logGroupName":"/aws/eks/tfserving-dev/cluster","arn":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/eks/tfserving-dev/cluster:*"}]}`
		another = `{"logGroups":[{"logGroupName":"/aws/eks/tfserving-dev/cluster-2","arn":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/eks/tfserving-dev/cluster-2:*"}]}`
		gone    = "describe-cluster=ResourceNotFoundException"
	)
	looks := []string{"get-caller-identity", "describe-log-groups"}
	for name, test := range map[string]struct {
		groups, tags, refused string
		allowed               []string // accounts
		calls                 []string
		fails                 string
	}{
		"EKS has made it":         {group, `{"tags":{}}`, gone, nil, append(looks, "list-tags-for-resource", "describe-cluster", "delete-log-group"), ""},
		"in an allowed account":   {group, `{"tags":{}}`, gone, []string{"123456789012"}, append(looks, "list-tags-for-resource", "describe-cluster", "delete-log-group"), ""},
		"in another account":      {group, `{"tags":{}}`, gone, []string{"210987654321"}, looks[:1], ""},
		"the stack has made it":   {group, `{"tags":{"stack":"dev"}}`, gone, nil, append(looks, "list-tags-for-resource"), ""},
		"the cluster exists":      {group, `{"tags":{}}`, "", nil, append(looks, "list-tags-for-resource", "describe-cluster"), ""},
		"no group":                {`{"logGroups":[]}`, "", "", nil, looks, ""},
		"a group of a like name":  {another, "", "", nil, looks, ""},
		"may not list the groups": {group, "", "describe-log-groups=AccessDeniedException", nil, looks, "aws logs describe-log-groups: exit status 254\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"aws": fakeAWS, "get-caller-identity.json": `{"Account":"123456789012"}`,
				"describe-log-groups.json": test.groups, "list-tags-for-resource.json": test.tags,
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			t.Setenv("CALLS", filepath.Join(dir, "calls"))
			t.Setenv("REFUSED", test.refused)
			settings := *readDev(t)
			settings.AWS.AllowedAccountIDs = test.allowed
			s := &pulumiStack{name: "dev", root: dir, dir: dir, settings: &settings}
			err := s.removeLateLogs(t.Context())
			if (err == nil) != (test.fails == "") || err != nil && !strings.HasPrefix(err.Error(), test.fails) {
				t.Errorf("its error is %v; want %q", err, test.fails)
			}
			log, _ := os.ReadFile(filepath.Join(dir, "calls"))
			var calls []string
			for line := range strings.Lines(string(log)) {
				words := strings.Fields(line)
				calls = append(calls, words[1])
				if words[1] == "delete-log-group" && !slices.Contains(words, "/aws/eks/tfserving-dev/cluster") {
					t.Errorf("%q deletes another group", line)
				}
			}
			if !slices.Equal(calls, test.calls) {
				t.Errorf("it calls %v, want %v", calls, test.calls)
			}
		})
	}
}
