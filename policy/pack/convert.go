package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"tfserving/policy"
)

// converted is a resource as the rules look at it.
func converted(r plugin.AnalyzerResource) policy.Resource {
	to := policy.Resource{
		URN: string(r.URN), Type: string(r.Type), Name: r.Name, Inputs: object(r.Properties), Protect: r.Options.Protect,
	}
	if r.Provider != nil {
		to.Provider = object(r.Provider.Properties)
	}
	return to
}

func object(properties resource.PropertyMap) map[string]any {
	all := map[string]any{}
	for key, v := range properties {
		all[string(key)] = plain(v)
	}
	return all
}

// plain is a value as JSON decodes it. Nothing of a secret is in it.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsComputed(), v.IsOutput() && !v.OutputValue().Known:
		return policy.Unknown
	case v.IsSecret():
		if v.SecretValue().Element.ContainsUnknowns() {
			return policy.Unknown
		}
		return policy.Secret
	case v.IsOutput():
		if v.OutputValue().Secret {
			return policy.Secret
		}
		return plain(v.OutputValue().Element)
	case v.IsArray():
		all := []any{}
		for _, element := range v.ArrayValue() {
			all = append(all, plain(element))
		}
		return all
	case v.IsObject():
		return object(v.ObjectValue())
	case v.IsResourceReference():
		return plain(v.ResourceReferenceValue().ID)
	case v.IsString(), v.IsBool(), v.IsNumber():
		return v.V
	default: // null; assets and archives, which no rule looks at
		return nil
	}
}
