package policy

import (
	"encoding/json"
	"fmt"
	"strings"

	"tfserving/config"
	"tfserving/resource"
)

// managedBy is the value of the tag managed-by.
const managedBy = "pulumi"

// launchedTypes are the types of resources that a launch template must tag.
var launchedTypes = []string{"instance", "volume"}

// controllerChart is the name of the load balancer controller's release and the end of its chart's reference.
const controllerChart = "aws-load-balancer-controller"

func requiredTags(s *Stack, r resource.Resource, f *findings) {
	switch {
	case strings.HasPrefix(r.Type, "aws:"):
		defaults := decoded(resource.At(r.Provider, "defaultTags"))
		f.tags(s, "the resource", resource.At(r.Inputs, "tags"), resource.At(defaults, "tags"))
	case r.Type == resource.HelmRelease && (text(resource.At(r.Inputs, "name")) == controllerChart || strings.HasSuffix(text(resource.At(r.Inputs, "chart")), controllerChart)):
		f.tags(s, "what the load balancer controller makes", resource.At(r.Inputs, "values", "defaultTags"))
	}
	if r.Type != resource.LaunchTemplate {
		return
	}
	specifications := resource.At(r.Inputs, "tagSpecifications")
	if !f.visible(specifications, "the tags of instances") {
		return
	}
	of := map[string]any{}
	for _, spec := range list(specifications) {
		of[text(resource.At(spec, "resourceType"))] = resource.At(spec, "tags")
	}
	for _, kind := range launchedTypes {
		f.tags(s, "each "+kind, of[kind])
	}
}

// decoded returns the value of a provider's input. Pulumi passes objects to providers as JSON texts.
func decoded(v any) any {
	s, isText := v.(string)
	if !isText || s == resource.Unknown || s == resource.Secret {
		return v
	}
	var object any
	if json.Unmarshal([]byte(s), &object) != nil {
		return nil
	}
	return object
}

// tags adds a violation that lists the required tags that no set has or that have a wrong value. Earlier sets come first.
func (f *findings) tags(s *Stack, what string, sets ...any) {
	var wrong []string
	for _, want := range []struct{ key, value string }{{"project", config.Project}, {"stack", s.Name}, {"owner", ""}, {"managed-by", managedBy}} {
		var got any
		for _, set := range sets {
			if v := resource.At(set, want.key); got == nil || got == resource.Unknown && v != nil {
				got = v
			}
		}
		switch {
		case got == resource.Unknown || got == resource.Secret:
			f.visible(got, fmt.Sprintf("tag %s of %s", want.key, what))
		case got == nil || got == "":
			wrong = append(wrong, want.key+" is missing")
		case want.value != "" && got != want.value:
			wrong = append(wrong, fmt.Sprintf("%s is %v, not %s", want.key, got, want.value))
		}
	}
	if len(wrong) > 0 {
		f.brokenf("tags of %s: %s", what, strings.Join(wrong, ", "))
	}
}
