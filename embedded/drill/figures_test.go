package drill

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"tfserving/catalog"
	"tfserving/embedded"
)

// small has pods of half a core, three of them on a node, of which the two others take one core each.
var small = Setup{Name: "own", Pod: catalog.Room{MilliCPU: 500, MemoryMiB: 1, Pods: 1}, Target: 70, Tolerance: 10, MinPods: 2, MaxPods: 24, PodStart: 1,
	Node: catalog.Room{MilliCPU: 1930, MemoryMiB: 100, Pods: 29}, MinNodes: 2, MaxNodes: 10, Boot: 4,
	Others: []catalog.Room{{MilliCPU: 1000, Pods: 1}, {MilliCPU: 1000, Pods: 1}}, NodeUSD: 0.5,
	Down: Down{Loops: 1, Stabilization: 2, Period: 3, Percent: 50, Unneeded: 1}}

// step is nothing for 2 s, then 2 cores for 8 s. At 70 % and a tolerance of 10 %, 2 cores need 2/0.385 = 5.2 pods.
var step = &Trace{Name: "step", Points: []Point{{0, 0}, {2, 0}, {2, 2}, {10, 2}}}

func TestFiguresAreThoseOfACalculationByHand(t *testing.T) {
	for name, test := range map[string]struct {
		samples   []embedded.Sample
		evictions []Eviction
		seconds   int
		want      Figures
	}{
		// 2 pods have 1 core, so 1 of 2 cores finds no pod from 2 to 7 s, which is 5 of 16 core-seconds. From 7 s 6 pods have 3
		// cores. Pod-seconds: 7x2 + 5x6 + 8x2. Node-seconds: 4x2 + 12x4 + 4x2; until 10 s, 4x2 + 6x4.
		"pods come late and nodes go late": {
			samples: []embedded.Sample{
				{Seconds: 0, Wanted: 2, Running: 2, Nodes: 2},
				{Seconds: 3.5, Wanted: 6, Running: 2, Nodes: 2, Booting: 2},
				{Seconds: 7, Wanted: 6, Running: 6, Nodes: 4},
				{Seconds: 10.5, Wanted: 13, Running: 6, Nodes: 4},
				{Seconds: 11.2, Wanted: 2, Running: 2, Nodes: 4},
				{Seconds: 16, Wanted: 2, Running: 2, Nodes: 2},
			},
			evictions: []Eviction{{12, "a", 9}, {13, "b", 4}},
			seconds:   20,
			want: Figures{PeakPods: 6, Half: 5, Ready: 5, Unserved: 5.0 / 16, PodHours: 60.0 / 3600, NodeHours: 64.0 / 3600, TraceNodeHours: 32.0 / 3600,
				USD: 32.0 / 3600, Served: 32.0 / 11, Reversals: 1, ExtraNodes: 2, OwnDelays: 10, Returned: 1, Back: 6, Evictions: 2, YoungestEvicted: 4},
		},
		"half of the pods come, and one node stays": {
			samples: []embedded.Sample{
				{Seconds: 0, Wanted: 2, Running: 2, Nodes: 2},
				{Seconds: 4, Wanted: 3, Running: 3, Nodes: 4},
				{Seconds: 14, Wanted: 3, Running: 3, Nodes: 3},
			},
			seconds: 16,
			// 2 s without 1 core, then 6 s without half a core.
			want: Figures{PeakPods: 6, Half: 2, Ready: never, Unserved: 5.0 / 16, PodHours: 44.0 / 3600, NodeHours: 54.0 / 3600, TraceNodeHours: 32.0 / 3600,
				USD: 27.0 / 3600, Served: 27.0 / 11, Reversals: 0, ExtraNodes: 2, OwnDelays: 4, Returned: 0.5, Back: never, YoungestEvicted: never},
		},
		"more pods than needed": {
			samples: []embedded.Sample{{Seconds: 0, Wanted: 24, Running: 24, Nodes: 10}},
			seconds: 10,
			want: Figures{PeakPods: 6, Half: 0, Ready: 0, PodHours: 240.0 / 3600, NodeHours: 100.0 / 3600, TraceNodeHours: 100.0 / 3600, USD: 50.0 / 3600, Served: 50.0 / 16,
				OwnDelays: 13, Returned: 1, Back: never, YoungestEvicted: never},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Run{Setup: small, Samples: test.samples, Evictions: test.evictions}
			if got := rounded(r.Measure(step, test.seconds)); got != rounded(test.want) {
				t.Errorf("the figures are\n%+v, want\n%+v", got, rounded(test.want))
			}
		})
	}
}

// rounded removes the errors of sums of fractions.
func rounded(f Figures) Figures {
	for _, n := range []*float64{&f.Unserved, &f.PodHours, &f.NodeHours, &f.TraceNodeHours, &f.USD, &f.Served} {
		*n = math.Round(*n*1e9) / 1e9
	}
	return f
}

func TestOnlyATurnOfTheWantedNumberIsAReversal(t *testing.T) {
	for want, wanted := range map[int][]int{0: {2, 2, 5, 5, 9}, 1: {2, 9, 9, 4, 2}, 3: {2, 9, 8, 9, 2}} {
		var samples []embedded.Sample
		for _, n := range wanted {
			samples = append(samples, embedded.Sample{Wanted: n})
		}
		if got := reversals(samples); got != want {
			t.Errorf("%v has %d reversals, want %d", wanted, got, want)
		}
	}
}

// 24 pods become 12, 6, 3 and 2 in four removals with three periods between them.
func TestScaleDownsOwnDelaysAreThoseOfItsSettings(t *testing.T) {
	numbers := small
	numbers.Down.Pods = 10
	for name, test := range map[string]struct {
		setup Setup
		pods  int
		want  float64
	}{
		"no pods too many":            {small, 2, 4},
		"one removal":                 {small, 4, 4},
		"four removals":               {small, 24, 4 + 3*3},
		"10 pods or half of the pods": {numbers, 24, 4 + 3}, // 24, 12, 2
	} {
		if got := test.setup.ownDelays(test.pods); got != test.want {
			t.Errorf("%s: %g s, want %g s", name, got, test.want)
		}
	}
}

func TestPodsWithinTheToleranceAreEnough(t *testing.T) {
	for cores, want := range map[float64]int{0: 2, 0.77: 2, 0.78: 3, 2: 6, 8: 21, 8.085: 21, 8.09: 22, 100: 24} {
		if got := small.content(cores); got != want {
			t.Errorf("%g cores need %d pods, want %d", cores, got, want)
		}
	}
}

// Two nodes hold one pod each beside the others, and each further node three. So 6 pods need 4 nodes, of which two boot for 4 s,
// and their pods start for 1 s: they are ready 5 s after the step.
func TestTheClairvoyantWaitsOnlyForMachines(t *testing.T) {
	r := Clairvoyant(small, step, 12)
	var wanted, running, nodes, booting []int
	for _, s := range r.Samples {
		wanted, running = append(wanted, s.Wanted), append(running, s.Running)
		nodes, booting = append(nodes, s.Nodes), append(booting, s.Booting)
	}
	for name, pair := range map[string][2][]int{
		"wanted":  {wanted, {2, 2, 6, 6, 6, 6, 6, 6, 6, 6, 2, 2}},
		"running": {running, {2, 2, 2, 2, 2, 2, 2, 6, 6, 6, 2, 2}},
		"nodes":   {nodes, {2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 2, 2}},
		"booting": {booting, {0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if f := r.Measure(step, 12); f.Ready != 5 || f.ExtraNodes != 2 || f.Returned != 1 || f.Back != 0 {
		t.Errorf("the figures are %+v, want 6 pods after 5 s, and 2 extra nodes that go at once", f)
	}
}

func TestTheClairvoyantKeepsNodesOverAGapShorterThanABoot(t *testing.T) {
	gap := &Trace{Points: []Point{{0, 2}, {2, 2}, {2, 0}, {5, 0}, {5, 2}, {12, 2}}}
	for i, s := range Clairvoyant(small, gap, 12).Samples {
		if s.Nodes+s.Booting != 4 {
			t.Errorf("at %d s it has %d nodes, want 4 also in the gap from 2 to 5 s, which is shorter than a boot", i, s.Nodes+s.Booting)
		}
	}
	for _, test := range []struct{ numbers, want []int }{
		{[]int{4, 2, 2, 2, 4}, []int{4, 4, 4, 4, 4}},
		{[]int{4, 2, 2, 2, 2, 4}, []int{4, 2, 2, 2, 2, 4}},
		{[]int{4, 2, 3, 2, 2, 4}, []int{4, 3, 3, 3, 3, 4}},
	} {
		// 3 is needed again after 1 s, and in the last case only after 3 s.
		if got := bridge(test.numbers, 4); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v is kept as %v, want %v", test.numbers, got, test.want)
		}
	}
}

func TestPodsFitBesideTheOthersByEachResource(t *testing.T) {
	memory, number := small, small
	memory.Node.MemoryMiB = 2
	number.Node.Pods = 2
	for name, test := range map[string]struct {
		setup       Setup
		nodes, want int
	}{
		"CPU on the fewest nodes":   {small, 2, 2},
		"CPU on more nodes":         {small, 4, 8},
		"memory":                    {memory, 4, 1 + 1 + 2 + 2},
		"number of pods":            {number, 4, 1 + 1 + 2 + 2},
		"others that leave no room": {small, 1, 0},
	} {
		if got := test.setup.holds(test.nodes); got != test.want {
			t.Errorf("%s: %d nodes hold %d pods, want %d", name, test.nodes, got, test.want)
		}
	}
}

func TestADrillIsReadAsItWasWritten(t *testing.T) {
	own := &Run{Setup: small, Samples: []embedded.Sample{{Wanted: 2, Running: 2, Nodes: 2, CPU: -1}, {Seconds: 14.5, Wanted: 2, Running: 2, Nodes: 2}}}
	stock := &Run{Setup: small, Samples: []embedded.Sample{{Wanted: 2, Running: 2, Nodes: 2}}, Evictions: []Eviction{{3, "pod", 7}}}
	stock.Setup.Name = "stock"
	d := &Drill{Trace: step, Own: own, Against: stock}
	var file bytes.Buffer
	if err := d.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil || !reflect.DeepEqual(read, d) {
		t.Errorf("read %+v (%v), want %+v", read, err, d)
	}
	if d.Seconds() != 16 {
		t.Errorf("the drill lasts %d s, want those of its longer run until the second after 14.5 s, 16", d.Seconds())
	}
	for name, text := range map[string]string{"nothing": "", "no JSON": "{", "a sample without a run": `{"run":"own","sample":{}}`, "one run": strings.Split(file.String(), `{"run":"stock"`)[0]} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read without an error", name)
		}
	}
	var picture strings.Builder
	if err := d.Draw(&picture); err != nil || !strings.Contains(picture.String(), "clairvoyant") || !strings.Contains(picture.String(), "stock") {
		t.Errorf("the picture lacks a run (%v)", err)
	}
	if table := d.String(); !strings.Contains(table, "clairvoyant            own          stock") {
		t.Errorf("the table is\n%s", table)
	}
}
