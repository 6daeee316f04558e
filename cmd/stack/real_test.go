package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfserving/examples"
)

// The images of the example are made with the machine's Python. Images that exist need none.
func TestAMachineWithoutPythonIsRefusedBeforeAnythingIsMade(t *testing.T) {
	root := t.TempDir()
	t.Setenv("PATH", root)
	s := stackIn(root, "real")
	s.settings.Local.RealNodes = 1
	const lacksPython = "there is no python3 on PATH"
	err := s.checkRealNodes(t.Context())
	if err == nil || !strings.Contains(err.Error(), lacksPython) || !strings.Contains(err.Error(), "nothing has been made") || !strings.Contains(err.Error(), "docs/real-nodes.md") {
		t.Errorf("the error is %v", err)
	}
	if made, err := os.ReadDir(root); err != nil || len(made) > 0 {
		t.Errorf("the check has made %v (%v)", made, err)
	}
	for _, name := range []string{examples.Gateway, examples.Model} {
		if err := os.MkdirAll(filepath.Dir(s.archive(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.archive(name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.checkRealNodes(t.Context()); err != nil && strings.Contains(err.Error(), lacksPython) {
		t.Errorf("with both images the error is %v", err)
	}
	if err := stackIn(root, "local").checkRealNodes(t.Context()); err != nil {
		t.Errorf("stack local is refused: %v", err)
	}
}
