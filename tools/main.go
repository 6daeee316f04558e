// Command tools installs every command that the project runs, each in a pinned version.
//
// The pins are the go.mod and go.sum files of the folders beside this file. Commands that can share their dependencies share a
// module. No other file of the project contains a version of a command.
//
//	go run . -bin DIR [-mode auto|build|fetch] [-with nodes,monitoring,rules [-only]]
//
// puts a link to each command into DIR. It builds or fetches a command once per machine, into the user's cache folder, which all
// clones share.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var b builder
	flag.StringVar(&b.bin, "bin", "", "folder that receives a link to every command (required)")
	flag.StringVar(&b.mode, "mode", modeAuto, "auto: take from PATH, or fetch, or build; build: from source; fetch: from the publisher")
	flag.StringVar(&b.cache, "cache", "", "folder for the commands (default: tfserving/tools in the user's cache folder)")
	flag.StringVar(&b.source, "source", ".", "the tools folder, with its modules")
	flag.StringVar(&b.mirror, "mirror", "", "fetch from this base URL instead of the publishers")
	flag.StringVar(&b.with, "with", "", "also the commands that these need, separated by commas: "+strings.Join(groups, ", "))
	flag.BoolVar(&b.only, "only", false, "with -with: not the commands that every use needs")
	list := flag.Bool("list", false, "print each command with its pinned version, and exit")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &b, *list); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "tools: interrupted; the next run continues")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, b *builder, list bool) error {
	if err := b.init(); err != nil {
		return err
	}
	if list {
		for _, t := range b.tools {
			fmt.Printf("%-28s %s\n", t.name, t.version)
		}
		return nil
	}
	start := time.Now()
	installed, err := b.ensureAll(ctx)
	if err != nil {
		return err
	}
	if installed > 0 {
		fmt.Printf("tools: %d of %d installed in %s\n", installed, len(b.tools), time.Since(start).Round(time.Second))
	}
	return nil
}

// init checks the flags and reads the pins. It changes nothing.
func (b *builder) init() (err error) {
	if !slices.Contains([]string{modeAuto, modeBuild, modeFetch}, b.mode) {
		return fmt.Errorf("TOOLS=%s is not a way to get tools; use %s, %s or %s", b.mode, modeAuto, modeBuild, modeFetch)
	}
	if b.source, err = filepath.Abs(b.source); err != nil {
		return err
	}
	if b.cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("finding the user's cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
		}
		b.cache = filepath.Join(user, "tfserving", "tools")
	}
	b.tools, err = loadTools(b.source)
	wanted := b.groups()
	for _, group := range wanted {
		if !slices.Contains(groups, group) {
			return fmt.Errorf("-with %s: there is no group of commands %q; there are %s", b.with, group, strings.Join(groups, ", "))
		}
	}
	b.tools = slices.DeleteFunc(b.tools, func(t tool) bool { return !slices.Contains(wanted, t.group) && (t.group != "" || b.only) })
	return err
}

// groups are the groups of commands that are asked for.
func (b *builder) groups() []string {
	return strings.FieldsFunc(b.with, func(r rune) bool { return r == ',' })
}

// ensureAll builds or fetches the missing commands, in the order of the table, and links every command into b.bin. It returns the
// number of commands that were missing.
func (b *builder) ensureAll(ctx context.Context) (int, error) {
	if b.bin == "" {
		return 0, errors.New("-bin is required: the folder that receives the links")
	}
	bin, err := filepath.Abs(b.bin)
	if err != nil {
		return 0, err
	}
	b.bin = bin
	if err := os.MkdirAll(b.bin, 0o755); err != nil {
		return 0, fmt.Errorf("making the folder for the links: %w", err)
	}
	var missing []tool
	for _, t := range b.tools {
		path, ok := b.find(ctx, t)
		if !ok {
			missing = append(missing, t)
			continue
		}
		if err := b.link(t, path); err != nil {
			return 0, err
		}
	}
	for i, t := range missing {
		path, err := b.install(ctx, t, i+1, len(missing))
		if err != nil {
			return i, err
		}
		if err := b.link(t, path); err != nil {
			return i, err
		}
	}
	if slices.Contains(b.groups(), groupNodes) {
		return len(missing), b.ensureSystem(ctx)
	}
	return len(missing), nil
}
