// Package checkout lets tests use the project as a person does: it copies the project's files into a folder of their own, edits
// settings there, and runs the commands of the README.
package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Checkout is a copy of the project in a folder of its own, like a clone.
type Checkout struct {
	T   testing.TB
	Dir string
	// Env are further environment variables of every command, NAME=value.
	Env []string
}

// New copies the files of the project at root that git tracks or does not ignore.
func New(t testing.TB, root string) *Checkout {
	t.Helper()
	c := &Checkout{T: t, Dir: RealPath(t, t.TempDir())}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing the tree: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted, and the deletion is not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(c.Dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// RealPath is a folder's path without symbolic links. Command lines of processes contain this one.
func RealPath(t testing.TB, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Set changes a setting of stack local, by its path below tfserving:.
func (c *Checkout) Set(path string, value any) {
	c.T.Helper()
	c.Edit("Pulumi.local.yaml", path, value)
}

// Edit changes a setting in a stack's file, by its path below tfserving:. The value nil removes the setting.
func (c *Checkout) Edit(name, path string, value any) {
	c.T.Helper()
	file := filepath.Join(c.Dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		c.T.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		c.T.Fatal(err)
	}
	at := doc["config"].(map[string]any)
	keys := strings.Split("tfserving:"+path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	if value == nil {
		delete(at, keys[len(keys)-1])
	} else {
		at[keys[len(keys)-1]] = value
	}
	if data, err = yaml.Marshal(doc); err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		c.T.Fatal(err)
	}
}

// Keep reads a file of the checkout and returns a function that writes it back.
func (c *Checkout) Keep(name string) (restore func()) {
	c.T.Helper()
	file := filepath.Join(c.Dir, name)
	before, err := os.ReadFile(file)
	if err != nil {
		c.T.Fatal(err)
	}
	return func() {
		c.T.Helper()
		if err := os.WriteFile(file, before, 0o644); err != nil {
			c.T.Fatal(err)
		}
	}
}
