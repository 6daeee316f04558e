package preflight

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// write puts a kubeconfig with two contexts, blue (the current one) and green, into a folder of its own.
func writeKubeconfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const twoContexts = `{apiVersion: v1, kind: Config, current-context: blue,
  clusters: [
    {name: blue, cluster: {server: "https://blue.example"}},
    {name: green, cluster: {server: "https://green.example", certificate-authority: pki/ca.pem}}],
  users: [
    {name: blue, user: {token: blue-token}},
    {name: green, user: {client-certificate: pki/client.pem, client-key: pki/client.key}}],
  contexts: [
    {name: blue, context: {cluster: blue, user: blue}},
    {name: green, context: {cluster: green, user: green}}]}`

func TestMissingFileIsNamedWithItsSetting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none")
	_, _, err := ReadKubeconfig(file, "")
	mentions(t, err, file, "does not exist", "tfserving:kubernetes.kubeconfig")
}

func TestFileThatIsNoKubeconfigIsNamed(t *testing.T) {
	file := writeKubeconfig(t, "a: [")
	_, _, err := ReadKubeconfig(file, "")
	mentions(t, err, file)
}

func TestMissingContextIsNamedWithTheOnesThereAre(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	_, _, err := ReadKubeconfig(file, "red")
	mentions(t, err, file, `"red"`, "blue, green", "tfserving:kubernetes.context")
}

func TestContextOfAMissingClusterIsAnError(t *testing.T) {
	file := writeKubeconfig(t, `{apiVersion: v1, kind: Config, contexts: [{name: lost, context: {cluster: gone, user: gone}}]}`)
	_, _, err := ReadKubeconfig(file, "lost")
	mentions(t, err, file, "lost", "gone")
}

func TestEmptyContextIsTheFilesCurrentOne(t *testing.T) {
	text, name, err := ReadKubeconfig(writeKubeconfig(t, twoContexts), "")
	if err != nil {
		t.Fatal(err)
	}
	if name != "blue" || !strings.Contains(text, "https://blue.example") {
		t.Errorf("context %s of\n%s\nwant blue", name, text)
	}
}

func TestKubeconfigIsCutDownToOneContext(t *testing.T) {
	text, _, err := ReadKubeconfig(writeKubeconfig(t, twoContexts), "blue")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Contexts) != 1 || len(cfg.Clusters) != 1 || len(cfg.AuthInfos) != 1 || cfg.CurrentContext != "blue" {
		t.Errorf("%d contexts, %d clusters, %d users, current %q; want one of each and blue", len(cfg.Contexts), len(cfg.Clusters), len(cfg.AuthInfos), cfg.CurrentContext)
	}
	if strings.Contains(text, "green") {
		t.Errorf("the other context's cluster is in it:\n%s", text)
	}
}

func TestCredentialsOfRelativePathsAreEmbedded(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	pki := filepath.Join(filepath.Dir(file), "pki")
	if err := os.Mkdir(pki, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.pem", "client.pem", "client.key"} {
		if err := os.WriteFile(filepath.Join(pki, name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := ReadKubeconfig(file, "green")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cluster, user := cfg.Clusters["green"], cfg.AuthInfos["green"]
	for want, got := range map[string][]byte{
		"content of ca.pem": cluster.CertificateAuthorityData, "content of client.pem": user.ClientCertificateData, "content of client.key": user.ClientKeyData,
	} {
		if string(got) != want {
			t.Errorf("embedded is %q, want %q", got, want)
		}
	}
	if cluster.CertificateAuthority+user.ClientCertificate+user.ClientKey != "" || strings.Contains(text, "pki") {
		t.Errorf("a path is left, which holds nowhere else:\n%s", text)
	}
}

func TestMissingCertificateIsNamed(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	_, _, err := ReadKubeconfig(file, "green")
	mentions(t, err, file, "green", filepath.Join(filepath.Dir(file), "pki"))
}

// at is a kubeconfig of a cluster at an address.
func at(address string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
  clusters: [{name: c, cluster: {"server": "http://%s"}}], users: [{name: c, user: {token: t}}],
  contexts: [{name: c, context: {cluster: c, user: c}}]}`, address)
}

// soon is how long a question with a short timeout may take in a test on a busy machine.
const soon = 3 * time.Second

func TestUnreachableClusterIsAnErrorAtOnce(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	began := time.Now()
	err = CheckCluster(t.Context(), at(address), time.Minute)
	mentions(t, err, address, "does not answer")
	if took := time.Since(began); took > soon {
		t.Errorf("the error took %s", took)
	}
}

func TestSilentClusterIsAnErrorWithinTheTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	const timeout = 200 * time.Millisecond
	began := time.Now()
	err = CheckCluster(t.Context(), at(silent.Addr().String()), timeout)
	took := time.Since(began)
	mentions(t, err, silent.Addr().String(), "does not answer")
	if took < timeout || took > soon {
		t.Errorf("the error took %s, want about %s", took, timeout)
	}
}

// A cluster that is busy asks clients to come back later; the question must still end.
func TestBusyClusterIsAnErrorWithinTheTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	began := time.Now()
	err := CheckCluster(t.Context(), at(strings.TrimPrefix(server.URL, "http://")), 200*time.Millisecond)
	mentions(t, err, "does not answer")
	if took := time.Since(began); took > soon {
		t.Errorf("the error took %s", took)
	}
}

func TestCancelledQuestionEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	mentions(t, CheckCluster(ctx, at("127.0.0.1:1"), time.Minute), "canceled")
}

func TestClusterThatAnswersIsNoErrorAndWrongCredentialsAre(t *testing.T) {
	var wanted string
	running := "v1.30.0-eks-1234567" // the oldest that will do
	// Over TLS: credentials are never sent in plain.
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" || r.Header.Get("Authorization") != "Bearer "+wanted {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"gitVersion": %q}`, running)
	}))
	defer server.Close()
	kubeconfig := strings.ReplaceAll(at(strings.TrimPrefix(server.URL, "https://")), `"server": "http://`, `insecure-skip-tls-verify: true, "server": "https://`)
	wanted = "t"
	if err := CheckCluster(t.Context(), kubeconfig, soon); err != nil {
		t.Error(err)
	}
	running = "v1.29.9"
	mentions(t, CheckCluster(t.Context(), kubeconfig, soon), "Kubernetes v1.29.9", "1.30")
	running = ""
	mentions(t, CheckCluster(t.Context(), kubeconfig, soon), "does not tell its version")
	wanted = "another"
	mentions(t, CheckCluster(t.Context(), kubeconfig, soon), "credentials")
}

func TestTextThatIsNoKubeconfigIsAnError(t *testing.T) {
	mentions(t, CheckCluster(t.Context(), "a: [", soon), "kubeconfig")
}
