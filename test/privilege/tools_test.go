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
	home := cached(t, "cfn-lint-"+linterVersion, func(home string) error {
		python, err := exec.LookPath("python3")
		if err != nil {
			return errors.New("python3 is not on PATH: install Python 3.10 or newer")
		}
		if err := command(t, "", python, "-m", "venv", home); err != nil {
			return err
		}
		python = filepath.Join(home, "bin", "python3")
		return command(t, "", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "cfn-lint=="+linterVersion)
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

// cached returns a folder of the user's cache, which install fills the first time. A lock keeps two tests from installing at the
// same time. A folder whose installation did not end is installed again.
func cached(t *testing.T, name string, install func(home string) error) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding the user's cache folder for %s: %v", name, err)
	}
	home := filepath.Join(cache, "tfserving", name)
	unlock, err := embedded.LockFile(t.Context(), home+".lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	complete := filepath.Join(home, "complete")
	if _, err := os.Stat(complete); err == nil {
		return home
	}
	fmt.Printf("installing %s into %s\n", name, home)
	err = errors.Join(os.RemoveAll(home), os.MkdirAll(home, 0o755))
	if err == nil {
		err = install(home)
	}
	if err == nil {
		err = os.WriteFile(complete, nil, 0o644)
	}
	if err != nil {
		t.Fatalf("installing %s: %v", name, err)
	}
	return home
}

// command runs a program in a folder. An error contains its output.
func command(t *testing.T, dir string, argv ...string) error {
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// errorText is the output of a program that failed.
func errorText(out []byte, err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return strings.TrimSpace(string(out))
}
