package program

import (
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/components/namespace"
	"tfserving/components/schedule"
	"tfserving/components/workload"
	"tfserving/config"
)

// application holds the stack's outputs that come from the application.
type application struct {
	namespace, gatewayURL, modelEndpoint pulumi.StringOutput
}

const (
	namespaceName = "tfserving"
	gatewayName   = "gateway"
	// podsDuringRollout is how many pods may exist for each pod that serves: a rollout starts a new pod for each, and the
	// old pods count until they have drained.
	podsDuringRollout = 2
)

func newApplication(ctx *pulumi.Context, cluster *platform, s *config.Settings) (*application, error) {
	onCluster := pulumi.Provider(cluster.provider)
	models, gateways := scaling(s.Model.Replicas, s.Model.TargetCPU, s.Model.Scaling), scaling(s.Gateway.Replicas, s.Gateway.TargetCPU, s.Gateway.Scaling)

	pods := podsDuringRollout * (models.MaxPods() + gateways.MaxPods())
	if s.Schedule.On() {
		pods += schedule.MaxPods
	}
	ns, err := namespace.NewNamespace(ctx, namespaceName, &namespace.Args{
		Name:      s.Namespace,
		AllowRoot: s.Model.RunAsUser == 0 || s.Gateway.RunAsUser == 0,
		MaxPods:   pods,
		Labels:    cluster.namespaceLabels,
		Ready:     cluster.ready,
	}, onCluster)
	if err != nil {
		return nil, err
	}
	server := modelArgs(s, models, cluster, ns)
	server.InitialReplicas = cluster.initialReplicas(ctx, s.Namespace, modelserver.Component, s.Model.Replicas)
	model, err := modelserver.NewModelServer(ctx, s.Model.Name, server, onCluster)
	if err != nil {
		return nil, err
	}
	front := gatewayArgs(s, gateways, cluster, ns, model)
	front.InitialReplicas = cluster.initialReplicas(ctx, s.Namespace, gateway.Component, s.Gateway.Replicas)
	front.ModelRollout = server.RolloutTimeout()
	entryPoint, err := gateway.NewGateway(ctx, gatewayName, front, onCluster)
	if err != nil {
		return nil, err
	}
	if s.Schedule.On() {
		if err := newSchedule(ctx, s, ns, model, entryPoint, onCluster); err != nil {
			return nil, err
		}
	}
	if cluster.monitor != nil {
		if err := cluster.monitor(entryPoint.URL, ns.Name); err != nil {
			return nil, err
		}
	}
	url := cluster.rolledOut(ctx, s.Schedule.On(), entryPoint.URL, ns.Name, model.Deployment, entryPoint.Deployment)
	return &application{namespace: ns.Name, gatewayURL: url, modelEndpoint: model.Endpoint}, nil
}

// newSchedule registers the off hours of the application.
func newSchedule(ctx *pulumi.Context, s *config.Settings, ns *namespace.Namespace, model *modelserver.ModelServer, front *gateway.Gateway, opts ...pulumi.ResourceOption) error {
	work := &s.Schedule
	_, err := schedule.NewSchedule(ctx, schedule.Component, &schedule.Args{
		Namespace: ns.Name, Image: work.Image, Start: work.Start(), Stop: work.Stop(), TimeZone: work.TimeZone,
		Deployments: []schedule.Deployment{
			{Name: model.Deployment, Component: modelserver.Component, Pods: s.Model.Replicas.Min},
			{Name: front.Deployment, Component: gateway.Component, Pods: s.Gateway.Replicas.Min},
		},
	}, opts...)
	return err
}

func modelArgs(s *config.Settings, scaled workload.Scaling, cluster *platform, ns *namespace.Namespace) *modelserver.Args {
	m := s.Model
	args := &modelserver.Args{
		Namespace:        ns.Name,
		Model:            m.Name,
		Image:            cluster.image(m.Image),
		Resources:        podResources(m.Resources, m.CPULimit),
		Threads:          m.Cores(),
		Scaling:          scaled,
		Nodes:            nodes(s),
		MaxConnectionAge: m.MaxConnectionAge,
		StartupTimeout:   m.StartupTimeout,
		RunAsUser:        m.RunAsUser,
		Environment:      m.Environment,
		Callers:          gateway.Identity(gatewayName).Selector(),
		CallersDrain:     s.Gateway.DrainTime + gateway.FinishTime,
	}
	if b := m.Batching; b.MaxBatchSize > 0 {
		args.Batching = &modelserver.Batching{MaxBatchSize: b.MaxBatchSize, Timeout: b.Timeout, MaxEnqueuedBatches: b.MaxEnqueuedBatches}
	}
	return args
}

func gatewayArgs(s *config.Settings, scaled workload.Scaling, cluster *platform, ns *namespace.Namespace, model *modelserver.ModelServer) *gateway.Args {
	g, in := s.Gateway, s.Ingress
	args := &gateway.Args{
		Namespace:     ns.Name,
		Image:         cluster.image(g.Image),
		Port:          g.Port,
		HealthPath:    g.HealthPath,
		HealthCheck:   gateway.HealthCheck(g.HealthCheck),
		Resources:     podResources(g.Resources, g.CPULimit),
		Scaling:       scaled,
		Nodes:         nodes(s),
		DrainTime:     g.DrainTime,
		RunAsUser:     g.RunAsUser,
		Environment:   g.Environment,
		ModelEndpoint: model.Endpoint,
		ModelPods:     modelserver.Pods(),
		ModelPort:     modelserver.GRPCPort,
		AllowedCIDRs:  in.AllowedCIDRs,
	}
	switch {
	case g.Service == config.ServiceClusterIP:
		args.Callers, args.CallersName = ingressCallers(s)
		args.Ingress = &gateway.Ingress{
			Class: in.Class, Scheme: in.Scheme, Host: in.Host, CertificateARN: in.CertificateARN, TLSSecret: in.TLSSecret,
			DeletionProtection: s.AWS.Protect, ZonalShift: s.Cluster.ZonalShift,
		}
	case cluster.loadBalancerClass != "":
		args.Callers, args.CallersName = networkingv1.NetworkPolicyPeerArray{workload.Addresses(s.Network.CIDR)}, loadBalancerCallers // the load balancer's own addresses
		args.LoadBalancer = &gateway.LoadBalancer{Class: cluster.loadBalancerClass, Scheme: in.Scheme, DeletionProtection: s.AWS.Protect, ZonalShift: s.Cluster.ZonalShift}
	default:
		// A load balancer of this kind keeps the callers' addresses.
		args.CallersName = loadBalancerCallers
		for _, cidr := range in.AllowedCIDRs {
			args.Callers = append(args.Callers, workload.Addresses(cidr))
		}
	}
	return args
}

func scaling(n config.Replicas, target int, s config.Scaling) workload.Scaling {
	return workload.Scaling{Min: n.Min, Max: n.Max, TargetCPU: target, Up: workload.ScalingStep(s.Up), Down: workload.ScalingStep(s.Down)}
}

func nodes(s *config.Settings) workload.Nodes {
	return workload.Nodes{Start: s.NodeStartTimeout, Failure: s.NodeFailureTimeout}
}

// podResources are the resources of a pod with a CPU limit in % of its request; 0 is none.
func podResources(r config.Resources, limit int) workload.Resources {
	return workload.Resources{CPU: string(r.CPU), Memory: string(r.Memory), CPULimit: r.CPULimitOf(limit)}
}
