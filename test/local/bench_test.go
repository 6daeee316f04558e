package local

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/checkout"
)

// BenchmarkBuildAfterEdit measures `go build` after an edit of the program: compiling the package, and linking.
func BenchmarkBuildAfterEdit(b *testing.B) {
	c := newCheckout(b)
	source := filepath.Join(c.Dir, "program", "application.go")
	before, err := os.ReadFile(source)
	if err != nil {
		b.Fatal(err)
	}
	build := func() { c.Run("go", "build", "-o", ".local/program", ".") }
	c.Make("tools")
	build()
	edits := 0
	for b.Loop() {
		// Another constant each time, so that Go's build cache does not have the result.
		edits++
		edited := strings.Replace(string(before), `gatewayName   = "gateway"`, `gatewayName   = "gateway`+strings.Repeat("x", edits)+`"`, 1)
		if edited == string(before) {
			b.Fatalf("%s does not contain the line to edit", source)
		}
		if err := os.WriteFile(source, []byte(edited), 0o644); err != nil {
			b.Fatal(err)
		}
		build()
	}
}

// BenchmarkPreview measures previews that find nothing to change: of stack local, and of a program that does nothing. Their
// difference is the time of the project's own code and plugins.
func BenchmarkPreview(b *testing.B) {
	c := newCheckout(b)
	c.Make("up")
	env := printedEnv(c)
	empty := filepath.Join(c.Dir, "test", "local", "empty")
	// The policies belong to the project: the empty program runs without them.
	bare := slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "PULUMI_OPTION_POLICY_PACK=") })
	run := func(b *testing.B, env []string, dir string, args ...string) {
		b.Helper()
		c.Run("env", append(append(slices.Clone(env), "pulumi", "--cwd", dir), args...)...)
	}
	run(b, bare, empty, "stack", "init", "empty")
	for _, bench := range []struct {
		name, dir, stack string
		env              []string
	}{{"empty program", empty, "empty", bare}, {"stack local", c.Dir, "local", env}} {
		b.Run(bench.name, func(b *testing.B) {
			run(b, bench.env, bench.dir, "preview", "--stack", bench.stack) // the first one compiles
			for b.Loop() {
				run(b, bench.env, bench.dir, "preview", "--stack", bench.stack)
			}
		})
	}
}

// printedEnv is the environment that `make env` prints, as arguments of env(1). It has a folder of its own for the temporary
// files that pulumi leaves.
func printedEnv(c *checkout.Checkout) (vars []string) {
	for line := range strings.Lines(c.Make("env")) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			vars = append(vars, strings.ReplaceAll(v, "'", ""))
		}
	}
	return append(vars, "TMPDIR="+c.T.TempDir())
}
