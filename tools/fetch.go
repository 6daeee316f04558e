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

// fetchFunc gets a command from its publisher and leaves it, verified, at to.
type fetchFunc func(ctx context.Context, b *builder, t tool, to string) error

// pluginServer is where Pulumi publishes plugins.
const pluginServer = "https://get.pulumi.com/releases/plugins"

var (
	// answerWithin is how long a publisher's server may take to answer before the command is built instead.
	answerWithin = 3 * time.Second
	// stalledAfter is how long a download may stand still.
	stalledAfter = 30 * time.Second

	client = newClient()
)

// newClient gives up on a server that does not answer and on a download that stands still, but not on one that takes
// its time.
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

// fetchPlugin lets the Pulumi CLI install the plugin, as it does on any machine that reaches its server.
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
	// The server is always named: left to itself the CLI asks GitHub first, not the server that has just answered.
	args := []string{"plugin", "install", "resource", kind, t.version, "--exact", "--non-interactive", "--server", server}
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "pulumi"), args...)
	// Nor does it need Pulumi Cloud: without a way there, asking its registry takes 7 s.
	cmd.Env = append(os.Environ(), "PULUMI_HOME="+home, "PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_DISABLE_REGISTRY_RESOLVE=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pulumi %s: %w: %s", strings.Join(args, " "), err, tail(string(out)))
	}
	made := filepath.Join(home, "plugins", fmt.Sprintf("resource-%s-v%s", kind, t.version), t.name)
	if !isCommand(made) {
		return fmt.Errorf("pulumi %s left no %s", strings.Join(args, " "), t.name)
	}
	return os.Rename(made, to)
}

// fetchKubernetes asks kwokctl where the command is published, downloads it from there and checks it against the
// SHA-256 sum that is published beside it.
func fetchKubernetes(ctx context.Context, b *builder, t tool, to string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "kwokctl"), "get", "artifacts", "--runtime", "binary")
	cmd.Env = append(os.Environ(), "KWOK_KUBE_VERSION=v"+t.version, "KWOK_WORKDIR="+filepath.Dir(to))
	if b.mirror != "" {
		// The prefix is not kwokctl's for kubectl.
		cmd.Env = append(cmd.Env, "KWOK_KUBE_BINARY_PREFIX="+b.mirror, "KWOK_KUBECTL_BINARY="+b.mirror+"/kubectl")
	}
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("asking kwokctl where %s is published: %w: %s", t.name, err, tail(problem.String()))
	}
	for _, from := range strings.Fields(string(out)) {
		if u, err := url.Parse(from); err == nil && path.Base(u.Path) == t.name {
			return download(ctx, from, to)
		}
	}
	return fmt.Errorf("kwokctl names no place where %s %s is published", t.name, t.version)
}

// answers says whether a server answers at all, whatever it answers.
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

// download gets from into to, executable, if it matches the sum at from+".sha256".
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
		return fmt.Errorf("%s has SHA-256 %s, its publisher states %s: not kept", from, got, fields[0])
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
