package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	modeAuto  = "auto"
	modeBuild = "build"
	modeFetch = "fetch"

	// recipe is raised when the way of building changes and the other parts of the key stay the same.
	recipe = "1"

	// progressEvery is the time between two messages of a long build.
	progressEvery = 15 * time.Second
)

// versionTimeout is how long a command on PATH may take to print its version.
var versionTimeout = 5 * time.Second

type builder struct {
	bin, mode, cache, source, mirror string
	with                             string // also the commands of these groups, separated by commas
	only                             bool   // only those
	tools                            []tool
	log                              io.Writer // nil: os.Stdout
}

func (b *builder) say(format string, args ...any) {
	w := b.log
	if w == nil {
		w = os.Stdout
	}
	fmt.Fprintf(w, "tools: "+format+"\n", args...)
}

// folderOf is the folder of the cache for the tool's version.
func (b *builder) folderOf(t tool) string { return filepath.Join(b.cache, t.name, t.key) }

// find returns the path of a command that is already on this machine: in the cache or, in mode auto, on PATH in a version that
// can replace the pinned one.
func (b *builder) find(ctx context.Context, t tool) (string, bool) {
	cached := filepath.Join(b.folderOf(t), t.name)
	if isCommand(cached) {
		return cached, true
	}
	if b.mode != modeAuto || len(t.args) == 0 {
		return "", false
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, t.name)
		// A link cannot contain a relative path, and a link in b.bin must not lead to itself.
		if !filepath.IsAbs(dir) || sameFile(dir, b.bin) || !isCommand(path) {
			continue
		}
		if out, err := printed(ctx, path, t.args); err == nil && t.meets(out) {
			return path, true
		}
	}
	return "", false
}

// printed is the output of a command that succeeds within versionTimeout.
func printed(ctx context.Context, path string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	// If the command is a script, its child keeps the output open after the script is killed. Do not wait for the child.
	cmd.WaitDelay = 100 * time.Millisecond
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sameFile says whether two paths lead to the same file or folder.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func isCommand(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// link links the command into b.bin under its name. A Pulumi plugin goes into a plugin folder below b.bin, because the CLI warns
// about plugins on PATH.
func (b *builder) link(t tool, path string) error {
	at := filepath.Join(b.bin, t.name)
	if t.name == languageHost {
		return b.wrapLanguageHost(at, path)
	}
	if kind, ok := strings.CutPrefix(t.name, "pulumi-resource-"); ok {
		at = filepath.Join(b.bin, "plugins", fmt.Sprintf("resource-%s-v%s", kind, t.version), t.name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", t.name, err)
		}
	}
	if sameFile(at, path) {
		return nil
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the link to %s: %w", t.name, err)
	}
	// The CLI looks for the language host in its own folder. Through a symbolic link that is the folder of the link's target, so
	// the CLI gets a hard link, which is possible only on the same file system.
	if t.name == "pulumi" && os.Link(path, at) == nil {
		return nil
	}
	if err := os.Symlink(path, at); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("linking %s: %w", t.name, err)
	}
	return nil
}

// wrapLanguageHost writes a script that starts the language host with the build target of Pulumi.yaml. The pinned version of the
// host does not read runtime.options there. Without a target it links the program at every run, which takes 4 to 5 s; a `go build`
// of an unchanged program takes less than 1 s.
func (b *builder) wrapLanguageHost(at, path string) error {
	quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	script := "#!/bin/sh\n# Written by `make tools`: see tools/build.go.\nexec " + quoted + " -buildTarget .local/program \"$@\"\n"
	if now, err := os.ReadFile(at); err == nil && string(now) == script {
		return nil
	}
	return writeFile(at, 0o755, strings.NewReader(script))
}

// writeFile writes a file atomically.
func writeFile(name string, mode os.FileMode, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = io.Copy(f, from); err == nil {
		err = f.Chmod(mode)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// install fetches or builds the command and returns its path in the cache. nth and of are for its messages.
func (b *builder) install(ctx context.Context, t tool, nth, of int) (string, error) {
	folder := b.folderOf(t)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("making the folder of %s: %w", t.name, err)
	}
	unlock, err := b.lock(ctx, folder+".lock", t)
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(folder, t.name)
	if isCommand(path) { // another run installed it while this one waited
		return path, nil
	}
	// Delete what a killed run has left: `go build` does not replace an incomplete command, and staged sources stay for ever.
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return "", fmt.Errorf("making the folder of %s: %w", t.name, err)
	}
	title := fmt.Sprintf("%s %s (%d of %d)", t.name, t.version, nth, of)
	if t.fetch != nil && b.mode != modeBuild {
		b.say("fetching %s", title)
		err := t.fetch(ctx, b, t, path)
		if err == nil {
			return path, nil
		}
		if b.mode == modeFetch || ctx.Err() != nil {
			return "", fmt.Errorf("fetching %s: %w (TOOLS=build builds it from source)", t.name, err)
		}
		b.say("%s cannot be fetched here (%v): building it", t.name, err)
	}
	if err := b.checkDisk(ctx, t); err != nil {
		return "", err
	}
	if err := b.build(ctx, t, path, title); err != nil {
		return "", err
	}
	return path, nil
}

// lock locks the command in the cache, so that the second of two runs waits for the first. The system removes the lock when the
// process ends in any way.
func (b *builder) lock(ctx context.Context, name string, t tool) (func(), error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", t.name, err)
	}
	announced := false
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking %s with %s: %w", t.name, name, err)
		}
		if !announced {
			b.say("waiting: another run is installing %s", t.name)
			announced = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// checkDisk returns an error if the disk has too little space for the build.
func (b *builder) checkDisk(ctx context.Context, t tool) error {
	cmd := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("reading the folders of Go's caches: %w", err)
	}
	for _, dir := range append(strings.Split(strings.TrimSpace(string(out)), "\n"), b.cache) {
		free, err := freeGiB(dir)
		if err != nil {
			return fmt.Errorf("reading the free space of %s: %w", dir, err)
		}
		if free < t.diskGiB {
			return fmt.Errorf("building %s takes about %.1f GiB and %s has %.1f GiB free: delete files there, or move the cache with GOCACHE, GOMODCACHE or XDG_CACHE_HOME",
				t.name, t.diskGiB, dir, free)
		}
	}
	return nil
}

// freeGiB is the free space for users on the file system of dir, or of its nearest parent that exists.
var freeGiB = func(dir string) (float64, error) {
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(dir, &fs)
		if err == nil {
			return float64(fs.Bavail) * float64(fs.Bsize) / (1 << 30), nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, unix.ENOENT) || parent == dir {
			return 0, err
		}
		dir = parent
	}
}

// build compiles the command into path. Go's build cache keeps the results of an interrupted build.
func (b *builder) build(ctx context.Context, t tool, path, title string) error {
	dir := filepath.Join(b.source, t.folder)
	if t.prepare != nil {
		stage, err := os.MkdirTemp(filepath.Dir(path), "stage-*")
		if err != nil {
			return fmt.Errorf("making the folder in which to build %s: %w", t.name, err)
		}
		defer os.RemoveAll(stage)
		if err := t.prepare(dir, stage); err != nil {
			return fmt.Errorf("preparing the source of %s: %w", t.name, err)
		}
		dir = stage
	}
	tmp := path + ".new"
	defer os.Remove(tmp)
	args := []string{"build", "-trimpath", "-buildvcs=false",
		// -s -w removes debug information. Without it in the first place, the compiler needs 10 % less time.
		"-gcflags=all=-dwarf=false",
		"-ldflags=" + t.ldflags(), "-tags=" + t.tags, "-o", tmp, t.pkg}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second

	b.say("building %s", title)
	start := time.Now()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(progressEvery):
				b.say("building %s, %s so far", title, time.Since(start).Round(time.Second))
			}
		}
	}()
	err := cmd.Run()
	close(done)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if strings.Contains(out.String(), syscall.ENOSPC.Error()) {
			return fmt.Errorf("building %s: the disk is full; delete files and run again, Go's cache keeps what is compiled\n%s", t.name, tail(out.String()))
		}
		return fmt.Errorf("building %s %s in %s with go %s: %w\n%s", t.name, t.version, dir, strings.Join(args, " "), err, tail(out.String()))
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("moving %s into the cache: %w", t.name, err)
	}
	b.say("built %s in %s", t.name, time.Since(start).Round(time.Second))
	return nil
}

// tail is the end of an output, where a failed build names its errors.
func tail(s string) string {
	const lines = 20
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
