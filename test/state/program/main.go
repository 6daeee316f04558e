// Command program is a Pulumi program with one resource and one secret, for the tests of the backends that keep the state.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		var thing struct{ pulumi.ResourceState }
		if err := ctx.RegisterComponentResource("tfserving:test:Thing", settings.Require("thing"), &thing); err != nil {
			return err
		}
		ctx.Export("thing", pulumi.String(settings.Require("thing")))
		ctx.Export("password", settings.RequireSecret("password"))
		return nil
	})
}
