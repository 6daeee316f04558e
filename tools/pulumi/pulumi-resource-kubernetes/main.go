// Command pulumi-resource-kubernetes is the Pulumi Kubernetes plugin, built from its Go module.
//
// The module's own main embeds two generated files that a module download does not hold, so this one stands in for
// it. The builder (../../) puts schema.json and terraform-mapping.json beside it from the module, and stamps Version.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// Version is the version of the plugin without a leading v, stamped by the linker.
var Version string

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() { provider.Serve("kubernetes", Version, schema, terraformMapping) }
