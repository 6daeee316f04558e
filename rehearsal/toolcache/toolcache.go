// Package toolcache installs commands that a rehearsal needs into the user's cache folder, once for all checkouts.
package toolcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tfserving/embedded"
)

// complete is a file that marks a folder whose installation has ended.
const complete = "complete"

// Ensure returns a folder of the user's cache, and calls install to fill it unless an earlier installation in it works. A lock
// keeps two processes from installing at the same time. An installation that did not end is repeated. Log gets a line before
// an installation.
func Ensure(ctx context.Context, log io.Writer, name string, install func(dir string) error, works func(dir string) bool) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder for %s: %w", name, err)
	}
	dir = filepath.Join(cache, "tfserving", name)
	unlock, err := embedded.LockFile(ctx, dir+".lock", nil)
	if err != nil {
		return "", err
	}
	defer unlock()
	marker := filepath.Join(dir, complete)
	if _, err := os.Stat(marker); err == nil && works(dir) {
		return dir, nil
	}
	fmt.Fprintf(log, "installing %s into %s\n", name, dir)
	err = errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755))
	if err == nil {
		err = install(dir)
	}
	if err == nil && !works(dir) {
		err = errors.New("the installed command is not the expected version")
	}
	if err == nil {
		err = os.WriteFile(marker, nil, 0o644)
	}
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", name, err)
	}
	return dir, nil
}

// Run runs a program in a folder. An error contains its output.
func Run(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// InstallPython makes a virtual environment in a folder and installs a package from PyPI into it.
func InstallPython(ctx context.Context, dir, pkg string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("it needs python3, which is not on PATH: install Python 3.10 or newer")
	}
	if err := Run(ctx, "", python, "-m", "venv", dir); err != nil {
		return err
	}
	return Run(ctx, "", filepath.Join(dir, "bin", "python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", pkg)
}
