package report

import (
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/resource"
)

// protection is a property that guards something as long as it has one of its better values.
type protection struct {
	path []string
	// worse says whether a change of it takes protection away.
	worse func(before, after any) bool
	lost  string
}

var protectedBy = map[string][]protection{
	"aws:eks/cluster:Cluster": {
		{[]string{"deletionProtection"}, switchedOff, "AWS no longer refuses to delete the cluster"},
		{[]string{"encryptionConfig"}, gone, "Secrets of the cluster are encrypted by no key of the stack"},
		{[]string{"enabledClusterLogTypes"}, fewer, "a log of the control plane is no longer kept"},
		{[]string{"vpcConfig", "endpointPrivateAccess"}, switchedOff, "nodes reach the Kubernetes API from outside alone, or not at all"},
	},
	"aws:ecr/repository:Repository": {
		{[]string{"imageTagMutability"}, leaves("IMMUTABLE"), "a tag may be pushed over: what runs can change without a deployment"},
		{[]string{"imageScanningConfiguration", "scanOnPush"}, switchedOff, "images are not scanned when they are pushed"},
		{[]string{"encryptionConfigurations"}, keyless, "images are encrypted by no key of the stack"},
		{[]string{"forceDelete"}, switchedOn, "the repository can be deleted with images in it"},
	},
	"aws:kms/key:Key": {
		{[]string{"enableKeyRotation"}, switchedOff, "the key is never changed"},
		{[]string{"deletionWindowInDays"}, lower, "a key deleted by mistake is lost sooner"},
	},
	"aws:cloudwatch/logGroup:LogGroup": {
		{[]string{"retentionInDays"}, lower, "older logs are deleted"},
		{[]string{"kmsKeyId"}, gone, "new logs are encrypted by no key of the stack"},
	},
	"aws:ec2/launchTemplate:LaunchTemplate": {
		{[]string{"metadataOptions", "httpTokens"}, leaves("required"), "whoever makes a node fetch an address gets the node's credentials"},
		{[]string{"metadataOptions", "httpPutResponseHopLimit"}, higher, "pods reach the node's credentials"},
		{[]string{"blockDeviceMappings"}, unencrypted, "volumes of nodes are not encrypted"},
	},
	"kubernetes:core/v1:Namespace": {
		{[]string{"metadata", "labels", "pod-security.kubernetes.io/enforce"}, lowerLevel, "pods may have rights that were refused"},
	},
	"kubernetes:networking.k8s.io/v1:Ingress": {
		{[]string{"metadata", "annotations", albPrefix + "load-balancer-attributes"}, undeletable, "AWS no longer refuses to delete the load balancer"},
	},
	"kubernetes:core/v1:Service": {
		{[]string{"metadata", "annotations", nlbPrefix + "attributes"}, undeletable, "AWS no longer refuses to delete the load balancer"},
	},
}

// protections finds what a step no longer guards.
func protections(s preview.Step, about *plan) (found []line) {
	if k, is := guards[s.Type]; is && s.Op == preview.OpDelete && !about.guardless(s) {
		return []line{say(went(s) + ": " + k.lost)}
	}
	if s.Old == nil || s.New == nil {
		return nil
	}
	for _, c := range s.Changes {
		if (c.Path == preview.Protection || c.Path == preview.Retention) && c.Old == true {
			found = append(found, say(value(c.Path), " is switched off: a later change can delete it"))
		}
	}
	for _, p := range protectedBy[s.Type] {
		before, after := get(s.Old.Inputs, p.path...), get(s.New.Inputs, p.path...)
		if _, amount := before.(float64); after == resource.Unknown && (amount || p.worse(before, nil)) {
			found = append(found, say(value(strings.Join(p.path, ".")), " is ", value(unknownText), "; it protected until now"))
		} else if p.worse(before, after) {
			found = append(found, say(value(strings.Join(p.path, ".")), " from ", value(brief(before)), " to ", value(brief(after)), ": "+p.lost))
		}
	}
	return found
}

func switchedOff(before, after any) bool { return before == true && after != true }
func switchedOn(before, after any) bool  { return before != true && after == true }
func gone(before, after any) bool        { return before != nil && after == nil }

// keyless says whether a repository was encrypted by a KMS key, and is not.
func keyless(before, after any) bool { return byKMS(before) && !byKMS(after) }

func byKMS(configurations any) bool {
	return slices.ContainsFunc(items(configurations), func(c any) bool { return get(c, "encryptionType") == "KMS" })
}

func leaves(better string) func(before, after any) bool {
	return func(before, after any) bool { return before == better && after != better }
}

func lower(before, after any) bool {
	b, isB := before.(float64)
	a, isA := after.(float64)
	return isA && isB && a < b
}

func higher(before, after any) bool { return lower(after, before) }

// fewer says whether a list has lost one.
func fewer(before, after any) bool {
	now := strs(after)
	return slices.ContainsFunc(strs(before), func(one string) bool { return !slices.Contains(now, one) })
}

// lowerLevel compares levels of Pod Security.
func lowerLevel(before, after any) bool {
	levels := []any{nil, "privileged", "baseline", "restricted"}
	return slices.Index(levels, after) < slices.Index(levels, before)
}

func undeletable(before, after any) bool {
	const on = "deletion_protection.enabled=true"
	was, _ := before.(string)
	is, _ := after.(string)
	return strings.Contains(was, on) && !strings.Contains(is, on)
}

// unencrypted says whether a volume was encrypted and one is not.
func unencrypted(before, after any) bool { return allEncrypted(before) && !allEncrypted(after) }

func allEncrypted(mappings any) bool {
	for _, m := range items(mappings) {
		if e := get(m, "ebs", "encrypted"); e != true && e != "true" {
			return false
		}
	}
	return len(items(mappings)) > 0
}
