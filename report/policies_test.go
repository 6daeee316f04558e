package report

import (
	"strings"
	"testing"
	"time"

	"tfserving/preview"
)

// Without the settings, a report would look like that of a stack without exceptions and budget. A failed preview has its own
// error about the settings.
func TestTheReportSaysThatItCannotReadTheSettings(t *testing.T) {
	const says = "The stack's settings could not be read"
	wrong := map[string]string{"tfserving:platform": "moon"}
	for name, test := range map[string]struct {
		preview  preview.Preview
		reported bool
	}{
		"wrong":                            {preview.Preview{Config: wrong}, true},
		"wrong, and the preview failed":    {preview.Preview{Config: wrong, Errors: []preview.Message{{Text: "platform is moon"}}}, false},
		"as the recorded stack's were":     {*recordingOf(t, "none")[0].Preview, false},
		"none, as where no engine was run": {preview.Preview{}, false},
	} {
		text := rendered(t, &test.preview, CommentLimit)
		if reported := strings.Contains(text, says); reported != test.reported || reported && !strings.Contains(text, "moon") {
			t.Errorf("%s: it is reported: %v; want %v:\n%s", name, reported, test.reported, text)
		}
	}
}

func TestAnExceptionThatHasEndedIsMarked(t *testing.T) {
	ended := Options{At: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), Limit: CommentLimit}
	wantSaid(t, comment(t, recordingOf(t, "violation"), ended), "| `2099-12-31` **(ended)** |")
}

// The folder of a plugin is not about the change.
func TestTheReportHasNoWarningAboutPluginsOnPath(t *testing.T) {
	found := preview.Message{Text: "using pulumi-resource-aws from $PATH at /somewhere/pulumi-resource-aws"}
	p := preview.Preview{Warnings: []preview.Message{found}}
	if text := rendered(t, &p, CommentLimit); strings.Contains(text, "$PATH") || strings.Contains(text, "warning") {
		t.Errorf("the report has the warning:\n%s", text)
	}
	p.Warnings = append(p.Warnings, preview.Message{Text: "a budget is near"})
	if text := rendered(t, &p, CommentLimit); strings.Contains(text, "$PATH") || !strings.Contains(text, "1 warning") || !strings.Contains(text, "a budget is near") {
		t.Errorf("the report has the warning, or lacks the other one:\n%s", text)
	}
}
