package preflight

import (
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig to a new folder.
func writeKubeconfig(t *testing.T, text string) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "kubeconfig"), text)
}

// readContext returns the text and the content of the kubeconfig of one context.
func readContext(t *testing.T, file, context string) (text, name string, cfg *api.Config) {
	t.Helper()
	text, name, err := ReadKubeconfig(file, context)
	if err == nil {
		cfg, err = clientcmd.Load([]byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return text, name, cfg
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

func TestTheErrorOfAKubeconfigNamesItsFileAndTheMistake(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "kubeconfig")
	for _, c := range []struct {
		name, text, context string
		says                []string
	}{
		{"a missing file", "", "", []string{"does not exist", "tfserving:kubernetes.kubeconfig"}},
		{"not YAML", "a: [", "", nil},
		{"a missing context", twoContexts, "red", []string{`"red"`, "blue, green", "tfserving:kubernetes.context"}},
		{"a context of a missing cluster", `{apiVersion: v1, kind: Config, contexts: [{name: lost, context: {cluster: gone, user: gone}}]}`, "lost", []string{"lost", "gone"}},
		{"a missing certificate", twoContexts, "green", []string{"green", filepath.Join(dir, "pki")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.text != "" {
				write(t, file, c.text)
			}
			_, _, err := ReadKubeconfig(file, c.context)
			wantError(t, err, append(c.says, file)...)
		})
	}
}

func TestAnEmptyContextSelectsTheCurrentOne(t *testing.T) {
	text, name, _ := readContext(t, writeKubeconfig(t, twoContexts), "")
	if name != "blue" || !strings.Contains(text, "https://blue.example") {
		t.Errorf("context %s of\n%s\nwant blue", name, text)
	}
}

func TestTheKubeconfigHasOnlyTheSelectedContext(t *testing.T) {
	text, _, cfg := readContext(t, writeKubeconfig(t, twoContexts), "blue")
	if len(cfg.Contexts) != 1 || len(cfg.Clusters) != 1 || len(cfg.AuthInfos) != 1 || cfg.CurrentContext != "blue" {
		t.Errorf("%d contexts, %d clusters, %d users, current %q; want one of each and blue", len(cfg.Contexts), len(cfg.Clusters), len(cfg.AuthInfos), cfg.CurrentContext)
	}
	if strings.Contains(text, "green") {
		t.Errorf("it has the cluster of the other context:\n%s", text)
	}
}

func TestCertificatesAndKeysOfRelativePathsAreEmbedded(t *testing.T) {
	file := writeKubeconfig(t, twoContexts)
	for _, name := range []string{"ca.pem", "client.pem", "client.key"} {
		write(t, filepath.Join(filepath.Dir(file), "pki", name), "content of "+name)
	}
	text, _, cfg := readContext(t, file, "green")
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
