// Package program turns a stack's settings into resources: a Kubernetes platform, and the application on it. It is the only
// package that uses all components. A component uses neither the settings nor, apart from the shared ones, other components.
package program

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/config"
	"tfserving/preflight"
)

// Main reads the settings of the stack that Pulumi has selected and makes its resources. The command's own package imports no
// SDK, which takes most of the time of compiling a package.
func Main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings, err := config.Load(ctx)
		if err != nil {
			return err
		}
		return Deploy(ctx, settings, preflight.Live)
	})
}

// Deploy makes a stack's resources and exports its outputs: namespace, gatewayUrl, modelEndpoint and kubeconfig, and on
// EKS also clusterName, region and repositories. On EKS it checks the account before it registers any resource, and the
// images before it registers any resource in AWS. On a cluster that exists it first connects to the cluster. It fails
// if a check or the connection fails, if the settings do not fit what it finds, or if a Deployment is not rolled out.
func Deploy(ctx *pulumi.Context, settings *config.Settings, checks preflight.Checks) error {
	cluster, err := newPlatform(ctx, settings, checks)
	if err != nil {
		return err
	}
	app, err := newApplication(ctx, cluster, settings)
	if err != nil {
		return err
	}
	ctx.Export("namespace", app.namespace)
	ctx.Export("gatewayUrl", app.gatewayURL)
	ctx.Export("modelEndpoint", app.modelEndpoint)
	ctx.Export("kubeconfig", cluster.kubeconfig)
	for name, value := range cluster.outputs {
		ctx.Export(name, value)
	}
	return nil
}
