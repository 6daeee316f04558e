package local

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/checkout"
)

// BenchmarkBuildAfterEdit is what a person waits for after an edit of the program: compiling what changed, and linking.
func BenchmarkBuildAfterEdit(b *testing.B) {
	c := newCheckout(b)
	main := filepath.Join(c.Dir, "program", "application.go")
	before, err := os.ReadFile(main)
	if err != nil {
		b.Fatal(err)
	}
	build := func() {
		if out, err := c.Start("go", "build", "-o", ".local/program", ".").Wait(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	c.Make("tools")
	build()
	edits := 0
	for b.Loop() {
		// Another constant each time: what was built before is of no use.
		edits++
		edited := strings.Replace(string(before), `gatewayName   = "gateway"`, `gatewayName   = "gateway`+strings.Repeat("x", edits)+`"`, 1)
		if edited == string(before) {
			b.Fatal("application.go has no gatewayName to edit")
		}
		if err := os.WriteFile(main, []byte(edited), 0o644); err != nil {
			b.Fatal(err)
		}
		build()
	}
}

// BenchmarkPreview is a preview of stack local that finds nothing to change, beside the same of a program that does
// nothing: the ratio of the two is the program's own.
func BenchmarkPreview(b *testing.B) {
	c := newCheckout(b)
	c.Make("up")
	env := printedEnv(c)
	empty := filepath.Join(c.Dir, "test", "local", "empty")
	// The policies are this project's, and part of what a preview of it takes.
	bare := slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "PULUMI_OPTION_POLICY_PACK=") })
	run := func(b *testing.B, env []string, dir string, args ...string) {
		b.Helper()
		args = append(append(slices.Clone(env), "pulumi", "--cwd", dir), args...)
		if out, err := c.Start("env", args...).Wait(); err != nil {
			b.Fatalf("pulumi %s: %v\n%s", strings.Join(args, " "), err, out)
		}
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

// printedEnv is what `make env` says to export, as arguments of env(1). What plain pulumi leaves among temporary files is its
// user's.
func printedEnv(c *checkout.Checkout) (vars []string) {
	for line := range strings.Lines(c.Make("env")) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			vars = append(vars, strings.ReplaceAll(v, "'", ""))
		}
	}
	return append(vars, "TMPDIR="+c.T.TempDir())
}
