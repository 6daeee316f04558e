// Command pulumi-resource-kubernetes is the Pulumi Kubernetes plugin, built from its Go module.
//
// The module's own main package embeds two generated files that a module download does not contain. This package replaces it.
// tools/plugin.go copies schema.json and terraform-mapping.json from the module into this folder, and the linker sets Version.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// Version is the version of the plugin without a leading v. The linker sets it.
var Version string

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() { provider.Serve("kubernetes", Version, schema, terraformMapping) }
