package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfserving/config"
)

// stackIn is an EKS stack, or stack local or real, of a checkout.
func stackIn(root, name string) *pulumiStack {
	s := &pulumiStack{name: name, root: root, dir: filepath.Join(root, workFolder), settings: &config.Settings{Platform: config.PlatformEKS}}
	switch name {
	case "local":
		s.settings.Local.Nodes = config.NodesSimulated
	case "real":
		s.settings.Local.Nodes = config.NodesReal
	}
	return s
}

// `make down` of a stack with an embedded cluster deletes its state, so no other stack may have its state in the same folder.
func TestAShellOfAStackWithAnEmbeddedClusterRefusesStacksWithout(t *testing.T) {
	root := t.TempDir()
	local, real := "file://"+filepath.Join(root, ".local/cluster/state"), "file://"+filepath.Join(root, ".local/real/cluster/state")
	for name, test := range map[string]struct {
		stack, backend string
		refusal        string // the stack of the shell that it names
	}{
		"mine in local's shell":  {"mine", local, "local"},
		"local in local's shell": {"local", local, ""},
		"mine in real's shell":   {"mine", real, "real"},
		"real in local's shell":  {"real", local, ""}, // its own variables replace those of the shell
		"mine, a state beside":   {"mine", "file://" + filepath.Join(root, ".local/mine"), ""},
		"mine, another backend":  {"mine", "s3://state", ""},
		"mine, logged in":        {"mine", "", ""},
	} {
		t.Setenv("PULUMI_BACKEND_URL", test.backend)
		err := stackIn(root, test.stack).refuseLocalShell()
		if (err != nil) != (test.refusal != "") || err != nil && !strings.Contains(err.Error(), "set up for stack "+test.refusal+" ") {
			t.Errorf("%s: its error is %v", name, err)
		}
	}
}

// Two clusters of a checkout must not write the same files.
func TestEachStackWithAnEmbeddedClusterHasFoldersOfItsOwn(t *testing.T) {
	local, real := stackIn("/checkout", "local"), stackIn("/checkout", "real")
	if got, want := local.clusterDir()+" "+local.kubeconfig(), "/checkout/.local/cluster .local/kubeconfig"; got != want {
		t.Errorf("stack local has %s, want %s", got, want)
	}
	if got, want := real.clusterDir()+" "+real.kubeconfig(), "/checkout/.local/real/cluster .local/real/kubeconfig"; got != want {
		t.Errorf("stack real has %s, want %s", got, want)
	}
}

// Nothing may go on running whatever the settings are by then.
func TestAClusterThatTheSettingsNoLongerAskForIsEndedByDownAndRefusedByUp(t *testing.T) {
	s := stackIn(t.TempDir(), "mine")
	s.settings.Local.Nodes = config.NodesNone
	if err := s.refuseForgottenCluster(); err != nil || s.embedded() {
		t.Errorf("without a cluster: embedded is %v, the error is %v", s.embedded(), err)
	}
	if err := os.MkdirAll(s.clusterDir(), 0o755); err != nil { // also if up ended before there was a state
		t.Fatal(err)
	}
	for what, do := range map[string]func(context.Context, []string) error{"up": s.up, "preview": s.preview} {
		if err := do(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "`make down STACK=mine` ends that cluster") {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	if err := s.down(t.Context(), nil); err != nil || s.hasCluster() {
		t.Errorf("down: its error is %v, and there is a cluster: %v", err, s.hasCluster())
	}
	s.settings.Local.Nodes = config.NodesSimulated
	if err := s.refuseForgottenCluster(); err != nil {
		t.Errorf("with simulated nodes: the error is %v", err)
	}
}

func TestEnvOfAnotherStackUnsetsTheVariablesOfStackLocal(t *testing.T) {
	root := t.TempDir()
	// A pinned plugin is on PATH of a stack on EKS only if Pulumi must not download plugins.
	if err := os.MkdirAll(filepath.Join(root, workFolder, "bin", "plugins", "one"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range stackIn(root, "local").localEnv() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	first, rest, _ := strings.Cut(stackIn(root, "mine").exports(), "\n")
	const want = "unset PULUMI_BACKEND_URL PULUMI_HOME PULUMI_CONFIG_PASSPHRASE PULUMI_SKIP_UPDATE_CHECK PULUMI_IGNORE_AMBIENT_PLUGINS PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION KUBECONFIG KUBECACHEDIR"
	if first != want {
		t.Errorf("it begins with\n%s\nwant\n%s", first, want)
	}
	if strings.Contains(rest, "plugins/one") {
		t.Errorf("the setting of stack local that disables downloads still holds:\n%s", rest)
	}
	os.Setenv("PULUMI_BACKEND_URL", "s3://state")
	if other := stackIn(root, "mine").exports(); other != rest || strings.Contains(other, "unset") {
		t.Errorf("in another shell it is\n%s\nin local's, after the first line,\n%s", other, rest)
	}
}
