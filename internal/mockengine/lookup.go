package mockengine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// T is the part of *testing.T that look-ups need. With it, dry runs, which link this package, do not link package testing.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Get returns the first resource of a type and name. The test fails if there is none.
func (e *Engine) Get(t T, token, name string) pulumi.MockResourceArgs {
	t.Helper()
	r, found := e.Find(token, name)
	if !found {
		t.Fatalf("the program registers no %s %s", token, name)
	}
	return r
}

// ViaOtherProvider lists the custom resources and invokes that do not use the provider registered as name.
func (e *Engine) ViaOtherProvider(name string) (all []string) {
	suffix := "::" + name + "::" + name + "-id"
	for _, r := range e.Resources {
		if r.Custom && !strings.HasPrefix(r.TypeToken, "pulumi:providers:") && !strings.HasSuffix(r.Provider, suffix) {
			all = append(all, fmt.Sprintf("%s %s uses provider %q", r.TypeToken, r.Name, r.Provider))
		}
	}
	for _, call := range e.Invokes {
		if !strings.HasSuffix(call.Provider, suffix) {
			all = append(all, fmt.Sprintf("invoke %s uses provider %q", call.Token, call.Provider))
		}
	}
	return all
}

// strict decodes Kubernetes objects as the API server does, and refuses unknown fields.
var strict = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

// Object returns a resource as Kubernetes' own type, or nil if it is not a Kubernetes object. It fails for an unknown field.
func Object(args pulumi.MockResourceArgs) (runtime.Object, error) {
	if !args.Custom || !args.Inputs.HasValue("apiVersion") {
		return nil, nil
	}
	text, err := json.Marshal(args.Inputs.Mappable())
	if err != nil {
		return nil, err
	}
	object, _, err := strict.Decode(text, nil, nil)
	return object, err
}

// ObjectOf returns the Kubernetes object of type O that is registered under name. The test fails if there is none, or if
// any registered object has an unknown field.
func ObjectOf[O runtime.Object](t T, e *Engine, name string) (found O) {
	t.Helper()
	exists := false
	for _, r := range e.Resources {
		object, err := Object(r)
		if err != nil {
			t.Fatalf("%s %s: %v", r.TypeToken, r.Name, err)
		}
		if o, isO := object.(O); isO && r.Name == name {
			found, exists = o, true
		}
	}
	if !exists {
		t.Fatalf("the program registers no %T as %s", found, name)
	}
	return found
}
