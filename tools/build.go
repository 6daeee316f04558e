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

	// recipe is raised when the way of building changes in a manner that the keys would not see.
	recipe = "1"

	// progressEvery is how often a build in progress says how long it has taken.
	progressEvery = 15 * time.Second
)

// versionTimeout bounds how long a command found on PATH may take to print its version.
var versionTimeout = 5 * time.Second

type builder struct {
	bin, mode, cache, source, mirror string
	tools                            []tool
	log                              io.Writer // os.Stdout where nil
}

func (b *builder) say(format string, args ...any) {
	w := b.log
	if w == nil {
		w = os.Stdout
	}
	fmt.Fprintf(w, "tools: "+format+"\n", args...)
}

// folderOf is where the cache holds one version of a command.
func (b *builder) folderOf(t tool) string { return filepath.Join(b.cache, t.name, t.key) }

// find returns the command if it is to be had without making it: kept in the cache, or, in mode auto, on PATH in a
// version that meets the pinned one.
func (b *builder) find(ctx context.Context, t tool) (string, bool) {
	kept := filepath.Join(b.folderOf(t), t.name)
	if isCommand(kept) {
		return kept, true
	}
	if b.mode != modeAuto || len(t.args) == 0 {
		return "", false
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, t.name)
		// A relative folder is another one in the folder that the link is in; b.bin would be linked to itself.
		if !filepath.IsAbs(dir) || sameFolder(dir, b.bin) || !isCommand(path) {
			continue
		}
		if out, err := printed(ctx, path, t.args); err == nil && t.meets(out) {
			return path, true
		}
	}
	return "", false
}

// printed is what a command prints, if it ends well and in time.
func printed(ctx context.Context, path string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	// A wrapper script that is killed leaves its child behind, with the output open: do not wait for that one.
	cmd.WaitDelay = 100 * time.Millisecond
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sameFolder says whether two paths are one folder, however they are spelled.
func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func isCommand(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// link puts the command into b.bin under its name. A Pulumi plugin goes where Pulumi keeps plugins, below b.bin: the CLI
// warns about those that it finds on PATH.
func (b *builder) link(t tool, path string) error {
	at := filepath.Join(b.bin, t.name)
	if t.name == languageHost {
		return b.wrapLanguageHost(at, path)
	}
	if kind, ok := strings.CutPrefix(t.name, "pulumi-resource-"); ok {
		at = filepath.Join(b.bin, "plugins", fmt.Sprintf("resource-%s-v%s", kind, t.version), t.name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return fmt.Errorf("making a place for %s: %w", t.name, err)
		}
	}
	if sameFile(at, path) {
		return nil
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the link to %s: %w", t.name, err)
	}
	// The CLI looks for the language host beside itself, and a process only knows the place that a symbolic link
	// points to. A hard link is a place of its own; it takes the same file system.
	if t.name == "pulumi" && os.Link(path, at) == nil {
		return nil
	}
	if err := os.Symlink(path, at); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("linking %s: %w", t.name, err)
	}
	return nil
}

// sameFile says whether two paths lead to one file.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// wrapLanguageHost writes a script that starts the language host with the build target that Pulumi.yaml names. The
// pinned host is of a version that does not read runtime.options from there, and without a target it links the
// program anew at every run (4-5 s) where `go build` finds nothing to do (under 1 s).
func (b *builder) wrapLanguageHost(at, path string) error {
	quoted := "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	script := "#!/bin/sh\n# Written by `make tools`: see tools/build.go.\nexec " + quoted + " -buildTarget .local/program \"$@\"\n"
	if now, err := os.ReadFile(at); err == nil && string(now) == script {
		return nil
	}
	return writeFile(at, 0o755, strings.NewReader(script))
}

// writeFile writes a file whole or not at all.
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

// make fetches or builds the command and returns its path in the cache.
func (b *builder) make(ctx context.Context, t tool, nth, of int) (string, error) {
	folder := b.folderOf(t)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("making a place for %s: %w", t.name, err)
	}
	unlock, err := b.lock(ctx, folder+".lock", t)
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(folder, t.name)
	if isCommand(path) { // another run made it while this one waited
		return path, nil
	}
	// What a killed run left goes first: `go build` does not replace half a command, and staged sources pile up.
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return "", fmt.Errorf("making a place for %s: %w", t.name, err)
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

// lock takes the command's lock in the cache, so that two builds at once become one build and one wait. The system
// lets go of it when the process ends, however it ends.
func (b *builder) lock(ctx context.Context, name string, t tool) (func(), error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", t.name, err)
	}
	told := false
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking %s with %s: %w", t.name, name, err)
		}
		if !told {
			b.say("waiting: another run is making %s", t.name)
			told = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// checkDisk refuses to begin a build that the disk cannot hold.
func (b *builder) checkDisk(ctx context.Context, t tool) error {
	cmd := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("asking go for its caches: %w", err)
	}
	for _, dir := range append(strings.Split(strings.TrimSpace(string(out)), "\n"), b.cache) {
		free, err := freeGiB(dir)
		if err != nil {
			return fmt.Errorf("reading the free space of %s: %w", dir, err)
		}
		if free < t.diskGiB {
			return fmt.Errorf("building %s takes about %.1f GiB and %s has %.1f GiB free: make room, or move the cache with GOCACHE, GOMODCACHE or XDG_CACHE_HOME",
				t.name, t.diskGiB, dir, free)
		}
	}
	return nil
}

// freeGiB is what a user can still write on the file system that holds dir (or its nearest parent that exists).
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

// build compiles the command from source into path. Go's build cache keeps what an interrupted build had done.
func (b *builder) build(ctx context.Context, t tool, path, title string) error {
	dir := filepath.Join(b.source, t.folder)
	if t.prepare != nil {
		stage, err := os.MkdirTemp(filepath.Dir(path), "stage-*")
		if err != nil {
			return fmt.Errorf("making a place to build %s: %w", t.name, err)
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
		// Debug information that -s -w drops again is not made in the first place: 10 % of the compiler's time.
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
			return fmt.Errorf("building %s: the disk is full; make room and run again, what is done is kept\n%s", t.name, tail(out.String()))
		}
		return fmt.Errorf("building %s %s in %s with go %s: %w\n%s", t.name, t.version, dir, strings.Join(args, " "), err, tail(out.String()))
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("keeping %s: %w", t.name, err)
	}
	b.say("built %s in %s", t.name, time.Since(start).Round(time.Second))
	return nil
}

// tail is the end of a long output: where a failed build says what is wrong.
func tail(s string) string {
	const lines = 20
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
