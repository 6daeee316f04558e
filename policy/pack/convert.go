package main

import (
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"tfserving/resource"
)

// convert returns a resource of the engine as the rules read it.
func convert(r plugin.AnalyzerResource) resource.Resource {
	converted := resource.Resource{
		URN: string(r.URN), Type: string(r.Type), Name: r.Name, Inputs: object(r.Properties), Protect: r.Options.Protect,
	}
	if r.Provider != nil {
		converted.Provider = object(r.Provider.Properties)
	}
	return converted
}

func object(properties presource.PropertyMap) map[string]any {
	all := map[string]any{}
	for key, v := range properties {
		all[string(key)] = plain(v)
	}
	return all
}

// plain returns a value as JSON decodes it. Secrets are masked.
func plain(v presource.PropertyValue) any {
	switch {
	case v.IsComputed(), v.IsOutput() && !v.OutputValue().Known:
		return resource.Unknown
	case v.IsSecret():
		if v.SecretValue().Element.ContainsUnknowns() {
			return resource.Unknown
		}
		return resource.Secret
	case v.IsOutput():
		if v.OutputValue().Secret {
			return resource.Secret
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
	default: // null, assets and archives: no rule reads them
		return nil
	}
}
