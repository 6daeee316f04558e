// Package preview reads what an operation of Pulumi's engine would change.
//
// It reads the engine's event log (`pulumi preview --event-log FILE`, one apitype.EngineEvent a line as JSON). The log has, in
// the engine's order, every resource, the properties that force a replacement, unknown values, policy violations with their
// level, and errors. Its last event shows that the log is complete.
//
// The document of `pulumi preview --json` comes from the same events but lacks policy violations and unchanged resources, and
// the document of a failed preview lacks the plan (backend/display/json.go of Pulumi v3.230.0). The engine masks secrets in
// both.
package preview

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"tfserving/resource"
)

// Preview is what an operation would change, or the errors with which it failed.
type Preview struct {
	Project, Stack string
	// Drift says that the operation is a refresh, which only compares the state with the existing resources.
	Drift bool
	// Steps has one for each resource of the stack, in the engine's order.
	Steps []Step
	// Outputs are the stack's outputs that change.
	Outputs    []Change
	Errors     []Message
	Warnings   []Message
	Violations []Violation
	// Packs has the version of each policy pack that ran.
	Packs map[string]string
	// Config is the stack's configuration by full key. Secrets are masked.
	Config map[string]string
	// Took is the duration of the operation in whole seconds.
	Took time.Duration
}

// Message is an error or a warning.
type Message struct {
	URN  string // of the resource that the message is about; empty if there is none
	Text string
}

// Violation is a policy that a resource or the stack breaks.
type Violation struct {
	URN, Pack, Policy string
	Text              string
	Mandatory         bool // otherwise it is a warning
}

// Op is an operation on a resource.
type Op string

// The operations. A replacement is one step, although the engine splits it into several.
const (
	OpSame    Op = "same"
	OpCreate  Op = "create"
	OpUpdate  Op = "update"
	OpReplace Op = "replace"
	OpDelete  Op = "delete"
	OpImport  Op = "import" // an existing resource joins the stack
	OpRead    Op = "read"   // a resource outside the stack is read
	OpForget  Op = "forget" // a resource leaves the stack and is not deleted (retainOnDelete)
)

// Step is one resource and the operation on it.
type Step struct {
	Op              Op
	URN, Type, Name string
	Provider        string // its reference, URN::ID
	// Drift says that a refresh found the change. The program did not plan it.
	Drift    bool
	Old, New *State // Old is nil for a new resource, New for a deleted one
	// Changes are the properties that an update or a replacement changes, by path.
	Changes []Change
}

// State is a resource before or after the operation. Unknown values and secrets are marked as package resource does.
type State struct {
	Inputs, Outputs map[string]any
	Custom          bool // managed by a provider; otherwise a component
	Protect         bool
	Retain          bool
}

// Kind is how a property changes.
type Kind string

// The kinds of change.
const (
	Added   Kind = "add"
	Removed Kind = "delete"
	Changed Kind = "update"
)

// Change is a change of one property.
type Change struct {
	Path     string // such as spec.template.spec.containers[0].image
	Kind     Kind
	Forces   bool // forces the replacement
	Old, New any  // nil if there is none, or if the log does not have it
}

// Failed says whether the engine stopped before the end of the plan. Steps is then incomplete.
func (p *Preview) Failed() bool { return len(p.Errors) > 0 }

// Before returns the resources of the stack before the operation.
func (p *Preview) Before() []resource.Resource {
	return p.resources(func(s Step) *State { return s.Old })
}

// After returns the resources of the stack after the operation.
func (p *Preview) After() []resource.Resource {
	return p.resources(func(s Step) *State { return s.New })
}

func (p *Preview) resources(which func(Step) *State) (all []resource.Resource) {
	for _, s := range p.Steps {
		if state := which(s); state != nil && s.Op != OpRead {
			all = append(all, resource.Resource{URN: s.URN, Type: s.Type, Name: s.Name, Inputs: state.Inputs, Protect: state.Protect})
		}
	}
	return all
}

// Mandatory returns the violations that make the operation fail.
func (p *Preview) Mandatory() []Violation {
	return slices.DeleteFunc(slices.Clone(p.Violations), func(v Violation) bool { return !v.Mandatory })
}

// ops maps the engine's operations. An operation that is part of another maps to "".
var ops = map[apitype.OpType]Op{
	apitype.OpSame: OpSame, apitype.OpCreate: OpCreate, apitype.OpUpdate: OpUpdate, apitype.OpReplace: OpReplace, apitype.OpDelete: OpDelete,
	apitype.OpImport: OpImport, apitype.OpRead: OpRead, apitype.OpReadDiscard: OpRead, apitype.OpRefresh: "",
	apitype.OpCreateReplacement: "", apitype.OpDeleteReplaced: "", apitype.OpReadReplacement: "", apitype.OpDiscardReplaced: "",
	apitype.OpRemovePendingReplace: "", apitype.OpImportReplacement: "",
}
