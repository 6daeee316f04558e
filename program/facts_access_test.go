package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

func roleFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("AWS roles")
	for i, r := range g.roles(t) {
		if i > 0 {
			p.line("")
		}
		p.line("### %s", r.Name)
		p.line("")
		p.line("%s.", r.text("description"))
		p.line("")
		for _, s := range r.trust.Statement {
			p.line("- taken by %s%s", strings.Join(s.Principal["Service"], ", "), conditions(s.Condition))
		}
		for _, policy := range r.managed {
			p.line("- may what AWS's policy %s says", policy)
		}
		for _, d := range r.inline {
			for _, s := range d.Statement {
				verb := map[string]string{"Allow": "may", "Deny": "may not"}[s.Effect]
				p.line("- %s %s, on %s%s", verb, actions(s.Action), resources(s.Resource), conditions(s.Condition))
			}
		}
	}
}

// maxReadActions is how many read actions of a service the page lists by name. If there are more, it shows only their number.
const maxReadActions = 4

// actions returns actions by service. Actions that change something are bold.
func actions(all stringList) string {
	reads, writes := map[string][]string{}, map[string][]string{}
	for _, action := range all {
		service, name, _ := strings.Cut(action, ":")
		byService := writes
		if readActions.MatchString(action) {
			byService = reads
		}
		byService[service] = append(byService[service], name)
	}
	var parts []string
	for _, service := range slices.Sorted(maps.Keys(writes)) {
		parts = append(parts, fmt.Sprintf("%s: **%s**", service, strings.Join(sorted(writes[service]), ", ")))
	}
	for _, service := range slices.Sorted(maps.Keys(reads)) {
		names := strings.Join(sorted(reads[service]), ", ")
		if n := len(reads[service]); n > maxReadActions {
			names = fmt.Sprintf("%d actions that change nothing", n)
		}
		parts = append(parts, service+": "+names)
	}
	return strings.Join(parts, "; ")
}

// resources returns the resources of a statement as text.
func resources(all stringList) string {
	if slices.Contains(all, "*") {
		return "any resource"
	}
	return strings.Join(sorted(all), ", ")
}

// conditions returns the conditions of a statement as text.
func conditions(all map[string]map[string]stringList) string {
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

// subject returns a condition key as text.
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

// predicate returns a condition's operator and values as text.
func predicate(operator string, values stringList) string {
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
	inner := g.engine.ControlPlane.Properties
	p.line("- Who gets in is told by EKS's access entries alone (authentication mode %v).", resource.At(inner, "accessConfig", "authenticationMode"))
	if resource.At(inner, "accessConfig", "bootstrapClusterCreatorAdminPermissions") == true {
		p.line("- Administrator: whoever makes the cluster, for good.")
	}
	entries, _ := g.single(t, mockengine.Cluster).input("accessEntries").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		p.line("- Administrator: %v", resource.At(entries[name], "principalArn"))
	}
	rights := map[string][]rbacv1.PolicyRule{}
	for _, r := range objects[*rbacv1.ClusterRole](g) {
		rights["ClusterRole "+r.Name] = r.Rules
	}
	for _, r := range objects[*rbacv1.Role](g) {
		rights["Role "+r.Name] = r.Rules
	}
	listRights := func(ref rbacv1.RoleRef, subjects []rbacv1.Subject, where string) {
		for _, s := range subjects {
			p.line("- %s %s/%s, %s:", s.Kind, s.Namespace, s.Name, where)
		}
		for _, rule := range rights[ref.Kind+" "+ref.Name] {
			names := ""
			if len(rule.ResourceNames) > 0 {
				names = " named " + strings.Join(rule.ResourceNames, ", ")
			}
			p.line("  - %s: %s%s%s", strings.Join(rule.Verbs, ", "), strings.Join(rule.Resources, ", "), inGroup(rule.APIGroups), names)
		}
	}
	for _, b := range objects[*rbacv1.ClusterRoleBinding](g) {
		listRights(b.RoleRef, b.Subjects, "in the whole cluster")
	}
	for _, b := range objects[*rbacv1.RoleBinding](g) {
		listRights(b.RoleRef, b.Subjects, "in namespace "+b.Namespace)
	}
	p.line("- The load balancer controller: what its chart gives it.")
}

// inGroup returns the API groups of a rule as text.
func inGroup(groups []string) string {
	if group := strings.Join(groups, ", "); group != "" {
		return " of " + group
	}
	return ""
}
