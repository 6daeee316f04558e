package preview

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// secretKinds are properties that are masked even where nobody has marked them, by the type of their resource.
var secretKinds = map[string][]string{
	"kubernetes:core/v1:Secret":   {"data", "stringData"},
	"pulumi:providers:kubernetes": {"kubeconfig"},
	"pulumi:providers:aws":        {"accessKey", "secretKey", "token"},
}

// masked replaces what the engine writes for a secret, with the text in it or without, by Secret.
func masked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v[resource.SigKey] == resource.SecretSig {
			return Secret
		}
		for k, e := range v {
			v[k] = masked(e)
		}
	case []any:
		for i, e := range v {
			v[i] = masked(e)
		}
	}
	return v
}

// properties are a resource's, masked.
func properties(typ string, all map[string]any) map[string]any {
	masked(all)
	for _, key := range secretKinds[typ] {
		if _, there := all[key]; there {
			all[key] = Secret
		}
	}
	return all
}

// at is the value at a path; false if there is none.
func at(v any, path resource.PropertyPath) (any, bool) {
	for _, key := range path {
		switch key := key.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[key]; !ok {
				return nil, false
			}
		case int:
			list, ok := v.([]any)
			if !ok || key < 0 || key >= len(list) {
				return nil, false
			}
			v = list[key]
		}
		if v == Secret || v == Unknown {
			return v, true
		}
	}
	return v, true
}
