package report

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tfserving/config"
	"tfserving/internal/page"
	"tfserving/preview"
	"tfserving/report/risk"
)

const updateReports = "go test ./report -update"

// recordings are previews of stack dev by Pulumi's engine on emulated AWS (test/eks, TestTheEngineCanPlanEachChange). The report
// on each must be equal to the file of its name and have these parts.
var recordings = map[string]struct {
	fails bool // the change cannot be made
	says  []string
}{
	"none":      {says: []string{"Nothing changes."}},
	"image":     {says: []string{"`spec.template.spec.containers[0].image`"}},
	"instances": {says: []string{"nodes end", "forced by** `instanceTypes"}},
	"network":   {says: []string{"AWS may refuse it", "`cidrBlock`", "(known after up)"}},
	"drift":     {says: []string{"What others have changed", "`imageTagMutability` from `IMMUTABLE` to `MUTABLE`"}},
	"replaced":  {says: []string{"state is lost", "`eks Cluster", "because of"}},
	"new":       {says: []string{"(known after up)", "1 × `eks Cluster`"}},
	"destroy":   {says: []string{"state is lost", "| **delete** | 1 × `eks Cluster`"}},
	"violation": {fails: true, says: []string{"#### Policies", "**mandatory**"}},
	"failed":    {fails: true, says: []string{"The preview failed", "push it first"}},
}

// reportDay is the day of the golden reports. Prices depend on it.
var reportDay = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func recordingFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func recordingOf(t testing.TB, name string) []Environment {
	t.Helper()
	p, err := preview.ReadFile(filepath.Join("testdata", name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return []Environment{{Name: "dev", Preview: p}}
}

func TestReportsOnRecordedPreviewsAreAsTheGoldenFiles(t *testing.T) {
	for name, want := range recordings {
		t.Run(name, func(t *testing.T) {
			all := recordingOf(t, name)
			text := comment(t, all, Options{At: reportDay, Limit: CommentLimit})
			page.Whole(t, filepath.Join("testdata", name+".md"), updateReports, text)
			wantSaid(t, text, want.says...)
			if failed := Verdict(all) != nil; failed != want.fails {
				t.Errorf("the verdict is against the change: %v; want %v", failed, want.fails)
			}
		})
	}
	if files := recordingFiles(t); len(files) != len(recordings) {
		t.Errorf("there are %d recordings, and %d are known", len(files), len(recordings))
	}
}

// A rehearsal changes only the speed of the autoscalers and the location of the load balancer controller's chart.
func TestRecordingsHaveTheSettingsOfStackDev(t *testing.T) {
	want, err := config.ReadStackFile("../Pulumi.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Decode(recordingOf(t, "none")[0].Preview.Config)
	if err != nil {
		t.Fatal(err)
	}
	got.Autoscaler, got.LoadBalancerController, got.Gateway.Scaling = want.Autoscaler, want.LoadBalancerController, want.Gateway.Scaling
	if !reflect.DeepEqual(got, want) {
		t.Errorf("they were recorded with\n%+v\nand Pulumi.dev.yaml says\n%+v\nrecord them anew: go test ./test/eks -run EngineCanPlan -previews", got, want)
	}
}

// forbidden matches credentials, private keys, tokens and folders of a machine.
var forbidden = regexp.MustCompile(`AKIA[A-Z0-9]{16}|ASIA[A-Z0-9]{16}|PRIVATE KEY|client-key-data|LS0tLS1CRUdJTiB(QUklWQVRF|SU0EgUFJJVkFURS|FQyBQUklWQVRF)|k8s-aws-v1\.|"plaintext"|eyJhbGciOi|/(?:tmp|home|root|Users)/`)

func TestRecordingsHaveNoSecret(t *testing.T) {
	masked := 0
	for _, file := range recordingFiles(t) {
		var data []byte
		packed, err := os.ReadFile(file)
		z, zipErr := gzip.NewReader(bytes.NewReader(packed))
		if zipErr == nil {
			data, zipErr = io.ReadAll(z)
		}
		if err := cmp.Or(err, zipErr); err != nil {
			t.Fatal(err)
		}
		masked += strings.Count(string(data), `"ciphertext":"[secret]"`)
		for _, at := range forbidden.FindAllIndex(data, 3) {
			t.Errorf("%s holds %q", file, data[max(0, at[0]-60):min(len(data), at[1]+20)])
		}
	}
	if masked == 0 {
		t.Error("no recording has a secret that the engine masked, so the test proves nothing")
	}
}

func TestTheRisksAndAnExampleAreDocumented(t *testing.T) {
	table := "| Risk | When |\n|---|---|\n"
	for _, k := range risk.Kinds() {
		table += "| " + k.Name + " | " + k.When + " |\n"
	}
	shown := []block{}
	for _, b := range document(analyze(recordingOf(t, "instances"), Options{At: reportDay}), details[0], Options{}) {
		switch b := b.(type) {
		case fold, marker:
		case heading:
			shown = append(shown, heading{b.level + 1, b.text})
		default:
			shown = append(shown, b)
		}
	}
	example := markdown(shown)
	page.Keep(t, "../docs/pull-requests.md", updateReports, map[string]string{"risks": table, "example": example})
}

// BenchmarkReport renders the largest recording, from the file to the comment.
func BenchmarkReport(b *testing.B) {
	for b.Loop() {
		comment(b, recordingOf(b, "new"), Options{At: reportDay, Limit: CommentLimit})
	}
}

// The engine's order differs between two previews of the same change.
func TestTheSameChangeHasTheSameReport(t *testing.T) {
	for name := range recordings {
		t.Run(name, func(t *testing.T) {
			text := func(reverse bool) string {
				all := recordingOf(t, name)
				if p := all[0].Preview; reverse {
					slices.Reverse(p.Steps)
					slices.Reverse(p.Warnings)
					slices.Reverse(p.Violations)
				}
				return comment(t, all, Options{At: reportDay, Limit: CommentLimit})
			}
			was, now := strings.Split(text(false), "\n"), strings.Split(text(true), "\n")
			if len(was) != len(now) {
				t.Errorf("the report has %d lines, and with another order of events %d", len(was), len(now))
			}
			for i := range min(len(was), len(now)) {
				if was[i] != now[i] {
					t.Fatalf("line %d is\n%s\nand with another order of events\n%s", i+1, was[i], now[i])
				}
			}
		})
	}
}
