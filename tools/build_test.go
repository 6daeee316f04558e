package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// hello is a command of one file without dependencies. It prints the version that the linker sets.
func hello(t *testing.T, b *builder) tool {
	t.Helper()
	write(t, "module hello\n\ngo 1.26\n", b.source, "hello/go.mod")
	write(t, "package main\n\nimport \"os\"\n\nvar Version string\n\nfunc main() { os.Stdout.WriteString(Version + \"\\n\") }\n",
		b.source, "hello/main.go")
	return tool{name: "hello", folder: "hello", pkg: ".", version: "1.2.3", key: "1.2.3-test",
		stamps: []string{"main.Version=v{v}"}, args: []string{"--version"}}
}

// newBuilder makes a builder with its own folders for source, cache and links.
func newBuilder(t *testing.T, mode string) (*builder, *output) {
	t.Helper()
	out := &output{}
	return &builder{bin: t.TempDir(), cache: t.TempDir(), source: t.TempDir(), mode: mode, log: out}, out
}

func TestABuiltCommandPrintsItsPinnedVersionAndIsBuiltOnce(t *testing.T) {
	b, out := newBuilder(t, modeBuild)
	h := hello(t, b)
	path := wantInstalled(t, b, h, "v1.2.3")
	out.Reset()
	if again, err := b.install(t.Context(), h, 1, 1); again != path || err != nil || out.String() != "" {
		t.Errorf("the second run returns %s, %v and prints %q; want %s and no output", again, err, out, path)
	}
}

// A module that does not build unchanged is built in a folder that prepare makes. The build deletes that folder.
func TestACommandWithAPreparedSourceIsBuiltFromIt(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	h.prepare = func(source, stage string) error {
		for _, file := range []string{"go.mod", "main.go"} {
			if err := copyFile(filepath.Join(source, file), filepath.Join(stage, file)); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(stage, "staged.go"), []byte("package main\n\nfunc init() { Version += \" staged\" }\n"), 0o644)
	}
	wantInstalled(t, b, h, "v1.2.3 staged")

	h.key = "1.2.3-other"
	h.prepare = func(string, string) error { return errors.New("no such module") }
	_, err := b.install(t.Context(), h, 1, 1)
	wantError(t, err, "preparing the source of hello", "no such module")
	wantCached(t, b, h)
}

// The second of two runs that lack the same command waits for the first and uses its build. During the build the command cannot
// be found.
func TestTwoRunsAtTheSameTimeBuildACommandOnce(t *testing.T) {
	first, firstOut := newBuilder(t, modeBuild)
	h := hello(t, first)
	second, secondOut := newBuilder(t, modeBuild)
	second.cache, second.source = first.cache, first.source

	dir := t.TempDir()
	builds, release := filepath.Join(dir, "builds"), filepath.Join(dir, "release")
	goOnPath(t, fmt.Sprintf("if [ \"$1\" = build ]; then echo build >>'%s'; while ! [ -e '%s' ]; do sleep 0.02; done; fi\nexec \"$GO\" \"$@\"\n", builds, release))

	type result struct {
		path string
		err  error
	}
	results := make(chan result, 2)
	run := func(b *builder) {
		path, err := b.install(t.Context(), h, 1, 1)
		results <- result{path, err}
	}
	go run(first)
	waitFor(t, "the first run to build", func() bool { return exists(builds) })
	go run(second)
	waitFor(t, "the second run to wait", func() bool { return strings.Contains(secondOut.String(), "waiting: another run is installing hello") })
	if path, ok := second.find(t.Context(), h); ok {
		t.Errorf("find returns %s during the build", path)
	}
	write(t, "", release)
	want := filepath.Join(first.folderOf(h), "hello")
	for range 2 {
		select {
		case r := <-results:
			if r.path != want || r.err != nil {
				t.Errorf("got %s, %v; want %s", r.path, r.err, want)
			}
		case <-time.After(deadline):
			t.Fatalf("a run does not end within %s", deadline)
		}
	}
	data, err := os.ReadFile(builds)
	if err != nil || string(data) != "build\n" {
		t.Errorf("builds: %q, %v; want one", data, err)
	}
	if !strings.Contains(firstOut.String(), "built hello") || strings.Contains(secondOut.String(), "building") {
		t.Errorf("the first run prints\n%s\nand the second\n%s", firstOut, secondOut)
	}
	if got := strings.Count(secondOut.String(), "waiting"); got != 1 {
		t.Errorf("the second run prints %d times that it waits, want once", got)
	}
}

func TestCtrlCEndsARunThatWaitsForAnother(t *testing.T) {
	b, out := newBuilder(t, modeBuild)
	h := hello(t, b)
	if err := os.MkdirAll(filepath.Join(b.cache, h.name), 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := b.lock(t.Context(), b.folderOf(h)+".lock", h)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.install(ctx, h, 1, 1)
		done <- err
	}()
	waitFor(t, "the run to wait", func() bool { return strings.Contains(out.String(), "waiting") })
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	case <-time.After(deadline):
		t.Fatal("the run still waits")
	}
}

func TestAfterCtrlCDuringABuildTheNextRunBuildsTheCommand(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	half := filepath.Join(t.TempDir(), "half")
	// The first call writes half a command to the file after -o and does not end. The second call is the real go.
	goOnPath(t, fmt.Sprintf(`if [ "$1" != build ] || [ -e '%[1]s' ]; then exec "$GO" "$@"; fi
trap 'exit 130' INT
while [ "$1" != -o ]; do shift; done
echo half >"$2"; chmod 755 "$2"; echo >'%[1]s'
while :; do sleep 0.02; done
`, half))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.install(ctx, h, 1, 1)
		done <- err
	}()
	waitFor(t, "half a command", func() bool { return exists(half) })
	if path, ok := b.find(t.Context(), h); ok {
		t.Errorf("find returns half a command: %s", path)
	}
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	case <-time.After(deadline):
		t.Fatal("the build still runs")
	}
	wantCached(t, b, h)
	wantInstalled(t, b, h, "v1.2.3")
}

func TestARunDeletesTheLeftoversOfAKilledRun(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	folder := b.folderOf(h)
	write(t, "half a command", folder, "hello.new")
	write(t, "half a download", folder, ".hello.part-123")
	write(t, "package main // of another version", folder, "stage-123/main.go")
	write(t, "", folder, "plugin-123/plugins/lock")
	write(t, "not executable", folder, "hello")
	wantInstalled(t, b, h, "v1.2.3")
}

func TestACompileErrorNamesCommandVersionAndFolder(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	write(t, "package main\n\nfunc main() { nowhere() }\n", b.source, "hello/main.go")
	_, err := b.install(t.Context(), h, 1, 1)
	wantError(t, err, "building hello 1.2.3", filepath.Join(b.source, "hello"), "undefined: nowhere")
	wantCached(t, b, h)
}

// The compiler prints its errors at the end.
func TestAnErrorShowsTheEndOfALongOutput(t *testing.T) {
	long := strings.Repeat("go: downloading\n", 100) + "main.go:3:15: undefined\n"
	got := strings.Split(tail(long), "\n")
	if len(got) != 20 || got[19] != "main.go:3:15: undefined" {
		t.Errorf("got %d lines, the last %q", len(got), got[len(got)-1])
	}
	if got := tail("one\n"); got != "one" {
		t.Errorf("a short output becomes %q", got)
	}
}

// The error comes before the build and says how much space is needed and free. It checks each folder that the build writes to, also
// one with a space in its name.
func TestTooLittleDiskSpaceIsAnErrorBeforeTheBuild(t *testing.T) {
	b, out := newBuilder(t, modeBuild)
	h := hello(t, b)
	h.diskGiB = 4
	caches := map[string]string{"GOCACHE": filepath.Join(t.TempDir(), "my builds"), "GOMODCACHE": filepath.Join(t.TempDir(), "my modules")}
	for name, dir := range caches {
		t.Setenv(name, dir)
	}
	real := freeGiB
	t.Cleanup(func() { freeGiB = real })
	for _, full := range []string{caches["GOCACHE"], caches["GOMODCACHE"], b.cache} {
		freeGiB = func(dir string) (float64, error) {
			if dir == full {
				return 1.5, nil
			}
			return 100, nil
		}
		_, err := b.install(t.Context(), h, 1, 1)
		wantError(t, err, "building hello", "4.0 GiB", full+" has 1.5 GiB free", "GOCACHE", "XDG_CACHE_HOME")
		wantCached(t, b, h)
	}
	freeGiB = func(string) (float64, error) { return 0, errors.New("stale file handle") }
	_, err := b.install(t.Context(), h, 1, 1)
	wantError(t, err, "reading the free space", "stale file handle")
	if strings.Contains(out.String(), "building") {
		t.Errorf("a build begins:\n%s", out)
	}
}

func TestADiskThatFillsUpDuringABuildIsNamedInTheError(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	goOnPath(t, "[ \"$1\" = build ] || exec \"$GO\" \"$@\"\necho 'write /tmp/x: no space left on device'; exit 1\n")
	_, err := b.install(t.Context(), h, 1, 1)
	wantError(t, err, "building hello", "the disk is full", "no space left on device")
	wantCached(t, b, h)
}

func TestTheFreeSpaceOfAMissingFolderIsThatOfItsParent(t *testing.T) {
	dir := t.TempDir()
	here, err := freeGiB(dir)
	if err != nil || here <= 0 {
		t.Fatalf("free space of %s: %v, %v", dir, here, err)
	}
	if _, err := freeGiB(filepath.Join(dir, "not", "there", "yet")); err != nil {
		t.Error(err)
	}
}

func TestACachedCommandIsUsedBeforeOneOnPath(t *testing.T) {
	for _, mode := range []string{modeAuto, modeBuild, modeFetch} {
		t.Run(mode, func(t *testing.T) {
			b, _ := newBuilder(t, mode)
			h := hello(t, b)
			cached := script(t, "echo v1.2.3\n", b.folderOf(h), "hello")
			onPath := t.TempDir()
			script(t, "echo v1.2.3\n", onPath, "hello")
			t.Setenv("PATH", onPath+":"+os.Getenv("PATH"))
			if got, ok := b.find(t.Context(), h); !ok || got != cached {
				t.Errorf("found %q, %v; want %s", got, ok, cached)
			}
		})
	}
}

func TestModeAutoUsesTheFirstCommandOnPathWithAFittingVersion(t *testing.T) {
	saved := versionTimeout
	t.Cleanup(func() { versionTimeout = saved })
	for _, c := range []struct {
		name, first string
		want        string // the folder on PATH of the command that is used
	}{
		{"a fitting version", "[ \"$*\" = --version ] && echo hello version v1.2.4\n", "first"},
		{"too old", "echo v1.2.2\n", "second"},
		{"other major", "echo v2.0.0\n", "second"},
		{"fails", "echo v1.2.3; exit 1\n", "second"},
		{"silent", "exit 0\n", "second"},
		{"hangs, in a child of its own", "echo v1.2.3; sleep 10; :\n", "second"},
	} {
		t.Run(c.name, func(t *testing.T) {
			versionTimeout = saved
			if strings.HasPrefix(c.name, "hangs") {
				versionTimeout = 300 * time.Millisecond
			}
			b, _ := newBuilder(t, modeAuto)
			h := hello(t, b)
			dirs := t.TempDir()
			script(t, c.first, dirs, "first/hello")
			script(t, "echo v1.2.3\n", dirs, "second/hello")
			t.Setenv("PATH", fmt.Sprintf("%[1]s/first:%[1]s/second:%[2]s", dirs, os.Getenv("PATH")))
			start := time.Now()
			if got, ok := b.find(t.Context(), h); !ok || got != filepath.Join(dirs, c.want, "hello") {
				t.Errorf("found %q, %v; want the one in %s", got, ok, c.want)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A command on PATH is not used in modes build and fetch, if it cannot print its version, if it is a link that this builder made
// (however PATH spells the folder), and if its folder is relative, because a link cannot contain a relative path.
func TestSomeCommandsOnPathAreNeverUsed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, b *builder, h *tool, dir string) (path string)
	}{
		{"mode build", func(t *testing.T, b *builder, h *tool, dir string) string { b.mode = modeBuild; return dir }},
		{"mode fetch", func(t *testing.T, b *builder, h *tool, dir string) string { b.mode = modeFetch; return dir }},
		{"no arguments that print the version", func(t *testing.T, b *builder, h *tool, dir string) string { h.args = nil; return dir }},
		{"not executable", func(t *testing.T, b *builder, h *tool, dir string) string {
			if err := os.Chmod(filepath.Join(dir, "hello"), 0o644); err != nil {
				t.Fatal(err)
			}
			return dir
		}},
		{"own links", func(t *testing.T, b *builder, h *tool, dir string) string { b.bin = dir; return dir }},
		{"own links, trailing slash", func(t *testing.T, b *builder, h *tool, dir string) string { b.bin = dir; return dir + "/" }},
		{"own links, by a symbolic link", func(t *testing.T, b *builder, h *tool, dir string) string {
			b.bin = dir
			other := filepath.Join(t.TempDir(), "bin")
			if err := os.Symlink(dir, other); err != nil {
				t.Fatal(err)
			}
			return other
		}},
		{"relative", func(t *testing.T, b *builder, h *tool, dir string) string {
			t.Chdir(filepath.Dir(dir))
			return filepath.Base(dir)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newBuilder(t, modeAuto)
			h := hello(t, b)
			dir := t.TempDir()
			script(t, "echo v1.2.3\n", dir, "hello")
			t.Setenv("PATH", dir)
			if _, ok := b.find(t.Context(), h); !ok {
				t.Fatal("the command is not found to begin with")
			}
			t.Setenv("PATH", c.change(t, b, &h, dir))
			if got, ok := b.find(t.Context(), h); ok {
				t.Errorf("found %s", got)
			}
		})
	}
}

// The first run installs only the missing command. The second installs none and corrects a link with another target.
func TestARunLinksEveryCommandAndInstallsOnlyMissingOnes(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	b.bin = filepath.Join(b.bin, "not", "there", "yet")
	h := hello(t, b)
	cached := h
	cached.name = "cached"
	script(t, "echo cached\n", b.folderOf(cached), "cached")
	b.tools = []tool{cached, h}
	for _, want := range []int{1, 0} {
		installed, err := b.ensureAll(t.Context())
		if err != nil || installed != want {
			t.Fatalf("installed %d, %v; want %d", installed, err, want)
		}
		for _, tool := range b.tools {
			at := filepath.Join(b.bin, tool.name)
			if to, err := os.Readlink(at); err != nil || to != filepath.Join(b.folderOf(tool), tool.name) {
				t.Errorf("%s links to %q, %v", tool.name, to, err)
			}
			runs(t, at)
		}
		if err := errors.Join(os.Remove(filepath.Join(b.bin, "cached")), os.Symlink("/nowhere", filepath.Join(b.bin, "cached"))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (&builder{}).ensureAll(t.Context()); err == nil {
		t.Error("a run without -bin succeeds")
	}
}

// The script also works in a folder with spaces and quotes in its name, and passes its own arguments on.
func TestTheLanguageHostStartsWithTheBuildTarget(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	host := script(t, "printf '%s.' \"$@\"\n", t.TempDir(), "o'brien's $HOME", languageHost)
	for range 2 {
		if err := b.link(tool{name: languageHost}, host); err != nil {
			t.Fatal(err)
		}
		if got, want := runs(t, filepath.Join(b.bin, languageHost), "-root", "a b"), "-buildTarget..local/program.-root.a b."; got != want {
			t.Errorf("the host gets %q, want %q", got, want)
		}
	}
}

func TestAnUnknownModeIsAnErrorThatNamesTheModes(t *testing.T) {
	b, _ := newBuilder(t, "download")
	wantError(t, b.init(), "TOOLS=download", "auto", "build", "fetch")
}

// deadline is how long a test waits for something that should happen at once.
const deadline = 20 * time.Second

// output collects what a builder prints. Goroutines may share it.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (o *output) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Reset()
}

// goOnPath puts a shell script before the go command on PATH. $GO is the path of the real go.
func goOnPath(t *testing.T, body string) {
	t.Helper()
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script(t, body, dir, "go")
	t.Setenv("GO", real)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// script writes a shell script and returns its path.
func script(t *testing.T, body string, path ...string) string {
	t.Helper()
	name := write(t, "#!/bin/sh\n"+body, path...)
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func write(t *testing.T, text string, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func remove(t *testing.T, path ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runs runs a command and returns its standard output without the newline at the end.
func runs(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).Output()
	if err != nil {
		t.Fatalf("running %s: %v", path, err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", deadline, what)
		}
	}
}

// wantError fails the test unless the text of err contains each of the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error; want one that contains %q", texts)
		return
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not contain %q:\n%v", s, err)
		}
	}
}

// wantInstalled installs a command and returns its path. It fails the test unless the command prints want and the cache contains
// nothing else for it.
func wantInstalled(t *testing.T, b *builder, command tool, want string) (path string) {
	t.Helper()
	path, err := b.install(t.Context(), command, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := runs(t, path); got != want {
		t.Errorf("the installed command prints %q, want %q", got, want)
	}
	wantCached(t, b, command, command.name)
	return path
}

// wantCached fails the test unless the cache contains exactly these files for the command.
func wantCached(t *testing.T, b *builder, of tool, names ...string) {
	t.Helper()
	var got []string
	entries, err := os.ReadDir(b.folderOf(of))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s contains %q, want %q", b.folderOf(of), got, names)
	}
}
