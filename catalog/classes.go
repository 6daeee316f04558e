package catalog

// Classes by which an Ingress or a Service of type LoadBalancer chooses the controller that serves it.
const (
	// IngressClassALB is served by the AWS Load Balancer Controller with an Application Load Balancer.
	IngressClassALB = "alb"
	// IngressClassNginx is served by ingress-nginx.
	IngressClassNginx = "nginx"
	// LoadBalancerClassNLB is served by the AWS Load Balancer Controller with a Network Load Balancer.
	LoadBalancerClassNLB = "service.k8s.aws/nlb"
)
