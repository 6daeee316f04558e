package policy

import "fmt"

// metadataHops is how many network hops an answer of the instance metadata service may survive: a pod is the second.
const metadataHops = 1

func imdsv2(_ *Stack, r Resource, f *findings) {
	switch r.Type {
	case typeNodeGroup:
		if template := at(r.Inputs, "launchTemplate"); template == nil {
			f.brokenf("the node group has no launch template, and EKS' own leaves IMDSv1 on")
		}
		return
	case typeTemplate, typeInstance, typeLaunch:
	default:
		return
	}
	tokens, hops := at(r.Inputs, "metadataOptions", "httpTokens"), at(r.Inputs, "metadataOptions", "httpPutResponseHopLimit")
	if at(r.Inputs, "metadataOptions", "httpEndpoint") == "disabled" {
		return
	}
	if f.seen(tokens, "whether instance metadata wants a token") && tokens != "required" {
		f.brokenf("instance metadata answers without a token: httpTokens is not required")
	}
	if f.seen(hops, "how far instance metadata reaches") && hops != float64(metadataHops) {
		f.brokenf("instance metadata is not kept from pods: httpPutResponseHopLimit is %s, not %d", shown(hops), metadataHops)
	}
}

// shown is a value as a message has it.
func shown(v any) string {
	if v == nil {
		return "not set"
	}
	return fmt.Sprint(v)
}
