// Package state tests docs/state.md on emulated S3 and KMS. It runs the commands of the page, searches everything that a backend
// stores for secrets, and restores an earlier state.
package state

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/components/delivery"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

const (
	region = emulated.Region // as docs/state.md has it
	// password is a secret that no file of a backend may contain in plain text.
	password = "correct-horse-battery-staple"
	// thing is the type of the resource that the program makes.
	thing = "tfserving:test:Thing"
)

// session is a checkout in which a test runs commands of docs/state.md on the program of test/state/program.
type session struct {
	*checkout.Checkout
	dir    string            // the program's folder
	blocks map[string]string // the page's commands, by their names
}

func newSession(t *testing.T, env ...string) *session {
	t.Helper()
	bin, err := filepath.Abs("../../.local/bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "pulumi")); err != nil {
		t.Fatalf("finding the pinned commands: %v: run `make tools` first", err)
	}
	s := &session{Checkout: checkout.New(t, "../..")}
	s.dir = filepath.Join(s.Dir, "test", "state", "program")
	home := filepath.Join(s.Dir, ".local", "home")
	check(t, os.MkdirAll(filepath.Join(home, "tfserving-state"), 0o755))
	s.Env = append(env,
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PULUMI_HOME="+filepath.Join(home, "pulumi"),
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"STATE_HOME="+home)
	s.blocks = s.ShellBlocks("state.md")
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runBlock runs a command of the page, after the page's block "names" and further assignments.
func (s *session) runBlock(name string, set ...string) string {
	s.T.Helper()
	script, there := s.blocks[name]
	if !there {
		s.T.Fatalf("docs/state.md has no commands %q", name)
	}
	return s.run(strings.Join(append(set, s.blocks["names"], script), "\n"))
}

// run runs a script in the program's folder. It must succeed.
func (s *session) run(script string) string {
	s.T.Helper()
	out, err := s.try(script)
	if err != nil {
		s.T.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return out
}

// try runs a script in the program's folder, with a home folder of its own and the user's Go caches.
func (s *session) try(script string) (string, error) {
	s.T.Helper()
	const begin = `export GOCACHE="$(go env GOCACHE)" GOMODCACHE="$(go env GOMODCACHE)" HOME="$STATE_HOME"` + "\n"
	return s.Start("sh", "-euc", "cd '"+s.dir+"'\n"+begin+script).Wait()
}

// wantNoSecret fails the test if a text contains the secret in plain text.
func (s *session) wantNoSecret(where, text string) {
	s.T.Helper()
	if strings.Contains(text, password) {
		s.T.Errorf("%s contains the secret in plain text", where)
	}
}

// useStack makes a stack with a secret on a backend, exports and imports its state, and destroys it.
func (s *session) useStack() {
	t := s.T
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		check(t, err)
		return string(text)
	}
	s.run("pulumi config set thing one; pulumi config set --secret password " + password)
	s.wantNoSecret("Pulumi.dev.yaml", read("Pulumi.dev.yaml"))
	if out := s.run("pulumi preview --stack dev"); !strings.Contains(out, thing) {
		t.Errorf("the preview does not show the new resource:\n%s", out)
	}
	s.run("pulumi up --stack dev --yes && pulumi preview --stack dev --expect-no-changes")
	if got := strings.TrimSpace(s.run("pulumi stack output password --show-secrets --stack dev")); got != password {
		t.Errorf("the output of the secret is %q", got)
	}
	s.runBlock("export")
	if text := read("dev.json"); !strings.Contains(text, thing) {
		t.Errorf("the export does not contain the resource:\n%s", text)
	} else {
		s.wantNoSecret("the export", text)
	}

	s.run("pulumi config set thing two; pulumi up --stack dev --yes; pulumi config set thing one")
	if out, err := s.try("pulumi preview --stack dev --expect-no-changes"); err == nil {
		t.Errorf("a preview finds no change although the state has another resource:\n%s", out)
	}
	s.runBlock("import")
	s.run("pulumi preview --stack dev --expect-no-changes")

	s.run("pulumi destroy --stack dev --yes")
	if left := s.run("pulumi stack export --stack dev"); strings.Contains(left, thing) {
		t.Errorf("after destroy the state still contains the resource:\n%s", left)
	}
}

// version is a version of an object in the bucket, in the output of the aws command.
type version struct{ Key, VersionId string }

func TestAStackCanKeepItsStateInS3(t *testing.T) {
	cloud := emulated.Start(t, t.TempDir(), region, emulator.Times{})
	s := newSession(t, cloud.Env()...)
	s.runBlock("make the bucket and the key")
	s.runBlock("log in and make the stack")
	if settings, err := os.ReadFile(filepath.Join(s.dir, "Pulumi.dev.yaml")); err != nil || !strings.Contains(string(settings), "encryptedkey: ") || !strings.Contains(string(settings), "secretsprovider: awskms://") {
		t.Errorf("stack init does not write what docs/state.md says it does (%v):\n%s", err, settings)
	}
	s.useStack()

	// Every version of every file in the bucket.
	var listed struct{ Versions []version }
	check(t, json.Unmarshal([]byte(s.run(s.blocks["names"]+"aws s3api list-object-versions --bucket $bucket --output json")), &listed))
	before := "" // the newest version with the resource: the version before destroy
	states := 0
	for _, v := range listed.Versions {
		text := s.run(fmt.Sprintf("%saws s3api get-object --bucket $bucket --key '%s' --version-id '%s' object >/dev/null; cat object", s.blocks["names"], v.Key, v.VersionId))
		s.wantNoSecret(v.Key+", version "+v.VersionId, text)
		if strings.HasSuffix(v.Key, "/dev.json") && strings.HasPrefix(v.Key, ".pulumi/stacks/") {
			states++
			// A version from the middle of an update has pending operations.
			if before == "" && strings.Contains(text, thing) && !strings.Contains(text, `"pending_operations"`) {
				before = v.VersionId
			}
		}
	}
	t.Logf("%d versions of files in the bucket, %d of them states", len(listed.Versions), states)
	if before == "" {
		t.Fatal("no earlier state in the bucket contains the resource")
	}
	if list := s.runBlock("list earlier states"); strings.Count(list, "\n") != states || !strings.Contains(list, before+"\t") {
		t.Errorf("the list does not have the %d states, or lacks %s:\n%s", states, before, list)
	}
	s.runBlock("put an earlier state back", "version="+before)
	s.run("pulumi preview --stack dev --expect-no-changes")
	s.workflowsMayUseTheState(cloud)
}

// workflowsMayUseTheState runs Pulumi with the policies of the workflows' roles. The preview role may preview and refresh, and a
// deploy role may update its own stack and no other.
func (s *session) workflowsMayUseTheState(cloud *emulator.AWS) {
	t := s.T
	key := strings.TrimSpace(s.run(s.blocks["names"] + "aws kms describe-key --key-id $alias --query KeyMetadata.Arn --output text"))
	account := delivery.Account{Partition: "aws", ID: strings.Split(key, ":")[4], Region: region, Project: "tfserving"}
	state := &delivery.State{Bucket: "example-tfserving-state", KeyARN: key}
	own := s.Env
	defer func() { s.Env = own }()
	become := func(name string, policy string, err error) {
		check(t, err)
		env, _, err := cloud.NewUser(t.Context(), name, policy)
		check(t, err)
		s.Env = append(slices.Clone(own), env...)
	}
	refused := func(script string) {
		if out, err := s.try(script); err == nil || !strings.Contains(out, "PutObject") || !strings.Contains(out, "StatusCode: 403") {
			t.Errorf("IAM does not refuse %s (%v):\n%s", script, err, out)
		}
	}
	policy, err := delivery.PreviewPolicy(account, state)
	become("preview", policy, err)
	s.run("pulumi preview --stack dev --expect-no-changes; pulumi refresh --stack dev --preview-only --expect-no-changes; pulumi stack ls --json")
	refused("pulumi up --stack dev --yes")
	policy, err = delivery.DeployPolicy(account, "dev", state)
	become("deploy", policy, err)
	s.run("pulumi config set thing three; pulumi up --stack dev --yes; pulumi destroy --stack dev --yes")
	policy, err = delivery.DeployPolicy(account, "prod", state)
	become("another", policy, err)
	refused("pulumi up --stack dev --yes")
}

func TestAStackCanKeepItsStateInAFolder(t *testing.T) {
	s := newSession(t, "PULUMI_CONFIG_PASSPHRASE=a passphrase of the test")
	s.runBlock("log in to a folder")
	s.useStack()
	folder := filepath.Join(s.Dir, ".local", "home", "tfserving-state")
	files := 0
	check(t, filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		s.wantNoSecret(name, string(text))
		files++
		return err
	}))
	if files == 0 {
		t.Error("the folder contains no file")
	}

	lock := filepath.Join(folder, ".pulumi", "locks", "organization", "tfserving", "dev", "01234567-89ab-cdef-0123-456789abcdef.json")
	check(t, os.MkdirAll(filepath.Dir(lock), 0o755))
	check(t, os.WriteFile(lock, []byte(`{"pid":1,"username":"someone","hostname":"elsewhere","timestamp":"2026-01-01T00:00:00Z"}`), 0o644))
	if out, err := s.try("pulumi up --stack dev --yes"); err == nil || !strings.Contains(out, "the stack is currently locked") || !strings.Contains(out, "elsewhere") {
		t.Errorf("pulumi up changes a locked stack, or its error does not name the lock (%v):\n%s", err, out)
	}
	s.runBlock("remove a lock")
	s.run("pulumi up --stack dev --yes")
}
