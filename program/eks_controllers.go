package program

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/autoscaler"
	"tfserving/components/cluster"
	"tfserving/components/loadbalancer"
	"tfserving/components/monitoring"
	"tfserving/components/network"
	"tfserving/config"
)

// controllerArgs is what the controllers in an EKS cluster are made from.
type controllerArgs struct {
	name     string // of the cluster and of each controller's component
	tags     map[string]string
	settings *config.Settings
	network  *network.Network
	cluster  *cluster.Cluster
	provider pulumi.ProviderResource // of the cluster's objects
}

// newAutoscaler deploys the Cluster Autoscaler.
func newAutoscaler(ctx *pulumi.Context, c controllerArgs, opts ...pulumi.ResourceOption) error {
	s := c.settings.Autoscaler
	args := &autoscaler.Args{
		ClusterName:    c.name,
		ClusterARN:     c.cluster.ARN,
		ClusterVersion: c.settings.Cluster.Version,
		Region:         c.settings.Region,
		Ready:          c.cluster.Ready,
		Image:          s.Image,
		Kubernetes:     c.provider,
		Priorities:     c.settings.Priorities(),
		Pace: autoscaler.Pace{
			ScanInterval:           s.ScanInterval,
			ScaleDownUnneededTime:  s.ScaleDownUnneededTime,
			ScaleDownDelayAfterAdd: s.ScaleDownDelayAfterAdd,
			NodeStart:              c.settings.NodeStartTimeout,
		},
	}
	args.NodeGroupMetrics = c.settings.Monitoring.Enabled
	if s.Headroom.Pods > 0 {
		args.Headroom = &autoscaler.Headroom{Pods: s.Headroom.Pods, Resources: podResources(s.Headroom.Resources, 100)}
	}
	_, err := autoscaler.NewAutoscaler(ctx, c.name, args, opts...)
	return err
}

// newLoadBalancerController deploys the AWS Load Balancer Controller, and returns the Ingress class that it serves.
func newLoadBalancerController(ctx *pulumi.Context, c controllerArgs, opts ...pulumi.ResourceOption) (ingressClass pulumi.StringInput, err error) {
	s := c.settings.LoadBalancerController
	controller, err := loadbalancer.NewController(ctx, c.name, &loadbalancer.Args{
		ClusterName: c.name,
		ClusterARN:  c.cluster.ARN,
		Ready:       c.cluster.Ready,
		VPCID:       c.network.VPCID,
		Region:      c.settings.Region,
		Chart:       s.Chart,
		Repository:  s.Repository,
		Version:     s.Version,
		Replicas:    s.Replicas,
		Tags:        c.tags,
		Kubernetes:  c.provider,
	}, opts...)
	if err != nil {
		return nil, err
	}
	return controller.IngressClass, nil
}

// newMonitoring registers what watches the cluster and the gateway's load balancer. url is known once the load balancer exists.
func newMonitoring(ctx *pulumi.Context, c controllerArgs, url, namespace pulumi.StringOutput, opts ...pulumi.ResourceOption) error {
	s := c.settings
	args := &monitoring.Args{
		ClusterName:   c.name,
		Region:        s.Region,
		ClusterARN:    c.cluster.ARN,
		Ready:         c.cluster.Ready,
		SubnetIDs:     c.network.PrivateSubnetIDs,
		NATGatewayIDs: c.network.NATGatewayIDs,
		LoadBalancer: monitoring.LoadBalancer{
			Application: s.Gateway.Service == config.ServiceClusterIP,
			Object: pulumi.All(url, namespace).ApplyT(func(all []any) string {
				return all[1].(string) + "/" + gatewayName
			}).(pulumi.StringOutput),
		},
		CertificateARN: s.Ingress.CertificateARN,
		Notify:         s.Monitoring.Notify,
		Protect:        s.AWS.Protect,
		Kubernetes:     c.provider,
	}
	for _, subnet := range c.network.Layout.Private {
		args.CollectorCIDRs = append(args.CollectorCIDRs, subnet.String())
	}
	_, err := monitoring.NewMonitoring(ctx, c.name, args, opts...)
	return err
}
