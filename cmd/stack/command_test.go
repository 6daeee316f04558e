package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfserving/config"
)

// stackIn is a stack of a checkout.
func stackIn(root, name string) *stack {
	return &stack{name: name, root: root, dir: filepath.Join(root, workFolder), settings: &config.Settings{Platform: config.PlatformEKS}}
}

// A shell that is set up for stack local makes no other stack there: local's state, with which it would go, is left alone.
func TestNoOtherStackIsMadeInLocalsState(t *testing.T) {
	root := t.TempDir()
	for name, test := range map[string]struct {
		stack, backend string
		refused        bool
	}{
		"another in local's shell": {"mine", "file://" + filepath.Join(root, ".local/cluster/state"), true},
		"local in its own":         {"local", "file://" + filepath.Join(root, ".local/cluster/state"), false},
		"another in its own":       {"mine", "s3://state", false},
		"another, logged in":       {"mine", "", false},
	} {
		t.Setenv("PULUMI_BACKEND_URL", test.backend)
		if err := stackIn(root, test.stack).ownShell(); (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "set up for stack local") {
			t.Errorf("%s: its error is %v", name, err)
		}
	}
}

// What `make env` of stack local exports, that of another takes away again, and only there.
func TestEnvOfAnotherStackLeavesLocalsShell(t *testing.T) {
	root := t.TempDir()
	// A pinned plugin, which is on the path of a stack on EKS only where Pulumi must not fetch any.
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
		t.Errorf("what local may not fetch, this one may not, either:\n%s", rest)
	}
	os.Setenv("PULUMI_BACKEND_URL", "s3://state")
	if other := stackIn(root, "mine").exports(); other != rest || strings.Contains(other, "unset") {
		t.Errorf("in a shell of its own it is\n%s\nin local's, after that line,\n%s", other, rest)
	}
}
