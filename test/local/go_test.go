package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tfserving/internal/checkout"
)

func TestMakeNamesTheGoVersionThatItNeedsAndChangesNothing(t *testing.T) {
	c := &checkout.Checkout{T: t, Dir: t.TempDir()}
	for _, name := range []string{"Makefile", "go.mod"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A PATH with the commands that the Makefile uses, and without go.
	bin := t.TempDir()
	for _, tool := range []string{"make", "sh", "sed", "sort", "head", "printf", "mkdir", "env"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"up", "test", "tools"} {
		for _, machine := range []struct{ name, script, want string }{
			{"no Go", "", "no go command is on PATH"},
			{"an old Go", "#!/bin/sh\necho go1.22.3\n", "this is 1.22.3"},
		} {
			fake := filepath.Join(bin, "go")
			_ = os.Remove(fake)
			if machine.script != "" {
				if err := os.WriteFile(fake, []byte(machine.script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			out, err := c.Start("env", "PATH="+bin, filepath.Join(bin, "make"), target).Wait()
			if err == nil || !strings.Contains(out, "is needed") || !strings.Contains(out, machine.want) {
				t.Errorf("make %s with %s: %v, want an error with %q:\n%s", target, machine.name, err, machine.want, out)
			}
			if left, _ := os.ReadDir(filepath.Join(c.Dir, ".local")); len(left) > 0 {
				t.Errorf("make %s with %s changed something: %v", target, machine.name, left)
			}
		}
	}
}
