package eks

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"tfserving/rehearsal/emulator"
	"tfserving/test/recordings"
)

var (
	// pace shortens AWS's times. The program's own time stays, so its part of the ratio is 1/pace times its part in an account.
	pace   = flag.Float64("pace", 0.25, "BenchmarkFirstUp: factor on AWS's times; 1 is AWS's own pace, and takes a quarter of an hour")
	record = flag.Bool("record", false, "BenchmarkFirstUp: write the run to docs/first-up.jsonl and draw docs/first-up.svg")
)

// maxRatio is how many times the time that AWS forces the first `make up` may take, at AWS's own pace.
const maxRatio = 1.05

// BenchmarkFirstUp measures the first `make up` of stack dev, preview included, while emulated AWS takes its usual times.
func BenchmarkFirstUp(b *testing.B) {
	times := recordings.AWSTimes(*pace)
	forced := recordings.Forced(times)
	for b.Loop() {
		r := newRehearsal(b, defaultStack, times)
		r.makeSpotRole()
		r.Make("preview", "STACK="+r.stack) // compiles the program
		events := r.folder("log") + "/events.jsonl"
		r.Env = append(r.Env, "PULUMI_DEBUG_COMMANDS=true", "PULUMI_OPTION_EVENT_LOG="+events)
		begin := time.Now()
		up := r.Start("make", "up", "STACK="+r.stack, "YES=1")
		up.Prints("Duration:") // waits without a bound: at AWS's own pace this command takes longer than commandTimeout
		if out, err := up.Wait(); err != nil {
			b.Fatalf("make up: %v\n%s", err, out)
		}
		wall := time.Since(begin)

		recording, err := recordings.FromEvents(events, begin, wall, *pace)
		if err != nil {
			b.Fatal(err)
		}
		journal := r.aws.Journal()
		for _, late := range recordings.LateCalls(journal, recording.UpdateBegins, times) {
			b.Error(late)
		}
		// b.Log would cut off the text after ten lines.
		r.logf("%s", recordings.LongestChain(journal, begin, recording.UpdateBegins, wall, times))
		r.logf("%s", recording.Slowest())
		ratio, own := wall.Seconds()/forced.Seconds(), wall-forced
		// An estimate: by chance, a poll sees the end of a step sooner or later.
		forcedByAWS := recordings.Forced(recordings.AWSTimes(1))
		atAWSPace := (forcedByAWS + own).Seconds() / forcedByAWS.Seconds()
		if *pace >= 1 && ratio > maxRatio {
			b.Errorf("the first `make up` takes %.3f times what AWS forces; at most %.2f is allowed", ratio, maxRatio)
		}
		b.ReportMetric(0, "ns/op") // would include the preparation of the rehearsal
		b.ReportMetric(wall.Seconds(), "up-s")
		b.ReportMetric(forced.Seconds(), "forced-s")
		b.ReportMetric(own.Seconds(), "own-s")
		b.ReportMetric(ratio, "ratio")
		b.ReportMetric(atAWSPace, "ratio-at-AWS-pace")
		if *record {
			if err := recording.Save("../.."); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// maxPreviewRatio is how many times the time of engine, EKS plugin and AWS plugin a preview of stack dev that finds nothing to
// change may take.
const maxPreviewRatio = 1.3

// BenchmarkPreview measures previews that find nothing to change: of stack dev, and of a program that has only plugins and
// their reads (test/eks/providers), with more and more of both. The previews take turns, because the machine's speed varies.
// The benchmark reports medians in seconds and four ratios of stack dev's time. It limits the first ratio:
//
//	of-bare-cluster  to engine, AWS plugin and EKS plugin with the reads of both; the EKS plugin needs a cluster for its reads
//	of-unplugged     to the same without pulumi-eks's own Kubernetes providers, which a stack disconnects
//	of-the-least     to that cluster and one read of the Kubernetes plugin: the least that a stack can do
//	of-the-starts    to the AWS plugin with its reads plus the EKS plugin without reads: a sum, as no program can do that
func BenchmarkPreview(b *testing.B) {
	r := newRehearsal(b, defaultStack, emulator.Times{})
	r.makeSpotRole()
	r.up()
	r.pushImages(b)
	home := r.folder("home")
	// `make env` is no part of a preview, so it runs once.
	env, kubeconfig := home+"/env", home+"/eks"
	r.Shell(fmt.Sprintf("make -s env STACK=%s >%s && . %[2]s && pulumi stack output kubeconfig --show-secrets --stack %[1]s >%[3]s", r.stack, env, kubeconfig))
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
			// The policies read a stack's settings; the program of the plugins has none.
			command = "unset PULUMI_OPTION_POLICY_PACK && " + command
		}
		r.Shell(fmt.Sprintf(`. %s && cd %s && export PLUGINS="%s" KUBECONFIG=%s && %s`, env, dir, plugins, kubeconfig, command))
	}
	for _, p := range previews {
		if p.dir == program {
			pulumi(p.dir, p.plugins, false, "pulumi stack init "+p.stack+" && exec pulumi up --yes --skip-preview --stack "+p.stack)
		}
	}
	seconds := map[string][]float64{}
	for b.Loop() {
		for _, p := range previews {
			begin := time.Now()
			pulumi(p.dir, p.plugins, p.name == "dev", "exec pulumi preview --expect-no-changes --stack "+p.stack)
			seconds[p.name] = append(seconds[p.name], time.Since(begin).Seconds())
		}
	}
	b.ReportMetric(0, "ns/op") // would be the sum of all previews
	median := map[string]float64{}
	for name, all := range seconds {
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
