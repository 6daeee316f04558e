// Package resource is one resource of a stack as Pulumi's engine is asked for it. Cost estimates, policies and reports are
// computed from it.
package resource

// Resource is a resource before or after an operation.
type Resource struct {
	URN  string
	Type string // Pulumi's type token, such as aws:ec2/natGateway:NatGateway
	Name string
	// Inputs are as JSON decodes them. Unknown stands for a value that is not known before an update, Secret for a secret.
	Inputs map[string]any
	// Protect says whether Pulumi refuses to delete the resource.
	Protect bool
	// Provider are the inputs of the resource's provider; nil where it has none.
	Provider map[string]any
}

const (
	// Unknown is what the engine writes in the place of a value that is not known before an update
	// (computedValuePlaceholder in Pulumi's resource/stack/deployment.go).
	Unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	// Secret is what the engine's event log shows in the place of a secret.
	Secret = "[secret]"
)
