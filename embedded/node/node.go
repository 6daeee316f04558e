// Package node runs real Kubernetes nodes on this machine, each in network, mount and process namespaces of its own, and the
// network between them. A node's process 1 is Run, the network's process is RunNetwork: both are started by Start* as hidden
// commands of this project's own binary. Ending such a process ends everything that it made. The machine itself gets no
// link, no route, no rule and no mount; its cgroups are removed by RemoveCgroups. Linux only.
package node

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// Addresses of the network between the nodes. It is a namespace of its own, so they cannot collide with the machine's.
const (
	// NetworkAddress is the address of the control plane and of the bridge to which the nodes are linked.
	NetworkAddress = "10.213.0.1"
	// APIPort is the API server's port, at NetworkAddress and on loopback beside it.
	APIPort = 6443
	// DNSAddress is the address of the Service of CoreDNS, in the range of addresses that kube-apiserver gives Services.
	DNSAddress    = "10.0.0.10"
	ServiceRange  = "10.0.0.0/24"
	podRange      = "10.214.0.0/16"
	networkPrefix = 24
	// PictureAddress serves a picture. The gateway's policy lets it reach public addresses; this one is of a range that is
	// reserved for documentation (RFC 5737), so it is public and no machine has it.
	PictureAddress = "203.0.113.10"
	// PictureHost is the name of that server. RFC 2606 reserves the domain.
	PictureHost = "pictures.example.com"
	// IngressNodePort is the port of each node at which kube-proxy reaches the ingress controller. Kubernetes gives Services
	// ports from 30000 to 32767.
	IngressNodePort = 30080
	// MaxNodes is the largest number of nodes.
	MaxNodes = 5
)

// Images of a cluster's own pods. Each contains one static command.
const (
	PauseImage   = "docker.io/tfserving/pause:1" // the first container of every pod
	CoreDNSImage = "docker.io/tfserving/coredns:1"
	SkipperImage = "docker.io/tfserving/skipper:1"
)

// Names of the files that Prepare writes into a node's folder.
const (
	configFile     = "node.json"
	containerdFile = "containerd.toml"
	kubeletFile    = "kubelet.yaml"
	proxyFile      = "kube-proxy.yaml"
	containerdRoot = "containerd"
)

// containerdSocket is where containerd listens in a node's mount namespace.
const containerdSocket = "/run/containerd/containerd.sock"

// Config is one node. It is also the content of the file that process 1 reads.
type Config struct {
	Number       int    // from 1 to MaxNodes
	Dir          string // absolute; holds all that the node writes
	Work         string // absolute; the folder of the cluster, which contains Dir, the images and the certificate authority
	Bin          string // the folder with the pinned commands
	CgroupParent string // name of the cgroup that contains the cgroups of all nodes
	CA, CAKey    string // the files of the control plane's certificate authority
	Region, Zone string
	// ReservedMiB is the part of the machine's memory that the node does not offer to pods: other nodes have it.
	ReservedMiB int64
}

// Name is the node's name in Kubernetes.
func (c Config) Name() string { return fmt.Sprintf("real-%d", c.Number) }

// Address is the node's address.
func (c Config) Address() string { return address(c.Number) }

func address(number int) string { return fmt.Sprintf("10.213.0.%d", 10+number) }

// PodCIDR is the range of the node's pods.
func (c Config) PodCIDR() string { return podCIDR(c.Number) }

func podCIDR(number int) string { return fmt.Sprintf("10.214.%d.0/24", number) }

// Fields of the templates.
func (c Config) CgroupRoot() string       { return "/" + filepath.Join(c.CgroupParent, c.Name()) }
func (c Config) ContainerdSocket() string { return containerdSocket }
func (c Config) DNS() string              { return DNSAddress }
func (c Config) PodRange() string         { return podRange }
func (c Config) Gateway() string          { return NetworkAddress }
func (c Config) PauseImage() string       { return PauseImage }

func (c Config) file(name string) string { return filepath.Join(c.Dir, name) }

// identities are the users as which the node's commands call the API server: name of the kubeconfig, user and groups.
func (c Config) identities() []identity {
	return []identity{
		{"kubelet", "system:node:" + c.Name(), []string{"system:nodes"}},
		{"kube-proxy", "system:kube-proxy", nil},
		{"kube-router", "kube-router", nil},
	}
}

//go:embed files
var files embed.FS

// Prepare writes the node's configuration into its folder.
func (c Config) Prepare() error {
	if err := os.MkdirAll(c.file("cni"), 0o755); err != nil {
		return fmt.Errorf("making the folder of node %s: %w", c.Name(), err)
	}
	templates, err := template.ParseFS(files, "files/*")
	if err != nil {
		return err
	}
	for name, file := range map[string]string{"containerd.toml": containerdFile, "kubelet.yaml": kubeletFile,
		"kube-proxy.yaml": proxyFile, "cni.conflist": "cni/10-node.conflist", "resolv.conf": "resolv.conf"} {
		var out bytes.Buffer
		if err := templates.ExecuteTemplate(&out, name, c); err != nil {
			return err
		}
		if err := os.WriteFile(c.file(file), out.Bytes(), 0o644); err != nil {
			return fmt.Errorf("writing the configuration of node %s: %w", c.Name(), err)
		}
	}
	if err := c.writeKubeconfigs(); err != nil {
		return fmt.Errorf("making the credentials of node %s: %w", c.Name(), err)
	}
	return writeJSON(c.file(configFile), c)
}

func writeJSON(name string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

func readJSON(name string, value any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, value)
}
