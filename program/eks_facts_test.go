package program

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
	"tfserving/internal/page"
)

// factsOf is where a reviewer reads what a stack makes.
func factsOf(stack string) string { return filepath.Join("testdata", "facts."+stack+".md") }

func TestTheFactsOfEachStackAreCurrent(t *testing.T) {
	for _, stack := range eksStacks {
		t.Run(stack, func(t *testing.T) {
			page.Whole(t, factsOf(stack), "go test ./program -run Facts -update", facts(t, eksStack(t, stack)))
		})
	}
}

// markdown is a page that is being written.
type markdown struct{ strings.Builder }

func (p *markdown) heading(text string) { fmt.Fprintf(p, "\n## %s\n\n", text) }

func (p *markdown) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *markdown) table(columns []string, rows [][]string) {
	if len(rows) == 0 {
		p.say("None.")
		return
	}
	p.say("| %s |", strings.Join(columns, " | "))
	p.say("|%s", strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		p.say("| %s |", strings.Join(row, " | "))
	}
}

// facts are what a reviewer wants to know of a stack. What they say of every stack in the same words, such as that nodes
// have no public addresses, is held by a rule.
func facts(t *testing.T, g *graph) string {
	p := &markdown{}
	p.say("# What stack %s makes", g.stack)
	p.say("")
	p.say("Read off the resources that the program registers for Pulumi.%s.yaml, with AWS's answers made up: account %s,", g.stack, mockengine.Account)
	p.say("zones a to c. A change of it is a change of what runs; `go test . -run Facts -update` writes it anew. What")
	p.say("pulumi-eks makes inside of its component (the control plane's role and two security groups) is not in it.")
	for _, section := range []func(*testing.T, *markdown, *graph){
		publicFacts, roleFacts, kubernetesFacts, encryptionFacts, securityGroupFacts, nodeFacts, networkFacts, addonFacts, protectionFacts,
		tagFacts, logFacts, podFacts, countFacts,
	} {
		section(t, p, g)
	}
	return p.String()
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

func protectionFacts(_ *testing.T, p *markdown, g *graph) {
	p.heading("Protected from deletion")
	protected := 0
	for _, r := range g.resources {
		if r.RegisterRPC.GetProtect() {
			protected++
		}
	}
	if protected == 0 && !g.engine.ControlPlane.Protected {
		p.say("Nothing: `make down` takes all of it away, the images in the repositories too.")
	}
	if g.engine.ControlPlane.Protected {
		p.say("- the control plane")
	}
	for _, token := range holdState {
		for _, r := range g.ofType(token) {
			if r.RegisterRPC.GetProtect() {
				p.say("- %s %s", typeName(token), r.Name)
			}
		}
	}
	for _, in := range g.ofType("kubernetes:networking.k8s.io/v1:Ingress") {
		if strings.Contains(in.text("metadata", "annotations", "alb.ingress.kubernetes.io/load-balancer-attributes"), "deletion_protection.enabled=true") {
			p.say("- the load balancer of Ingress %s, by AWS", in.Name)
		}
	}
}

func tagFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Tags")
	tags := g.defaultTags(t)
	p.say("On every AWS resource, on instances with their volumes and network interfaces, and on load balancers:")
	p.say("")
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		p.say("- %s: %s", key, tags[key])
	}
}

func logFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Logs")
	var rows [][]string
	for _, r := range g.ofType("aws:cloudwatch/logGroup:LogGroup") {
		what := "flow logs of the VPC, accepted and refused"
		if strings.HasPrefix(r.text("name"), "/aws/eks/") {
			what = "control plane: " + strings.Join(g.only(t, mockengine.Cluster).list("enabledClusterLogTypes"), ", ")
		}
		rows = append(rows, []string{r.Name, what, fmt.Sprintf("%v days", r.input("retentionInDays"))})
	}
	p.table([]string{"Log group", "Of", "Kept for"}, rows)
}

// typeName is the last part of a type: Vpc of aws:ec2/vpc:Vpc.
func typeName(token string) string { return token[strings.LastIndex(token, ":")+1:] }
