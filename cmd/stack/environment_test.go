package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfserving/config"
)

// stackIn is an EKS stack, or stack local, of a checkout.
func stackIn(root, name string) *pulumiStack {
	return &pulumiStack{name: name, root: root, dir: filepath.Join(root, workFolder), settings: &config.Settings{Platform: config.PlatformEKS}}
}

// `make down` of stack local deletes its state, so no other stack may have its state in the same folder.
func TestAShellOfStackLocalRefusesOtherStacks(t *testing.T) {
	root := t.TempDir()
	for name, test := range map[string]struct {
		stack, backend string
		refused        bool
	}{
		"mine in local's shell":  {"mine", "file://" + filepath.Join(root, ".local/cluster/state"), true},
		"local in local's shell": {"local", "file://" + filepath.Join(root, ".local/cluster/state"), false},
		"mine, another backend":  {"mine", "s3://state", false},
		"mine, logged in":        {"mine", "", false},
	} {
		t.Setenv("PULUMI_BACKEND_URL", test.backend)
		if err := stackIn(root, test.stack).refuseLocalShell(); (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "set up for stack local") {
			t.Errorf("%s: its error is %v", name, err)
		}
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
