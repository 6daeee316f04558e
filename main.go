// Command tfserving is the Pulumi program: it makes the resources of one stack from that stack's settings.
package main

import "tfserving/program"

func main() { program.Main() }
