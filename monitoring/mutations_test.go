package monitoring_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tfserving/monitoring"
)

// mutation is a rule with one mistake.
type mutation struct {
	what string
	rule monitoring.Rule
}

var (
	comparison  = regexp.MustCompile(`(==|>=|<=|>|<) *`)
	number      = regexp.MustCompile(`(?:[=<>*] |histogram_quantile\()([0-9.]+)\b`)
	window      = regexp.MustCompile(`\[([0-9]+[smh])\]`)
	matcher     = regexp.MustCompile(`[a-z_]+(?:=~|!=|=)"[^"]*",? ?`)
	alternative = regexp.MustCompile(`\|[A-Za-z]+`)
	connector   = regexp.MustCompile(`\b(and|or|unless)\b`)
	opposite    = map[string]string{"==": "!=", ">=": "<", "<=": ">", ">": "<=", "<": ">="}
	otherWord   = map[string]string{"and": "or", "or": "and", "unless": "and"}
)

// replaceEach returns the expression once for each replacement of each match of a group of a pattern.
func replaceEach(expr string, pattern *regexp.Regexp, group int, replacements func(match string) []string) (all []string) {
	for _, at := range pattern.FindAllStringSubmatchIndex(expr, -1) {
		begin, end := at[2*group], at[2*group+1]
		for _, replacement := range replacements(expr[begin:end]) {
			all = append(all, expr[:begin]+replacement+expr[end:])
		}
	}
	return all
}

// scaled are twice and half of a length of time.
func scaled(length string) []string {
	d, err := time.ParseDuration(length)
	if err != nil {
		panic(err)
	}
	return []string{fmt.Sprintf("%ds", int(2*d.Seconds())), fmt.Sprintf("%ds", int(d.Seconds()/2))}
}

// otherLimits are limits that make a rule useless or deaf: twice and half, or, of 0 and 1, another whole number.
func otherLimits(limit string) []string {
	switch n, err := strconv.ParseFloat(limit, 64); {
	case err != nil:
		panic(err)
	case n == 0:
		return []string{"2"}
	case n == 1:
		return []string{"0", "2"}
	default:
		return []string{strconv.FormatFloat(2*n, 'f', -1, 64), strconv.FormatFloat(n/2, 'f', -1, 64)}
	}
}

// mutations are the mistakes to try on a rule: each limit, window, time, selector, comparison and connector in turn.
func mutations(r monitoring.Rule) (all []mutation) {
	nothing := func(string) []string { return []string{""} }
	for _, kind := range []struct {
		what    string
		changed []string
	}{
		{"limit", replaceEach(r.Expr, number, 1, otherLimits)},
		{"window", replaceEach(r.Expr, window, 1, scaled)},
		{"selector", replaceEach(r.Expr, matcher, 0, nothing)},
		{"selector", replaceEach(r.Expr, alternative, 0, nothing)},
		{"comparison", replaceEach(r.Expr, comparison, 1, func(s string) []string { return []string{opposite[s]} })},
		{"connector", replaceEach(r.Expr, connector, 1, func(s string) []string { return []string{otherWord[s]} })},
	} {
		for _, expr := range kind.changed {
			changed := r
			changed.Expr = expr
			all = append(all, mutation{kind.what + ": " + expr, changed})
		}
	}
	if r.For != "" {
		for _, length := range scaled(r.For) {
			changed := r
			changed.For = length
			all = append(all, mutation{"for: " + length, changed})
		}
	}
	return all
}

// A unit test that no mistake can fail is worth nothing.
func TestTheUnitTestsNoticeEveryBrokenRule(t *testing.T) {
	run := promtool(t)
	good := rules(t)
	jobs := make(chan mutation)
	var wait sync.WaitGroup
	for range runtime.NumCPU() {
		wait.Go(func() {
			for j := range jobs {
				if out, err := runTests(t, run, j.rule, good); err == nil {
					t.Errorf("%s passes its unit tests with another %s\n%s", nameOf(j.rule), j.what, out)
				}
			}
		})
	}
	count := 0
	for _, r := range good {
		if out, err := runTests(t, run, r, good); err != nil {
			t.Errorf("%s unchanged: %v\n%s", nameOf(r), err, out)
		}
		for _, m := range mutations(r) {
			count++
			jobs <- m
		}
	}
	close(jobs)
	wait.Wait()
	if t.Logf("%d mistakes in %d rules", count, len(good)); count < 5*len(good) {
		t.Errorf("only %d mistakes were tried", count)
	}
}

// nameOf is the name of a rule, which its groups of unit tests contain.
func nameOf(r monitoring.Rule) string { return cmp.Or(r.Alert, r.Record) }

// runTests runs the unit tests of a rule on it and, of the others, on those whose records it reads.
func runTests(t *testing.T, promtool func(args ...string) (string, error), rule monitoring.Rule, others []monitoring.Rule) (string, error) {
	dir := t.TempDir()
	var rules []monitoring.Rule
	for _, other := range others {
		if other.Record != "" && strings.Contains(rule.Expr, other.Record) {
			rules = append(rules, other)
		}
	}
	rules = append(rules, rule) // after what it reads
	file, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "all", "rules": rules}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "rules.yaml"), file, 0o644)
	}
	args := []string{"test", "rules", "--run", `\b` + nameOf(rule) + `\b`}
	for _, name := range testFiles {
		var tests []byte
		if tests, err = os.ReadFile(name); err == nil {
			err = os.WriteFile(filepath.Join(dir, name), tests, 0o644)
		}
		args = append(args, filepath.Join(dir, name))
	}
	if err != nil {
		t.Error(err)
	}
	return promtool(args...)
}
