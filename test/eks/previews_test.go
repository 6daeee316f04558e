package eks

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tfserving/components/repositories"
	"tfserving/preview"
	"tfserving/rehearsal/emulator"
	"tfserving/report"
)

var writePreviews = flag.Bool("previews", false, "TestTheEngineCanPlanEachChange: write the previews of stack dev to "+previewsFolder)

// previewsFolder contains the recorded previews. `go test ./report -update` renders them.
const previewsFolder = "../../report/testdata"

// anotherImage is the next release of the gateway's image.
const anotherImage = "zoomcamp-10-gateway:003"

// tooSmall is a budget in USD a month that stack dev exceeds.
const tooSmall = 100

// TestTheEngineCanPlanEachChange previews changes of stack dev with the real engine, in the order of a stack's life. The engine
// must plan or refuse each of them, and report must render the record. With -previews the test writes the records that report's
// golden files are made from.
func TestTheEngineCanPlanEachChange(t *testing.T) {
	r := newRehearsal(t, defaultStack, emulator.Times{})
	r.makeSpotRole()
	restore := r.Keep(r.file())
	r.records("new", true)
	r.up()
	r.pushImages(t)
	for _, change := range []struct {
		name string
		ok   bool // the change is allowed
		make func()
		args []string
	}{
		{"none", true, func() {}, nil},
		{"failed", false, func() { r.Edit(r.file(), "gateway.image", anotherImage) }, nil},
		{"image", true, func() { r.Edit(r.file(), "gateway.image", anotherImage); r.push(t, anotherImage) }, nil},
		{"instances", true, func() { r.Edit(r.file(), "nodeGroups", r.otherTypes()) }, nil},
		{"network", true, func() { r.Edit(r.file(), "network.cidr", "10.9.0.0/16") }, nil},
		{"violation", false, func() {
			r.Edit(r.file(), "cluster.publicAccessCidrs", []string{"0.0.0.0/0"})
			r.Edit(r.file(), "cluster.allowWorld", true)
			r.Edit(r.file(), "monthlyBudget", tooSmall)
			r.Edit(r.file(), "policy.exceptions", []map[string]string{{
				"rule": "within-budget", "resource": r.stack, "until": "2099-12-31", "reason": "the budget for next year is not decided yet",
			}})
		}, nil},
		{"destroy", true, func() {}, []string{"OF=destroy"}},
		{"drift", true, func() {
			ref, err := repositories.Resolve(r.clusterName(), r.settings.Gateway.Image)
			if err != nil {
				t.Fatal(err)
			}
			r.Run("aws", "ecr", "put-image-tag-mutability", "--region", r.settings.Region,
				"--repository-name", ref.Repository, "--image-tag-mutability", "MUTABLE")
		}, []string{"OF=refresh"}},
		// No setting replaces the control plane, so this change edits the program.
		{"replaced", true, r.changeServiceRange, nil},
	} {
		restore()
		change.make()
		r.records(change.name, change.ok, change.args...)
	}
}

// changeServiceRange edits the program: the cluster's Services get another address range, which EKS accepts only at creation.
func (r *rehearsal) changeServiceRange() {
	file := filepath.Join(r.Dir, "components", "cluster", "control_plane.go")
	const before = `resource.Props["bootstrapSelfManagedAddons"] = pulumi.Bool(false)`
	data, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(data, []byte(before)) {
		r.T.Fatalf("%s does not contain the line to edit (%v)", file, err)
	}
	const edit = before + `; resource.Props["kubernetesNetworkConfig"] = pulumi.Map{"serviceIpv4Cidr": pulumi.String("172.21.0.0/16")}`
	if err := os.WriteFile(file, bytes.Replace(data, []byte(before), []byte(edit), 1), 0o644); err != nil {
		r.T.Fatal(err)
	}
}

// records runs `make report`, renders the record, and writes it into previewsFolder if -previews is set.
func (r *rehearsal) records(name string, ok bool, args ...string) {
	r.T.Helper()
	out, err := r.Start("make", append([]string{"report", "STACK=" + r.stack, "FORMAT=markdown"}, args...)...).Wait()
	if (err == nil) != ok {
		r.T.Fatalf("make report of %q: %v\n%s", name, err, out)
	}
	file := filepath.Join(r.Dir, ".local", "report", r.stack+".jsonl")
	data, err := os.ReadFile(file)
	if err != nil {
		r.T.Fatal(err)
	}
	begin := time.Now()
	p, err := preview.ReadFile(file)
	if err != nil {
		r.T.Fatal(err)
	}
	text, err := report.Markdown([]report.Environment{{Name: r.stack, Preview: p}}, report.Options{At: begin, Limit: report.CommentLimit})
	if err != nil {
		r.T.Fatal(err)
	}
	took := time.Since(begin)
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(r.scrubbed(data)); err != nil {
		r.T.Fatal(err)
	}
	if err := z.Close(); err != nil {
		r.T.Fatal(err)
	}
	if *writePreviews {
		if err := os.WriteFile(filepath.Join(previewsFolder, name+".jsonl.gz"), b.Bytes(), 0o644); err != nil {
			r.T.Fatal(err)
		}
	}
	r.logf("recorded %s: %d KiB, %d compressed; a report of %d KiB in %s; the preview took %s", name, len(data)>>10, b.Len()>>10, len(text)>>10, took.Round(time.Millisecond), p.Took)
}

// scrubbed replaces the parts of a record that differ between runs and machines: the checkout's folder, and ports.
func (r *rehearsal) scrubbed(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte(r.Dir), []byte("/checkout"))
	if plugins := os.Getenv("AWS_PLUGINS"); plugins != "" {
		data = bytes.ReplaceAll(data, []byte(plugins), []byte("/plugins"))
	}
	for _, e := range append(r.aws.Env(), r.rest().Host) {
		_, url, _ := strings.Cut(e, "://")
		if _, port, found := strings.Cut(url, "127.0.0.1:"); found {
			data = bytes.ReplaceAll(data, []byte("127.0.0.1:"+strings.TrimRight(port, "/")), []byte("127.0.0.1:1"))
		}
	}
	return data
}

// BenchmarkReport measures a preview of a change of stack dev and the report on it. of-the-preview is their ratio.
func BenchmarkReport(b *testing.B) {
	r := newRehearsal(b, defaultStack, emulator.Times{})
	r.makeSpotRole()
	r.up()
	r.pushImages(b)
	r.Edit(r.file(), "nodeGroups", r.otherTypes())
	file := filepath.Join(r.Dir, ".local", "report", r.stack+".jsonl")
	r.Make("report", "STACK="+r.stack) // compiles the program
	command := filepath.Join(r.folder("bench"), "report")
	r.Run("go", "build", "-o", command, "./cmd/report")
	var previews, reports time.Duration
	for b.Loop() {
		begin := time.Now()
		r.Shell(fmt.Sprintf(`eval "$(make -s env STACK=%s)" && PULUMI_DEBUG_COMMANDS=true exec pulumi preview --non-interactive --stack %[1]s --event-log %s`, r.stack, file))
		previews += time.Since(begin)
		begin = time.Now()
		r.Run(command, "-format", "markdown", "-file", file)
		reports += time.Since(begin)
	}
	b.ReportMetric(previews.Seconds()/float64(b.N), "preview-s")
	b.ReportMetric(reports.Seconds()/float64(b.N), "report-s")
	b.ReportMetric(reports.Seconds()/previews.Seconds(), "of-the-preview")
}
