// Package gameday makes real faults in a cluster, waits for the pages that follow, and repairs each fault with the commands that
// the runbook has for its page.
package gameday

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong, as a person or a machine would cause it.
type Fault struct {
	Name  string
	Says  string // what it is, in a few words
	Nodes Nodes  // on which it can be made
	Alert string // that must fire
	Make  string // shell commands that cause it
	// Meanwhile are shell commands that go on from the fault until its alert has ended, such as a load. SIGINT ends them.
	Meanwhile string
	// Undo are shell commands that remove what neither the runbook nor `make up` removes.
	Undo string
	// Quiet is set instead of Alert where nothing goes wrong: for so long, no alert may fire.
	Quiet time.Duration
}

// Nodes are the kinds of nodes on which a fault can be made.
type Nodes int

const (
	AnyNodes Nodes = iota
	SimulatedNodes
	RealNodes
)

// onDeployment is a kubectl command on what most faults change: its verb, the Deployment and further arguments.
const onDeployment = "kubectl -n tfserving %s deployment/%s %s\n"

func onGateway(verb, arguments string) string {
	return fmt.Sprintf(onDeployment, verb, "gateway", arguments)
}

// Faults are those of stacks local and real. `make up` undoes every change of an object that the program makes.
var Faults = slices.Concat(
	[]Fault{{
		Name:  "no-image",
		Says:  "a version of the gateway whose image does not exist",
		Alert: "ImageNotPulled",
		Make:  onGateway("set image", "gateway=zoomcamp-10-gateway:missing-broken"),
	}},
	simulatedFaults, realFaults,
)

// NoFault is the name of a game day on which nothing goes wrong, and no alert may fire.
const NoFault = "none"

// Select returns the fault of a name, or all for an empty name, of those that can be made on nodes of a kind.
func Select(name string, nodes Nodes) (selected []Fault, err error) {
	if name == NoFault {
		return []Fault{quiet[nodes]}, nil
	}
	var names []string
	for _, f := range Faults {
		if f.Nodes != AnyNodes && f.Nodes != nodes {
			continue
		}
		names = append(names, f.Name)
		if name == "" || name == f.Name {
			selected = append(selected, f)
		}
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("FAULT=%s is no fault of this stack; there are %s, and %s", name, strings.Join(names, ", "), NoFault)
	}
	return selected, nil
}
