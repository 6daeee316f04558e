package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// systemPackages maps each command that a real node takes from the machine's distribution to the package that contains it.
// They are C programs, or need a C library: runc filters system calls with libseccomp, and kube-proxy and kube-router write
// their rules with the other three.
var systemPackages = map[string]string{"runc": "runc", "nft": "nftables", "iptables": "iptables", "ipset": "ipset"}

// systemLink is the folder in b.bin that holds the system commands which the machine lacks, laid out as below /.
const systemLink = "system"

// ensureSystem makes sure that a real node finds the system commands: on the machine, or below b.bin/system. Nothing is
// installed on the machine.
func (b *builder) ensureSystem(ctx context.Context) error {
	at := filepath.Join(b.bin, systemLink)
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the link to the system commands: %w", err)
	}
	var missing []string
	for name, pkg := range systemPackages {
		if !onMachine(name) {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	release, _ := os.ReadFile("/etc/os-release") // the packages of another release need other libraries
	sum := sha256.Sum256([]byte(strings.Join(missing, " ") + string(release)))
	folder := filepath.Join(b.cache, systemLink, hex.EncodeToString(sum[:])[:8])
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return fmt.Errorf("making the folder of the system commands: %w", err)
	}
	unlock, err := b.lock(ctx, folder+".lock", tool{name: "the packages " + strings.Join(missing, ", ")})
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(folder); err != nil {
		b.say("fetching the packages %s of this machine's distribution", strings.Join(missing, ", "))
		if err := unpackPackages(ctx, folder, missing); err != nil {
			return fmt.Errorf("real nodes need the commands of the packages %s, which this machine lacks and apt-get cannot fetch: install them\n%w",
				strings.Join(missing, ", "), err)
		}
	}
	return os.Symlink(folder, at)
}

// systemFolders are where a service finds commands that need not be on the PATH of a person.
var systemFolders = []string{"/usr/sbin", "/sbin"}

// onMachine says whether the machine has a command.
func onMachine(name string) bool {
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	return slices.ContainsFunc(systemFolders, func(folder string) bool { return isCommand(filepath.Join(folder, name)) })
}

// unpackPackages downloads packages with what they need and the machine lacks, and unpacks them into a folder. apt-get checks
// the signatures.
func unpackPackages(ctx context.Context, folder string, packages []string) error {
	stage := folder + ".new"
	if err := errors.Join(os.RemoveAll(stage), os.MkdirAll(filepath.Join(stage, "archives", "partial"), 0o755),
		os.MkdirAll(filepath.Join(stage, "lists", "partial"), 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	apt := func(args ...string) error {
		args = append(args, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Dir::Cache::archives="+filepath.Join(stage, "archives"))
		return runCommand(ctx, "apt-get", args...)
	}
	download := append([]string{"install", "-qq", "-y", "--download-only", "--no-install-recommends"}, packages...)
	if err := apt(download...); err != nil {
		// The machine may have no list of packages, as in a container. The list goes into the folder, too.
		lists := []string{"-o", "Dir::State::lists=" + filepath.Join(stage, "lists")}
		if err := apt(append([]string{"update", "-qq"}, lists...)...); err != nil {
			return err
		}
		if err := apt(append(download, lists...)...); err != nil {
			return err
		}
	}
	files, _ := filepath.Glob(filepath.Join(stage, "archives", "*.deb"))
	root := filepath.Join(stage, "root")
	for _, file := range files {
		if err := runCommand(ctx, "dpkg-deb", "-x", file, root); err != nil {
			return err
		}
	}
	// Debian links these names when it installs the package.
	for name, target := range alternatives {
		link := filepath.Join(root, "usr", "sbin", name)
		if _, err := os.Stat(filepath.Join(filepath.Dir(link), target)); err != nil {
			continue // the machine has iptables
		}
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return os.Rename(root, folder)
}

// alternatives are the names of iptables' commands and the file that implements them with nftables.
var alternatives = func() map[string]string {
	all := map[string]string{}
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, suffix := range []string{"", "-save", "-restore"} {
			all[family+suffix] = "xtables-nft-multi"
		}
	}
	return all
}()

// runCommand runs a command and returns its output as part of the error, if it fails.
func runCommand(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, tail(string(out)))
	}
	return nil
}
