package monitoring_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tfserving/catalog"
	"tfserving/config"
	"tfserving/internal/page"
	"tfserving/monitoring"
	"tfserving/monitoring/gameday"
)

// testFiles are the unit tests of the rules.
var testFiles = []string{"rules_test.yaml", "requests_test.yaml"}

// longestFor leaves a minute of the 5 in which an alert must fire for the scrape, the evaluation and Alertmanager's wait.
const longestFor = 4 * time.Minute

func rules(t *testing.T) []monitoring.Rule {
	t.Helper()
	all, err := monitoring.Parse(monitoring.Rules)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// promtool returns a function that runs promtool. It builds promtool first, if nothing has: that takes some minutes, and needs no
// more than the Go module proxy, as every test here does.
func promtool(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	path, err := filepath.Abs("../.local/bin/promtool")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		build := exec.Command("go", "run", "-C", "../tools", ".", "-bin", filepath.Dir(path), "-mode", "build", "-with", "rules", "-only")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building promtool: %v\n%s", err, out)
		}
	}
	return func(args ...string) (string, error) {
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...).CombinedOutput()
		return string(out), err
	}
}

func TestTheRulesPassTheirUnitTests(t *testing.T) {
	run := promtool(t)
	for _, args := range [][]string{{"check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"}, append([]string{"test", "rules"}, testFiles...)} {
		if out, err := run(args...); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestEveryAlertHasATestThatFiresAndOneThatStaysSilent(t *testing.T) {
	type testFile struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range testFiles {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file testFile
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Tests {
			for _, test := range group.AlertRuleTest {
				fires[test.Alertname] = fires[test.Alertname] || len(test.ExpAlerts) > 0
				silent[test.Alertname] = silent[test.Alertname] || len(test.ExpAlerts) == 0
			}
		}
	}
	for _, r := range rules(t) {
		if r.Alert != "" && (!fires[r.Alert] || !silent[r.Alert]) {
			t.Errorf("alert %s: a test that fires: %v, a silent one: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}

func TestEveryAlertSaysHowUrgentItIsAndFiresInTime(t *testing.T) {
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if severity := r.Labels["severity"]; severity != "page" && severity != "ticket" {
			t.Errorf("alert %s has severity %q, want page or ticket", r.Alert, severity)
		}
		if summary := r.Annotations["summary"]; !strings.HasSuffix(summary, ".") {
			t.Errorf("alert %s has no summary that is a sentence: %q", r.Alert, summary)
		}
		if r.For == "" {
			continue
		}
		if length, err := time.ParseDuration(r.For); err != nil || length > longestFor {
			t.Errorf("alert %s waits for %s, %v; want %s at most", r.Alert, r.For, err, longestFor)
		}
	}
}

// An alert leads to a section of the runbook, and the section names the alert. A section without one says why.
func TestAlertsAndSectionsOfTheRunbookNameEachOther(t *testing.T) {
	data, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{} // the section's anchor by alert
	sections := gameday.Sections(string(data))
	for _, s := range sections {
		if (len(s.Alerts) == 0) == (s.NoAlert == "") {
			t.Errorf("section %q names the alerts %v and as the reason for none %q; want one of the two", s.Title, s.Alerts, s.NoAlert)
		}
		for _, alert := range s.Alerts {
			named[alert] = s.Anchor
		}
	}
	if len(sections) < 15 {
		t.Errorf("found only %d sections", len(sections))
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if want := "docs/operations.md#" + named[r.Alert]; r.Annotations["runbook"] != want {
			t.Errorf("alert %s leads to %q, and the section that names it is %q", r.Alert, r.Annotations["runbook"], want)
		}
		delete(named, r.Alert)
	}
	for alert, section := range named {
		t.Errorf("section #%s names alert %s, which does not exist", section, alert)
	}
}

func TestEveryFaultHasAnAlertAndCommandsInTheRunbook(t *testing.T) {
	data, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gameday.Faults {
		if _, exists := monitoring.FindAlert(f.Alert); !exists {
			t.Errorf("fault %s waits for alert %s, which does not exist", f.Name, f.Alert)
		}
		if !slices.ContainsFunc(gameday.Sections(string(data)), func(s gameday.Section) bool {
			return slices.Contains(s.Alerts, f.Alert) && s.Commands != ""
		}) {
			t.Errorf("fault %s: the section of alert %s has no block of commands", f.Name, f.Alert)
		}
	}
}

// The alert about the end of support begins when the program begins to warn.
func TestTheSupportDatesOfTheRulesAreTheCatalogs(t *testing.T) {
	r, _ := monitoring.FindAlert("KubernetesSupportEnds")
	listed := 0
	for minor := 20; minor < 100; minor++ {
		release, exists := catalog.FindRelease(fmt.Sprintf("1.%d", minor))
		if !exists {
			continue
		}
		listed++
		want := fmt.Sprintf(`"v1[.]%d[.].*"} and on () vector(time()) > %d # %s`, minor, release.StandardEnd().Add(-config.SupportNotice).Unix(), release.StandardSupport)
		if !strings.Contains(r.Expr, want) {
			t.Errorf("rules.yaml lacks, for Kubernetes %s:\n%s", release.Version, want)
		}
	}
	if lines := strings.Count(r.Expr, "vector(time())"); lines != listed {
		t.Errorf("rules.yaml has %d versions, the catalog %d", lines, listed)
	}
}

func TestTheAlertsAreDocumented(t *testing.T) {
	faults := map[string]string{}
	for _, f := range gameday.Faults {
		faults[f.Alert] = strings.TrimPrefix(faults[f.Alert]+", `"+f.Name+"`", ", ")
	}
	var table strings.Builder
	table.WriteString("| alert | severity | after | what a user notices | section | fault of `make gameday` |\n|---|---|---|---|---|---|\n")
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		_, section, _ := strings.Cut(r.Annotations["runbook"], "#")
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | [%s](operations.md#%[5]s) | %s |\n",
			r.Alert, r.Labels["severity"], cmp.Or(r.For, "0"), plainSummary(r.Annotations["summary"]), section, cmp.Or(faults[r.Alert], "—"))
	}
	page.Keep(t, "../docs/monitoring.md", "go test ./monitoring -run Documented -update", map[string]string{"alerts": table.String()})
}

// plainSummary is a summary with its variables as words.
func plainSummary(summary string) string {
	summary = regexp.MustCompile(`\{\{ \$labels\.(\w+) \}\}`).ReplaceAllString(summary, "*$1*")
	return regexp.MustCompile(`\{\{[^}]*\}\}`).ReplaceAllString(summary, "*n*")
}
