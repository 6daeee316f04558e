// Package monitoring registers what watches an EKS stack and tells people: a workspace of Amazon Managed Service for Prometheus
// with the project's rules and the collector that fills it, alarms of CloudWatch on what only AWS sees, kube-state-metrics, and the
// topic that sends e-mails.
package monitoring

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Component is the value of the component label of the objects in the cluster.
const Component = "monitoring"

// Args describe the monitoring of a cluster.
type Args struct {
	ClusterName, Region string
	// ClusterARN is the cluster's ARN, known once the control plane exists.
	ClusterARN pulumi.StringInput
	// Ready is the cluster's name, known once a pod can run.
	Ready pulumi.StringInput
	// SubnetIDs are the control plane's subnets, in which the collector gets its network interfaces, too. CollectorCIDRs are their
	// address ranges.
	SubnetIDs      pulumi.StringArrayInput
	CollectorCIDRs []string
	// NATGatewayIDs are the network's NAT gateways, by zone.
	NATGatewayIDs map[string]pulumi.StringInput
	LoadBalancer  LoadBalancer
	// CertificateARN is the load balancer's certificate in ACM; empty without one.
	CertificateARN string
	// Notify are the e-mail addresses that get the alerts.
	Notify []string
	// Protect makes Pulumi refuse to delete the topic's key.
	Protect bool
	// Kubernetes is the provider of the objects in the cluster.
	Kubernetes pulumi.ProviderResource
}

// LoadBalancer is the load balancer that a controller in the cluster makes.
type LoadBalancer struct {
	// Application is true for an Application Load Balancer, which counts requests. A Network Load Balancer counts connections.
	Application bool
	// Object is namespace/name of its Ingress or Service, known once the load balancer exists.
	Object pulumi.StringInput
}

// Monitoring is what watches a cluster.
type Monitoring struct{ pulumi.ResourceState }

// NewMonitoring registers the monitoring of a cluster.
func NewMonitoring(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Monitoring, error) {
	m := &Monitoring{}
	if err := ctx.RegisterComponentResource("tfserving:monitoring:Monitoring", name, m, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(m)
	workspace, err := newWorkspace(ctx, name, child)
	if err != nil {
		return nil, err
	}
	topic, err := newTopic(ctx, name, args, workspace.Arn, child)
	if err != nil {
		return nil, err
	}
	if err := newAlerts(ctx, name, args.Region, workspace, topic, child); err != nil {
		return nil, err
	}
	if err := newAlarms(ctx, name, args, topic, child); err != nil {
		return nil, err
	}
	inCluster := pulumi.Composite(child, pulumi.Provider(args.Kubernetes))
	id := workload.Identity{Component: Component, Name: stateMetrics, Instance: name}
	if err := newStateMetrics(ctx, name, args, id, inCluster); err != nil {
		return nil, err
	}
	if err := newCollector(ctx, name, args, workspace, child); err != nil {
		return nil, fmt.Errorf("the collector of %s: %w", args.ClusterName, err)
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{"workspace": workspace.ID()})
}
