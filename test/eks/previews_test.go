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

var recordPreviews = flag.Bool("previews", false, "TestRecordPreviews: make stack dev and record anew the previews of which "+recordings+" holds reports")

// recordings is where previews are kept, from the top of the tree. `go test ./report -update` writes the reports on them.
const recordings = "report/testdata"

// anotherImage is the gateway's, one release on.
const anotherImage = "zoomcamp-10-gateway:003"

// tooSmall is a budget in USD a month that stack dev does not keep within.
const tooSmall = 100

// TestRecordPreviews records what the real engine says of changes of stack dev, in the order of a stack's life. The reports
// on it are held against golden files without any of this. Without -previews it keeps nothing: each change must still be planned,
// or refused, and its record be read and reported on.
func TestRecordPreviews(t *testing.T) {
	r := newRehearsal(t, defaultStack, emulator.Times{})
	file := "Pulumi." + r.stack + ".yaml"
	settings, err := os.ReadFile(filepath.Join(r.Dir, file))
	if err != nil {
		t.Fatal(err)
	}
	r.records("new", true)
	r.up()
	r.pushImages(t)
	for _, change := range []struct {
		name string
		ok   bool // the change can be made
		make func()
		args []string
	}{
		{"none", true, func() {}, nil},
		{"failed", false, func() { r.Edit(file, "gateway.image", anotherImage) }, nil},
		{"image", true, func() { r.Edit(file, "gateway.image", anotherImage); r.push(t, anotherImage) }, nil},
		{"instances", true, func() { r.Edit(file, "nodeGroups", r.otherTypes()) }, nil},
		{"network", true, func() { r.Edit(file, "network.cidr", "10.9.0.0/16") }, nil},
		{"violation", false, func() {
			r.Edit(file, "cluster.publicAccessCidrs", []string{"0.0.0.0/0"})
			r.Edit(file, "cluster.allowWorld", true)
			r.Edit(file, "monthlyBudget", tooSmall)
			r.Edit(file, "policy.exceptions", []map[string]string{{
				"rule": "within-budget", "resource": r.stack, "until": "2099-12-31", "reason": "the budget for next year is being talked about",
			}})
		}, nil},
		{"destroy", true, func() {}, []string{"OF=destroy"}},
		{"drift", true, func() {
			ref, err := repositories.Resolve(r.clusterName(), r.settings.Gateway.Image)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := r.Start("aws", "ecr", "put-image-tag-mutability", "--region", r.settings.Region,
				"--repository-name", ref.Repository, "--image-tag-mutability", "MUTABLE").Wait(); err != nil {
				t.Fatalf("changing what the stack made: %v\n%s", err, out)
			}
		}, []string{"OF=refresh"}},
		// No setting replaces the control plane, so the program is edited.
		{"replaced", true, r.otherServices, nil},
	} {
		if err := os.WriteFile(filepath.Join(r.Dir, file), settings, 0o644); err != nil {
			t.Fatal(err)
		}
		change.make()
		r.records(change.name, change.ok, change.args...)
	}
}

// otherServices edits the program so that the cluster's Services have another range, which EKS takes only once.
func (r *rehearsal) otherServices() {
	file := filepath.Join(r.Dir, "components", "cluster", "control_plane.go")
	const before = `resource.Props["bootstrapSelfManagedAddons"] = pulumi.Bool(false)`
	data, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(data, []byte(before)) {
		r.T.Fatalf("%s is not to be edited here (%v)", file, err)
	}
	const edit = before + `; resource.Props["kubernetesNetworkConfig"] = pulumi.Map{"serviceIpv4Cidr": pulumi.String("172.21.0.0/16")}`
	if err := os.WriteFile(file, bytes.Replace(data, []byte(before), []byte(edit), 1), 0o644); err != nil {
		r.T.Fatal(err)
	}
}

// records runs make report and keeps the record.
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
	if *recordPreviews {
		if err := os.WriteFile(filepath.Join(repository, recordings, name+".jsonl.gz"), b.Bytes(), 0o644); err != nil {
			r.T.Fatal(err)
		}
	}
	r.say("recorded %s: %d KiB, %d compressed; a report of %d KiB in %s, beside the preview's %s", name, len(data)>>10, b.Len()>>10, len(text)>>10, took.Round(time.Millisecond), p.Took)
}

// scrubbed is a record without what differs between one run or machine and another: the folder of the checkout and the
// ports of what was started.
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

// BenchmarkReport is a report on a change of stack dev beside the preview that it is on, in one run: of-the-preview.
func BenchmarkReport(b *testing.B) {
	r := newRehearsal(b, defaultStack, emulator.Times{})
	r.up()
	r.pushImages(b)
	r.Edit("Pulumi."+r.stack+".yaml", "nodeGroups", r.otherTypes())
	file := filepath.Join(r.Dir, ".local", "report", r.stack+".jsonl")
	r.Make("report", "STACK="+r.stack) // compiles the program
	command := filepath.Join(r.folder("bench"), "report")
	if out, err := r.Start("go", "build", "-o", command, "./cmd/report").Wait(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var previews, reports time.Duration
	for b.Loop() {
		begin := time.Now()
		run := fmt.Sprintf(`eval "$(make -s env STACK=%s)" && PULUMI_DEBUG_COMMANDS=true exec pulumi preview --non-interactive --stack %[1]s --event-log %s`, r.stack, file)
		if out, err := r.Start("sh", "-c", run).Wait(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		previews += time.Since(begin)
		begin = time.Now()
		if out, err := r.Start(command, "-format", "markdown", "-file", file).Wait(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		reports += time.Since(begin)
	}
	b.ReportMetric(previews.Seconds()/float64(b.N), "preview-s")
	b.ReportMetric(reports.Seconds()/float64(b.N), "report-s")
	b.ReportMetric(reports.Seconds()/previews.Seconds(), "of-the-preview")
}
