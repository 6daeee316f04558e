// Package preview reads what an operation of Pulumi's engine would change.
//
// It reads the engine's event log (`pulumi preview --event-log FILE`, a JSON object a line, apitype.EngineEvent) and not
// the document of `pulumi preview --json`. Both come from the same events, but the document drops every policy violation
// and every resource that stays as it is (backend/display/json.go of Pulumi v3.230.0), and a preview that fails writes it
// as if nothing else had been planned. The log has all of it, in the engine's order: the properties that force a
// replacement, what is unknown until the update, violations with the level at which they are enforced, errors, the
// resources that stay (without which no bill can be added up), and an end, by which a cut-off log is known. Secrets are
// masked by the engine in both.
package preview

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

const (
	// Unknown stands for a value that is known only after the update (computedValuePlaceholder in Pulumi's
	// resource/stack/deployment.go).
	Unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	// Secret stands for a value that the program marked as a secret.
	Secret = "[secret]"
)

// Preview is what an operation would change, or what it said when it failed.
type Preview struct {
	Project, Stack string
	// Drift is set where nothing was planned, and only what is there was looked at (pulumi refresh).
	Drift bool
	// Steps has one for each resource of the stack, in the engine's order.
	Steps []Step
	// Outputs are the stack's outputs that change.
	Outputs    []Change
	Errors     []Message
	Warnings   []Message
	Violations []Violation
	// Packs are the policy packs that were run, with their versions.
	Packs map[string]string
	// Config is the stack's configuration by its full key; secrets are masked.
	Config map[string]string
	// Took is how long the engine was at it, in whole seconds.
	Took time.Duration
}

// Message is an error or a warning.
type Message struct {
	URN  string // of the resource that it is about; empty where it is about none
	Text string
}

// Violation is a rule of a policy pack that a resource, or the stack, breaks.
type Violation struct {
	URN, Pack, Policy string
	Text              string
	Mandatory         bool // else it is a warning
}

// Op is what is done to a resource.
type Op string

// What the report tells apart. A replacement is one step, however the engine divides it.
const (
	OpSame    Op = "same"
	OpCreate  Op = "create"
	OpUpdate  Op = "update"
	OpReplace Op = "replace"
	OpDelete  Op = "delete"
	OpImport  Op = "import" // a resource that exists comes under the stack's care
	OpRead    Op = "read"   // a resource of somebody else's is looked at
	OpForget  Op = "forget" // a resource leaves the stack's care and stays (retainOnDelete)
)

// Step is one resource and what is done to it.
type Step struct {
	Op              Op
	URN, Type, Name string
	Provider        string // its reference, URN::ID
	// Drift is set where the change is one of the world outside that a refresh has found, and not one of the program's.
	Drift    bool
	Old, New *State // Old is nil for what is created, New for what is deleted
	// Changes are of an update or a replacement, by path.
	Changes []Change
}

// State is a resource before or after. Unknown values and secrets are marked.
type State struct {
	Inputs, Outputs map[string]any
	Custom          bool // managed by a provider; else a component
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

// Change is of one property.
type Change struct {
	Path     string // such as spec.template.spec.containers[0].image
	Kind     Kind
	Forces   bool // forces the replacement
	Old, New any  // nil where there is none, or where the engine's record does not hold it
}

// Resource is a resource as it is before or after the operation.
type Resource struct {
	URN, Type, Name string
	Inputs          map[string]any
}

// Failed says whether the engine could not plan to the end. What Steps holds is then a part of the plan.
func (p *Preview) Failed() bool { return len(p.Errors) > 0 }

// Before are the resources that the stack has now.
func (p *Preview) Before() []Resource { return p.resources(func(s Step) *State { return s.Old }) }

// After are the resources that the stack would have.
func (p *Preview) After() []Resource { return p.resources(func(s Step) *State { return s.New }) }

func (p *Preview) resources(which func(Step) *State) (all []Resource) {
	for _, s := range p.Steps {
		if state := which(s); state != nil && s.Op != OpRead {
			all = append(all, Resource{URN: s.URN, Type: s.Type, Name: s.Name, Inputs: state.Inputs})
		}
	}
	return all
}

// Mandatory are the violations for which the engine refuses the operation.
func (p *Preview) Mandatory() []Violation {
	return slices.DeleteFunc(slices.Clone(p.Violations), func(v Violation) bool { return !v.Mandatory })
}

// ops translates the engine's operations; one that is a part of another is "".
var ops = map[apitype.OpType]Op{
	apitype.OpSame: OpSame, apitype.OpCreate: OpCreate, apitype.OpUpdate: OpUpdate, apitype.OpReplace: OpReplace, apitype.OpDelete: OpDelete,
	apitype.OpImport: OpImport, apitype.OpRead: OpRead, apitype.OpReadDiscard: OpRead, apitype.OpRefresh: "",
	apitype.OpCreateReplacement: "", apitype.OpDeleteReplaced: "", apitype.OpReadReplacement: "", apitype.OpDiscardReplaced: "",
	apitype.OpRemovePendingReplace: "", apitype.OpImportReplacement: "",
}
