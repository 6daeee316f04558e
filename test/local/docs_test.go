package local

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tfserving/config"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The README shows lines of a `make load` session, which docs/load.txt contains in full.
func TestReadmeShowsARecordedLoadSession(t *testing.T) {
	recording, shown := read(t, "docs/load.txt"), 0
	for line := range strings.Lines(read(t, "README.md")) {
		line = strings.TrimRight(line, "\n")
		if !regexp.MustCompile(`^ +(\d+s|time) +(\d|demand)|^settled in|^back in`).MatchString(line) {
			continue
		}
		shown++
		if !strings.Contains(recording, line+"\n") {
			t.Errorf("the README shows %q, which docs/load.txt does not contain", line)
		}
	}
	if shown < 8 {
		t.Errorf("the README shows only %d lines of the session", shown)
	}
}

func TestReadmeShowsTheErrorThatItsWrongSettingsGive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.mine.yaml")
	wrong := `config:
  tfserving:platform: kubernetes
  tfserving:kubernetes: {kubeconfig: .local/kubeconfig}
  tfserving:model:
    name: clothing-model
    image: zoomcamp-10-model:xception-v4-001
    resources: {memory: 512}
  tfserving:gateway:
    image: zoomcamp-10-gateway:002
    replicas: {min: 8, max: 2}
  tfserving:ingress: {class: traefik, controllerNamespace: traefik}
`
	if err := os.WriteFile(file, []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := config.ReadStackFile(file)
	if err == nil {
		t.Fatal("the settings are accepted")
	}
	want := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "")
	if !strings.Contains(read(t, "README.md"), "\n"+want+"\n") {
		t.Errorf("the README does not show\n%s", want)
	}
}
