package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// tool is one command of the project and how to make it.
type tool struct {
	name    string // the command, as it is called
	folder  string // the module beside this file that pins it
	pkg     string // the package to build
	pinned  string // the module in folder's go.mod whose version is the command's
	release string // the version, where upstream has no tag for the module that holds it
	tags    string // build tags

	// stamps are the variables that the linker sets so that the command reports its version. {v} stands for the
	// version without its leading v, {major} and {minor} for its parts.
	stamps []string
	// args make the command print its version; a command without them is never taken from PATH.
	args []string
	// sameMinor: a command on PATH must be of the pinned minor version, not only of the major one: Kubernetes
	// promises less across minors (version skew policy).
	sameMinor bool
	// prepare, where set, makes the folder to build in, for modules that do not build as they are.
	prepare func(source, stage string) error
	// recipe is raised when prepare makes something else of the same pins, so that this command alone is made again.
	recipe string
	// fetch, where set, gets the command from its publisher.
	fetch fetchFunc
	// diskGiB is about what building everything in this folder adds to Go's caches.
	diskGiB float64

	version string // read from the pins, without a leading v
	key     string // names one version built one way
}

// kubernetesStamps are what Kubernetes' own build sets; unstamped, kubectl cannot parse /version.
var kubernetesStamps = func() (all []string) {
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		all = append(all, pkg+".gitVersion=v{v}", pkg+".gitMajor={major}", pkg+".gitMinor={minor}", pkg+".gitTreeState=clean")
	}
	return all
}()

// table lists the commands in the order they are made: what can fetch others comes first.
func table() []tool {
	kubernetes := func(name string, args ...string) tool {
		return tool{name: name, folder: "kubernetes", pkg: "k8s.io/kubernetes/cmd/" + name, pinned: "k8s.io/kubernetes",
			stamps: kubernetesStamps, args: args, sameMinor: true, fetch: fetchKubernetes, diskGiB: 4}
	}
	kwok := func(name string) tool {
		return tool{name: name, folder: "kubernetes", pkg: "sigs.k8s.io/kwok/cmd/" + name, pinned: "sigs.k8s.io/kwok",
			args: []string{"--version"}, sameMinor: true, diskGiB: 4}
	}
	// The upstream release that the pinned commit is; the module has no tags of its own. One binary a cloud: its two
	// providers clash in one, and without a tag it holds every cloud there is.
	autoscaler := func(name, cloud string) tool {
		return tool{name: name, folder: "cluster-autoscaler", pkg: "k8s.io/autoscaler/cluster-autoscaler",
			release: "1.33.0", tags: cloud, diskGiB: 2}
	}
	return []tool{
		kwok("kwokctl"),
		kwok("kwok"),
		{name: "etcd", folder: "kubernetes", pkg: "go.etcd.io/etcd/server/v3", pinned: "go.etcd.io/etcd/server/v3",
			args: []string{"--version"}, sameMinor: true, diskGiB: 4},
		kubernetes("kube-apiserver", "--version"),
		kubernetes("kube-controller-manager", "--version"),
		kubernetes("kube-scheduler", "--version"),
		kubernetes("kubectl", "version", "--client"),
		{name: "metrics-server", folder: "kubernetes", pkg: "sigs.k8s.io/metrics-server/cmd/metrics-server",
			pinned: "sigs.k8s.io/metrics-server", stamps: kubernetesStamps, args: []string{"--version"}, sameMinor: true, diskGiB: 4},
		{name: "pulumi", folder: "pulumi", pkg: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
			pinned: "github.com/pulumi/pulumi/pkg/v3", args: []string{"version"}, diskGiB: 3,
			stamps: []string{"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{v}"}},
		// The last version of the module that holds the host. It takes no part in what is deployed: it compiles the
		// program and starts it.
		{name: languageHost, folder: languageHost, pkg: "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go",
			pinned: "github.com/pulumi/pulumi/sdk/v3", diskGiB: 0.5},
		{name: "pulumi-resource-kubernetes", folder: "pulumi", pkg: "./pulumi-resource-kubernetes",
			pinned: "github.com/pulumi/pulumi-kubernetes/sdk/v4", stamps: []string{"main.Version={v}"},
			prepare: stageKubernetesPlugin, recipe: "2", fetch: fetchPlugin, diskGiB: 3},
		autoscaler("cluster-autoscaler", "kwok"),
		autoscaler("cluster-autoscaler-aws", "aws"), // for the rehearsal of the EKS stack
	}
}

const languageHost = "pulumi-language-go"

// loadTools returns the table with versions and keys filled in from the go.mod and go.sum files in source.
func loadTools(source string) ([]tool, error) {
	tools := table()
	for i := range tools {
		t := &tools[i]
		name := filepath.Join(source, t.folder, "go.mod")
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the pins of %s: %w", t.name, err)
		}
		mod, err := modfile.Parse(name, data, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the pins of %s: %w", t.name, err)
		}
		t.version = t.release
		for _, r := range mod.Require {
			if r.Mod.Path == t.pinned {
				t.version = strings.TrimPrefix(r.Mod.Version, "v")
			}
		}
		if t.version == "" {
			return nil, fmt.Errorf("%s does not pin %s, which gives %s its version", name, t.pinned, t.name)
		}
		sums, err := os.ReadFile(filepath.Join(source, t.folder, "go.sum"))
		if err != nil {
			return nil, fmt.Errorf("reading the checksums of %s: %w", t.name, err)
		}
		t.key = t.keyFor(data, sums)
	}
	return tools, nil
}

// keyFor names one way of building one version: another pin, stamp or tag is another key. The Go version is left out
// on purpose: a Go security release should not cost every user a quarter of an hour.
func (t *tool) keyFor(pins, sums []byte) string {
	h := sha256.New()
	for _, part := range [][]byte{pins, sums, []byte(t.pkg), []byte(t.tags), []byte(strings.Join(t.stamps, " ")), []byte(recipe + t.recipe)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return t.version + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

// ldflags are the linker's arguments: no symbol table, no debug information, the version stamped.
func (t *tool) ldflags() string {
	parts := strings.SplitN(t.version, ".", 3)
	flags := "-s -w"
	for _, s := range t.stamps {
		flags += " -X " + strings.NewReplacer("{v}", t.version, "{major}", parts[0], "{minor}", parts[1]).Replace(s)
	}
	return flags
}
