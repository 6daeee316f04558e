package emulator

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tfserving/embedded"
)

// MotoVersion is the only version that is used: the front relies on how it checks permissions and what it lacks.
const MotoVersion = "5.2.1"

// probe prints where a Python's moto_server lies, if its moto is of the version asked for and can serve.
const probe = `
import importlib.metadata, os, sys, sysconfig
if importlib.metadata.version("moto") == sys.argv[1] and importlib.metadata.version("flask") and importlib.metadata.version("flask-cors"):
    print(os.path.join(sysconfig.get_path("scripts"), "moto_server"))
`

// EnsureMoto gives the path of moto_server of MotoVersion: the one on PATH if it is that, else one in a virtual
// environment in the user's cache, which is made the first time (about a minute, from PyPI).
func EnsureMoto(ctx context.Context, log io.Writer) (string, error) {
	if log == nil {
		log = io.Discard
	}
	if found, err := exec.LookPath("moto_server"); err == nil {
		if path := provenMoto(ctx, found); path != "" {
			return path, nil
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for moto: %w", err)
	}
	home := filepath.Join(cache, "tfserving", "moto-"+MotoVersion)
	server := filepath.Join(home, "bin", "moto_server")
	if installed(ctx, home, server) {
		return server, nil
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("moto %s, the emulated AWS, needs python3, which is not on PATH: install Python 3.10 or newer", MotoVersion)
	}
	fmt.Fprintf(log, "emulator: installing moto %s into %s\n", MotoVersion, home)
	if err := installMoto(ctx, python, home); err != nil {
		return "", fmt.Errorf("installing moto %s: %w", MotoVersion, err)
	}
	if !installed(ctx, home, server) {
		return "", fmt.Errorf("installing moto %s: %s does not come out as that version", MotoVersion, server)
	}
	return server, nil
}

// complete marks a virtual environment in which everything was installed.
const complete = "complete"

func installed(ctx context.Context, home, server string) bool {
	if _, err := os.Stat(filepath.Join(home, complete)); err != nil {
		return false
	}
	return provenMoto(ctx, server) != ""
}

// provenMoto is the path of moto_server as its own Python tells it, or nothing if it is not MotoVersion. moto_server has
// no option that prints its version; its Python stands beside it or in its first line.
func provenMoto(ctx context.Context, server string) string {
	for _, python := range []string{filepath.Join(filepath.Dir(server), "python3"), interpreter(server)} {
		if python == "" {
			continue
		}
		out, err := exec.CommandContext(ctx, python, "-c", probe, MotoVersion).Output()
		if path := strings.TrimSpace(string(out)); err == nil && path != "" {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}

// interpreter is what a script's first line says to run it with, if that is a Python.
func interpreter(script string) string {
	text, err := os.ReadFile(script)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	path, found := strings.CutPrefix(first, "#!")
	if path = strings.TrimSpace(path); found && filepath.IsAbs(path) && strings.Contains(filepath.Base(path), "python") {
		return path
	}
	return ""
}

// installMoto makes a virtual environment where it will stay, since the scripts in it know its path, and marks it once it
// is whole. Two that install at once are kept apart by a lock.
func installMoto(ctx context.Context, python, home string) error {
	unlock, err := embedded.LockFile(ctx, home+".lock", nil)
	if err != nil {
		return err
	}
	defer unlock()
	if installed(ctx, home, filepath.Join(home, "bin", "moto_server")) {
		return nil // the other one was faster
	}
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{python, "-m", "venv", home},
		{filepath.Join(home, "bin", "python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "moto[server]==" + MotoVersion},
	} {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
		}
	}
	return os.WriteFile(filepath.Join(home, complete), nil, 0o644)
}
