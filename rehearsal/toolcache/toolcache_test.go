package toolcache

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnInstallationIsRepeatedUntilItIsCompleteAndWorks(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	installs, fails, broken := 0, true, false
	ensure := func() (string, error) {
		return Ensure(t.Context(), io.Discard, "tool-1", func(dir string) error {
			installs++
			if fails {
				return errors.New("no network")
			}
			return os.WriteFile(filepath.Join(dir, "tool"), nil, 0o700)
		}, func(string) bool { return !broken })
	}
	if _, err := ensure(); err == nil || !strings.Contains(err.Error(), "installing tool-1: no network") {
		t.Errorf("a failed installation gives %v", err)
	}
	fails = false
	for range 2 {
		dir, err := ensure()
		if err != nil || installs != 2 {
			t.Fatalf("after %d installations, want 2: %v", installs, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "tool")); err != nil {
			t.Error(err)
		}
	}
	broken = true
	if _, err := ensure(); err == nil || installs != 3 || !strings.Contains(err.Error(), "not the expected version") {
		t.Errorf("a broken installation is installed %d times, want 3: %v", installs, err)
	}
}
