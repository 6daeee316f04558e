package program

import (
	"regexp"
	"strings"
	"testing"

	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"tfserving/internal/mockengine"
)

// secretShaped matches texts that have the form of a credential: private keys, AWS access keys, JSON Web Tokens.
var secretShaped = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY|\b(AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w-]+\.[\w-]+\.`)

// secretNamed matches names of fields and variables that hold credentials. It also matches secretName, which names a Secret
// and is no credential.
var secretNamed = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|credential)`)

func TestApplicationHasNoSecretInPlainText(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			if r.object != nil {
				if kind := r.object.GetObjectKind().GroupVersionKind().Kind; kind == "Secret" || strings.HasSuffix(kind, "List") {
					t.Errorf("%s is a %s", r, kind)
				}
			}
			checkPlainText(t, r, func(name, text string) bool {
				return secretShaped.MatchString(text) || secretNamed.MatchString(name) && name != "secretName" && text != ""
			})
		}
	})
}

// In the inputs of AWS resources many names that sound like credentials hold none, such as httpTokens.
func TestEKSStackHasNoSecretInPlainText(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		if !g.secretKubeconfig {
			t.Errorf("the output kubeconfig is not a secret")
		}
		for _, r := range g.resources {
			checkPlainText(t, r, func(_, text string) bool { return secretShaped.MatchString(text) })
		}
	})
}

// checkPlainText fails the test if an input of a resource holds a secret that Pulumi would store in plain text: the
// cluster's credential, or a text that isSecret finds by the name of its field or by the text itself.
func checkPlainText(t *testing.T, r *registration, isSecret func(name, text string) bool) {
	t.Helper()
	if r.TypeToken == "pulumi:providers:kubernetes" && !r.Inputs["kubeconfig"].IsSecret() {
		t.Errorf("the provider's kubeconfig is not a secret, so the state would hold it in plain text")
	}
	visitPlainText(presource.NewProperty(r.Inputs), "", func(name, text string) {
		if strings.Contains(text, mockengine.SentinelToken) || isSecret(name, text) {
			t.Errorf("%s holds a secret in plain text at %q", r, name)
		}
	})
}

// visitPlainText visits every text of a value that is not secret, with the name of its field or environment variable.
func visitPlainText(v presource.PropertyValue, name string, visit func(name, text string)) {
	switch {
	case v.IsString():
		visit(name, v.StringValue())
	case v.IsArray():
		for _, e := range v.ArrayValue() {
			visitPlainText(e, name, visit)
		}
	case v.IsObject():
		o := v.ObjectValue()
		if o["name"].IsString() && o["value"].IsString() { // an environment variable
			name = o["name"].StringValue()
			visit(name, o["value"].StringValue())
			return
		}
		for key, value := range o {
			visitPlainText(value, string(key), visit)
		}
	}
}
