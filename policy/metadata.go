package policy

import (
	"fmt"

	"tfserving/catalog"
	"tfserving/resource"
)

func imdsv2(_ *Stack, r resource.Resource, f *findings) {
	switch r.Type {
	case resource.NodeGroup:
		if template := resource.At(r.Inputs, "launchTemplate"); template == nil {
			f.brokenf("the node group has no launch template, and the one that EKS makes leaves IMDSv1 on")
		}
		return
	case resource.LaunchTemplate, instance, launchConfiguration:
	default:
		return
	}
	tokens, hops := resource.At(r.Inputs, "metadataOptions", "httpTokens"), resource.At(r.Inputs, "metadataOptions", "httpPutResponseHopLimit")
	if resource.At(r.Inputs, "metadataOptions", "httpEndpoint") == "disabled" {
		return
	}
	if f.visible(tokens, "whether instance metadata requires a token") && tokens != "required" {
		f.brokenf("instance metadata answers without a token: httpTokens is not required")
	}
	if f.visible(hops, "how many hops instance metadata reaches") && hops != float64(catalog.MetadataHops) {
		f.brokenf("pods can reach instance metadata: httpPutResponseHopLimit is %s, not %d", shown(hops), catalog.MetadataHops)
	}
}

// shown writes a value for a message.
func shown(v any) string {
	if v == nil {
		return "not set"
	}
	return fmt.Sprint(v)
}
