package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// realTools is the table with the real pins.
func realTools(t *testing.T) []tool {
	t.Helper()
	tools, err := loadTools(".")
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// realTool is one command of the table with its real pin.
func realTool(t *testing.T, name string) tool {
	t.Helper()
	for _, tool := range realTools(t) {
		if tool.name == name {
			return tool
		}
	}
	t.Fatalf("the table has no %s", name)
	return tool{}
}

func TestEveryCommandHasACompletePinAndItsOwnKey(t *testing.T) {
	names, keys := map[string]bool{}, map[string]bool{}
	for _, tool := range realTools(t) {
		if v := "v" + tool.version; semver.Canonical(v) != v {
			t.Errorf("%s: version %q is not major.minor.patch", tool.name, tool.version)
		}
		if names[tool.name] {
			t.Errorf("%s is in the table twice", tool.name)
		}
		if keys[tool.key] {
			t.Errorf("%s shares its key %s with another tool", tool.name, tool.key)
		}
		names[tool.name], keys[tool.key] = true, true
		if !strings.HasPrefix(tool.key, tool.version+"-") {
			t.Errorf("%s: key %q does not begin with version %s", tool.name, tool.key, tool.version)
		}
		if tool.pkg == "" || tool.diskGiB <= 0 || (tool.pinned == "") == (tool.release == "") {
			t.Errorf("%s lacks a package, the disk it takes, or does not have exactly one source of its version: %+v", tool.name, tool)
		}
	}
}

func TestACommandThatFetchesOthersComesBeforeThem(t *testing.T) {
	at := map[string]int{}
	for i, tool := range realTools(t) {
		at[tool.name] = i
	}
	for fetched, by := range map[string]string{"kube-apiserver": "kwokctl", "kube-controller-manager": "kwokctl",
		"kube-scheduler": "kwokctl", "kubectl": "kwokctl", "pulumi-resource-kubernetes": "pulumi"} {
		i, ok := at[by]
		if j, also := at[fetched]; !ok || !also || i >= j {
			t.Errorf("%s does not come before %s, which it fetches", by, fetched)
		}
	}
}

// The kubelet of a node may be older than the API server, and never newer (Kubernetes' version skew policy).
func TestTheNodesKubernetesIsTheControlPlanes(t *testing.T) {
	want := realTool(t, "kube-apiserver").version
	for _, name := range []string{"kubelet", "kube-proxy"} {
		if got := realTool(t, name).version; got != want {
			t.Errorf("%s is pinned to %s, the API server to %s", name, got, want)
		}
	}
}

func TestTheCommandsOfAGroupAreInstalledOnlyWhenTheyAreAskedFor(t *testing.T) {
	for with, want := range map[string]int{"": 13, "nodes": 24, "monitoring": 16, "rules": 14, "nodes,monitoring": 27} {
		b := builder{mode: modeAuto, source: ".", cache: t.TempDir(), with: with}
		if err := b.init(); err != nil || len(b.tools) != want {
			t.Errorf("with %q: %d commands, %v; want %d", with, len(b.tools), err, want)
		}
		for _, tool := range b.tools {
			if tool.group != "" && !slices.Contains(b.groups(), tool.group) {
				t.Errorf("%s is installed without being asked for", tool.name)
			}
		}
	}
	b := builder{mode: modeAuto, source: ".", cache: t.TempDir(), with: "rules", only: true}
	if err := b.init(); err != nil || len(b.tools) != 1 {
		t.Errorf("only rules: %d commands, %v; want 1", len(b.tools), err)
	}
	b = builder{mode: modeAuto, source: ".", cache: t.TempDir(), with: "nodes,gpus"}
	wantError(t, b.init(), `no group of commands "gpus"`, "nodes, monitoring, rules")
}

func TestAMissingOrWrongPinIsAnErrorThatNamesItsFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, source string)
		want   []string
	}{
		{"no go.mod", func(t *testing.T, source string) { remove(t, source, "pulumi/go.mod") }, []string{"pins of pulumi", "pulumi/go.mod"}},
		{"no go.sum", func(t *testing.T, source string) { remove(t, source, "pulumi/go.sum") }, []string{"checksums of pulumi", "pulumi/go.sum"}},
		{"not a go.mod", func(t *testing.T, source string) { write(t, "requires everything\n", source, "pulumi/go.mod") }, []string{"pulumi/go.mod:1"}},
		{"pin dropped", func(t *testing.T, source string) { write(t, "module m\n", source, "pulumi/go.mod") },
			[]string{"pulumi/go.mod", "does not pin", "github.com/pulumi/pulumi/pkg/v3", "gives pulumi its version"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := copyPins(t)
			c.change(t, source)
			_, err := loadTools(source)
			wantError(t, err, c.want...)
		})
	}
}

// So the commands of that folder are built again, and no others.
func TestAChangedPinChangesOnlyTheKeysOfItsFolder(t *testing.T) {
	for _, file := range []string{"go.mod", "go.sum"} {
		t.Run(file, func(t *testing.T) {
			source := copyPins(t)
			path := filepath.Join(source, "pulumi", file)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, string(data)+"\n", path)
			changed, err := loadTools(source)
			if err != nil {
				t.Fatal(err)
			}
			for i, before := range realTools(t) {
				if same := before.key == changed[i].key; same == (before.folder == "pulumi") {
					t.Errorf("%s, pinned in %s: key %s became %s", before.name, before.folder, before.key, changed[i].key)
				}
			}
		})
	}
}

func TestTheKeyChangesWithEveryInputOfABuild(t *testing.T) {
	base := func() tool {
		return tool{version: "1.2.3", pkg: "example.com/a", tags: "b", stamps: []string{"main.A={v}", "main.B={v}"}, recipe: "1"}
	}
	original := base()
	key := original.keyFor([]byte("pins"), []byte("sums"))
	if again := base(); again.keyFor([]byte("pins"), []byte("sums")) != key {
		t.Error("the same build has two keys")
	}
	for _, c := range []struct {
		name       string
		change     func(*tool)
		pins, sums string
	}{
		{"pins", func(*tool) {}, "pins2", "sums"},
		{"sums", func(*tool) {}, "pins", "sums2"},
		{"a byte moved from pins to sums", func(*tool) {}, "pin", "ssums"},
		{"version", func(t *tool) { t.version = "1.2.4" }, "pins", "sums"},
		{"package", func(t *tool) { t.pkg = "example.com/c" }, "pins", "sums"},
		{"tags", func(t *tool) { t.tags = "c" }, "pins", "sums"},
		{"a byte moved from package to tags", func(t *tool) { t.pkg, t.tags = "example.com/", "ab" }, "pins", "sums"},
		{"stamp", func(t *tool) { t.stamps[1] = "main.B=v{v}" }, "pins", "sums"},
		{"stamp dropped", func(t *tool) { t.stamps = t.stamps[:1] }, "pins", "sums"},
		{"recipe", func(t *tool) { t.recipe = "2" }, "pins", "sums"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := base()
			c.change(&changed)
			if changed.keyFor([]byte(c.pins), []byte(c.sums)) == key {
				t.Error("the key is the same")
			}
		})
	}
}

func TestTheLinkerSetsTheVersionInTheFormOfEachStamp(t *testing.T) {
	for _, c := range []struct {
		name   string
		stamps []string
		want   string
	}{
		{"none", nil, "-s -w"},
		{"whole version", []string{"main.V={v}"}, "-s -w -X main.V=1.37.2"},
		{"with its v", []string{"main.V=v{v}"}, "-s -w -X main.V=v1.37.2"},
		{"parts", []string{"a.Major={major}", "a.Minor={minor}"}, "-s -w -X a.Major=1 -X a.Minor=37"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool := tool{version: "1.37.2", stamps: c.stamps}
			if got := tool.ldflags(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestACommandOnPathFitsIfItsVersionCanReplaceThePinnedOne(t *testing.T) {
	for _, c := range []struct {
		name      string
		printed   string
		sameMinor bool
		want      bool
	}{
		{"exact", "v1.37.2", true, true},
		{"exact, without v", "1.37.2\n", true, true},
		{"exact, in a sentence", "etcd Version: 1.37.2\nGo Version: go1.26.8\n", true, true},
		{"first version counts", "Client Version: v1.36.0\nKustomize Version: v1.37.2\n", true, false},
		{"newer patch", "v1.37.10", true, true},
		{"newer patch, minor free", "v1.37.10", false, true},
		{"newer minor", "v1.38.0", true, false},
		{"newer minor, minor free", "v1.38.0", false, true},
		{"older patch", "v1.37.1", true, false},
		{"older patch, minor free", "v1.37.1", false, false},
		{"older minor, higher patch", "v1.9.99", false, false},
		{"newer major", "v2.37.2", false, false},
		{"newer major, same minor", "v2.37.2", true, false},
		{"older major", "v0.99.0", false, false},
		{"two parts only", "v1.37", false, false},
		{"no version", "unknown flag: --version", false, false},
		{"nothing", "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool := tool{version: "1.37.2", sameMinor: c.sameMinor}
			if got := tool.meets(c.printed); got != c.want {
				t.Errorf("meets(%q) = %v, want %v", c.printed, got, c.want)
			}
		})
	}
}

// copyPins is a copy of the real pins that a test may change.
func copyPins(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	for _, tool := range table() {
		for _, file := range []string{"go.mod", "go.sum"} {
			if err := copyFile(filepath.Join(tool.folder, file), filepath.Join(source, tool.folder, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return source
}
