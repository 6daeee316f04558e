// Package recordings records when the first `make up` of an EKS stack works on which resource, draws the recording
// (docs/first-up.svg), and finds calls to AWS that come later than they need to.
package recordings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"tfserving/rehearsal/emulator"
)

// The recorded run and its picture, from the top of the checkout.
const (
	dataFile    = "docs/first-up.jsonl"
	pictureFile = "docs/first-up.svg"
)

// Recording is a first `make up` and the resources that it made.
type Recording struct {
	run
	Resources []Resource
	// UpdateBegins is when the preview ended and the update began. A recording that is read from its file has the zero time.
	UpdateBegins time.Time
}

// run is the first line of a recording. Times are in seconds from the start of the command.
type run struct {
	Pace   float64 `json:"pace"`   // factor on AWS's times
	Update float64 `json:"update"` // the update begins
	End    float64 `json:"end"`    // the command ends
	Forced float64 `json:"forced"` // the time that AWS forces
}

// Resource is a resource that the engine made. Times are in seconds from the start of the command.
type Resource struct {
	Lane  string  `json:"lane"` // the row of the picture
	Type  string  `json:"type"`
	Name  string  `json:"name"`
	Begin float64 `json:"begin"`
	End   float64 `json:"end"`
	AWS   float64 `json:"aws,omitempty"` // AWS's own part of the time
}

// FromEvents reads the engine's event log of an update of which the command began at begin and took wall. The engine notes
// whole seconds.
func FromEvents(file string, begin time.Time, wall time.Duration, pace float64) (*Recording, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the engine's events: %w", err)
	}
	times := AWSTimes(pace)
	r := &Recording{run: run{Pace: pace, End: wall.Seconds(), Forced: Forced(times).Seconds()}}
	since := func(stamp int) float64 { return max(0, time.Unix(int64(stamp), 0).Sub(begin).Seconds()) }
	began := map[string]int{} // the time of the first event, by URN
	for line := range bytes.Lines(data) {
		var e apitype.EngineEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading the engine's events: %w", err)
		}
		if r.UpdateBegins.IsZero() {
			r.UpdateBegins = time.Unix(int64(e.Timestamp), 0)
			r.Update = since(e.Timestamp)
		}
		if pre := e.ResourcePreEvent; pre != nil && pre.Metadata.Op == apitype.OpCreate {
			began[pre.Metadata.URN] = e.Timestamp
		}
		done := e.ResOutputsEvent
		if done == nil || done.Metadata.New == nil || !done.Metadata.New.Custom || strings.HasPrefix(done.Metadata.Type, "pulumi:") {
			continue
		}
		urn, kind := done.Metadata.URN, done.Metadata.Type
		if from, found := began[urn]; found {
			r.Resources = append(r.Resources, Resource{
				Lane: laneOf(urn, kind), Type: kind, Name: urn[strings.LastIndex(urn, "::")+2:],
				Begin: since(from), End: since(e.Timestamp), AWS: awsTimeOfType(kind, times).Seconds(),
			})
		}
	}
	if len(r.Resources) == 0 {
		return nil, errors.New("the engine's events contain no resource that the update made")
	}
	return r, nil
}

// awsTimeOfType is how long AWS takes to make a resource of a type.
func awsTimeOfType(kind string, t emulator.Times) time.Duration {
	return map[string]time.Duration{
		"aws:eks/cluster:Cluster": t.Cluster, "aws:eks/nodeGroup:NodeGroup": t.NodeGroup,
		"aws:eks/addon:Addon": t.Addon, "aws:ec2/natGateway:NatGateway": t.NAT,
	}[kind]
}

// Save writes the recording and its picture into the checkout at root.
func (r *Recording) Save(root string) error {
	var data bytes.Buffer
	lines := json.NewEncoder(&data)
	err := lines.Encode(r.run)
	for _, resource := range r.Resources {
		err = errors.Join(err, lines.Encode(resource))
	}
	return errors.Join(err,
		os.WriteFile(filepath.Join(root, dataFile), data.Bytes(), 0o644),
		os.WriteFile(filepath.Join(root, pictureFile), []byte(r.picture()), 0o644))
}

// read reads the recording of the checkout at root.
func read(root string) (*Recording, error) {
	data, err := os.ReadFile(filepath.Join(root, dataFile))
	if err != nil {
		return nil, err
	}
	r := &Recording{}
	lines := json.NewDecoder(bytes.NewReader(data))
	if err := lines.Decode(&r.run); err != nil {
		return nil, fmt.Errorf("reading %s: %w", dataFile, err)
	}
	for lines.More() {
		var resource Resource
		if err := lines.Decode(&resource); err != nil {
			return nil, fmt.Errorf("reading %s: %w", dataFile, err)
		}
		r.Resources = append(r.Resources, resource)
	}
	return r, nil
}

// slowestShown is how many resources Slowest lists: about a screen.
const slowestShown = 12

// Slowest lists the resources that took longest beyond AWS's own time.
func (r *Recording) Slowest() string {
	own := func(x Resource) float64 { return x.End - x.Begin - x.AWS }
	all := slices.SortedFunc(slices.Values(r.Resources), func(a, b Resource) int { return int(own(b)*1000) - int(own(a)*1000) })
	text := "longest beyond AWS's time, s (from, to):"
	for _, x := range all[:min(slowestShown, len(all))] {
		text += fmt.Sprintf("\n%8.1f  (%.0f, %.0f)  %s %s", own(x), x.Begin, x.End, x.Type, x.Name)
	}
	return text
}
