// Command empty is a Pulumi program that does nothing: what the engine and the language host take for themselves.
package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() { pulumi.Run(func(*pulumi.Context) error { return nil }) }
