// Command empty is a Pulumi program that does nothing. BenchmarkPreview compares stack local with it.
package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() { pulumi.Run(func(*pulumi.Context) error { return nil }) }
