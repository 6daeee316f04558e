package repositories

import (
	"strings"
	"testing"
)

func TestAnImageWithoutRegistryRunsFromTheStacksOwnRepository(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for image, want := range map[string]Reference{
		"zoomcamp-10-gateway:002":          {"zoomcamp-10-gateway", "p-s/zoomcamp-10-gateway", ":002"},
		"gateway" + digest:                 {"gateway", "p-s/gateway", digest},
		"gateway:1.0" + digest:             {"gateway", "p-s/gateway", ":1.0" + digest},
		"gateway":                          {"gateway", "p-s/gateway", ":latest"},
		"team/gateway:1":                   {"team/gateway", "p-s/team/gateway", ":1"},
		"library/tensorflow/serving:2.1.0": {"library/tensorflow/serving", "p-s/library/tensorflow/serving", ":2.1.0"},
		"localhost:1":                      {"localhost", "p-s/localhost", ":1"}, // a single part is never a host
		"gateway.v2:1":                     {"gateway.v2", "p-s/gateway.v2", ":1"},
		"5000:1":                           {"5000", "p-s/5000", ":1"},
	} {
		got, err := Resolve("p-s", image)
		if err != nil || got == nil {
			t.Errorf("%s: is %v (%v), want %v", image, got, err, want)
		} else if *got != want {
			t.Errorf("%s: is %v, want %v", image, *got, want)
		}
	}
}

func TestAnImageWithARegistryRunsFromThatRegistry(t *testing.T) {
	for _, image := range []string{
		"docker.io/library/gateway:1", "docker.io/gateway", "index.docker.io/gateway:1", "registry.example/gateway:1",
		"localhost/gateway:1", "localhost:5000/gateway:1", "registry:5000/team/gateway:1", "10.0.0.1:5000/gateway",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com/p-s/gateway:1", "REGISTRY/gateway:1", "[::1]:5000/gateway:1",
	} {
		if got, err := Resolve("p-s", image); got != nil || err != nil {
			t.Errorf("%s: is %v (%v), want nil", image, got, err)
		}
	}
}

func TestAnImageNameThatECRDoesNotAllowIsRefused(t *testing.T) {
	for image, says := range map[string]string{
		"":                      "at least one component",
		"gateway:":              "invalid reference format",
		"Gateway:1":             "must be lowercase",
		"gateway@sha256:12":     "invalid",
		"sha256:0123 4":         "invalid reference format",
		"https://example.com/a": "invalid reference format",
		"tf--serving:1":         "belongs in ECR repository p-s/tf--serving; ECR takes",
		"tf__serving:1":         "ECR takes",
		strings.Repeat("a", maxName-len("p-s/")+1) + ":1": "2 to 256 characters",
	} {
		if got, err := Resolve("p-s", image); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: is %v with error %v, want one with %q", image, got, err, says)
		}
	}
	if _, err := Resolve("p-s", strings.Repeat("a", maxName-len("p-s/"))+":1"); err != nil {
		t.Errorf("the longest name is refused: %v", err)
	}
}
