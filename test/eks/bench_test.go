package eks

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"tfserving/rehearsal/emulator"
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

// maxPreviewRatio is how many times a preview of stack dev that finds nothing to change may take what engine, EKS plugin and
// AWS plugin take for themselves.
const maxPreviewRatio = 1.3

// BenchmarkPreview is a preview of stack dev that finds nothing to change, beside previews of a program with nothing of ours
// (test/eks/providers), with more and more of the plugins and of what they read. They take turns, as a machine is not as fast
// at one time as at another, and the medians are told, in seconds. Stack dev is compared with four of them, and held against
// the first:
//
//	of-bare-cluster  engine, AWS plugin and EKS plugin with the reads of both, for which the latter needs a cluster
//	of-unplugged     the same without the Kubernetes providers that pulumi-eks makes for itself, and a stack unplugs
//	of-the-least     such a cluster, and one read of the Kubernetes plugin: less no stack can do
//	of-the-starts    the AWS plugin with its reads and the EKS plugin without any, for which there is no program: a sum
func BenchmarkPreview(b *testing.B) {
	r := newRehearsal(b, defaultStack, emulator.Times{})
	r.up()
	r.pushImages(b)
	home := r.folder("home")
	// What `make env` exports, asked for once: it is no part of a preview.
	env, kubeconfig := home+"/env", home+"/eks"
	setUp := fmt.Sprintf("make -s env STACK=%s >%s && . %[2]s && pulumi stack output kubeconfig --show-secrets --stack %[1]s >%[3]s", r.stack, env, kubeconfig)
	if out, err := r.Start("sh", "-c", setUp).Wait(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	const program = "test/eks/providers"
	previews := []struct{ name, dir, stack, plugins string }{
		{"nothing", program, "nothing", ""},
		{"aws-reads", program, "aws", "aws"},
		{"eks-start", program, "eks", "eks"},
		{"kubernetes-read", program, "kubernetes", "kubernetes"},
		{"bare-cluster", program, "cluster", "aws cluster"},
		{"unplugged", program, "unplugged", "aws cluster unplugged"},
		{"least", program, "least", "aws cluster unplugged kubernetes"},
		{"dev-no-policies", ".", r.stack, ""},
		{"dev", ".", r.stack, ""},
	}
	pulumi := func(dir, plugins string, policies bool, command string) {
		if !policies {
			// They are about the stacks; the program of the plugins has none of their settings.
			command = "unset PULUMI_OPTION_POLICY_PACK && " + command
		}
		command = fmt.Sprintf(`. %s && cd %s && export PLUGINS="%s" KUBECONFIG=%s && %s`, env, dir, plugins, kubeconfig, command)
		if out, err := r.Start("sh", "-c", command).Wait(); err != nil {
			b.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	for _, p := range previews {
		if p.dir == program {
			pulumi(p.dir, p.plugins, false, "pulumi stack init "+p.stack+" && exec pulumi up --yes --skip-preview --stack "+p.stack)
		}
	}
	took := map[string][]float64{}
	for b.Loop() {
		for _, p := range previews {
			begin := time.Now()
			pulumi(p.dir, p.plugins, p.name == "dev", "exec pulumi preview --expect-no-changes --stack "+p.stack)
			took[p.name] = append(took[p.name], time.Since(begin).Seconds())
		}
	}
	b.ReportMetric(0, "ns/op") // of all of them, which says nothing
	median := map[string]float64{}
	for name, all := range took {
		slices.Sort(all)
		median[name] = (all[(len(all)-1)/2] + all[len(all)/2]) / 2
		b.ReportMetric(median[name], name+"-s")
	}
	ratio := median["dev"] / median["bare-cluster"]
	b.ReportMetric(ratio, "of-bare-cluster")
	b.ReportMetric(median["dev"]/median["unplugged"], "of-unplugged")
	b.ReportMetric(median["dev"]/median["least"], "of-the-least")
	b.ReportMetric(median["dev"]/(median["aws-reads"]+median["eks-start"]-median["nothing"]), "of-the-starts")
	if ratio > maxPreviewRatio {
		b.Errorf("a preview takes %.2f times what engine, EKS plugin and AWS plugin take; at most %.2f is allowed", ratio, maxPreviewRatio)
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
