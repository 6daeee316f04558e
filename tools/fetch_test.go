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

// kubernetesTools are the commands for which kwokctl prints a URL.
var kubernetesTools = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}

func TestAKubernetesCommandWithTheRightSumIsInstalled(t *testing.T) {
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
			wantInstalled(t, b, k, "v1.37.2")
		})
	}
}

// The error names the URL, and the cache contains nothing of the download.
func TestADownloadThatIsMissingOrHasAnotherSumIsAnError(t *testing.T) {
	for _, c := range []struct {
		name        string
		sum, binary string // empty: not found
		want        []string
	}{
		{"wrong sum", sum("another binary"), "binary", []string{"/kubectl has SHA-256 " + sum("binary"), "states " + sum("another binary"), "not installed"}},
		{"empty sum", "\n", "binary", []string{"/kubectl.sha256", "is empty"}},
		{"no sum", "", "binary", []string{"/kubectl.sha256: 404"}},
		{"no binary", sum("binary"), "", []string{"/kubectl: 404"}},
		{"error page in place of the sum", "<html>blocked</html>", "binary", []string{"states <html>blocked</html>", "not installed"}},
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
			_, err := b.install(t.Context(), k, 1, 1)
			wantError(t, err, append(c.want, "fetching kubectl", b.mirror, "TOOLS=build")...)
			wantCached(t, b, k)
		})
	}
}

func TestATruncatedDownloadIsAnError(t *testing.T) {
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
	_, err := b.install(t.Context(), k, 1, 1)
	wantError(t, err, b.mirror+"/kubectl", "unexpected EOF")
	wantCached(t, b, k)
}

// The server accepts the connection and never answers, or stops in the middle of a download. Then mode auto builds from source, and
// the error of mode fetch names TOOLS=build.
func TestAServerThatDoesNotAnswerIsGivenUpAfterSeconds(t *testing.T) {
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
			_, err := b.install(ctx, k, 1, 1)
			wantError(t, err, "fetching "+c.tool, b.mirror, c.want, "TOOLS=build")
			wantCached(t, b, k)
			if took := time.Since(start); took > answerWithin+stalledAfter+2*time.Second {
				t.Errorf("the error comes after %s", took)
			}

			b, out := newFetcher(t, modeAuto)
			serve(t, b, c.serve)
			h := hello(t, b) // the real source would take minutes to build
			h.version, h.fetch = k.version, k.fetch
			h.name = c.tool
			path, err := b.install(ctx, h, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := runs(t, path); got != "v"+k.version {
				t.Errorf("the built command prints %q", got)
			}
			for _, s := range []string{"fetching " + c.tool, "cannot be fetched here", c.want, "building " + c.tool} {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the output does not contain %q:\n%s", s, out)
				}
			}
		})
	}
}

func TestAnUnreachableServerIsAnErrorAtOnce(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, name := range []string{"kubectl", "pulumi-resource-kubernetes"} {
		b, _ := newFetcher(t, modeFetch)
		b.mirror = gone.URL
		_, err := b.install(t.Context(), realTool(t, name), 1, 1)
		wantError(t, err, "fetching "+name, gone.URL, "TOOLS=build")
	}
}

func TestAfterCtrlCDuringAFetchNothingIsBuilt(t *testing.T) {
	b, out := newFetcher(t, modeAuto)
	ctx, stop := context.WithCancel(t.Context())
	serve(t, b, func(w http.ResponseWriter, r *http.Request) {
		stop()
		silent(w, r)
	})
	k := realTool(t, "kubectl")
	_, err := b.install(ctx, k, 1, 1)
	if !errors.Is(err, context.Canceled) || strings.Contains(out.String(), "building") {
		t.Errorf("got %v and\n%s", err, out)
	}
	wantCached(t, b, k)
}

func TestModeBuildDoesNotFetch(t *testing.T) {
	b, _ := newBuilder(t, modeBuild)
	h := hello(t, b)
	h.fetch = func(context.Context, *builder, tool, string) error {
		t.Error("mode build fetches")
		return nil
	}
	if _, err := b.install(t.Context(), h, 1, 1); err != nil {
		t.Fatal(err)
	}
}

func TestTheErrorOfAFailedKwokctlContainsItsOutput(t *testing.T) {
	b, _ := newBuilder(t, modeFetch)
	script(t, "echo no such runtime >&2; exit 1\n", b.bin, "kwokctl")
	_, err := b.install(t.Context(), realTool(t, "kubectl"), 1, 1)
	wantError(t, err, "running kwokctl for the URL of kubectl", "no such runtime")

	script(t, "echo https://example.com/kube-apiserver\n", b.bin, "kwokctl")
	_, err = b.install(t.Context(), realTool(t, "kubectl"), 1, 1)
	wantError(t, err, "prints no URL of kubectl 1.37.2")
}

// The pinned Pulumi CLI installs the plugin from the mirror. The cache contains only the command.
func TestThePulumiCLIInstallsThePlugin(t *testing.T) {
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
	wantInstalled(t, b, p, "the plugin")
}

func TestAMissingPluginIsAnErrorAndNothingIsInstalled(t *testing.T) {
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
			_, err := b.install(t.Context(), p, 1, 1)
			wantError(t, err, "fetching "+p.name, b.mirror, c.want, "TOOLS=build")
			wantCached(t, b, p)
		})
	}
}

// newFetcher makes a builder with links to the real kwokctl and pulumi, which must be on this machine.
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

// serve starts a mirror on this machine and sets it in the builder.
func serve(t *testing.T, b *builder, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // runs before Close: the handler silent ends with its connection
	b.mirror = server.URL
}

// silent keeps the connection open and sends nothing until the client closes it.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// shorten shortens the limits of the client for the time of a test.
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
