package eks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"tfserving/rehearsal/emulator"
)

// Where a recorded run and its picture are, from the top of the tree.
const (
	timelineData    = "docs/first-up.jsonl"
	timelinePicture = "docs/first-up.svg"
)

// timeline is what was under way when, in a first `make up`.
type timeline struct {
	timelineRun
	resources    []made
	updateBegins time.Time
}

// timelineRun is the first line of a recording. Times are in seconds from the start of the command.
type timelineRun struct {
	Pace   float64 `json:"pace"`   // AWS's times are multiplied by it
	Update float64 `json:"update"` // the preview is over
	End    float64 `json:"end"`
	Forced float64 `json:"forced"` // the longest chain that AWS forces
}

// made is a resource, and when the engine was at it.
type made struct {
	Lane  string  `json:"lane"`
	Type  string  `json:"type"`
	Name  string  `json:"name"`
	Begin float64 `json:"begin"`
	End   float64 `json:"end"`
	AWS   float64 `json:"aws,omitempty"` // how much of it is AWS's own time
}

// Rows of the picture.
const (
	previewLane     = "command and preview"
	accountLane     = "roles, keys, logs, images"
	networkLane     = "network"
	natLane         = "NAT gateway"
	controlLane     = "control plane"
	daemonLane      = "add-ons of every node"
	nodeLane        = "node groups"
	deploymentLane  = "coredns, metrics-server"
	autoscalerLane  = "autoscaler"
	balancerLane    = "load balancer controller"
	applicationLane = "application"
)

var lanes = []string{
	previewLane, accountLane, networkLane, natLane, controlLane, daemonLane, nodeLane, deploymentLane, autoscalerLane, balancerLane, applicationLane,
}

// laneOf is the row of a resource of a type.
func laneOf(urn, kind string) string {
	switch {
	case kind == "aws:eks/cluster:Cluster":
		return controlLane
	case kind == "aws:eks/nodeGroup:NodeGroup":
		return nodeLane
	case kind == "aws:eks/addon:Addon" && slices.ContainsFunc(deployments.about, func(name string) bool { return strings.HasSuffix(urn, name) }):
		return deploymentLane
	case kind == "aws:eks/addon:Addon":
		return daemonLane
	case kind == "aws:ec2/natGateway:NatGateway":
		return natLane
	case strings.HasPrefix(kind, "aws:ec2/") && strings.Contains(urn, "tfserving:network:"):
		return networkLane
	case strings.HasPrefix(kind, "aws:"):
		return accountLane
	case strings.Contains(urn, "tfserving:autoscaler:"):
		return autoscalerLane
	case strings.Contains(urn, "tfserving:loadbalancer:"):
		return balancerLane
	default:
		return applicationLane
	}
}

// awsTakesFor is how much of a resource's time is AWS's own.
func awsTakesFor(kind string, t emulator.Times) time.Duration {
	return map[string]time.Duration{
		"aws:eks/cluster:Cluster": t.Cluster, "aws:eks/nodeGroup:NodeGroup": t.NodeGroup,
		"aws:eks/addon:Addon": t.Addon, "aws:ec2/natGateway:NatGateway": t.NAT,
	}[kind]
}

// readTimeline reads the engine's event log of an update that began at begin. The engine notes whole seconds.
func readTimeline(file string, begin time.Time, wall time.Duration, pace float64, t emulator.Times) (*timeline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the engine's events: %w", err)
	}
	l := &timeline{timelineRun: timelineRun{Pace: pace, End: wall.Seconds(), Forced: forced(t).Seconds()}}
	since := func(stamp int) float64 { return max(0, time.Unix(int64(stamp), 0).Sub(begin).Seconds()) }
	began := map[string]int{}
	for text := range bytes.Lines(data) {
		var e apitype.EngineEvent
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("reading the engine's events: %w", err)
		}
		if l.updateBegins.IsZero() {
			l.updateBegins = time.Unix(int64(e.Timestamp), 0)
			l.Update = since(e.Timestamp)
		}
		if pre := e.ResourcePreEvent; pre != nil && pre.Metadata.Op == apitype.OpCreate {
			began[pre.Metadata.URN] = e.Timestamp
		}
		done := e.ResOutputsEvent
		if done == nil || done.Metadata.New == nil || !done.Metadata.New.Custom || strings.HasPrefix(done.Metadata.Type, "pulumi:") {
			continue
		}
		from, known := began[done.Metadata.URN]
		if !known {
			continue
		}
		urn := done.Metadata.URN
		l.resources = append(l.resources, made{
			Lane: laneOf(urn, done.Metadata.Type), Type: done.Metadata.Type, Name: urn[strings.LastIndex(urn, "::")+2:],
			Begin: since(from), End: since(e.Timestamp), AWS: awsTakesFor(done.Metadata.Type, t).Seconds(),
		})
	}
	if len(l.resources) == 0 {
		return nil, errors.New("the engine's events hold no resource that was made")
	}
	return l, nil
}

// lines are the recording: the run, then a line for each resource.
func (l *timeline) lines() ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	if err := out.Encode(l.timelineRun); err != nil {
		return nil, err
	}
	for _, m := range l.resources {
		if err := out.Encode(m); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func readRecording(file string) (*timeline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l := &timeline{}
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for first := true; scanner.Scan(); first = false {
		if first {
			err = json.Unmarshal(scanner.Bytes(), &l.timelineRun)
		} else {
			var m made
			err = json.Unmarshal(scanner.Bytes(), &m)
			l.resources = append(l.resources, m)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return l, scanner.Err()
}

// slowest are the resources that took longest beyond AWS's own time.
func slowest(all []made) string {
	const shown = 12
	own := func(m made) float64 { return m.End - m.Begin - m.AWS }
	all = slices.SortedFunc(slices.Values(all), func(a, b made) int { return int(own(b)*1000) - int(own(a)*1000) })
	text := "longest beyond AWS's time, s (from, to):"
	for _, m := range all[:min(shown, len(all))] {
		text += fmt.Sprintf("\n%8.1f  (%.0f, %.0f)  %s %s", own(m), m.Begin, m.End, m.Type, m.Name)
	}
	return text
}

// TestFirstUpPicture holds the picture to the recording.
func TestFirstUpPicture(t *testing.T) {
	l, err := readRecording(repository + timelineData)
	if err != nil {
		t.Fatal(err)
	}
	want := l.draw()
	if *record {
		if err := os.WriteFile(repository+timelinePicture, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(repository + timelinePicture)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what %s draws: go test ./test/eks -run FirstUpPicture -record", timelinePicture, timelineData)
	}
}
