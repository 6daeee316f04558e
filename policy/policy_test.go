package policy

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tfserving/config"
	"tfserving/cost"
	"tfserving/resource"
)

// open breaks rule no-open-ingress.
var open = resource.Resource{URN: "urn:open", Type: resource.SecurityGroupIngressRule, Name: "dev-door",
	Inputs: map[string]any{"cidrIpv4": "0.0.0.0/0"}, Provider: object(tagsOf("dev"))}

func except(rule, resource, until string) *Stack {
	return &Stack{Name: "dev", Now: now, Settings: &config.Settings{Policy: config.Policy{Exceptions: []config.PolicyException{
		{Rule: rule, Resource: resource, Reason: "a fair", Until: until},
	}}}}
}

func TestAnExceptionMakesViolationsOfItsResourcesAdvisoryUntilItEnds(t *testing.T) {
	const rule = "no-open-ingress"
	for _, c := range []struct {
		name  string
		stack *Stack
		level Level
		text  string
	}{
		{"none", except("imdsv2", "*", "2027-01-31"), Mandatory, "the ingress rule: open to 0.0.0.0/0"},
		{"by name", except(rule, "dev-door", "2027-01-31"), Advisory, "excepted until 2027-01-31 (a fair): the ingress rule: open to 0.0.0.0/0"},
		{"by pattern", except(rule, "dev-*", "2027-01-31"), Advisory, "excepted until 2027-01-31 (a fair): the ingress rule: open to 0.0.0.0/0"},
		{"for another resource", except(rule, "dev-window", "2027-01-31"), Mandatory, "the ingress rule: open to 0.0.0.0/0"},
		{"on its last day", except(rule, "*", "2026-11-25"), Advisory, "excepted until 2026-11-25 (a fair): the ingress rule: open to 0.0.0.0/0"},
		{"the day after", except(rule, "*", "2026-11-24"), Mandatory, "the ingress rule: open to 0.0.0.0/0; the exception from this rule ended on 2026-11-24"},
	} {
		found := c.stack.Check(open)
		if len(found) != 1 || found[0].Level != c.level || found[0].Text != c.text || found[0].URN != open.URN {
			t.Errorf("%s: found %+v, want %s: %s", c.name, found, c.level, c.text)
		}
	}
}

func TestAnExceptionThatIsNotNeededIsReported(t *testing.T) {
	closed := open
	closed.Inputs = map[string]any{"cidrIpv4": "10.0.0.0/16"}
	unsure := open
	unsure.Inputs = map[string]any{"cidrIpv4": resource.Unknown}
	for _, c := range []struct {
		name     string
		resource resource.Resource
		unneeded bool
	}{{"a violation", open, false}, {"an unknown value", unsure, false}, {"no violation", closed, true}} {
		found := except("no-open-ingress", "dev-door", "2027-01-31").CheckAll([]resource.Resource{c.resource})
		if unneeded := len(found) == 1 && found[0].Level == Advisory && strings.Contains(found[0].Text, "is not needed"); unneeded != c.unneeded || len(found) > 1 {
			t.Errorf("%s: found %+v", c.name, found)
		}
	}
}

func TestExceptionsEndAfterTheirLastDay(t *testing.T) {
	s := except("imdsv2", "*", "2026-11-24").Settings
	s.Policy.Exceptions = append(s.Policy.Exceptions, config.PolicyException{Rule: "imdsv2", Resource: "a", Reason: "b", Until: "2026-11-25"})
	var ended []bool
	for _, e := range Exceptions(s, now) {
		ended = append(ended, e.Ended)
	}
	if want := []bool{true, false}; !reflect.DeepEqual(ended, want) {
		t.Errorf("ended are %v, want %v", ended, want)
	}
	if all := Exceptions(nil, now); all != nil {
		t.Errorf("a stack without settings has the exceptions %v", all)
	}
}

// The settings' validation and reference have the names of the rules from the tag.
func TestAnExceptionCanNameEveryRule(t *testing.T) {
	field, _ := reflect.TypeFor[config.PolicyException]().FieldByName("Rule")
	var names []string
	for _, r := range Rules {
		names = append(names, r.Name)
	}
	if got, want := field.Tag.Get("oneof"), strings.Join(names, "|"); got != want {
		t.Errorf("config.PolicyException.Rule allows\n%s, and the rules are\n%s", got, want)
	}
}

func TestEveryRuleHasAConditionAReasonAndAFix(t *testing.T) {
	for _, r := range Rules {
		if r.What == "" || r.Reason == "" || r.Fix == "" || r.Level == "" || (r.each == nil) == (r.stack == nil) {
			t.Errorf("rule %s lacks something: %+v", r.Name, r)
		}
	}
}

func TestAMessageIsTheViolationItsReasonAndItsFix(t *testing.T) {
	v := except("imdsv2", "*", "2027-01-31").Check(open)[0]
	lines := strings.Split(v.Message(), "\n")
	if len(lines) != 3 || lines[0] != v.Text || lines[1] != "why: "+v.Rule.Reason || lines[2] != "fix: "+v.Rule.Fix {
		t.Errorf("the message is\n%s", v.Message())
	}
}

func TestAnEstimateAboveTheBudgetIsAViolation(t *testing.T) {
	unpriced := []cost.Line{{What: "requests", Name: "key", Unknown: "no price is known"}, {What: "requests", Name: "key", Unknown: "no price is known"}}
	for _, c := range []struct {
		name     string
		expected float64
		unpriced []cost.Line
		want     findings
	}{
		{"within", 299.5, nil, nil},
		{"all of it", 300, nil, nil},
		{"above", 300.01, unpriced, findings{{"the stack is estimated to cost 300.01 USD a month, and its budget is 300", false}}},
		{"within, not counting unknown prices", 200, unpriced, findings{{"the stack is estimated to cost 200.00 USD of its 300 a month, not counting what has no price: requests of key", true}}},
	} {
		var f findings
		if f.overBudget(300, c.expected, c.unpriced); !reflect.DeepEqual(f, c.want) {
			t.Errorf("%s: found %+v, want %+v", c.name, f, c.want)
		}
	}
}

// A NAT gateway in eu-west-1 costs 35.04 USD a month, and its traffic as much at full demand (cost.Assumed). Two gateways are
// above 60 USD and below 200 USD.
func TestTheBudgetCountsEveryResource(t *testing.T) {
	resources := []resource.Resource{
		{Type: resource.AWSProvider, Name: "aws", Inputs: map[string]any{"region": "eu-west-1"}},
		{Type: resource.NATGateway, Name: "a", Inputs: map[string]any{}},
		{Type: resource.NATGateway, Name: "b", Inputs: map[string]any{}},
	}
	for budget, over := range map[int]bool{60: true, 200: false, 0: false} {
		found := (&Stack{Name: "dev", Now: now, Settings: &config.Settings{MonthlyBudget: budget}}).CheckAll(resources)
		if got := len(found) == 1 && found[0].Level == Mandatory && found[0].Rule.Name == "within-budget"; got != over || len(found) > 1 {
			t.Errorf("with a budget of %d: %+v", budget, found)
		}
	}
}

// The load balancer controller's published policy allows more than any other that the program attaches.
func TestThePublishedControllerPolicyBreaksNoRule(t *testing.T) {
	text, err := os.ReadFile("../components/loadbalancer/iam_policy.json")
	if err != nil {
		t.Fatal(err)
	}
	r := resource.Resource{Type: resource.IAMRolePolicy, Inputs: map[string]any{"policy": string(text)}, Provider: object(tagsOf("dev"))}
	if found := (&Stack{Name: "dev", Now: time.Now()}).Check(r); len(found) > 0 {
		t.Errorf("it breaks %+v", found)
	}
}
