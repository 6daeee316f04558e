package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// fetchFunc gets a command from its publisher, verifies it and writes it to the file to.
type fetchFunc func(ctx context.Context, b *builder, t tool, to string) error

// pluginServer publishes Pulumi's plugins.
const pluginServer = "https://get.pulumi.com/releases/plugins"

var (
	// answerWithin is how long a publisher's server may take to answer. After that, mode auto builds the command.
	answerWithin = 3 * time.Second
	// stalledAfter is how long a download may receive nothing.
	stalledAfter = 30 * time.Second

	client = newClient()
)

// newClient makes a client with limits on the wait for an answer and on pauses of a download. A download that is only slow has no
// limit.
func newClient() *http.Client {
	dialer := net.Dialer{Timeout: answerWithin}
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return stallingConn{conn}, nil
		},
		TLSHandshakeTimeout:   answerWithin,
		ResponseHeaderTimeout: answerWithin,
	}}
}

// stallingConn is a connection on which each read must end within stalledAfter.
type stallingConn struct{ net.Conn }

func (c stallingConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(stalledAfter)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// fetchPlugin installs the plugin with the Pulumi CLI.
func fetchPlugin(ctx context.Context, b *builder, t tool, to string) error {
	server := pluginServer
	if b.mirror != "" {
		server = b.mirror
	}
	if err := answers(ctx, server); err != nil {
		return err
	}
	home, err := os.MkdirTemp(filepath.Dir(to), "plugin-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	kind := strings.TrimPrefix(t.name, "pulumi-resource-")
	// Without --server the CLI would try GitHub first, and not the server that has just answered.
	args := []string{"plugin", "install", "resource", kind, t.version, "--exact", "--non-interactive", "--server", server}
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "pulumi"), args...)
	// Without PULUMI_DISABLE_REGISTRY_RESOLVE the CLI calls the registry of Pulumi Cloud, which takes 7 s if it is unreachable.
	cmd.Env = append(os.Environ(), "PULUMI_HOME="+home, "PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_DISABLE_REGISTRY_RESOLVE=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pulumi %s: %w: %s", strings.Join(args, " "), err, tail(string(out)))
	}
	plugin := filepath.Join(home, "plugins", fmt.Sprintf("resource-%s-v%s", kind, t.version), t.name)
	if !isCommand(plugin) {
		return fmt.Errorf("pulumi %s did not install %s", strings.Join(args, " "), t.name)
	}
	return os.Rename(plugin, to)
}

// fetchKubernetes downloads the command from the URL that kwokctl prints for it, and checks the SHA-256 sum that is published with
// it.
func fetchKubernetes(ctx context.Context, b *builder, t tool, to string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "kwokctl"), "get", "artifacts", "--runtime", "binary")
	cmd.Env = append(os.Environ(), "KWOK_KUBE_VERSION=v"+t.version, "KWOK_WORKDIR="+filepath.Dir(to))
	if b.mirror != "" {
		// kwokctl does not use the prefix for kubectl.
		cmd.Env = append(cmd.Env, "KWOK_KUBE_BINARY_PREFIX="+b.mirror, "KWOK_KUBECTL_BINARY="+b.mirror+"/kubectl")
	}
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("running kwokctl for the URL of %s: %w: %s", t.name, err, tail(problem.String()))
	}
	for _, from := range strings.Fields(string(out)) {
		if u, err := url.Parse(from); err == nil && path.Base(u.Path) == t.name {
			return download(ctx, from, to)
		}
	}
	return fmt.Errorf("kwokctl prints no URL of %s %s", t.name, t.version)
}

// answers returns an error if a server does not answer. The content of the answer does not matter.
func answers(ctx context.Context, server string) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	resp, err := get(ctx, http.MethodHead, server)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func get(ctx context.Context, method, from string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, from, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%s did not answer within %s", from, answerWithin)
	}
	return resp, err
}

// download writes the file at the URL from to the file to, executable, if it has the sum at from+".sha256".
func download(ctx context.Context, from, to string) error {
	want, err := body(ctx, from+".sha256")
	if err != nil {
		return err
	}
	sum, err := io.ReadAll(io.LimitReader(want, 4096))
	want.Close()
	if err != nil {
		return fmt.Errorf("reading %s.sha256: %w", from, err)
	}
	fields := strings.Fields(string(sum))
	if len(fields) == 0 {
		return fmt.Errorf("%s.sha256 is empty", from)
	}
	data, err := body(ctx, from)
	if err != nil {
		return err
	}
	defer data.Close()
	h := sha256.New()
	part := to + ".part"
	defer os.Remove(part)
	if err := writeFile(part, 0o755, io.TeeReader(data, h)); err != nil {
		return fmt.Errorf("downloading %s: %w", from, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != fields[0] {
		return fmt.Errorf("%s has SHA-256 %s, its publisher states %s: not installed", from, got, fields[0])
	}
	return os.Rename(part, to)
}

func body(ctx context.Context, from string) (io.ReadCloser, error) {
	resp, err := get(ctx, http.MethodGet, from)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", from, resp.Status)
	}
	return resp.Body, nil
}
