package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/facts.<stack>.md and the tables of docs/cost.md anew")

// eksStacks are the checked-in stacks on EKS, in the order of the docs.
var eksStacks = []string{"dev", "staging", "prod"}

// factsOf is where a reviewer reads what a stack makes.
func factsOf(stack string) string { return filepath.Join("testdata", "facts."+stack+".md") }

func TestTheFactsOfEachStackAreCurrent(t *testing.T) {
	for _, stack := range eksStacks {
		t.Run(stack, func(t *testing.T) {
			want := facts(t, eksStack(t, stack))
			if *update {
				if err := os.WriteFile(factsOf(stack), []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(factsOf(stack))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("stack %s makes something else than %s says:\n%s\nIf that is meant: go test . -run Facts -update", stack, factsOf(stack), differences(string(got), want))
			}
		})
	}
}

// mostDifferences is how many lines of a difference are shown.
const mostDifferences = 12

// differences are the lines that only one of two texts has, each under its heading.
func differences(file, program string) string {
	count := map[string]int{}
	for _, line := range under(file) {
		count[line]--
	}
	for _, line := range under(program) {
		count[line]++
	}
	var all []string
	for line, n := range count {
		switch {
		case n < 0:
			all = append(all, line+"\n    file:    "+lineOf(line))
		case n > 0:
			all = append(all, line+"\n    program: "+lineOf(line))
		}
	}
	slices.Sort(all)
	for i, text := range all {
		heading, _, _ := strings.Cut(text, headingEnds)
		all[i] = "  " + heading + text[strings.Index(text, "\n"):]
	}
	if len(all) == 0 {
		return "  the same lines in another order"
	}
	if more := len(all) - mostDifferences; more > 0 {
		all = append(all[:mostDifferences], fmt.Sprintf("  and %d lines more", more))
	}
	return strings.Join(all, "\n")
}

const headingEnds = "\x00"

func lineOf(line string) string { _, text, _ := strings.Cut(line, headingEnds); return text }

// under are the lines of a text, each with the heading that it is under.
func under(text string) (all []string) {
	heading := ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		all = append(all, heading+headingEnds+line)
	}
	return all
}

func TestDifferencesAreShortAndSayWhere(t *testing.T) {
	got := differences("# A\n- one\n- two\n# B\n- two\n", "# A\n- one\n# B\n- two\n- three\n")
	want := "  A\n    file:    - two\n  B\n    program: - three"
	if got != want {
		t.Errorf("the difference is\n%s\nwant\n%s", got, want)
	}
	long := strings.Repeat("- x\n", 3)
	for i := range 40 {
		long += fmt.Sprintf("- %d\n", i)
	}
	if n := strings.Count(differences("", long), "\n"); n > 2*mostDifferences {
		t.Errorf("the difference has %d lines", n)
	}
}

// page is a page of Markdown.
type page struct{ strings.Builder }

func (p *page) heading(text string) { fmt.Fprintf(p, "\n## %s\n\n", text) }

func (p *page) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) table(columns []string, rows [][]string) {
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
	p := &page{}
	p.say("# What stack %s makes", g.stack)
	p.say("")
	p.say("Read off the resources that the program registers for Pulumi.%s.yaml, with AWS's answers made up: account %s,", g.stack, awsAccount)
	p.say("zones a to c. A change of it is a change of what runs; `go test . -run Facts -update` writes it anew. What")
	p.say("pulumi-eks makes inside of its component (the control plane's role and two security groups) is not in it.")
	for _, section := range []func(*testing.T, *page, *graph){
		publicFacts, roleFacts, kubernetesFacts, encryptionFacts, securityGroupFacts, nodeFacts, networkFacts, addonFacts, protectionFacts,
		tagFacts, logFacts, podFacts, countFacts,
	} {
		section(t, p, g)
	}
	return p.String()
}

func countFacts(_ *testing.T, p *page, g *graph) {
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

func protectionFacts(_ *testing.T, p *page, g *graph) {
	p.heading("Protected from deletion")
	protected := 0
	for _, r := range g.resources {
		if r.RegisterRPC.GetProtect() {
			protected++
		}
	}
	if protected == 0 && !g.controlPlane.protected {
		p.say("Nothing: `make down` takes all of it away, the images in the repositories too.")
	}
	if g.controlPlane.protected {
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

func tagFacts(t *testing.T, p *page, g *graph) {
	p.heading("Tags")
	tags := g.defaultTags(t)
	p.say("On every AWS resource, on instances with their volumes and network interfaces, and on load balancers:")
	p.say("")
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		p.say("- %s: %s", key, tags[key])
	}
}

func logFacts(t *testing.T, p *page, g *graph) {
	p.heading("Logs")
	var rows [][]string
	for _, r := range g.ofType("aws:cloudwatch/logGroup:LogGroup") {
		what := "flow logs of the VPC, accepted and refused"
		if strings.HasPrefix(r.text("name"), "/aws/eks/") {
			what = "control plane: " + strings.Join(g.only(t, eksComponent).list("enabledClusterLogTypes"), ", ")
		}
		rows = append(rows, []string{r.Name, what, fmt.Sprintf("%v days", r.input("retentionInDays"))})
	}
	p.table([]string{"Log group", "Of", "Kept for"}, rows)
}

// typeName is the last part of a type: Vpc of aws:ec2/vpc:Vpc.
func typeName(token string) string { return token[strings.LastIndex(token, ":")+1:] }
