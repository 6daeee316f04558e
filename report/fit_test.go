package report

import (
	"fmt"
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

// large is a preview with n new resources of that many bytes, and one changed resource.
func large(n, bytes int) *preview.Preview {
	p := &preview.Preview{Stack: "dev"}
	for i := range n {
		s := stepOf(preview.OpCreate, fmt.Sprintf("kubernetes:core/v%d:ConfigMap", i), object{"data": strings.Repeat("x", bytes)})
		s.Name = fmt.Sprintf("map-%d", i)
		p.Steps = append(p.Steps, s)
	}
	changed := stepOf(preview.OpUpdate, resource.Deployment, object{})
	changed.Changes = []preview.Change{{Path: "spec.image", Kind: preview.Changed, Old: "a:1", New: "a:2"}}
	p.Steps = append(p.Steps, changed)
	return p
}

// comment is the report as a comment.
func comment(t testing.TB, all []Environment, o Options) string {
	t.Helper()
	text, err := Markdown(all, o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func rendered(t testing.TB, p *preview.Preview, limit int) string {
	t.Helper()
	return comment(t, []Environment{{Name: "dev", Preview: p}}, Options{At: reportDay, Limit: limit, Whole: "the whole of it"})
}

// wantSaid fails the test unless a report says all of texts.
func wantSaid(t *testing.T, report string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(report, want) {
			t.Errorf("it does not say %q:\n%.3000s", want, report)
		}
	}
}

// A comment never exceeds its limit. It says how much it leaves out, and where that is.
func TestALargeReportSaysWhatItLeavesOut(t *testing.T) {
	for name, test := range map[string]struct {
		preview   *preview.Preview
		has, lost []string
	}{
		"all of it fits":        {large(3, 10), []string{"spec.image: a:1", "data: xxxxxxxxxx", "map-2"}, []string{"eft out"}},
		"values do not":         {large(3, 40000), []string{"spec.image: a:1", "Left out here", "the properties of 3 resources that are created or deleted whole", "`the whole of it`"}, []string{"data: x"}},
		"the diff does not":     {large(800, 10), []string{"full diff is left out here", "801 resources", "`the whole of it`", "map-799"}, []string{"```diff"}},
		"the table does not":    {large(3000, 10), []string{"2981 rows of changes left out here", "3001 resources", "spec.image", "`the whole of it`"}, []string{"map-2999"}},
		"an error is too large": {&preview.Preview{Errors: []preview.Message{{Text: strings.Repeat("e", 70000)}}}, []string{"The preview failed", "(66000 bytes more)"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := rendered(t, test.preview, CommentLimit)
			if len(text) > CommentLimit {
				t.Errorf("it has %d bytes", len(text))
			}
			wantSaid(t, text, test.has...)
			for _, not := range test.lost {
				if strings.Contains(text, not) {
					t.Errorf("it says %q:\n%.3000s", not, text)
				}
			}
		})
	}
}

func TestOnlyAReportAboveTheLimitIsShortened(t *testing.T) {
	p := large(3, 1000)
	whole := rendered(t, p, CommentLimit)
	if got := rendered(t, p, len(whole)); got != whole {
		t.Error("a report of exactly the limit is shortened")
	}
	if got := rendered(t, p, len(whole)-1); !strings.Contains(got, "Left out here") || len(got) >= len(whole) {
		t.Errorf("with a limit one byte lower, the report has %d bytes and leaves nothing out", len(got))
	}
	if text, err := Markdown([]Environment{{Name: "dev", Preview: p}}, Options{Limit: 100}); err == nil || !strings.Contains(err.Error(), "does not fit in 100 bytes") {
		t.Errorf("in 100 bytes it is %q (%v)", text, err)
	}
}

// One comment reports on several stacks, also on one without a preview.
func TestSeveralStacksAreOneComment(t *testing.T) {
	all := []Environment{
		{Name: "dev", Preview: large(1, 1)}, {Name: "staging", Problem: fmt.Errorf("it is @empty")},
		{Name: "prod", Preview: &preview.Preview{Violations: []preview.Violation{{Policy: "tags", Text: "no owner", Mandatory: true}}}},
	}
	text := comment(t, all, Options{Limit: CommentLimit})
	if strings.Count(text, Marker) != 1 {
		t.Error("there is not one marker")
	}
	wantSaid(t, text, "### Stack `dev`", "### Stack `staging`", "### Stack `prod`", "There is no preview of this stack.", "| **staging** | ? | ? |", "**1 rule broken**", "**mandatory**")
	if err := Verdict(all); err == nil || !strings.Contains(err.Error(), "staging and prod") {
		t.Errorf("the verdict is %v", err)
	}
	if err := Verdict(all[:1]); err != nil {
		t.Errorf("the verdict on dev alone is %v", err)
	}
	warned := []Environment{{Name: "dev", Preview: &preview.Preview{Violations: []preview.Violation{{Policy: "tags"}}}}}
	if err := Verdict(warned); err != nil {
		t.Errorf("the verdict on a warning is %v", err)
	}
}

func TestATerminalShowsTheFullDiffOnRequest(t *testing.T) {
	all := []Environment{{Name: "dev", Preview: large(1, 1)}}
	if text := Terminal(all, Options{}, false, false); strings.Contains(text, "data: x") || !strings.Contains(text, "DIFF=1") {
		t.Errorf("the folded report is:\n%s", text)
	}
	if text := Terminal(all, Options{}, false, true); !strings.Contains(text, "+ data: x") {
		t.Errorf("the unfolded report is:\n%s", text)
	}
}
