package report

import (
	"strings"
	"testing"
	"time"

	"tfserving/preview"
)

// Of settings that cannot be read the report says so: exceptions and a budget left out in silence would look like none. A
// preview that failed says by itself what is wrong with them.
func TestSettingsThatCannotBeReadAreTold(t *testing.T) {
	const says = "The stack's settings could not be read"
	wrong := map[string]string{"tfserving:platform": "moon"}
	for name, test := range map[string]struct {
		preview preview.Preview
		told    bool
	}{
		"wrong":                            {preview.Preview{Config: wrong}, true},
		"wrong, and the preview failed":    {preview.Preview{Config: wrong, Errors: []preview.Message{{Text: "platform is moon"}}}, false},
		"as the recorded stack's were":     {*recordingOf(t, "none")[0].Preview, false},
		"none, as where no engine was run": {preview.Preview{}, false},
	} {
		text := rendered(t, &test.preview, CommentLimit)
		if told := strings.Contains(text, says); told != test.told || told && !strings.Contains(text, "moon") {
			t.Errorf("%s: it is told: %v; want %v:\n%s", name, told, test.told, text)
		}
	}
}

func TestAnExceptionThatHasEndedIsMarked(t *testing.T) {
	all := recordingOf(t, "violation")
	text, err := Markdown(all, Options{At: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), Limit: CommentLimit})
	if err != nil {
		t.Fatal(err)
	}
	if want := "| `2099-12-31` **(ended)** |"; !strings.Contains(text, want) {
		t.Errorf("it does not say %q:\n%.2000s", want, text)
	}
}

// How a plugin came onto this machine is nothing about the change; other warnings are.
func TestWhereAPluginWasFoundIsNoWarning(t *testing.T) {
	found := preview.Message{Text: "using pulumi-resource-aws from $PATH at /somewhere/pulumi-resource-aws"}
	p := preview.Preview{Warnings: []preview.Message{found}}
	if text := rendered(t, &p, CommentLimit); strings.Contains(text, "$PATH") || strings.Contains(text, "warning") {
		t.Errorf("alone it is told:\n%s", text)
	}
	p.Warnings = append(p.Warnings, preview.Message{Text: "a budget is near"})
	if text := rendered(t, &p, CommentLimit); strings.Contains(text, "$PATH") || !strings.Contains(text, "1 warning") || !strings.Contains(text, "a budget is near") {
		t.Errorf("beside another it is told, or the other is not:\n%s", text)
	}
}
