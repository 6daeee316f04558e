package risk

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// deleted applies to a deletion.
func deleted(r rule, s preview.Step, _ *stack) []prose.Line {
	if s.Op != preview.OpDelete {
		return nil
	}
	word := "deleted"
	if s.Drift { // someone else deleted it
		word = "gone"
	}
	return []prose.Line{prose.Say(word + ": " + r.consequence)}
}

// replaced applies to a replacement. The sentence names the properties that force it.
func replaced(r rule, s preview.Step, _ *stack) []prose.Line {
	if s.Op != preview.OpReplace {
		return nil
	}
	var forcing []string
	for _, c := range s.Changes {
		if c.Forces {
			forcing = append(forcing, c.Path)
		}
	}
	reasons := prose.Values(forcing)
	if len(forcing) == 0 {
		reasons = prose.Say("something that the engine does not name")
	}
	return []prose.Line{prose.Say("replaced because of ", reasons, ": "+r.consequence)}
}

// replacedOrDeleted applies to a replacement and a deletion.
func replacedOrDeleted(r rule, s preview.Step, stack *stack) []prose.Line {
	return append(deleted(r, s, stack), replaced(r, s, stack)...)
}

// takenAway is replacedOrDeleted while the cluster stays.
func takenAway(r rule, s preview.Step, stack *stack) []prose.Line {
	if stack.clusterIsDeleted {
		return nil
	}
	return replacedOrDeleted(r, s, stack)
}

// protectionDeleted applies to the deletion of a resource that protects another, if the other stays.
func protectionDeleted(r rule, s preview.Step, stack *stack) []prose.Line {
	if stack.protectsNothing(s) {
		return nil
	}
	return deleted(r, s, stack)
}

// optionSwitchedOff applies if the resource option protect or retainOnDelete is switched off.
func optionSwitchedOff(r rule, s preview.Step, _ *stack) (found []prose.Line) {
	if s.Old == nil || s.New == nil {
		return nil
	}
	for _, c := range s.Changes {
		if (c.Path == preview.Protection || c.Path == preview.Retention) && c.Old == true {
			found = append(found, prose.Say(prose.Value(c.Path), " is switched off: "+r.consequence))
		}
	}
	return found
}

// onUpdate limits a condition to updates.
func onUpdate(applies condition) condition {
	return func(r rule, s preview.Step, stack *stack) []prose.Line {
		if s.Op != preview.OpUpdate {
			return nil
		}
		return applies(r, s, stack)
	}
}

// lowered applies to an update that lowers a number.
func lowered(r rule, s preview.Step, _ *stack) (found []prose.Line) {
	for _, input := range r.inputs {
		before, after := resource.At(s.Old.Inputs, input...), resource.At(s.New.Inputs, input...)
		if lower(before, after) {
			found = append(found, fromTo(input, before, after, r.consequence))
		}
	}
	return found
}

// rollsNodes applies to an update of a node group that makes EKS replace its nodes.
func rollsNodes(r rule, s preview.Step, stack *stack) []prose.Line {
	for _, c := range s.Changes {
		if slices.Contains([]string{"version", "releaseVersion", "launchTemplate.version", "launchTemplate.id", "launchTemplate"}, c.Path) {
			return []prose.Line{prose.Say("updated because of ", prose.Value(c.Path), ": "+r.consequence+slowDrains(s.New, stack.deployments))}
		}
	}
	return nil
}

// subnetsChange applies if a cluster's subnets change. The provider plans an update, which EKS may refuse.
func subnetsChange(r rule, s preview.Step, _ *stack) []prose.Line {
	before, after := resource.At(s.Old.Inputs, r.inputs[0]...), resource.At(s.New.Inputs, r.inputs[0]...)
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return []prose.Line{prose.Say("its subnets change, from ", prose.Value(prose.Brief(before)), " to ", prose.Value(prose.Brief(after)), ": "+r.consequence)}
}

// versionRises applies if a cluster's Kubernetes version changes to a newer one, or to one that is not known yet.
func versionRises(r rule, s preview.Step, stack *stack) []prose.Line {
	before, after := textOf(s.Old, r.inputs[0]...), textOf(s.New, r.inputs[0]...)
	if before == after || before == "" || minor(after) < minor(before) {
		return nil
	}
	text := fmt.Sprintf("from %s to %s: %s", before, prose.Shown(after), r.consequence)
	if stack.nodeVersionsChange {
		text += ". Nodes change with it and must go back first; tfserving:cluster.nodeVersion keeps them for a while"
	}
	return []prose.Line{prose.Say(text)}
}

// versionFalls applies if a cluster's Kubernetes version goes back.
func versionFalls(r rule, s preview.Step, stack *stack) []prose.Line {
	before, after := textOf(s.Old, r.inputs[0]...), textOf(s.New, r.inputs[0]...)
	if before == "" || minor(after) >= minor(before) {
		return nil
	}
	text := fmt.Sprintf("from %s to %s: %s", before, after, r.consequence)
	if stack.newestNodes > minor(after) {
		text += fmt.Sprintf(". Nodes have 1.%d: set tfserving:cluster.nodeVersion to %s and run make up before this", stack.newestNodes, after)
	}
	return []prose.Line{prose.Say(text)}
}

func pathText(input path) string {
	var all []string
	for _, key := range input {
		all = append(all, fmt.Sprint(key))
	}
	return strings.Join(all, ".")
}

// minor is the minor version in a Kubernetes version such as 1.35. A version that is not known yet counts as newer than any.
func minor(version string) int {
	_, text, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(text)
	if err != nil {
		return math.MaxInt
	}
	return n
}

// fromTo is the sentence about a changed input.
func fromTo(input path, before, after any, consequence string) prose.Line {
	return prose.Say(prose.Value(pathText(input)), " from ", prose.Value(prose.Brief(before)), " to ", prose.Value(prose.Brief(after)), ": "+consequence)
}

// worse applies if an input changes to a value that protects less, or may do so because it is unknown.
func worse(isWorse func(before, after any) bool) condition {
	return func(r rule, s preview.Step, _ *stack) []prose.Line {
		if s.Old == nil || s.New == nil {
			return nil
		}
		input := r.inputs[0]
		before, after := resource.At(s.Old.Inputs, input...), resource.At(s.New.Inputs, input...)
		_, isNumber := before.(float64)
		switch {
		case after == resource.Unknown && (isNumber || isWorse(before, nil)):
			return []prose.Line{prose.Say(prose.Value(pathText(input)), " is ", prose.Value(prose.KnownAfterUp), "; it protected until now")}
		case isWorse(before, after):
			return []prose.Line{fromTo(input, before, after, r.consequence)}
		}
		return nil
	}
}

func switchedOff(before, after any) bool { return before == true && after != true }
func switchedOn(before, after any) bool  { return before != true && after == true }
func removed(before, after any) bool     { return before != nil && after == nil }

func changedFrom(better string) func(before, after any) bool {
	return func(before, after any) bool { return before == better && after != better }
}

func lower(before, after any) bool {
	b, isB := before.(float64)
	a, isA := after.(float64)
	return isA && isB && a < b
}

func higher(before, after any) bool { return lower(after, before) }

// lostElement says whether a list of texts lost an element.
func lostElement(before, after any) bool {
	now := texts(after)
	return slices.ContainsFunc(texts(before), func(one string) bool { return !slices.Contains(now, one) })
}

// lowerPodSecurity compares levels of Pod Security.
func lowerPodSecurity(before, after any) bool {
	levels := []any{nil, "privileged", "baseline", "restricted"}
	return slices.Index(levels, after) < slices.Index(levels, before)
}

// lostDeletionProtection compares the attributes of a load balancer.
func lostDeletionProtection(before, after any) bool {
	const on = "deletion_protection.enabled=true"
	was, _ := before.(string)
	is, _ := after.(string)
	return strings.Contains(was, on) && !strings.Contains(is, on)
}

// lostKMSKey compares the encryption configurations of a repository.
func lostKMSKey(before, after any) bool { return hasKMSKey(before) && !hasKMSKey(after) }

func hasKMSKey(configurations any) bool {
	return slices.ContainsFunc(elements(configurations), func(c any) bool { return resource.At(c, "encryptionType") == "KMS" })
}

// lostEncryption compares the block device mappings of a launch template.
func lostEncryption(before, after any) bool { return allEncrypted(before) && !allEncrypted(after) }

func allEncrypted(mappings any) bool {
	for _, m := range elements(mappings) {
		if e := resource.At(m, "ebs", "encrypted"); e != true && e != "true" {
			return false
		}
	}
	return len(elements(mappings)) > 0
}

// elements are the elements of a list. Any other value has none.
func elements(v any) []any {
	list, _ := v.([]any)
	return list
}

// texts are the texts of an input: a list, one text, or several in one text with commas.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	case []any:
		for _, e := range v {
			all = append(all, texts(e)...)
		}
	}
	return all
}
