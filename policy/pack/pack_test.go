package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"sigs.k8s.io/yaml"

	"tfserving/policy"
	"tfserving/resource"
)

// settings are a stack's settings with an exception, as the engine passes them.
var settings = map[string]string{
	"tfserving:platform":   "kubernetes",
	"tfserving:kubernetes": `{"kubeconfig":"a"}`,
	"tfserving:model":      `{"name":"a","image":"a:1"}`,
	"tfserving:gateway":    `{"image":"a:1"}`,
	"tfserving:ingress":    `{"class":"a","controllerNamespace":"a"}`,
	"tfserving:policy":     `{"exceptions":[{"rule":"no-open-ingress","resource":"door","reason":"a fair","until":"2027-01-31"}]}`,
}

// engine calls the policies with the client of Pulumi's engine.
type engine struct {
	plugin.Analyzer
	client pulumirpc.AnalyzerClient
	ended  chan struct{} // closed when the pack ends
}

func start(t *testing.T) *engine {
	t.Helper()
	e, rules := &engine{ended: make(chan struct{})}, newAnalyzer(func() time.Time { return time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC) })
	stop := make(chan bool)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Cancel: stop, Init: func(s *grpc.Server) error {
		pulumirpc.RegisterAnalyzerServer(s, &server{plugin.NewAnalyzerServer(rules), rules, func() { close(e.ended) }, func(string) error { return nil }})
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(stop)
		if err := <-handle.Done; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", handle.Port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	e.client = pulumirpc.NewAnalyzerClient(conn)
	e.Analyzer = plugin.NewAnalyzerWithClient(nil, "tfserving", e.client)
	return e
}

func (e *engine) configure(t *testing.T, stack string) {
	t.Helper()
	if _, err := e.client.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{Stack: stack, Project: "tfserving", Config: settings}); err != nil {
		t.Fatal(err)
	}
}

// resourceOf is a resource with a provider that has the required tags.
func resourceOf(stack, typ, name string, inputs presource.PropertyMap) plugin.AnalyzerResource {
	tags := `{"tags":{"project":"tfserving","stack":"` + stack + `","owner":"me","managed-by":"pulumi"}}`
	return plugin.AnalyzerResource{
		URN: presource.NewURN("stack", "tfserving", "", tokens.Type(typ), name), Type: tokens.Type(typ), Name: name, Properties: inputs,
		Provider: &plugin.AnalyzerProviderResource{Properties: presource.PropertyMap{"defaultTags": presource.NewProperty(tags)}},
	}
}

const ingressRule = resource.SecurityGroupIngressRule

func TestTheEngineGetsEveryViolation(t *testing.T) {
	e := start(t)
	e.configure(t, "prod")
	from := func(v presource.PropertyValue) presource.PropertyMap { return presource.PropertyMap{"cidrIpv4": v} }
	unprotected := resourceOf("prod", resource.VPC, "vpc", nil)
	protected := unprotected
	protected.Options.Protect = true
	untagged := protected
	untagged.Provider = nil
	for _, c := range []struct {
		name     string
		resource plugin.AnalyzerResource
		rule     string // the broken rule; empty for none
		level    apitype.EnforcementLevel
		text     string // part of the message
	}{
		{"a closed rule", resourceOf("prod", ingressRule, "window", from(presource.NewProperty("10.0.0.0/16"))), "", "", ""},
		{"an open rule", resourceOf("prod", ingressRule, "window", from(presource.NewProperty("0.0.0.0/0"))), "no-open-ingress", apitype.Mandatory, "open to 0.0.0.0/0\nwhy: "},
		{"an exception", resourceOf("prod", ingressRule, "door", from(presource.NewProperty("0.0.0.0/0"))), "no-open-ingress", apitype.Advisory, "excepted until 2027-01-31 (a fair)"},
		{"an unknown value", resourceOf("prod", ingressRule, "window", from(presource.MakeComputed(presource.NewProperty("")))), "no-open-ingress", apitype.Advisory, "unknown until up"},
		{"an unknown secret", resourceOf("prod", ingressRule, "window", from(presource.MakeSecret(presource.MakeComputed(presource.NewProperty(""))))), "no-open-ingress", apitype.Advisory, "unknown until up"},
		{"a secret", resourceOf("prod", ingressRule, "window", from(presource.MakeSecret(presource.NewProperty("203.0.113.7/32")))), "no-open-ingress", apitype.Mandatory, "it is a secret"},
		{"an unprotected resource", unprotected, "prod-protected", apitype.Mandatory, "Pulumi may delete the resource"},
		{"a protected resource", protected, "", "", ""},
		{"a resource without tags", untagged, "required-tags", apitype.Mandatory, "project is missing"},
	} {
		got, err := e.Analyze(c.resource)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.rule == "" {
			if len(got.Diagnostics) > 0 {
				t.Errorf("%s: the engine gets %+v", c.name, got.Diagnostics)
			}
			continue
		}
		if len(got.Diagnostics) != 1 || got.Diagnostics[0].PolicyName != c.rule || got.Diagnostics[0].EnforcementLevel != c.level || !strings.Contains(got.Diagnostics[0].Message, c.text) {
			t.Errorf("%s: the engine gets %+v, want %s of %s with %q", c.name, got.Diagnostics, c.level, c.rule, c.text)
		}
		for _, d := range got.Diagnostics {
			if strings.Contains(d.Message, "203.0.113.7") {
				t.Errorf("%s: the secret is in the message: %s", c.name, d.Message)
			}
		}
	}
}

// At the end the engine passes outputs. The rules check inputs.
func TestRulesForTheWholeStackCheckInputs(t *testing.T) {
	e := start(t)
	e.configure(t, "dev")
	open, closed := presource.PropertyMap{"cidrIpv4": presource.NewProperty("0.0.0.0/0")}, presource.PropertyMap{"cidrIpv4": presource.NewProperty("10.0.0.0/8")}
	for _, c := range []struct {
		inputs, outputs presource.PropertyMap
		unneeded        bool // whether the exception is
	}{{open, closed, false}, {closed, open, true}} {
		if _, err := e.Analyze(resourceOf("dev", ingressRule, "door", c.inputs)); err != nil {
			t.Fatal(err)
		}
		got, err := e.AnalyzeStack([]plugin.AnalyzerStackResource{{AnalyzerResource: resourceOf("dev", ingressRule, "door", c.outputs)}})
		if err != nil {
			t.Fatal(err)
		}
		if unneeded := len(got.Diagnostics) == 1 && strings.Contains(got.Diagnostics[0].Message, "is not needed"); unneeded != c.unneeded {
			t.Errorf("inputs %v, outputs %v: the engine gets %+v", c.inputs, c.outputs, got.Diagnostics)
		}
	}
}

func TestWithoutAStackOrWithWrongSettingsTheCheckFails(t *testing.T) {
	e := start(t)
	if _, err := e.Analyze(resourceOf("dev", ingressRule, "door", nil)); err == nil || !strings.Contains(err.Error(), "settings") {
		t.Errorf("a resource of no stack: %v", err)
	}
	if _, err := e.AnalyzeStack(nil); err == nil {
		t.Error("a check without a stack passes")
	}
	_, err := e.client.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{Stack: "dev", Config: map[string]string{"tfserving:platform": "moon"}})
	if err == nil || !strings.Contains(err.Error(), `tfserving:platform is "moon"`) {
		t.Errorf("wrong settings: %v", err)
	}
	<-e.ended
}

func TestThePackListsItsRulesAndTakesNoConfiguration(t *testing.T) {
	e := start(t)
	e.configure(t, "dev")
	info, err := e.GetAnalyzerInfo()
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Policies) != len(policy.Rules) || info.SupportsConfig {
		t.Errorf("the pack is %+v", info)
	}
	text, err := os.ReadFile("PulumiPolicy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Version string }
	if err := yaml.Unmarshal(text, &file); err != nil || file.Version != info.Version {
		t.Errorf("PulumiPolicy.yaml has version %q, and the pack %q (%v)", file.Version, info.Version, err)
	}
}
