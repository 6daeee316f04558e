package catalog

// Classes that select the controller of an Ingress or of a Service of type LoadBalancer.
const (
	// IngressClassALB selects the AWS Load Balancer Controller, which makes an Application Load Balancer.
	IngressClassALB = "alb"
	// IngressClassNginx selects ingress-nginx, which the Kubernetes project retired in March 2026, or a controller that reads
	// the same annotations.
	IngressClassNginx = "nginx"
	// LoadBalancerClassNLB selects the AWS Load Balancer Controller, which makes a Network Load Balancer.
	LoadBalancerClassNLB = "service.k8s.aws/nlb"
)
