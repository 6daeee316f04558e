package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// kubernetesTools are the commands that kwokctl knows where to get.
var kubernetesTools = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}

// The four Kubernetes commands are fetched from the mirror, all of them, and kept executable under their own names.
func TestFetchKubernetesKeepsWhatMatchesItsSum(t *testing.T) {
	b, _ := newFetcher(t, modeFetch)
	binary := "#!/bin/sh\necho v1.37.2\n"
	serve(t, b, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			fmt.Fprintln(w, sum(binary))
			return
		}
		fmt.Fprint(w, binary)
	})
	for _, name := range kubernetesTools {
		t.Run(name, func(t *testing.T) {
			k := realTool(t, name)
			path, err := b.make(t.Context(), k, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := runs(t, path); got != "v1.37.2" {
				t.Errorf("the command kept prints %q", got)
			}
			wantKept(t, b, k, name)
		})
	}
}

// What is not, byte for byte, what its publisher states is refused; so is what is not there. The error names the URL
// and nothing is kept.
func TestFetchKubernetesKeepsNothingElse(t *testing.T) {
	for _, c := range []struct {
		name        string
		sum, binary string // empty: not found
		want        []string
	}{
		{"wrong sum", sum("another binary"), "binary", []string{"/kubectl has SHA-256 " + sum("binary"), "states " + sum("another binary"), "not kept"}},
		{"empty sum", "\n", "binary", []string{"/kubectl.sha256", "is empty"}},
		{"no sum", "", "binary", []string{"/kubectl.sha256: 404"}},
		{"no binary", sum("binary"), "", []string{"/kubectl: 404"}},
		{"error page in place of the sum", "<html>blocked</html>", "binary", []string{"states <html>blocked</html>", "not kept"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newFetcher(t, modeFetch)
			serve(t, b, func(w http.ResponseWriter, r *http.Request) {
				text := c.binary
				if strings.HasSuffix(r.URL.Path, ".sha256") {
					text = c.sum
				}
				if text == "" {
					http.NotFound(w, r)
					return
				}
				fmt.Fprint(w, text)
			})
			k := realTool(t, "kubectl")
			_, err := b.make(t.Context(), k, 1, 1)
			wantError(t, err, append(c.want, "fetching kubectl", b.mirror, "TOOLS=build")...)
			wantKept(t, b, k)
		})
	}
}

// A download that ends before all is there is refused.
func TestFetchRefusesATruncatedDownload(t *testing.T) {
	b, _ := newFetcher(t, modeFetch)
	serve(t, b, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			fmt.Fprintln(w, sum("binary"))
			return
		}
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "binary")
	})
	k := realTool(t, "kubectl")
	_, err := b.make(t.Context(), k, 1, 1)
	wantError(t, err, b.mirror+"/kubectl", "unexpected EOF")
	wantKept(t, b, k)
}

// A server that accepts the connection and says nothing is given up soon, and so is one that stops half-way: mode auto
// then builds from source, mode fetch fails and says what to do instead.
func TestServerThatFallsSilent(t *testing.T) {
	shorten(t)
	for _, c := range []struct {
		name  string
		tool  string
		serve http.HandlerFunc
		want  string
	}{
		{"Kubernetes, no answer", "kubectl", silent, "/kubectl.sha256 did not answer within"},
		{"Kubernetes, half a download", "kubectl", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				fmt.Fprintln(w, sum("binary"))
				return
			}
			fmt.Fprint(w, "bin")
			w.(http.Flusher).Flush()
			silent(w, r)
		}, "/kubectl: read tcp"},
		{"plugin, no answer", "pulumi-resource-kubernetes", silent, "did not answer within"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newFetcher(t, modeFetch)
			serve(t, b, c.serve)
			k := realTool(t, c.tool)
			ctx, stop := context.WithTimeout(t.Context(), deadline)
			defer stop()
			start := time.Now()
			_, err := b.make(ctx, k, 1, 1)
			wantError(t, err, "fetching "+c.tool, b.mirror, c.want, "TOOLS=build")
			wantKept(t, b, k)
			if took := time.Since(start); took > answerWithin+stalledAfter+2*time.Second {
				t.Errorf("gave up after %s", took)
			}

			b, out := newFetcher(t, modeAuto)
			serve(t, b, c.serve)
			h := hello(t, b) // stands in for the real source, which would take minutes
			h.version, h.fetch = k.version, k.fetch
			h.name = c.tool
			path, err := b.make(ctx, h, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := runs(t, path); got != "v"+k.version {
				t.Errorf("the command built reports %q", got)
			}
			for _, s := range []string{"fetching " + c.tool, "cannot be fetched here", c.want, "building " + c.tool} {
				if !strings.Contains(out.String(), s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
		})
	}
}

// A server that is not there is an error at once.
func TestServerThatIsNotThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, name := range []string{"kubectl", "pulumi-resource-kubernetes"} {
		b, _ := newFetcher(t, modeFetch)
		b.mirror = gone.URL
		_, err := b.make(t.Context(), realTool(t, name), 1, 1)
		wantError(t, err, "fetching "+name, gone.URL, "TOOLS=build")
	}
}

// A fetch that is stopped ends as stopped: mode auto does not go on to build.
func TestStoppedFetchDoesNotBuild(t *testing.T) {
	b, out := newFetcher(t, modeAuto)
	ctx, stop := context.WithCancel(t.Context())
	serve(t, b, func(w http.ResponseWriter, r *http.Request) {
		stop()
		silent(w, r)
	})
	k := realTool(t, "kubectl")
	_, err := b.make(ctx, k, 1, 1)
	if !errors.Is(err, context.Canceled) || strings.Contains(out.String(), "building") {
		t.Errorf("got %v and\n%s", err, out)
	}
	wantKept(t, b, k)
}

// Mode build asks no server.
func TestModeBuildDoesNotFetch(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	h.fetch = func(context.Context, *builder, tool, string) error {
		t.Error("it fetches")
		return nil
	}
	if _, err := b.make(t.Context(), h, 1, 1); err != nil {
		t.Fatal(err)
	}
}

// kwokctl that fails is quoted.
func TestFetchKubernetesQuotesKwokctl(t *testing.T) {
	b, _ := newBuilder(t, modeFetch)
	script(t, "echo no such runtime >&2; exit 1\n", b.bin, "kwokctl")
	_, err := b.make(t.Context(), realTool(t, "kubectl"), 1, 1)
	wantError(t, err, "asking kwokctl where kubectl is published", "no such runtime")

	script(t, "echo https://example.com/kube-apiserver\n", b.bin, "kwokctl")
	_, err = b.make(t.Context(), realTool(t, "kubectl"), 1, 1)
	wantError(t, err, "names no place where kubectl 1.37.2")
}

// The pinned Pulumi CLI installs the plugin from the mirror; the command alone is kept.
func TestFetchPluginKeepsWhatTheCLIInstalls(t *testing.T) {
	b, _ := newFetcher(t, modeFetch)
	p := realTool(t, "pulumi-resource-kubernetes")
	archive := fmt.Sprintf("/%s-v%s-%s-%s.tar.gz", p.name, p.version, runtime.GOOS, runtime.GOARCH)
	serve(t, b, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != archive {
			http.NotFound(w, r)
			return
		}
		w.Write(tarGz(t, map[string]string{p.name: "#!/bin/sh\necho the plugin\n", "README.md": "read me"}))
	})
	path, err := b.make(t.Context(), p, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := runs(t, path); got != "the plugin" {
		t.Errorf("the command kept prints %q", got)
	}
	wantKept(t, b, p, p.name)
}

// A plugin that the mirror does not have, or an archive without the command, is an error and nothing is kept.
func TestFetchPluginThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
		want  string
	}{
		{"not found", http.NotFound, "404"},
		{"not in the archive", func(w http.ResponseWriter, r *http.Request) {
			w.Write(tarGz(t, map[string]string{"README.md": "read me"}))
		}, "pulumi-resource-kubernetes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, _ := newFetcher(t, modeFetch)
			serve(t, b, c.serve)
			p := realTool(t, "pulumi-resource-kubernetes")
			_, err := b.make(t.Context(), p, 1, 1)
			wantError(t, err, "fetching "+p.name, b.mirror, c.want, "TOOLS=build")
			wantKept(t, b, p)
		})
	}
}

// newFetcher has links to the real kwokctl and pulumi, which must be on this machine.
func newFetcher(t *testing.T, mode string) (*builder, *output) {
	t.Helper()
	b, out := newBuilder(t, mode)
	machine := builder{mode: modeAuto, source: "."}
	if err := machine.init(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kwokctl", "pulumi"} {
		tool := realTool(t, name)
		path, ok := machine.find(t.Context(), tool)
		if !ok {
			t.Fatalf("this test needs the real %s %s: run `make tools` first", name, tool.version)
		}
		if err := b.link(tool, path); err != nil {
			t.Fatal(err)
		}
	}
	return b, out
}

// serve starts a mirror for the builder on this machine.
func serve(t *testing.T, b *builder, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // runs first: a silent handler ends with its connection
	b.mirror = server.URL
}

// silent keeps the connection open and says nothing until the other side has left.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// shorten makes the builder give up sooner for the length of a test.
func shorten(t *testing.T) {
	t.Helper()
	answer, stalled, c := answerWithin, stalledAfter, client
	t.Cleanup(func() { answerWithin, stalledAfter, client = answer, stalled, c })
	answerWithin, stalledAfter = 300*time.Millisecond, 600*time.Millisecond
	client = newClient()
}

func sum(of string) string {
	h := sha256.Sum256([]byte(of))
	return hex.EncodeToString(h[:])
}

// tarGz packs executable files.
func tarGz(t *testing.T, files map[string]string) []byte {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	for name, text := range files {
		if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Error(err)
		}
		if _, err := packed.Write([]byte(text)); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(packed.Close(), zipped.Close()); err != nil {
		t.Error(err)
	}
	return out.Bytes()
}
