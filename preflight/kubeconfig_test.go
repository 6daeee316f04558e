package preflight

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// writeKubeconfig writes a kubeconfig to a new folder.
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

func TestAMissingKubeconfigIsNamedWithItsSetting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none")
	_, _, err := ReadKubeconfig(file, "")
	wantError(t, err, file, "does not exist", "tfserving:kubernetes.kubeconfig")
}

func TestAnInvalidKubeconfigIsNamed(t *testing.T) {
	file := writeKubeconfig(t, "a: [")
	_, _, err := ReadKubeconfig(file, "")
	wantError(t, err, file)
}

func TestTheErrorOfAMissingContextListsTheContexts(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	_, _, err := ReadKubeconfig(file, "red")
	wantError(t, err, file, `"red"`, "blue, green", "tfserving:kubernetes.context")
}

func TestAContextOfAMissingClusterIsAnError(t *testing.T) {
	file := writeKubeconfig(t, `{apiVersion: v1, kind: Config, contexts: [{name: lost, context: {cluster: gone, user: gone}}]}`)
	_, _, err := ReadKubeconfig(file, "lost")
	wantError(t, err, file, "lost", "gone")
}

func TestAnEmptyContextSelectsTheCurrentOne(t *testing.T) {
	text, name, err := ReadKubeconfig(writeKubeconfig(t, twoContexts), "")
	if err != nil {
		t.Fatal(err)
	}
	if name != "blue" || !strings.Contains(text, "https://blue.example") {
		t.Errorf("context %s of\n%s\nwant blue", name, text)
	}
}

func TestTheKubeconfigHasOnlyTheSelectedContext(t *testing.T) {
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
		t.Errorf("it has the cluster of the other context:\n%s", text)
	}
}

func TestCertificatesAndKeysOfRelativePathsAreEmbedded(t *testing.T) {
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
		t.Errorf("it has a path, which works only in the folder of the file:\n%s", text)
	}
}

func TestAMissingCertificateIsNamed(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	_, _, err := ReadKubeconfig(file, "green")
	wantError(t, err, file, "green", filepath.Join(filepath.Dir(file), "pki"))
}
