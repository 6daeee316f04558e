package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`(Test\\w+)`")
	// namedPath is a file or folder in backticks. <thing> and * match any name.
	namedPath = regexp.MustCompile("`([\\w.<>*-]+(?:/[\\w.<>*-]*)+|[\\w.-]+\\.(?:go|md|yaml))`")
	anyName   = regexp.MustCompile(`<\w+>`)
)

func TestContributingNamesTestsAndFilesThatExist(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names, paths := namedTest.FindAllStringSubmatch(string(page), -1), namedPath.FindAllStringSubmatch(string(page), -1)
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+name[1]+"(t ") {
			t.Errorf("CONTRIBUTING.md names %s, and there is no such test", name[1])
		}
	}
	for _, path := range paths {
		if found, err := filepath.Glob(filepath.Join(root, anyName.ReplaceAllString(path[1], "*"))); err != nil || len(found) == 0 {
			t.Errorf("CONTRIBUTING.md names %s, and there is no such file or folder (%v)", path[1], err)
		}
	}
	if len(names) < 15 || len(paths) < 20 {
		t.Errorf("only %d tests and %d paths were found in CONTRIBUTING.md", len(names), len(paths))
	}
}
