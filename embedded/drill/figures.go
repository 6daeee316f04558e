package drill

import (
	"math"

	"tfserving/catalog"
	"tfserving/embedded"
)

// Setup is what a run's settings and machines are, as far as the figures depend on it.
type Setup struct {
	Name      string         `json:"name"`
	Pod       catalog.Room   `json:"pod"`       // request of each pod that gets the demand
	Target    int            `json:"target"`    // of the autoscaler, in % of the request
	Tolerance int            `json:"tolerance"` // of the autoscaler, in % of the target
	MinPods   int            `json:"minPods"`
	MaxPods   int            `json:"maxPods"`
	PodStart  float64        `json:"podStart"` // from a pod's scheduling until it is ready, in seconds
	Node      catalog.Room   `json:"node"`     // allocatable of each node
	MinNodes  int            `json:"minNodes"` // of all groups
	MaxNodes  int            `json:"maxNodes"` // of all groups
	Boot      float64        `json:"boot"`     // from a node's request until it is ready, in seconds
	Others    []catalog.Room `json:"others"`   // requests of the pods that get no demand, a pod each
	NodeUSD   float64        `json:"nodeUSD"`  // of a node, in USD an hour
	Price     string         `json:"price"`    // what NodeUSD is the price of
	Down      Down           `json:"down"`
}

// Down has the delays of scaling down that the settings ask for, in seconds.
type Down struct {
	Loops         float64 `json:"loops"`         // until the autoscalers see that pods, and then nodes, are not needed
	Stabilization float64 `json:"stabilization"` // until the first pods go
	Period        float64 `json:"period"`        // between two removals of pods
	Percent       int     `json:"percent"`       // most pods that one removal takes, in % of the pods
	Pods          int     `json:"pods"`          // the same as a number; the larger counts
	Unneeded      float64 `json:"unneeded"`      // until a node without need goes
}

// ownDelays returns the time from the end of the demand until the settings let the last extra node go, in seconds, if a number of
// pods run when the demand ends.
func (s Setup) ownDelays(pods int) float64 {
	const percent = 100
	seconds := s.Down.Loops + s.Down.Stabilization + s.Down.Unneeded
	for removals := 0; pods > s.MinPods; removals++ {
		pods = min(pods-s.Down.Pods, pods*(percent-s.Down.Percent)/percent)
		if removals > 0 {
			seconds += s.Down.Period
		}
	}
	return seconds
}

// Eviction is the end of a pod because its node was drained.
type Eviction struct {
	Seconds float64 `json:"seconds"` // since the beginning of the trace
	Pod     string  `json:"pod"`
	Age     float64 `json:"age"` // of the pod, in seconds
}

// Run is what happened while a trace was replayed. A sample holds until the next one.
type Run struct {
	Setup     Setup
	Samples   []embedded.Sample
	Evictions []Eviction
}

// never stands for a moment that did not come.
const never = -1

// Figures are the measures of a run. Moments are in seconds, and -1 if they did not come.
type Figures struct {
	PeakPods  int     `json:"peakPods"`  // fewest pods with which the autoscaler is content at the peak of the demand
	Half      float64 `json:"half"`      // from the peak's beginning until half of PeakPods are ready
	Ready     float64 `json:"ready"`     // from the peak's beginning until PeakPods are ready
	Unserved  float64 `json:"unserved"`  // share of the demand above the CPU requests of the ready pods, from 0 to 1
	PodHours  float64 `json:"podHours"`  // of ready pods with the demand
	NodeHours float64 `json:"nodeHours"` // of nodes from their request on, as EC2 charges for instances
	USD       float64 `json:"usd"`       // for the node-hours
	Served    float64 `json:"served"`    // USD for each core-hour of the demand that found a ready pod; -1 if none did
	// TraceNodeHours are the node-hours until the end of the trace, without the way back.
	TraceNodeHours  float64 `json:"traceNodeHours"`
	Reversals       int     `json:"reversals"`  // changes of direction of the wanted number of pods
	ExtraNodes      int     `json:"extraNodes"` // the most nodes beyond those of the beginning
	OwnDelays       float64 `json:"ownDelays"`  // from the end of the trace until the settings let the last extra node go
	Returned        float64 `json:"returned"`   // share of ExtraNodes that are gone after OwnDelays, from 0 to 1
	Back            float64 `json:"back"`       // from the end of the trace until the last extra node is gone
	Evictions       int     `json:"evictions"`
	YoungestEvicted float64 `json:"youngestEvicted"` // age of the youngest pod that was evicted
}

// content returns the fewest pods with which the autoscaler is content at a demand: with fewer, their use is above the target by
// more than its tolerance.
func (s Setup) content(cores float64) int {
	const percent = 100
	each := float64(s.Pod.MilliCPU) * float64(s.Target) / percent * (1 + float64(s.Tolerance)/percent)
	const rounding = 1e-9 // a demand of exactly n pods needs n
	pods := int(math.Ceil(cores*1000/each - rounding))
	return min(max(pods, s.MinPods), s.MaxPods)
}

// last returns the index of the sample that holds at a time.
func last(samples []embedded.Sample, seconds float64) int {
	i := 0
	for i+1 < len(samples) && samples[i+1].Seconds <= seconds {
		i++
	}
	return i
}

// Measure returns the figures of a run with at least one sample. Node-hours count from the beginning of the trace for a number of
// seconds, so that runs of different lengths compare: a run that has ended stays as it was at its end.
func (r *Run) Measure(t *Trace, seconds int) Figures {
	f := Figures{Half: never, Ready: never, Served: never, Back: never, YoungestEvicted: never, Evictions: len(r.Evictions)}
	peakAt, peak := t.Peak()
	f.PeakPods = r.Setup.content(peak)
	const secondsPerHour = 3600
	var demand, unserved float64
	first := r.Samples[0].Nodes + r.Samples[0].Booting
	for second := range seconds {
		now := float64(second)
		s := r.Samples[last(r.Samples, now)]
		nodes := s.Nodes + s.Booting
		cores, capacity := t.At(now), float64(int64(s.Running)*r.Setup.Pod.MilliCPU)/1000
		demand += cores
		unserved += math.Max(0, cores-capacity)
		f.PodHours += float64(s.Running) / secondsPerHour
		f.NodeHours += float64(nodes) / secondsPerHour
		f.ExtraNodes = max(f.ExtraNodes, nodes-first)
		if second < t.seconds() {
			f.TraceNodeHours += float64(nodes) / secondsPerHour
			for pods, at := range map[int]*float64{(f.PeakPods + 1) / 2: &f.Half, f.PeakPods: &f.Ready} {
				if now >= peakAt && s.Running >= pods && *at == never {
					*at = now - peakAt
				}
			}
		} else if f.Back == never && nodes <= first {
			f.Back = now - t.Length().Seconds()
		}
	}
	f.Unserved = unserved / demand
	f.USD = f.NodeHours * r.Setup.NodeUSD
	if demand > unserved {
		f.Served = f.USD / ((demand - unserved) / secondsPerHour)
	}
	f.Reversals = reversals(r.Samples)
	f.Returned = 1
	wanted := 0 // the most pods after the end: an evaluation still sees the demand of before
	for _, s := range r.Samples[last(r.Samples, t.Length().Seconds()):] {
		wanted = max(wanted, s.Wanted)
	}
	f.OwnDelays = r.Setup.ownDelays(wanted)
	if f.ExtraNodes > 0 {
		s := r.Samples[last(r.Samples, t.Length().Seconds()+f.OwnDelays)]
		f.Returned = 1 - float64(max(0, s.Nodes+s.Booting-first))/float64(f.ExtraNodes)
	}
	for _, e := range r.Evictions {
		if f.YoungestEvicted == never || e.Age < f.YoungestEvicted {
			f.YoungestEvicted = e.Age
		}
	}
	return f
}

// reversals counts how often the wanted number of pods turns from growing to shrinking or back.
func reversals(samples []embedded.Sample) (n int) {
	direction := 0
	for i := range samples[1:] {
		step := samples[i+1].Wanted - samples[i].Wanted
		if step*direction < 0 {
			n++
		}
		if step != 0 {
			direction = step
		}
	}
	return n
}
