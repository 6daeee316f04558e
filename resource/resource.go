// Package resource describes one resource of a stack as Pulumi's engine plans it. Cost estimates, policies and reports are
// made from it.
package resource

// Resource is a resource before or after an operation.
type Resource struct {
	URN  string
	Type string // Pulumi's type token, such as aws:ec2/natGateway:NatGateway
	Name string
	// Inputs are the program's properties, as JSON decodes them, with Unknown and Secret for values that cannot be seen.
	Inputs map[string]any
	// Protect says whether Pulumi refuses to delete the resource.
	Protect bool
	// Provider holds the inputs of the resource's provider. It is nil if there is no provider or its inputs are not recorded.
	Provider map[string]any
}

const (
	// Unknown stands for a value that is known only after the update (computedValuePlaceholder in Pulumi's
	// resource/stack/deployment.go).
	Unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	// Secret stands for a secret, as in the engine's event log.
	Secret = "[secret]"
)
