// Command tfserving is the Pulumi program: it makes the resources of one stack from that stack's settings.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/program"
)

func main() { pulumi.Run(program.Run) }
