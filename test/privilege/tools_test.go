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

	"tfserving/embedded"
)

const (
	// linterVersion pins cfn-lint: each release knows other actions.
	linterVersion = "1.51.0"
	// oldestNode is the major version of Node.js from which the simulator is known to run.
	oldestNode = 20
	// simulatorDir holds the simulator's lockfile and the script that asks it.
	simulatorDir = "iam"
)

// ensureLinter gives the path of cfn-lint of linterVersion: the one on PATH if it is that, else one in a virtual
// environment in the user's cache, which is made the first time (half a minute, from PyPI).
func ensureLinter(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("cfn-lint"); err == nil {
		out, err := exec.CommandContext(t.Context(), path, "--version").Output()
		if err == nil && strings.TrimSpace(string(out)) == "cfn-lint "+linterVersion {
			return path
		}
	}
	home := cached(t, "cfn-lint-"+linterVersion, func(home string) error {
		python, err := exec.LookPath("python3")
		if err != nil {
			return errors.New("it needs python3, which is not on PATH: install Python 3.10 or newer")
		}
		if err := command(t, "", python, "-m", "venv", home); err != nil {
			return err
		}
		python = filepath.Join(home, "bin", "python3")
		return command(t, "", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "cfn-lint=="+linterVersion)
	})
	return filepath.Join(home, "bin", "cfn-lint")
}

// ensureSimulator gives the path of node, and the folder in the user's cache in which the simulator is, as its lockfile
// has it. It is installed there the first time (some seconds, from the npm registry).
func ensureSimulator(t *testing.T) (node, home string) {
	t.Helper()
	node, err := findNode(t)
	if err != nil {
		t.Fatalf("asking the simulator of IAM: %v: install Node.js %d or newer, with npm, from nodejs.org", err, oldestNode)
	}
	lock, err := os.ReadFile(filepath.Join(simulatorDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	return node, cached(t, fmt.Sprintf("iam-simulate-%.6x", sha256.Sum256(lock)), func(home string) error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			data, err := os.ReadFile(filepath.Join(simulatorDir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(home, name), data, 0o644)
			}
			if err != nil {
				return err
			}
		}
		return command(t, home, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	})
}

var nodeMajor = regexp.MustCompile(`^v(\d+)\.`)

func findNode(t *testing.T) (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New("there is no node on PATH")
	}
	out, err := exec.CommandContext(t.Context(), path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("node does not tell its version: %w", err)
	}
	m := nodeMajor.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("node calls its version %q", out)
	}
	if major, err := strconv.Atoi(string(m[1])); err != nil || major < oldestNode {
		return "", fmt.Errorf("node on PATH is %s", strings.TrimSpace(string(out)))
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return "", errors.New("there is no npm on PATH")
	}
	return path, nil
}

// cached gives a folder of the user's cache, filled by install the first time. Half an installation is never taken for a
// whole one, and two tests that install at once are kept apart by a lock.
func cached(t *testing.T, name string, install func(home string) error) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding a place for %s: %v", name, err)
	}
	home := filepath.Join(cache, "tfserving", name)
	unlock, err := embedded.LockFile(t.Context(), home+".lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	whole := filepath.Join(home, "complete")
	if _, err := os.Stat(whole); err == nil {
		return home
	}
	fmt.Printf("installing %s into %s\n", name, home)
	err = errors.Join(os.RemoveAll(home), os.MkdirAll(home, 0o755))
	if err == nil {
		err = install(home)
	}
	if err == nil {
		err = os.WriteFile(whole, nil, 0o644)
	}
	if err != nil {
		t.Fatalf("installing %s: %v", name, err)
	}
	return home
}

// command runs a program in a folder, and gives its output with its error.
func command(t *testing.T, dir string, argv ...string) error {
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// errorText is what a program that failed said.
func errorText(out []byte, err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return strings.TrimSpace(string(out))
}
