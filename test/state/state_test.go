// Package state proves what docs/state.md says of the backends that keep a stack's state: its commands are run as they stand
// there, secrets are looked for in all that a backend holds, and an earlier state is had back. S3 and KMS are emulated.
package state

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	// password is the secret that must not be found in any file of a backend.
	password = "correct-horse-battery-staple"
	// thing is what the program makes.
	thing = "tfserving:test:Thing"
)

// session is a person at work on the tiny program, with docs/state.md open.
type session struct {
	*checkout.Checkout
	dir    string            // the program's folder
	blocks map[string]string // the page's commands, by what the page calls them
}

// block is a command of the page that is run here.
var block = regexp.MustCompile("(?s)<!-- run: ([^\n]*) -->\n```sh\n(.*?)```\n")

func newSession(t *testing.T, env ...string) *session {
	t.Helper()
	bin, err := filepath.Abs("../../.local/bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "pulumi")); err != nil {
		t.Fatalf("the pinned commands are not there (%v): run `make tools` first", err)
	}
	s := &session{Checkout: checkout.New(t, "../.."), blocks: map[string]string{}}
	s.dir = filepath.Join(s.Dir, "test", "state", "program")
	home := filepath.Join(s.Dir, ".local", "home")
	check(t, os.MkdirAll(filepath.Join(home, "tfserving-state"), 0o755))
	s.Env = append(env,
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PULUMI_HOME="+filepath.Join(home, "pulumi"),
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"STATE_HOME="+home)
	page, err := os.ReadFile(filepath.Join(s.Dir, "docs", "state.md"))
	check(t, err)
	for _, b := range block.FindAllStringSubmatch(string(page), -1) {
		s.blocks[b[1]] = b[2]
	}
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// does runs a command of the page, with the page's names and further ones set before it.
func (s *session) does(name string, set ...string) string {
	s.T.Helper()
	script, there := s.blocks[name]
	if !there {
		s.T.Fatalf("docs/state.md has no commands %q", name)
	}
	return s.must(strings.Join(append(set, s.blocks["names"], script), "\n"))
}

// must is a script that must succeed, in the program's folder.
func (s *session) must(script string) string {
	s.T.Helper()
	out, err := s.try(script)
	if err != nil {
		s.T.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return out
}

// try is a script in the program's folder. The Go cache is found before HOME becomes the test's own.
func (s *session) try(script string) (string, error) {
	s.T.Helper()
	const begin = `export GOCACHE="$(go env GOCACHE)" GOMODCACHE="$(go env GOMODCACHE)" HOME="$STATE_HOME"` + "\n"
	return s.Start("sh", "-euc", "cd '"+s.dir+"'\n"+begin+script).Wait()
}

// noSecret fails if a text holds the secret as it is.
func (s *session) noSecret(where, text string) {
	s.T.Helper()
	if strings.Contains(text, password) {
		s.T.Errorf("%s holds the secret in the clear", where)
	}
}

// lives is a stack's life on whatever backend: up, a secret, a state that is put back, a lock that stayed, destroy.
func (s *session) lives() {
	t := s.T
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		check(t, err)
		return string(text)
	}
	s.must("pulumi config set thing one; pulumi config set --secret password " + password)
	s.noSecret("Pulumi.dev.yaml", read("Pulumi.dev.yaml"))
	if out := s.must("pulumi preview --stack dev"); !strings.Contains(out, thing) {
		t.Errorf("the preview does not show what will be made:\n%s", out)
	}
	s.must("pulumi up --stack dev --yes && pulumi preview --stack dev --expect-no-changes")
	if got := strings.TrimSpace(s.must("pulumi stack output password --show-secrets --stack dev")); got != password {
		t.Errorf("the secret comes back as %q", got)
	}
	s.does("export")
	if text := read("dev.json"); !strings.Contains(text, thing) {
		t.Errorf("the export lacks what was made:\n%s", text)
	} else {
		s.noSecret("the export", text)
	}

	s.must("pulumi config set thing two; pulumi up --stack dev --yes; pulumi config set thing one")
	if out, err := s.try("pulumi preview --stack dev --expect-no-changes"); err == nil {
		t.Errorf("a state with another thing passes for this one's:\n%s", out)
	}
	s.does("import")
	s.must("pulumi preview --stack dev --expect-no-changes")

	s.must("pulumi destroy --stack dev --yes")
	if left := s.must("pulumi stack export --stack dev"); strings.Contains(left, thing) {
		t.Errorf("after destroy the state still has the thing:\n%s", left)
	}
}

// version is one of an object's in the bucket, as the aws command tells it.
type version struct{ Key, VersionId string }

func TestStateInABucket(t *testing.T) {
	cloud := emulated.Start(t, t.TempDir(), region, emulator.Times{})
	s := newSession(t, cloud.Env()...)
	s.does("make the bucket and the key")
	s.does("log in and make the stack")
	if settings, err := os.ReadFile(filepath.Join(s.dir, "Pulumi.dev.yaml")); err != nil || !strings.Contains(string(settings), "encryptedkey: ") || !strings.Contains(string(settings), "secretsprovider: awskms://") {
		t.Errorf("stack init does not write what docs/state.md says it does (%v):\n%s", err, settings)
	}
	s.lives()

	// Every version of every file in the bucket.
	var listed struct{ Versions []version }
	check(t, json.Unmarshal([]byte(s.must(s.blocks["names"]+"aws s3api list-object-versions --bucket $bucket --output json")), &listed))
	before := "" // the newest state in which the thing is there: destroy took it away
	states := 0
	for _, v := range listed.Versions {
		text := s.must(fmt.Sprintf("%saws s3api get-object --bucket $bucket --key '%s' --version-id '%s' object >/dev/null; cat object", s.blocks["names"], v.Key, v.VersionId))
		s.noSecret(v.Key+", version "+v.VersionId, text)
		if strings.HasSuffix(v.Key, "/dev.json") && strings.HasPrefix(v.Key, ".pulumi/stacks/") {
			states++
			// Those from the midst of an update have operations that were under way.
			if before == "" && strings.Contains(text, thing) && !strings.Contains(text, `"pending_operations"`) {
				before = v.VersionId
			}
		}
	}
	t.Logf("%d versions of files in the bucket, %d of them states", len(listed.Versions), states)
	if before == "" {
		t.Fatal("no earlier state in the bucket has the thing")
	}
	if list := s.does("list earlier states"); strings.Count(list, "\n") != states || !strings.Contains(list, before+"\t") {
		t.Errorf("the list has not the %d states, or lacks %s:\n%s", states, before, list)
	}
	s.does("put an earlier state back", "version="+before)
	s.must("pulumi preview --stack dev --expect-no-changes")
	s.servesTheWorkflows(cloud)
}

// servesTheWorkflows holds the policies of the workflows' roles to what Pulumi does with a state: a preview and a refresh
// read, an update of the stack writes its own files and no others.
func (s *session) servesTheWorkflows(cloud *emulator.AWS) {
	t := s.T
	key := strings.TrimSpace(s.must(s.blocks["names"] + "aws kms describe-key --key-id $alias --query KeyMetadata.Arn --output text"))
	account := delivery.Account{Partition: "aws", ID: strings.Split(key, ":")[4], Region: region, Project: "tfserving"}
	state := &delivery.State{Bucket: "example-tfserving-state", KeyARN: key}
	mine := s.Env
	defer func() { s.Env = mine }()
	become := func(name string, policy string, err error) {
		check(t, err)
		env, _, err := cloud.NewUser(t.Context(), name, policy)
		check(t, err)
		s.Env = append(slices.Clone(mine), env...)
	}
	refused := func(script string) {
		if out, err := s.try(script); err == nil || !strings.Contains(out, "PutObject") || !strings.Contains(out, "StatusCode: 403") {
			t.Errorf("%s is not refused (%v):\n%s", script, err, out)
		}
	}
	policy, err := delivery.PreviewPolicy(account, state)
	become("preview", policy, err)
	s.must("pulumi preview --stack dev --expect-no-changes; pulumi refresh --stack dev --preview-only --expect-no-changes; pulumi stack ls --json")
	refused("pulumi up --stack dev --yes")
	policy, err = delivery.DeployPolicy(account, "dev", state)
	become("deploy", policy, err)
	s.must("pulumi config set thing three; pulumi up --stack dev --yes; pulumi destroy --stack dev --yes")
	policy, err = delivery.DeployPolicy(account, "prod", state)
	become("another", policy, err)
	refused("pulumi up --stack dev --yes")
}

func TestStateInAFolder(t *testing.T) {
	s := newSession(t, "PULUMI_CONFIG_PASSPHRASE=a passphrase of the test")
	s.does("log in to a folder")
	s.lives()
	folder := filepath.Join(s.Dir, ".local", "home", "tfserving-state")
	files := 0
	check(t, filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		s.noSecret(name, string(text))
		files++
		return err
	}))
	if files == 0 {
		t.Error("the folder holds no file")
	}

	lock := filepath.Join(folder, ".pulumi", "locks", "organization", "tfserving", "dev", "01234567-89ab-cdef-0123-456789abcdef.json")
	check(t, os.MkdirAll(filepath.Dir(lock), 0o755))
	check(t, os.WriteFile(lock, []byte(`{"pid":1,"username":"someone","hostname":"elsewhere","timestamp":"2026-01-01T00:00:00Z"}`), 0o644))
	if out, err := s.try("pulumi up --stack dev --yes"); err == nil || !strings.Contains(out, "the stack is currently locked") || !strings.Contains(out, "elsewhere") {
		t.Errorf("a locked stack is changed, or the message is another (%v):\n%s", err, out)
	}
	s.does("let go of a lock")
	s.must("pulumi up --stack dev --yes")
}
