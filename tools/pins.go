package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// tool is a command of the project and how to install it.
type tool struct {
	name    string // of the command
	folder  string // of the module beside this file that pins the command
	pkg     string // the package to build
	pinned  string // the module in folder's go.mod whose version is the command's
	release string // the version, if the pinned module has no tags
	tags    string // build tags

	// stamps are the variables that the linker sets, so that the command prints its version. {v} is the version without its
	// leading v, {major} and {minor} are its parts.
	stamps []string
	// args make the command print its version. A command without args is never taken from PATH.
	args []string
	// sameMinor requires the pinned minor version of a command on PATH: Kubernetes guarantees less between different minor
	// versions (version skew policy).
	sameMinor bool
	// group is what needs the command: it is installed when that is asked for. Empty means always.
	group string
	// prepare, if set, makes the folder to build in, for modules that do not build unchanged.
	prepare func(source, stage string) error
	// recipe is raised when prepare changes, so that only this command is built again.
	recipe string
	// fetch, if set, gets the command from its publisher.
	fetch fetchFunc
	// diskGiB is about how much the build of all commands of the folder adds to Go's caches.
	diskGiB float64

	version string // from the pins, without a leading v
	key     string // identifies the version and the way of building it
}

// kubernetesStamps are the variables that Kubernetes's own build sets. Without them kubectl cannot parse the answer of /version.
var kubernetesStamps = func() (all []string) {
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		all = append(all, pkg+".gitVersion=v{v}", pkg+".gitMajor={major}", pkg+".gitMinor={minor}", pkg+".gitTreeState=clean")
	}
	return all
}()

// table lists the commands in the order of installation. A command that fetches others comes before them.
func table() []tool {
	kubernetes := func(name string, args ...string) tool {
		return tool{name: name, folder: "kubernetes", pkg: "k8s.io/kubernetes/cmd/" + name, pinned: "k8s.io/kubernetes",
			stamps: kubernetesStamps, args: args, sameMinor: true, fetch: fetchKubernetes, diskGiB: 4}
	}
	kwok := func(name string) tool {
		return tool{name: name, folder: "kubernetes", pkg: "sigs.k8s.io/kwok/cmd/" + name, pinned: "sigs.k8s.io/kwok",
			args: []string{"--version"}, sameMinor: true, diskGiB: 4}
	}
	// The module has no tags; release is the upstream release of the pinned commit. Each cloud gets its own binary: the two
	// providers conflict in one binary, and without a build tag the binary contains every cloud.
	autoscaler := func(name, cloud string) tool {
		return tool{name: name, folder: "cluster-autoscaler", pkg: "k8s.io/autoscaler/cluster-autoscaler",
			release: "1.33.0", tags: cloud, diskGiB: 2}
	}
	all := []tool{
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
		// The last version of the module that contains the host. The host does not affect what is deployed: it compiles and
		// starts the program.
		{name: languageHost, folder: languageHost, pkg: "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go",
			pinned: "github.com/pulumi/pulumi/sdk/v3", diskGiB: 0.5},
		{name: "pulumi-resource-kubernetes", folder: "pulumi", pkg: "./pulumi-resource-kubernetes",
			pinned: "github.com/pulumi/pulumi-kubernetes/sdk/v4", stamps: []string{"main.Version={v}"},
			prepare: stageKubernetesPlugin, recipe: "2", fetch: fetchPlugin, diskGiB: 3},
		autoscaler("cluster-autoscaler", "kwok"),
		autoscaler("cluster-autoscaler-aws", "aws"), // for rehearsals of EKS stacks
	}
	return slices.Concat(all, inGroup(groupNodes, nodeTable()), inGroup(groupMonitoring, monitoringTable()), inGroup(groupRules, rulesTable()))
}

// Groups of commands that only some uses of the project need.
const (
	groupNodes      = "nodes"      // real nodes
	groupMonitoring = "monitoring" // metrics and alerts of a cluster on this machine
	groupRules      = "rules"      // tests of the alert rules
)

var groups = []string{groupNodes, groupMonitoring, groupRules}

func inGroup(group string, tools []tool) []tool {
	for i := range tools {
		tools[i].group = group
	}
	return tools
}

// nodeTable lists the commands that a real node runs, and those in the images of its system pods.
func nodeTable() []tool {
	// The Kubernetes commands of a node have a module of their own, so that they do not change the keys of the control plane's.
	kubernetes := func(name string) tool {
		return tool{name: name, folder: "kubernetes-node", pkg: "k8s.io/kubernetes/cmd/" + name, pinned: "k8s.io/kubernetes",
			stamps: kubernetesStamps, args: []string{"--version"}, sameMinor: true, diskGiB: 2}
	}
	const containerdModule = "github.com/containerd/containerd/v2"
	containerd := func(name, moreTags string) tool {
		return tool{name: name, folder: "containerd", pkg: containerdModule + "/cmd/" + name, pinned: containerdModule,
			// As containerd's own static build, without the snapshotters that need libraries or other file systems.
			tags:   "urfave_cli_no_docs osusergo netgo static_build no_btrfs no_devmapper no_zfs" + moreTags,
			stamps: []string{containerdModule + "/version.Version={v}"}, args: []string{"-v"}, diskGiB: 1}
	}
	const cniModule = "github.com/containernetworking/plugins"
	cni := func(kind, name string) tool {
		return tool{name: name, folder: "cni", pkg: cniModule + "/plugins/" + kind + "/" + name, pinned: cniModule, diskGiB: 0.5}
	}
	return []tool{
		kubernetes("kubelet"),
		kubernetes("kube-proxy"),
		containerd("containerd", ""),
		containerd("ctr", ""),
		containerd("containerd-shim-runc-v2", " no_grpc"), // as containerd builds its shim
		cni("main", "ptp"),
		cni("main", "loopback"),
		cni("ipam", "host-local"),
		{name: "kube-router", folder: "kube-router", pkg: "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
			pinned: "github.com/cloudnativelabs/kube-router/v2", diskGiB: 1},
		{name: "coredns", folder: "coredns", pkg: ".", pinned: "github.com/coredns/coredns", diskGiB: 1},
		{name: "skipper", folder: "skipper", pkg: ".", pinned: "github.com/zalando/skipper", diskGiB: 1},
	}
}

// prometheus is a command of the module of Prometheus. Its version in the module is 0.<100*major+minor>, so 0.316.0 is release
// 3.16.0. It is built with service discovery by Kubernetes, and without that by the APIs of 20 clouds, which cost a sixth of
// its packages. It is built without its web application, which the module lacks; its API and the metrics' text are there.
func prometheus(name string) tool {
	const module = "github.com/prometheus/prometheus"
	return tool{name: name, folder: "prometheus", pkg: module + "/cmd/" + name, pinned: module,
		tags: "remove_all_sd enable_kubernetes_sd", stamps: []string{"github.com/prometheus/common/version.Version={v}"}, diskGiB: 2}
}

// monitoringTable lists the commands of `make monitor`.
func monitoringTable() []tool {
	stamps := []string{"github.com/prometheus/common/version.Version={v}"}
	return []tool{
		prometheus("prometheus"),
		// The last version whose module contains the files that it embeds. Its web application is among them.
		{name: "alertmanager", folder: "alertmanager", pkg: "github.com/prometheus/alertmanager/cmd/alertmanager",
			pinned: "github.com/prometheus/alertmanager", stamps: stamps, args: []string{"--version"}, sameMinor: true, diskGiB: 1},
		{name: "kube-state-metrics", folder: "kube-state-metrics", pkg: "k8s.io/kube-state-metrics/v2",
			pinned: "k8s.io/kube-state-metrics/v2", stamps: stamps, args: []string{"version"}, sameMinor: true, diskGiB: 1},
	}
}

// rulesTable lists the commands of the tests of alert rules.
func rulesTable() []tool { return []tool{prometheus("promtool")} }

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

// keyFor is the tool's key: it differs if a pin, a stamp or a tag differs. It does not contain the version of Go, so that a Go
// security release does not cost every user a build of a quarter of an hour.
func (t *tool) keyFor(pins, sums []byte) string {
	h := sha256.New()
	for _, part := range [][]byte{pins, sums, []byte(t.pkg), []byte(t.tags), []byte(strings.Join(t.stamps, " ")), []byte(recipe + t.recipe)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return t.version + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

// ldflags are the linker's arguments: no symbol table, no debug information, and the stamps.
func (t *tool) ldflags() string {
	parts := strings.SplitN(t.version, ".", 3)
	flags := "-s -w"
	for _, s := range t.stamps {
		flags += " -X " + strings.NewReplacer("{v}", t.version, "{major}", parts[0], "{minor}", parts[1]).Replace(s)
	}
	return flags
}
