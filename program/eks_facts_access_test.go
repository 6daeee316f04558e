package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"

	"tfserving/internal/mockengine"
)

func roleFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("AWS roles")
	for i, r := range g.roles(t) {
		if i > 0 {
			p.say("")
		}
		p.say("### %s", r.Name)
		p.say("")
		p.say("%s.", r.text("description"))
		p.say("")
		for _, s := range r.trust.Statement {
			p.say("- taken by %s%s", strings.Join(s.Principal["Service"], ", "), conditions(s.Condition))
		}
		for _, policy := range r.managed {
			p.say("- may what AWS's policy %s says", policy)
		}
		for _, d := range r.inline {
			for _, s := range d.Statement {
				verb := map[string]string{"Allow": "may", "Deny": "may not"}[s.Effect]
				p.say("- %s %s, on %s%s", verb, actions(s.Action), resources(s.Resource), conditions(s.Condition))
			}
		}
	}
}

// mostNamed is how many actions of a service that change nothing are named; more are counted.
const mostNamed = 4

// actions groups actions by service, with those that change something in bold.
func actions(all texts) string {
	reads, writes := map[string][]string{}, map[string][]string{}
	for _, action := range all {
		service, name, _ := strings.Cut(action, ":")
		into := writes
		if onlyReads.MatchString(action) {
			into = reads
		}
		into[service] = append(into[service], name)
	}
	var parts []string
	for _, service := range slices.Sorted(maps.Keys(writes)) {
		parts = append(parts, fmt.Sprintf("%s: **%s**", service, strings.Join(sorted(writes[service]), ", ")))
	}
	for _, service := range slices.Sorted(maps.Keys(reads)) {
		names := strings.Join(sorted(reads[service]), ", ")
		if n := len(reads[service]); n > mostNamed {
			names = fmt.Sprintf("%d actions that change nothing", n)
		}
		parts = append(parts, service+": "+names)
	}
	return strings.Join(parts, "; ")
}

func resources(all texts) string {
	if slices.Contains(all, "*") {
		return "any resource"
	}
	return strings.Join(sorted(all), ", ")
}

// conditions are a statement's conditions in words.
func conditions(all map[string]map[string]texts) string {
	var parts []string
	for operator, keys := range all {
		for key, values := range keys {
			parts = append(parts, subject(key)+" "+predicate(operator, values))
		}
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return ""
	}
	return ", if " + strings.Join(parts, " and ")
}

func subject(key string) string {
	for prefix, words := range map[string]string{
		"aws:ResourceTag/": "the resource's tag ",
		"aws:RequestTag/":  "the request's tag ",
	} {
		if tag, ok := strings.CutPrefix(key, prefix); ok {
			return words + tag
		}
	}
	return key
}

func predicate(operator string, values texts) string {
	value := strings.Join(values, " or ")
	switch {
	case operator == "StringEquals":
		return "is " + value
	case operator == "ArnLike" || operator == "StringLike":
		return "is like " + value
	case operator == "Null" && value == "true":
		return "is missing"
	case operator == "Null" && value == "false":
		return "is there"
	}
	return operator + " " + value
}

func kubernetesFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Rights in the cluster")
	eks, inner := g.only(t, mockengine.Cluster), g.engine.ControlPlane.Properties
	p.say("- Who gets in is told by EKS's access entries alone (authentication mode %v).", at(inner, "accessConfig", "authenticationMode"))
	if at(inner, "accessConfig", "bootstrapClusterCreatorAdminPermissions") == true {
		p.say("- Administrator: whoever makes the cluster, for good.")
	}
	entries, _ := eks.input("accessEntries").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		p.say("- Administrator: %v", at(entries[name], "principalArn"))
	}
	rights := map[string][]rbacv1.PolicyRule{}
	for _, r := range objects[*rbacv1.ClusterRole](g) {
		rights["ClusterRole "+r.Name] = r.Rules
	}
	for _, r := range objects[*rbacv1.Role](g) {
		rights["Role "+r.Name] = r.Rules
	}
	given := func(ref rbacv1.RoleRef, subjects []rbacv1.Subject, where string) {
		for _, s := range subjects {
			p.say("- %s %s/%s, %s:", s.Kind, s.Namespace, s.Name, where)
		}
		for _, rule := range rights[ref.Kind+" "+ref.Name] {
			named := ""
			if len(rule.ResourceNames) > 0 {
				named = " named " + strings.Join(rule.ResourceNames, ", ")
			}
			p.say("  - %s: %s%s%s", strings.Join(rule.Verbs, ", "), strings.Join(rule.Resources, ", "), inGroup(rule.APIGroups), named)
		}
	}
	for _, b := range objects[*rbacv1.ClusterRoleBinding](g) {
		given(b.RoleRef, b.Subjects, "in the whole cluster")
	}
	for _, b := range objects[*rbacv1.RoleBinding](g) {
		given(b.RoleRef, b.Subjects, "in namespace "+b.Namespace)
	}
	p.say("- The load balancer controller: what its chart gives it.")
}

func inGroup(groups []string) string {
	if group := strings.Join(groups, ", "); group != "" {
		return " of " + group
	}
	return ""
}

func encryptionFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Encrypted")
	byKey := func(arn string) string {
		key := g.keyWith(arn)
		if key == nil {
			return "no key of the stack: " + orNone(arn)
		}
		rotated := "not rotated"
		if key.input("enableKeyRotation") == true {
			rotated = "rotated each year"
		}
		return fmt.Sprintf("the stack's key %s: %s, %v days from deletion until it is gone", key.Name, rotated, key.input("deletionWindowInDays"))
	}
	rows := [][]string{{"Secrets in the cluster", byKey(g.only(t, mockengine.Cluster).text("encryptionConfigKeyArn"))}}
	for _, r := range g.ofType("aws:ec2/launchTemplate:LaunchTemplate") {
		ebs, key := r.input("blockDeviceMappings", 0, "ebs"), "not encrypted"
		if at(ebs, "encrypted") == "true" {
			key = "the account's default key for EBS"
			if arn, own := at(ebs, "kmsKeyId").(string); own {
				key = byKey(arn)
			}
		}
		rows = append(rows, []string{"Volumes of nodes " + r.Name, key})
	}
	for _, r := range g.ofType("aws:ecr/repository:Repository") {
		rows = append(rows, []string{"Repository " + r.text("name"), byKey(r.text("encryptionConfigurations", 0, "kmsKey"))})
	}
	for _, r := range g.ofType("aws:cloudwatch/logGroup:LogGroup") {
		key := "CloudWatch Logs' own key"
		if arn := r.text("kmsKeyId"); arn != "" {
			key = byKey(arn)
		}
		rows = append(rows, []string{"Log group " + r.Name, key})
	}
	p.table([]string{"What", "By"}, rows)
}

func podFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Pods")
	var rows [][]string
	for _, r := range g.ofType("kubernetes:apps/v1:Deployment") {
		d, _ := as[*appsv1.Deployment](r)
		pods := fmt.Sprint(ptr.Deref(d.Spec.Replicas, 1))
		if h := autoscalerOf(g, d); h != nil {
			pods = fmt.Sprintf("%d to %d", *h.Spec.MinReplicas, h.Spec.MaxReplicas)
		}
		c := container(t, d)
		rows = append(rows, []string{d.Namespace + "/" + d.Name, "`" + c.Image + "`", pods, c.Resources.Requests.Cpu().String(), c.Resources.Requests.Memory().String()})
	}
	p.table([]string{"Deployment", "Image", "Pods", "CPU of each", "Memory of each"}, rows)
	p.say("")
	r := g.release(t)
	p.say("And chart %s %s of %s as %s/%s, with %v pods.", r.text("chart"), r.text("version"), orNone(r.text("repositoryOpts", "repo")),
		r.text("namespace"), r.text("name"), r.input("values", "replicaCount"))
}
