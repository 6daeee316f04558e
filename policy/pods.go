package policy

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"tfserving/resource"
)

// podTemplates has the path of the pod template of each Kubernetes workload. A Pod is a template itself.
var podTemplates = map[string][]any{
	"kubernetes:core/v1:Pod":                   {},
	"kubernetes:core/v1:PodTemplate":           {"template"},
	"kubernetes:core/v1:ReplicationController": {"spec", "template"},
	resource.Deployment:                        {"spec", "template"},
	"kubernetes:apps/v1:StatefulSet":           {"spec", "template"},
	"kubernetes:apps/v1:DaemonSet":             {"spec", "template"},
	"kubernetes:apps/v1:ReplicaSet":            {"spec", "template"},
	"kubernetes:batch/v1:Job":                  {"spec", "template"},
	resource.CronJob:                           {"spec", "jobTemplate", "spec", "template"},
}

// podSpec is the pod specification of a workload. makesPods is false for other resources.
func podSpec(r resource.Resource) (spec any, makesPods bool) {
	path, makesPods := podTemplates[r.Type]
	return resource.At(r.Inputs, append(slices.Clone(path), "spec")...), makesPods
}

// podSecurity has the checks of the API server's Pod Security admission.
var podSecurity = func() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err) // Kubernetes' own checks
	}
	return evaluator
}()

func restrictedPods(_ *Stack, r resource.Resource, f *findings) {
	if r.Type == resource.Namespace {
		level := resource.At(r.Inputs, "metadata", "labels", api.EnforceLevelLabel)
		if f.visible(level, "which pods the namespace admits") && level != string(api.LevelRestricted) {
			f.brokenf("the namespace's Pod Security level (label %s) is %s", api.EnforceLevelLabel, shown(level))
		}
		return
	}
	spec, makesPods := podSpec(r)
	if !makesPods || !f.visible(spec, "the pods") {
		return
	}
	before := len(*f)
	checked := f.checkedParts(spec, "the pods' spec")
	if len(*f) > before {
		return
	}
	encoded, err := json.Marshal(checked)
	if err != nil {
		panic(err) // inputs are decoded from JSON
	}
	var pod corev1.PodSpec
	if err := json.Unmarshal(encoded, &pod); err != nil {
		f.brokenf("the pods cannot be read: %v", err)
		return
	}
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if result := policy.AggregateCheckResults(podSecurity.EvaluatePod(lv, &metav1.ObjectMeta{}, &pod)); !result.Allowed {
		f.brokenf("Pod Security level restricted refuses the pods: %s", result.ForbiddenDetail())
	}
}

// uncheckedFields are fields of a pod that Pod Security does not check, so they may be unknown.
var uncheckedFields = []string{"image", "env", "envFrom", "args", "command", "resources", "name", "serviceAccountName", "priorityClassName"}

// checkedParts returns a part of a pod without the fields that Pod Security does not check. It adds a finding for each other
// value that is not visible. place is the path of the part.
func (f *findings) checkedParts(v any, place string) any {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for key, inner := range v {
			if !slices.Contains(uncheckedFields, key) {
				object[key] = f.checkedParts(inner, place+"."+key)
			} else if key == "name" && inner != resource.Unknown && inner != resource.Secret {
				object[key] = inner // Pod Security's message names the container
			}
		}
		return object
	case []any:
		all := []any{}
		for i, inner := range v {
			all = append(all, f.checkedParts(inner, fmt.Sprintf("%s[%d]", place, i)))
		}
		return all
	}
	f.visible(v, place)
	return v
}

func pinnedImages(_ *Stack, r resource.Resource, f *findings) {
	spec, makesPods := podSpec(r)
	if !makesPods || !f.visible(spec, "the pods") {
		return
	}
	for _, kind := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers := resource.At(spec, kind)
		if !f.visible(containers, "the pods' "+kind) {
			continue
		}
		for i := range list(containers) {
			name, image := resource.At(containers, i, "name"), resource.At(containers, i, "image")
			if !f.visible(image, fmt.Sprintf("which image container %v runs", name)) {
				continue
			}
			if problem := imageProblem(text(image)); problem != "" {
				f.brokenf("container %v runs %q, %s", name, text(image), problem)
			}
		}
	}
}

// imageProblem says why an image reference may change its content, or "" if it may not.
func imageProblem(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "which is no image: " + err.Error()
	}
	if _, fixed := named.(reference.Digested); fixed {
		return ""
	}
	switch tagged, isTagged := named.(reference.Tagged); {
	case !isTagged:
		return "which has no tag"
	case tagged.Tag() == "latest":
		return "which changes with every push"
	}
	return ""
}
