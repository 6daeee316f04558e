package emulator

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tfserving/rehearsal/toolcache"
)

// MotoVersion is the only version of moto that is used: the front depends on the way in which this version checks permissions.
const MotoVersion = "5.2.5"

// probe prints the path of moto_server if moto in this Python has the wanted version and can run as a server.
const probe = `
import importlib.metadata, os, sys, sysconfig
if importlib.metadata.version("moto") == sys.argv[1] and importlib.metadata.version("flask") and importlib.metadata.version("flask-cors"):
    print(os.path.join(sysconfig.get_path("scripts"), "moto_server"))
`

// EnsureMoto returns the path of moto_server of MotoVersion. It is the one on PATH if that has this version, else one in a
// virtual environment in the user's cache. The first call installs it there from PyPI, which takes about a minute.
func EnsureMoto(ctx context.Context, log io.Writer) (string, error) {
	if log == nil {
		log = io.Discard
	}
	if found, err := exec.LookPath("moto_server"); err == nil {
		if path := checkedMoto(ctx, found); path != "" {
			return path, nil
		}
	}
	server := func(dir string) string { return filepath.Join(dir, "bin", "moto_server") }
	dir, err := toolcache.Ensure(ctx, log, "moto-"+MotoVersion,
		func(dir string) error { return toolcache.InstallPython(ctx, dir, "moto[server]=="+MotoVersion) },
		func(dir string) bool { return checkedMoto(ctx, server(dir)) != "" })
	if err != nil {
		return "", fmt.Errorf("preparing moto, the emulated AWS: %w", err)
	}
	return server(dir), nil
}

// checkedMoto is the path of moto_server by its own Python, or empty if it is not MotoVersion. moto_server has no option
// that prints its version. Its Python is in the same folder or in its first line.
func checkedMoto(ctx context.Context, server string) string {
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

// interpreter is the Python in a script's first line, or empty.
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
