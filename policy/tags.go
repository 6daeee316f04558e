package policy

import (
	"encoding/json"
	"fmt"
	"strings"

	"tfserving/config"
)

// managedBy is the value of the tag managed-by.
const managedBy = "pulumi"

// tagged are what a launch template must tag besides itself.
var tagged = []string{"instance", "volume"}

// controllerChart ends the name of the load balancer controller's chart or release.
const controllerChart = "aws-load-balancer-controller"

func requiredTags(s *Stack, r Resource, f *findings) {
	switch {
	case strings.HasPrefix(r.Type, "aws:"):
		defaults := decoded(at(r.Provider, "defaultTags"))
		f.tags(s, "the resource", at(r.Inputs, "tags"), at(defaults, "tags"))
	case r.Type == typeRelease && (text(at(r.Inputs, "name")) == controllerChart || strings.HasSuffix(text(at(r.Inputs, "chart")), controllerChart)):
		f.tags(s, "what the load balancer controller makes", at(r.Inputs, "values", "defaultTags"))
	}
	if r.Type != typeTemplate {
		return
	}
	specifications := at(r.Inputs, "tagSpecifications")
	if !f.seen(specifications, "the tags of instances") {
		return
	}
	of := map[string]any{}
	for _, spec := range list(specifications) {
		of[text(at(spec, "resourceType"))] = at(spec, "tags")
	}
	for _, kind := range tagged {
		f.tags(s, "each "+kind, of[kind])
	}
}

// decoded is what a provider's input is, which Pulumi hands over as JSON in a text.
func decoded(v any) any {
	s, isText := v.(string)
	if !isText || s == Unknown || s == Secret {
		return v
	}
	var object any
	if json.Unmarshal([]byte(s), &object) != nil {
		return nil
	}
	return object
}

// tags finds which of the required tags are missing from all of several sets, or are another's.
func (f *findings) tags(s *Stack, what string, sets ...any) {
	var wrong []string
	for _, want := range []struct{ key, value string }{{"project", config.Project}, {"stack", s.Name}, {"owner", ""}, {"managed-by", managedBy}} {
		var got any
		for _, set := range sets {
			if v := at(set, want.key); got == nil || got == Unknown && v != nil {
				got = v
			}
		}
		switch {
		case got == Unknown || got == Secret:
			f.seen(got, fmt.Sprintf("tag %s of %s", want.key, what))
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
