package aws

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tfserving/test/emulator"
)

// AWS's own times, as people who make an EKS cluster wait for them. Measurements differ by region and day, so all but the
// first are orders of magnitude. Longer ones would be easier on the program: its own time would weigh less.
const (
	// awsControlPlane is at the short end: the EKS User Guide says several minutes, and a series over AWS's regions found
	// 13 to 16 (easontechtalk.com, "Unofficial EKS Cluster Creation Performance").
	awsControlPlane = 10 * time.Minute
	// awsNodeGroup is from CreateNodegroup until its instances have booted and joined; order of magnitude.
	awsNodeGroup = 3 * time.Minute
	// awsAddon is until an add-on is ACTIVE that has a node to run on; order of magnitude.
	awsAddon = time.Minute
	// awsNAT is how long a NAT gateway is pending; order of magnitude.
	awsNAT = 2 * time.Minute
)

var (
	// pace is by how much AWS's times are shortened. The program's own time is not, so it weighs 1/pace times as much in
	// the ratio of a run as it does in an account.
	pace   = flag.Float64("pace", 0.25, "BenchmarkFirstUp: AWS's times are multiplied by this; 1 is AWS's own pace, and takes a quarter of an hour")
	record = flag.Bool("record", false, "BenchmarkFirstUp: keep the run in docs/first-up.jsonl and draw docs/first-up.svg")
)

// maxRatio bounds the first `make up` against what AWS forces. It is held to at AWS's own pace alone.
const maxRatio = 1.05

func awsTimes(pace float64) emulator.Times {
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * pace) }
	return emulator.Times{Cluster: scaled(awsControlPlane), NodeGroup: scaled(awsNodeGroup), Addon: scaled(awsAddon), NAT: scaled(awsNAT)}
}

// forced is the longest chain that AWS itself forces on a first `up`: the control plane, then nodes, then the add-on by
// which pods resolve names. That pods and load balancers take time to start counts as the program's own.
func forced(t emulator.Times) time.Duration { return t.Cluster + t.NodeGroup + t.Addon }

// BenchmarkFirstUp is the first `make up` of stack dev, preview included, while emulated AWS takes its usual times.
func BenchmarkFirstUp(b *testing.B) {
	times := awsTimes(*pace)
	for b.Loop() {
		r := newRehearsal(b, defaultStack, times)
		r.Make("preview", "STACK="+r.stack) // compiles the program
		events := r.folder("log") + "/events.jsonl"
		r.Env = append(r.Env, "PULUMI_DEBUG_COMMANDS=true", "PULUMI_OPTION_EVENT_LOG="+events)
		begin := time.Now()
		up := r.Start("make", "up", "STACK="+r.stack, "YES=1")
		up.Says("Duration:") // a wait without bound: at AWS's own pace it is longer than any other command's
		if out, err := up.Wait(); err != nil {
			b.Fatalf("make up: %v\n%s", err, out)
		}
		wall := time.Since(begin)

		line, err := readTimeline(events, begin, wall, *pace, times)
		if err != nil {
			b.Fatal(err)
		}
		journal := r.aws.Journal()
		for _, late := range lateStarts(journal, line.updateBegins, times) {
			b.Error(late)
		}
		// Not b.Log, which cuts off a benchmark's log after ten lines.
		r.say("%s", whereTimeGoes(journal, begin, line.updateBegins, wall, times))
		r.say("%s", slowest(line.resources))
		own := wall - forced(times)
		// An estimate: looks up to pollLag apart see the end of each step sooner or later, as it happens.
		atAWSPace := (forced(awsTimes(1)) + own).Seconds() / forced(awsTimes(1)).Seconds()
		if ratio := wall.Seconds() / forced(times).Seconds(); *pace >= 1 && ratio > maxRatio {
			b.Errorf("the first `make up` takes %.3f times what AWS forces; at most %.2f is allowed", ratio, maxRatio)
		}
		b.ReportMetric(0, "ns/op") // it counts the rehearsal's own preparation
		b.ReportMetric(wall.Seconds(), "up-s")
		b.ReportMetric(forced(times).Seconds(), "forced-s")
		b.ReportMetric(own.Seconds(), "own-s")
		b.ReportMetric(wall.Seconds()/forced(times).Seconds(), "ratio")
		b.ReportMetric(atAWSPace, "ratio-at-AWS-pace")
		if *record {
			if err := line.keep(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkPreview is a preview of stack dev that finds nothing to change, beside previews of a program that makes nothing
// (test/aws/providers): alone, with the AWS plugin and the reads that stack dev makes through it, with the EKS plugin, with
// the Kubernetes plugin. What the AWS and the EKS plugin add to the program alone, and that, are the sum that stack dev is
// held against: of-the-sum. It needs the Kubernetes plugin besides: of-all-plugins.
func BenchmarkPreview(b *testing.B) {
	r := newRehearsal(b, defaultStack, emulator.Times{})
	r.up()
	r.pushImages(b)
	floor, kubeconfig := r.Dir+"/test/aws/providers", r.folder("home")+"/eks"
	if out, err := r.pulumi("stack", "output", "kubeconfig", "--show-secrets", "--stack", r.stack, ">", kubeconfig); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	// What `make env` exports, asked for once: it is no part of a preview.
	env := r.folder("home") + "/env"
	if out, err := r.Start("sh", "-c", fmt.Sprintf("make -s env STACK=%s >%s", r.stack, env)).Wait(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	// The policies are about the stacks; the program that makes nothing has none of their settings.
	const noPolicies = "unset PULUMI_OPTION_POLICY_PACK && "
	preview := func(b *testing.B, policies bool, dir, stack, plugins string) {
		b.Helper()
		without := ""
		if !policies {
			without = noPolicies
		}
		run := fmt.Sprintf(`. %s && %sPLUGINS="%s" KUBECONFIG=%s exec pulumi --cwd %s preview --expect-no-changes --stack %s`, env, without, plugins, kubeconfig, dir, stack)
		if out, err := r.Start("sh", "-c", run).Wait(); err != nil {
			b.Fatalf("preview of %s: %v\n%s", dir, err, out)
		}
	}
	// A program of its own state for each set of plugins, in which the providers are made already.
	for _, plugins := range []string{"", "aws", "eks", "kubernetes", "aws eks kubernetes"} {
		stack := "floor" + strings.ReplaceAll(plugins, " ", "")
		run := fmt.Sprintf(`. %s && %scd %s && pulumi stack init %s && PLUGINS="%s" KUBECONFIG=%s exec pulumi up --yes --skip-preview --stack %[4]s`, env, noPolicies, floor, stack, plugins, kubeconfig)
		if out, err := r.Start("sh", "-c", run).Wait(); err != nil {
			b.Fatalf("the program that makes nothing: %v\n%s", err, out)
		}
	}
	took := map[string]time.Duration{}
	for _, bench := range []struct {
		name, dir, stack, plugins string
		policies                  bool
	}{
		{"nothing", floor, "floor", "", false},
		{"AWS plugin and reads", floor, "flooraws", "aws", false},
		{"EKS plugin", floor, "flooreks", "eks", false},
		{"Kubernetes plugin", floor, "floorkubernetes", "kubernetes", false},
		{"all plugins and reads", floor, "floorawsekskubernetes", "aws eks kubernetes", false},
		{"stack dev without policies", r.Dir, r.stack, "", false},
		{"stack dev", r.Dir, r.stack, "", true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			calls := len(r.aws.Journal())
			for b.Loop() {
				preview(b, bench.policies, bench.dir, bench.stack, bench.plugins)
			}
			took[bench.name] = b.Elapsed() / time.Duration(b.N)
			asked := 0
			for _, e := range r.aws.Journal()[calls:] {
				if e.Who == r.aws.AdminARN() {
					asked++
				}
			}
			b.ReportMetric(float64(asked)/float64(b.N), "AWS-calls/op")
			if bench.dir == r.Dir {
				sum := took["AWS plugin and reads"] + took["EKS plugin"] - took["nothing"]
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/sum.Seconds(), "of-the-sum")
				all := sum + took["Kubernetes plugin"] - took["nothing"]
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/all.Seconds(), "of-all-plugins")
			}
		})
	}
}

// repository is the way from this folder to the top of the tree.
const repository = "../../"

func (l *timeline) keep() error {
	data, err := l.lines()
	if err != nil {
		return err
	}
	if err := os.WriteFile(repository+timelineData, data, 0o644); err != nil {
		return err
	}
	return os.WriteFile(repository+timelinePicture, []byte(l.draw()), 0o644)
}
