package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tfserving/config"
	"tfserving/embedded"
)

// workFolder holds everything that a run leaves in the checkout. Git ignores it.
const workFolder = ".local"

// pulumiStack is one Pulumi stack, operated from a checkout.
type pulumiStack struct {
	name        string
	root, dir   string // the checkout, and its workFolder
	settings    *config.Settings
	settingsErr error  // why settings is nil
	tmp         string // where commands put temporary files; empty leaves it to the system
	yes         bool   // do not ask before changing a stack without an embedded cluster
	folder      string // of the embedded cluster, relative to the checkout; empty is that of the stack's name
	configFile  string // file with the settings that pulumi takes; empty is that of the stack's name
}

// open finds the checkout that this runs in and reads the stack's settings. An error in the settings is left in the
// stack's settingsErr.
func open(name string) (*pulumiStack, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "Pulumi.yaml")); err != nil {
		return nil, errors.New("run this in the checkout's top folder (Pulumi.yaml is not here)")
	}
	// Processes of the cluster are recognised by the folder in their command line, so it needs one spelling.
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	if strings.ContainsRune(name, filepath.Separator) {
		return nil, fmt.Errorf("STACK=%s is no name of a stack", name)
	}
	s := &pulumiStack{name: name, root: root, dir: filepath.Join(root, workFolder)}
	s.settings, s.settingsErr = s.readSettings()
	return s, nil
}

func (s *pulumiStack) readSettings() (*config.Settings, error) {
	settings, err := config.ReadStackFile(s.file())
	if errors.Is(err, os.ErrNotExist) {
		names, _ := config.StackNames(s.root)
		return nil, fmt.Errorf("there is no stack %q; there are %s", s.name, strings.Join(names, ", "))
	}
	if err == nil {
		err = s.checkEmbeddedSettings(settings)
	}
	if err != nil {
		return nil, err
	}
	return settings, nil
}

// file is the stack's settings file.
func (s *pulumiStack) file() string { return filepath.Join(s.root, config.StackFile(s.name)) }

func (s *pulumiStack) bin() string { return filepath.Join(s.dir, "bin") }

// lock keeps out a second run in this checkout: both would change the same cluster and state.
func (s *pulumiStack) lock(ctx context.Context) (func(), error) {
	return embedded.LockFile(ctx, filepath.Join(s.dir, "lock"), func(holder string) error {
		return fmt.Errorf("another `make` is at work in this checkout (process %s): wait for it, or end it", holder)
	})
}

// buildTools puts the pinned commands into s.bin(), those of some groups only if they are asked for (tools/pins.go).
func (s *pulumiStack) buildTools(ctx context.Context, groups ...string) error {
	mode := os.Getenv("TOOLS")
	if mode == "" {
		mode = "auto"
	}
	args := []string{"run", "-C", "tools", ".", "-bin", s.bin(), "-mode", mode}
	if s.realNodes() {
		groups = append(groups, "nodes")
	}
	args = append(args, "-with", strings.Join(groups, ","))
	cmd := s.command(ctx, "go", args...)
	// Standard output is for the result of the command, such as a report.
	var output bytes.Buffer
	cmd.Stdout = io.MultiWriter(os.Stderr, &output)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("getting the pinned commands: %w\n%s", err, lastLines(output.String()))
	}
	return nil
}
