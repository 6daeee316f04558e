package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withSystem replaces PATH by a folder with the given commands of the machine, and an apt-get that runs a script. dpkg-deb puts
// the package's name into a file of the package, and what iptables' package has beside it.
func withSystem(t *testing.T, apt string, commands ...string) {
	t.Helper()
	before := systemFolders
	systemFolders = nil
	t.Cleanup(func() { systemFolders = before })
	dir := t.TempDir()
	for _, name := range commands {
		script(t, "", dir, name)
	}
	if apt != "" {
		script(t, apt, dir, "apt-get")
	}
	script(t, `mkdir -p "$3/usr/sbin"; cp "$2" "$3/usr/sbin/$(basename "$2" .deb).package"; touch "$3/usr/sbin/xtables-nft-multi"`, dir, "dpkg-deb")
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

// aptGet is an apt-get that downloads a file for each package that it is asked for.
const aptGet = `
echo "$@" >>"$LOG"
for a in "$@"; do case "$a" in Dir::Cache::archives=*) archives="${a#*=}";; esac; done
case "$1" in install) for a in "$@"; do case "$a" in nftables|iptables|ipset|runc) echo "$a" >"$archives/$a.deb";; esac; done;; esac
`

func systemBuilder(t *testing.T) (b *builder, log string) {
	b, _ = newBuilder(t, modeBuild)
	log = filepath.Join(t.TempDir(), "apt.log")
	t.Setenv("LOG", log)
	return b, log
}

func TestSystemCommandsThatTheMachineLacksAreUnpackedBesideThePinnedOnes(t *testing.T) {
	b, log := systemBuilder(t)
	withSystem(t, aptGet, "runc")
	for range 2 { // the second run takes them from the cache
		if err := b.ensureSystem(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"nftables.package", "iptables.package", "ipset.package", "iptables-save", "ip6tables-restore"} {
		if _, err := os.Stat(filepath.Join(b.bin, "system", "usr", "sbin", name)); err != nil {
			t.Error(err)
		}
	}
	if exists(filepath.Join(b.bin, "system", "usr", "sbin", "runc.package")) {
		t.Error("runc is unpacked, and the machine has it")
	}
	if calls, err := os.ReadFile(log); err != nil || strings.Count(string(calls), "\n") != 1 || !strings.Contains(string(calls), "--download-only") {
		t.Errorf("apt-get is called with\n%s(%v)\nwant one call, which installs nothing", calls, err)
	}
}

func TestAMachineWithAllSystemCommandsFetchesNone(t *testing.T) {
	b, log := systemBuilder(t)
	withSystem(t, aptGet, "runc", "nft", "iptables", "ipset")
	if err := b.ensureSystem(t.Context()); err != nil || exists(filepath.Join(b.bin, "system")) || exists(log) {
		t.Errorf("it fetches packages (%v)", err)
	}
}

// A container's image often has no list of packages.
func TestAMachineWithoutAListOfPackagesFetchesOneOfItsOwn(t *testing.T) {
	b, log := systemBuilder(t)
	withSystem(t, `case "$*" in install*lists=*|update*) ;; *) echo "$@" >>"$LOG"; exit 100;; esac`+aptGet)
	if err := b.ensureSystem(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls, err := os.ReadFile(log)
	lines := strings.Split(strings.TrimSpace(string(calls)), "\n")
	if err != nil || len(lines) != 3 || !strings.HasPrefix(lines[1], "update") || !strings.Contains(lines[1], "Dir::State::lists="+b.cache) {
		t.Errorf("apt-get is called with\n%s(%v)\nwant the list in the cache before a second attempt", calls, err)
	}
}

func TestAMachineWithoutAptGetIsToldWhichPackagesToInstall(t *testing.T) {
	b, _ := systemBuilder(t)
	withSystem(t, "exit 1", "runc")
	err := b.ensureSystem(t.Context())
	wantError(t, err, "ipset, iptables, nftables", "install them", "apt-get")
	if entries, _ := filepath.Glob(filepath.Join(b.cache, "system", "*")); len(entries) > 1 {
		t.Errorf("it leaves %v", entries)
	}
}
