package program

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"tfserving/internal/mockengine"
	"tfserving/internal/page"
	"tfserving/resource"
)

func TestFactsFilesAreCurrent(t *testing.T) {
	for _, stack := range eksStacks {
		t.Run(stack, func(t *testing.T) {
			page.Whole(t, filepath.Join("testdata", "facts."+stack+".md"), "go test ./program -run Facts -update", facts(t, checkedInStack(t, stack)))
		})
	}
}

// facts returns the page about a stack for reviewers. Other tests check the sentences that are the same for every stack, for
// example that nodes have no public addresses.
func facts(t *testing.T, g *graph) string {
	p := &markdown{}
	p.line("# What stack %s makes", g.stack)
	p.line("")
	p.line("Read off the resources that the program registers for Pulumi.%s.yaml, with AWS's answers made up: account %s,", g.stack, mockengine.Account)
	p.line("zones a to c. A change of it is a change of what runs; `go test ./program -run Facts -update` writes it anew. What")
	p.line("pulumi-eks makes inside of its component (the control plane's role and two security groups) is not in it.")
	for _, section := range []func(*testing.T, *markdown, *graph){
		publicFacts, roleFacts, kubernetesFacts, encryptionFacts, securityGroupFacts, nodeFacts, networkFacts, addonFacts, protectionFacts,
		tagFacts, logFacts, podFacts, countFacts,
	} {
		section(t, p, g)
	}
	return p.String()
}

// markdown is a page in Markdown.
type markdown struct{ strings.Builder }

func (p *markdown) heading(text string) { fmt.Fprintf(p, "\n## %s\n\n", text) }

func (p *markdown) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *markdown) table(columns []string, rows [][]string) {
	if len(rows) == 0 {
		p.line("None.")
		return
	}
	p.line("| %s |", strings.Join(columns, " | "))
	p.line("|%s", strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		p.line("| %s |", strings.Join(row, " | "))
	}
}

func protectionFacts(_ *testing.T, p *markdown, g *graph) {
	p.heading("Protected from deletion")
	protected := 0
	for _, r := range g.resources {
		if r.RegisterRPC.GetProtect() {
			protected++
		}
	}
	if protected == 0 && !g.engine.ControlPlane.Protected {
		p.line("Nothing: `make down` takes all of it away, the images in the repositories too.")
	}
	if g.engine.ControlPlane.Protected {
		p.line("- the control plane")
	}
	for _, token := range protectedTypes {
		for _, r := range g.ofType(token) {
			if r.RegisterRPC.GetProtect() {
				p.line("- %s %s", typeName(token), r.Name)
			}
		}
	}
	for _, in := range g.ofType(resource.Ingress) {
		if strings.Contains(in.text("metadata", "annotations", resource.ALBAnnotation+"load-balancer-attributes"), "deletion_protection.enabled=true") {
			p.line("- the load balancer of Ingress %s, by AWS", in.Name)
		}
	}
}

func tagFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Tags")
	tags := g.defaultTags(t)
	p.line("On every AWS resource, on instances with their volumes and network interfaces, and on load balancers:")
	p.line("")
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		p.line("- %s: %s", key, tags[key])
	}
}

func logFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Logs")
	var rows [][]string
	for _, r := range g.ofType(resource.LogGroup) {
		content := "flow logs of the VPC, accepted and refused"
		if strings.HasPrefix(r.text("name"), "/aws/eks/") {
			content = "control plane: " + strings.Join(g.single(t, mockengine.Cluster).list("enabledClusterLogTypes"), ", ")
		}
		rows = append(rows, []string{r.Name, content, fmt.Sprintf("%v days", r.input("retentionInDays"))})
	}
	p.table([]string{"Log group", "Of", "Kept for"}, rows)
}

func countFacts(_ *testing.T, p *markdown, g *graph) {
	p.heading("Resources, by type")
	count := map[string]int{}
	for _, r := range g.resources {
		count[r.TypeToken]++
	}
	var rows [][]string
	for _, token := range slices.Sorted(maps.Keys(count)) {
		rows = append(rows, []string{token, fmt.Sprint(count[token])})
	}
	p.table([]string{"Type", "Number"}, append(rows, []string{"all", fmt.Sprint(len(g.resources))}))
}

// typeName returns the last part of a type token: Vpc for aws:ec2/vpc:Vpc.
func typeName(token string) string { return token[strings.LastIndex(token, ":")+1:] }

func podFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Pods")
	var rows [][]string
	for _, r := range g.ofType(resource.Deployment) {
		d, _ := r.object.(*appsv1.Deployment)
		pods := fmt.Sprint(ptr.Deref(d.Spec.Replicas, 1))
		if h := autoscalerOf(g, d); h != nil {
			pods = fmt.Sprintf("%d to %d", *h.Spec.MinReplicas, h.Spec.MaxReplicas)
		}
		c := container(t, d)
		rows = append(rows, []string{d.Namespace + "/" + d.Name, "`" + c.Image + "`", pods, c.Resources.Requests.Cpu().String(), c.Resources.Requests.Memory().String()})
	}
	p.table([]string{"Deployment", "Image", "Pods", "CPU of each", "Memory of each"}, rows)
	p.line("")
	r := g.loadBalancerRelease(t)
	p.line("And chart %s %s of %s as %s/%s, with %v pods.", r.text("chart"), r.text("version"), orNone(r.text("repositoryOpts", "repo")),
		r.text("namespace"), r.text("name"), r.input("values", "replicaCount"))
}

func addonFacts(_ *testing.T, p *markdown, g *graph) {
	p.heading("Add-ons")
	var rows [][]string
	for _, a := range g.ofType(typeAddon) {
		settings := orNone(a.text("configurationValues"))
		if settings != "none" {
			settings = "`" + a.text("configurationValues") + "`"
		}
		rows = append(rows, []string{a.text("addonName"), a.text("addonVersion"), settings})
	}
	p.table([]string{"Add-on", "Version", "Settings"}, rows)
}

func encryptionFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Encrypted")
	describeKey := func(arn string) string {
		key := g.keyWithARN(arn)
		if key == nil {
			return "no key of the stack: " + orNone(arn)
		}
		rotated := "not rotated"
		if key.input("enableKeyRotation") == true {
			rotated = "rotated each year"
		}
		return fmt.Sprintf("the stack's key %s: %s, %v days from deletion until it is gone", key.Name, rotated, key.input("deletionWindowInDays"))
	}
	rows := [][]string{{"Secrets in the cluster", describeKey(g.single(t, mockengine.Cluster).text("encryptionConfigKeyArn"))}}
	for _, r := range g.ofType(resource.LaunchTemplate) {
		ebs, key := r.input("blockDeviceMappings", 0, "ebs"), "not encrypted"
		if resource.At(ebs, "encrypted") == "true" {
			key = "the account's default key for EBS"
			if arn, isSet := resource.At(ebs, "kmsKeyId").(string); isSet {
				key = describeKey(arn)
			}
		}
		rows = append(rows, []string{"Volumes of nodes " + r.Name, key})
	}
	for _, r := range g.ofType(resource.Repository) {
		rows = append(rows, []string{"Repository " + r.text("name"), describeKey(r.text("encryptionConfigurations", 0, "kmsKey"))})
	}
	for _, r := range g.ofType(resource.LogGroup) {
		key := "CloudWatch Logs' own key"
		if arn := r.text("kmsKeyId"); arn != "" {
			key = describeKey(arn)
		}
		rows = append(rows, []string{"Log group " + r.Name, key})
	}
	p.table([]string{"What", "By"}, rows)
}
