package privilege

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tfserving/rehearsal/toolcache"
)

const (
	// linterVersion pins cfn-lint: each release has another list of actions.
	linterVersion = "1.51.0"
	// oldestNode is the oldest major version of Node.js with which the simulator was tested.
	oldestNode = 20
	// simulatorDir contains the simulator's lockfile and the script that calls it.
	simulatorDir = "iam"
)

// ensureLinter returns the path of cfn-lint in linterVersion. It takes the one on PATH if that has the version. Otherwise it
// installs one from PyPI into the user's cache the first time, which takes half a minute.
func ensureLinter(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("cfn-lint"); err == nil {
		out, err := exec.CommandContext(t.Context(), path, "--version").Output()
		if err == nil && strings.TrimSpace(string(out)) == "cfn-lint "+linterVersion {
			return path
		}
	}
	home := installed(t, "cfn-lint-"+linterVersion, func(dir string) error {
		return toolcache.InstallPython(t.Context(), dir, "cfn-lint=="+linterVersion)
	})
	return filepath.Join(home, "bin", "cfn-lint")
}

// ensureSimulator returns the path of node, and the folder in the user's cache with the simulator's packages. It installs them from
// the npm registry the first time, in the versions of the lockfile; that takes some seconds.
func ensureSimulator(t *testing.T) (node, home string) {
	t.Helper()
	node, err := findNode(t)
	if err != nil {
		t.Fatalf("finding Node.js for the simulator of IAM: %v: install Node.js %d or newer, with npm, from nodejs.org", err, oldestNode)
	}
	lock, err := os.ReadFile(filepath.Join(simulatorDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	return node, installed(t, fmt.Sprintf("iam-simulate-%.6x", sha256.Sum256(lock)), func(home string) error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			data, err := os.ReadFile(filepath.Join(simulatorDir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(home, name), data, 0o644)
			}
			if err != nil {
				return err
			}
		}
		return toolcache.Run(t.Context(), home, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	})
}

var nodeMajor = regexp.MustCompile(`^v(\d+)\.`)

func findNode(t *testing.T) (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New("node is not on PATH")
	}
	out, err := exec.CommandContext(t.Context(), path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("node --version: %w", err)
	}
	m := nodeMajor.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("node --version prints %q", out)
	}
	if major, err := strconv.Atoi(string(m[1])); err != nil || major < oldestNode {
		return "", fmt.Errorf("node on PATH is %s", strings.TrimSpace(string(out)))
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("npm is not on PATH")
	}
	return path, nil
}

// installed returns a folder of the user's cache, which install fills the first time.
func installed(t *testing.T, name string, install func(dir string) error) string {
	t.Helper()
	dir, err := toolcache.Ensure(t.Context(), os.Stdout, name, install, func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// errorText is the output of a program that failed.
func errorText(out []byte, err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return strings.TrimSpace(string(out))
}
