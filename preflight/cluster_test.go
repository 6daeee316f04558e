package preflight

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// kubeconfigOf is a kubeconfig of the cluster at a URL.
func kubeconfigOf(url string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
  clusters: [{name: c, cluster: {insecure-skip-tls-verify: %t, "server": %q}}], users: [{name: c, user: {token: t}}],
  contexts: [{name: c, context: {cluster: c, user: c}}]}`, strings.HasPrefix(url, "https:"), url)
}

// shortCheck is the most time that a check with a short timeout may take on a busy machine.
const shortCheck = 3 * time.Second

func TestAClosedPortIsAnErrorAtOnce(t *testing.T) {
	url := closedPort(t)
	err := within(t, shortCheck, func() error { return CheckCluster(t.Context(), kubeconfigOf(url), time.Minute) })
	wantError(t, err, url, "does not answer")
}

func TestAClusterWithoutAnswerIsAnErrorWithinTheTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // the kernel accepts connections, and nothing answers them
	url := "http://" + listener.Addr().String()
	const timeout = 200 * time.Millisecond
	start := time.Now()
	err = within(t, shortCheck, func() error { return CheckCluster(t.Context(), kubeconfigOf(url), timeout) })
	if took := time.Since(start); took < timeout {
		t.Errorf("the error took %s, less than the timeout, %s", took, timeout)
	}
	wantError(t, err, url, "does not answer")
}

// A busy API server asks clients to retry later.
func TestABusyClusterIsAnErrorWithinTheTimeout(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := within(t, shortCheck, func() error { return CheckCluster(t.Context(), kubeconfigOf(url), 200*time.Millisecond) })
	wantError(t, err, "does not answer")
}

func TestACancelledCheckOfAClusterEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, CheckCluster(ctx, kubeconfigOf("http://127.0.0.1:1"), time.Minute), "canceled")
}

func TestAClusterMustAcceptTheCredentialsAndBeNewEnough(t *testing.T) {
	for _, c := range []struct{ name, token, version, error string }{
		{"the oldest version", "t", "v1.30.0-eks-1234567", ""},
		{"an older version", "t", "v1.29.9", "runs Kubernetes v1.29.9; the application needs 1.30"},
		{"no version", "t", "", "does not return its version"},
		{"other credentials", "another", "v1.30.0", "credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Clients send credentials over TLS only.
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" || r.Header.Get("Authorization") != "Bearer "+c.token {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				fmt.Fprintf(w, `{"gitVersion": %q}`, c.version)
			}))
			defer server.Close()
			err := CheckCluster(t.Context(), kubeconfigOf(server.URL), shortCheck)
			if c.error != "" {
				wantError(t, err, c.error)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckClusterRefusesAnInvalidKubeconfig(t *testing.T) {
	wantError(t, CheckCluster(t.Context(), "a: [", shortCheck), "kubeconfig")
}

func TestDeploymentsAreReadByTheirLabels(t *testing.T) {
	asked := ""
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + " " + r.URL.Query().Get("labelSelector")
		fmt.Fprint(w, `{"items": [{"metadata": {"name": "one"}, "spec": {"replicas": 3}}, {"metadata": {"name": "two"}}]}`)
	})
	got, err := Deployments(t.Context(), kubeconfigOf(url), "models", map[string]string{"app": "gateway", "part": "one"})
	if err != nil || len(got) != 2 || got[0].Name != "one" || *got[0].Spec.Replicas != 3 || got[1].Name != "two" {
		t.Errorf("the Deployments are %v (%v), want one of 3 pods, and two", got, err)
	}
	if want := "/apis/apps/v1/namespaces/models/deployments app=gateway,part=one"; asked != want {
		t.Errorf("the cluster is asked for %s, want %s", asked, want)
	}
	_, err = Deployments(t.Context(), kubeconfigOf(closedPort(t)), "models", nil)
	wantError(t, err, "does not answer")
}
