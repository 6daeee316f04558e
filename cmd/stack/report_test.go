package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/report"
)

// reportCommand is the command "report".
var reportCommand = commands[slices.IndexFunc(commands, func(c command) bool { return c.name == "report" })]

// checkoutOf makes the current folder a checkout with the settings of stack mine and an old record of it.
func checkoutOf(t *testing.T, settings string) (record string) {
	t.Helper()
	t.Chdir(t.TempDir())
	record = filepath.Join(workFolder, recordFolder, "mine.jsonl")
	if err := os.MkdirAll(filepath.Dir(record), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"Pulumi.yaml": "name: tfserving\n", "Pulumi.mine.yaml": settings, record: "old\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return record
}

// printed is what a function writes to the standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = w
	f()
	os.Stdout = before
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Standard output has the report only, the record replaces the old one, and the command fails.
func TestAStackThatCannotBePlannedHasAReportThatSaysWhy(t *testing.T) {
	for name, test := range map[string]struct{ stack, settings, says string }{
		"a wrong setting":    {"mine", "config:\n  tfserving:platform: moon\n", "tfserving:platform"},
		"no YAML":            {"mine", "config: [\n", "Pulumi.mine.yaml"},
		"no such stack":      {"other", "config: {}\n", `there is no stack "other"; there are mine`},
		"tools do not build": {"mine", kubernetesSettings, "getting the pinned commands"},
	} {
		t.Run(name, func(t *testing.T) {
			record := strings.Replace(checkoutOf(t, test.settings), "mine", test.stack, 1)
			var err error
			text := printed(t, func() { err = reportCommand.runOn(t.Context(), test.stack, false, []string{"-format", "markdown"}) })
			if err == nil || !strings.Contains(err.Error(), "the report says why for stack "+test.stack) {
				t.Errorf("its error is %v", err)
			}
			if !strings.HasPrefix(text, "<!-- "+report.Marker+" -->\n") || !strings.Contains(text, "The preview failed") || !strings.Contains(text, test.says) {
				t.Errorf("it prints:\n%s\nwant the report alone, with %q in it", text, test.says)
			}
			if here, err := os.Getwd(); err != nil || strings.Contains(text, here+"/Pulumi") {
				t.Errorf("it shows the checkout's path (%v):\n%s", err, text)
			}
			if p, err := preview.ReadFile(record); err != nil || !strings.Contains(p.Errors[0].Text, test.says) {
				t.Errorf("the record is %+v (%v)", p, err)
			}
		})
	}
}

// kubernetesSettings hold no mistake. The test's folder has no tools.
const kubernetesSettings = `config:
  tfserving:platform: kubernetes
  tfserving:kubernetes: {kubeconfig: kubeconfig}
  tfserving:model: {name: clothing-model, image: "registry.example/model:1", resources: {cpu: 1, memory: 1Gi}}
  tfserving:gateway: {image: "registry.example/gateway:1", resources: {cpu: 1, memory: 1Gi}}
  tfserving:ingress: {class: traefik, controllerNamespace: traefik}
`

func TestAWrongCallOfReportKeepsTheRecord(t *testing.T) {
	record := checkoutOf(t, kubernetesSettings)
	for says, call := range map[string][]string{
		"FORMAT=html is not a format":  {"mine", "-format", "html"},
		"OF=love is nothing to report": {"mine", "-of", "love"},
		"is no name of a stack":        {"../mine"},
	} {
		if err := reportCommand.runOn(t.Context(), call[0], false, call[1:]); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v; want %q", call, err, says)
		}
	}
	if data, err := os.ReadFile(record); err != nil || string(data) != "old\n" {
		t.Errorf("the record is %q (%v)", data, err)
	}
}
