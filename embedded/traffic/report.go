package traffic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Scores returns the numbers in an answer of the example's gateway, in the order of the names of the classes.
func Scores(body []byte) (scores []float64, err error) {
	var byClass map[string]float64
	if err := json.Unmarshal(body, &byClass); err != nil {
		return nil, fmt.Errorf("no scores: %w", err)
	}
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		scores = append(scores, byClass[class])
	}
	return scores, nil
}

// Report counts the requests of a run.
type Report struct {
	Answers []Answer // all of them, in the order in which they ended
}

// Add adds what happened to one request.
func (r *Report) Add(a Answer) { r.Answers = append(r.Answers, a) }

// Failures returns the number of failed requests by reason.
func (r *Report) Failures() map[string]int {
	return r.count(func(a Answer) string { return a.Failure })
}

// Failed returns the number of failed requests.
func (r *Report) Failed() (n int) {
	for _, count := range r.Failures() {
		n += count
	}
	return n
}

// ByGatewayPod, ByModelPod, ByGatewayImage and ByModelImage return the number of requests by what answered them. Answers that do
// not say it do not count.
func (r *Report) ByGatewayPod() map[string]int {
	return r.count(func(a Answer) string { return a.GatewayPod })
}
func (r *Report) ByModelPod() map[string]int {
	return r.count(func(a Answer) string { return a.ModelPod })
}
func (r *Report) ByGatewayImage() map[string]int {
	return r.count(func(a Answer) string { return a.GatewayImage })
}
func (r *Report) ByModelImage() map[string]int {
	return r.count(func(a Answer) string { return a.ModelImage })
}

func (r *Report) count(of func(Answer) string) map[string]int {
	counts := map[string]int{}
	for _, a := range r.Answers {
		if key := of(a); key != "" {
			counts[key]++
		}
	}
	return counts
}

// Latency returns the time within which a share of the answers came, such as 0.99. Failed requests do not count.
func (r *Report) Latency(share float64) time.Duration {
	return quantile(r.Answers, share)
}

func quantile(answers []Answer, share float64) time.Duration {
	var all []time.Duration
	for _, a := range answers {
		if a.Failure == "" {
			all = append(all, a.Latency)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

// LongestGap returns the longest time without a right answer: from the beginning to the first, from one to the next, or from
// the last to the end of the run.
func (r *Report) LongestGap() (gap time.Duration) {
	var last time.Duration
	for _, end := range r.ends(func(a Answer) bool { return a.Failure == "" }) {
		gap, last = max(gap, end-last), end
	}
	if ends := r.ends(func(Answer) bool { return true }); len(ends) > 0 {
		gap = max(gap, ends[len(ends)-1]-last)
	}
	return gap
}

// FailingTime returns when the first failed request was sent and when the last failure came. Both are 0 without a failure.
func (r *Report) FailingTime() (first, last time.Duration) {
	found := false
	for _, a := range r.Answers {
		if a.Failure == "" {
			continue
		}
		if !found || a.Sent < first {
			first = a.Sent
		}
		found, last = true, max(last, a.Sent+a.Latency)
	}
	return first, last
}

// ends returns when the chosen requests ended, in order.
func (r *Report) ends(chosen func(Answer) bool) (all []time.Duration) {
	for _, a := range r.Answers {
		if chosen(a) {
			all = append(all, a.Sent+a.Latency)
		}
	}
	slices.Sort(all)
	return all
}

// String is the verdict at the end of a run: how many requests failed and why, how fast the answers were, and what answered.
func (r *Report) String() string {
	var b strings.Builder
	failed := r.Failed()
	if failed == 0 {
		fmt.Fprintf(&b, "all %d requests were answered", len(r.Answers))
	} else {
		first, last := r.FailingTime()
		fmt.Fprintf(&b, "%d of %d requests FAILED, between %s and %s", failed, len(r.Answers), first.Round(time.Second/10), last.Round(time.Second/10))
	}
	fmt.Fprintf(&b, "; the longest time without an answer was %s\n", r.LongestGap().Round(time.Millisecond))
	for _, f := range largestFirst(r.Failures()) {
		fmt.Fprintf(&b, "  %6d  %s\n", f.count, f.name)
	}
	fmt.Fprintf(&b, "answers within: half %s, 95 %% %s, 99 %% %s\n", milliseconds(r.Latency(0.5)), milliseconds(r.Latency(0.95)), milliseconds(r.Latency(0.99)))
	for _, by := range []struct {
		title  string
		counts map[string]int
	}{
		{"by gateway pod", r.ByGatewayPod()}, {"by gateway image", r.ByGatewayImage()}, {"by model pod", r.ByModelPod()}, {"by model image", r.ByModelImage()},
	} {
		if len(by.counts) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s:\n", by.title)
		for _, c := range largestFirst(by.counts) {
			fmt.Fprintf(&b, "  %6d  %s\n", c.count, c.name)
		}
	}
	return b.String()
}

type named struct {
	name  string
	count int
}

func largestFirst(counts map[string]int) (all []named) {
	for name, count := range counts {
		all = append(all, named{name, count})
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Or(b.count-a.count, strings.Compare(a.name, b.name)) })
	return all
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
