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
)

// templates are where Kubernetes' workloads hold their pods, by type; a Pod is one itself.
var templates = map[string][]any{
	"kubernetes:core/v1:Pod":                   {},
	"kubernetes:core/v1:PodTemplate":           {"template"},
	"kubernetes:core/v1:ReplicationController": {"spec", "template"},
	"kubernetes:apps/v1:Deployment":            {"spec", "template"},
	"kubernetes:apps/v1:StatefulSet":           {"spec", "template"},
	"kubernetes:apps/v1:DaemonSet":             {"spec", "template"},
	"kubernetes:apps/v1:ReplicaSet":            {"spec", "template"},
	"kubernetes:batch/v1:Job":                  {"spec", "template"},
	"kubernetes:batch/v1:CronJob":              {"spec", "jobTemplate", "spec", "template"},
}

// podSpec is the specification of the pods that a resource makes, if it makes some.
func podSpec(r Resource) (any, bool) {
	path, makesPods := templates[r.Type]
	return at(r.Inputs, append(slices.Clone(path), "spec")...), makesPods
}

// podSecurity evaluates pods as the API server's Pod Security admission does.
var podSecurity = func() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err) // Kubernetes' own checks
	}
	return evaluator
}()

func restrictedPods(_ *Stack, r Resource, f *findings) {
	if r.Type == "kubernetes:core/v1:Namespace" {
		level := at(r.Inputs, "metadata", "labels", api.EnforceLevelLabel)
		if f.seen(level, "which pods the namespace admits") && level != string(api.LevelRestricted) {
			f.brokenf("the namespace's Pod Security level (label %s) is %s", api.EnforceLevelLabel, shown(level))
		}
		return
	}
	spec, makesPods := podSpec(r)
	if !makesPods || !f.seen(spec, "the pods") {
		return
	}
	before := len(*f)
	visible := f.without(spec, "the pods' spec")
	if len(*f) > before {
		return
	}
	encoded, err := json.Marshal(visible)
	if err != nil {
		panic(err) // it was decoded from JSON
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

// harmless are the parts of a pod that Pod Security does not look at: whatever they turn out to be, its answer is the same.
var harmless = []string{"image", "env", "envFrom", "args", "command", "resources", "name", "serviceAccountName", "priorityClassName"}

// without is a part of a pod without its harmless parts, and notes what cannot be seen of the others. place says where it is.
func (f *findings) without(v any, place string) any {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for key, inner := range v {
			if !slices.Contains(harmless, key) {
				object[key] = f.without(inner, place+"."+key)
			} else if key == "name" && inner != Unknown && inner != Secret {
				object[key] = inner // a refusal names the container
			}
		}
		return object
	case []any:
		all := []any{}
		for i, inner := range v {
			all = append(all, f.without(inner, fmt.Sprintf("%s[%d]", place, i)))
		}
		return all
	}
	f.seen(v, place)
	return v
}

func pinnedImages(_ *Stack, r Resource, f *findings) {
	spec, makesPods := podSpec(r)
	if !makesPods || !f.seen(spec, "the pods") {
		return
	}
	for _, kind := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers := at(spec, kind)
		if !f.seen(containers, "the pods' "+kind) {
			continue
		}
		for i := range list(containers) {
			name, image := at(containers, i, "name"), at(containers, i, "image")
			if !f.seen(image, fmt.Sprintf("which image container %v runs", name)) {
				continue
			}
			if problem := imageProblem(text(image)); problem != "" {
				f.brokenf("container %v runs %q, %s", name, text(image), problem)
			}
		}
	}
}

// imageProblem says why an image is none that is always the same, or nothing.
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
		return "which is whatever was pushed last"
	}
	return ""
}
