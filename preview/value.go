package preview

import (
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"tfserving/resource"
)

// secretProperties are masked even if the program does not mark them as secret, by type.
var secretProperties = map[string][]string{
	resource.KubernetesSecret:     {"data", "stringData"},
	"pulumi:providers:kubernetes": {"kubeconfig"},
	resource.AWSProvider:          {"accessKey", "secretKey", "token"},
}

// mask replaces the engine's object for a secret, which may have the plain text, by resource.Secret. It changes v.
func mask(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v[presource.SigKey] == presource.SecretSig {
			return resource.Secret
		}
		for k, e := range v {
			v[k] = mask(e)
		}
	case []any:
		for i, e := range v {
			v[i] = mask(e)
		}
	}
	return v
}

// properties returns the properties of a resource with secrets masked.
func properties(typ string, all map[string]any) map[string]any {
	mask(all)
	for _, key := range secretProperties[typ] {
		if _, there := all[key]; there {
			all[key] = resource.Secret
		}
	}
	return all
}
