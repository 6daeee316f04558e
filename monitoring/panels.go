package monitoring

// Dashboard is a page of panels for one reader. The files in dashboards/ are the same for Grafana.
type Dashboard struct {
	Name   string // of the file, without .json
	Title  string
	Panels []Panel
}

// Panel is a picture of queries over time.
type Panel struct {
	Title string
	Says  string // what a reader sees in it
	Unit  string // Grafana's name of the unit
	// Requests says that the panel needs requests, which only an ingress controller with pods that answer counts.
	Requests bool
	Queries  []Query
}

// Query is a line, or a line for each value of its labels.
type Query struct {
	Expr   string
	Legend string // {{label}} is the value of a label
}

// Dashboards are the project's: one for who answers for the service, one for who answers for the platform.
var Dashboards = []Dashboard{
	{Name: "service", Title: "tfserving: is it serving?", Panels: []Panel{
		{Title: "Alerts that fire", Says: "Empty is good.", Unit: "short", Queries: []Query{
			{`sum by (alertname, severity) (ALERTS{alertstate="firing"}) or vector(0)`, "{{severity}} {{alertname}}"},
		}},
		{Title: "Requests", Says: "A second, by status.", Unit: "reqps", Requests: true, Queries: []Query{
			{`sum by (code) (rate(skipper_serve_host_duration_seconds_count[1m]))`, "{{code}}"},
		}},
		{Title: "Requests that fail", Says: "The objective allows 0.1 % in 30 days.", Unit: "percentunit", Requests: true, Queries: []Query{
			{`tfserving:failed_requests:ratio_5m or vector(0)`, "last 5 minutes"},
			{`tfserving:failed_requests:ratio_1h or vector(0)`, "last hour"},
		}},
		{Title: "Time to answer", Says: "The objective is 2 s for 95 %.", Unit: "s", Requests: true, Queries: []Query{
			{`histogram_quantile(0.5, sum by (le) (rate(skipper_serve_host_duration_seconds_bucket[1m])))`, "half"},
			{`histogram_quantile(0.95, sum by (le) (rate(skipper_serve_host_duration_seconds_bucket[1m])))`, "95 %"},
			{`histogram_quantile(0.99, sum by (le) (rate(skipper_serve_host_duration_seconds_bucket[1m])))`, "99 %"},
		}},
		{Title: "Pods that serve", Says: "Those available, and those wanted.", Unit: "short", Queries: []Query{
			{`kube_deployment_status_replicas_available{namespace!~"kube-.*|headroom"}`, "{{deployment}} available"},
			{`kube_deployment_spec_replicas{namespace!~"kube-.*|headroom"}`, "{{deployment}} wanted"},
		}},
		{Title: "Restarts of containers", Says: "In the last 10 minutes.", Unit: "short", Queries: []Query{
			{`sum by (container) (increase(kube_pod_container_status_restarts_total[10m]))`, "{{container}}"},
		}},
	}},
	{Name: "platform", Title: "tfserving: what scales, and what is it costing?", Panels: []Panel{
		{Title: "Pods that the autoscalers want", Says: "And their bounds.", Unit: "short", Queries: []Query{
			{`kube_horizontalpodautoscaler_status_desired_replicas`, "{{horizontalpodautoscaler}}"},
			{`kube_horizontalpodautoscaler_spec_max_replicas`, "{{horizontalpodautoscaler}} most"},
			{`kube_horizontalpodautoscaler_spec_min_replicas`, "{{horizontalpodautoscaler}} least"},
		}},
		{Title: "Pods without a node", Says: "A minute or two is normal.", Unit: "short", Queries: []Query{
			{`count by (namespace) (kube_pod_status_unschedulable == 1) or vector(0)`, "{{namespace}}"},
		}},
		{Title: "Nodes", Says: "Ready or not. Each costs its price by the hour.", Unit: "short", Queries: []Query{
			{`sum(kube_node_status_condition{condition="Ready", status="true"})`, "ready"},
			{`count(kube_node_status_condition{condition="Ready", status="true"} == 0) or vector(0)`, "not ready"},
		}},
		{Title: "Node groups", Says: "Their size, and their bounds.", Unit: "short", Queries: []Query{
			{`cluster_autoscaler_node_group_target_count`, "{{node_group}}"},
			{`cluster_autoscaler_node_group_max_count`, "{{node_group}} most"},
		}},
		{Title: "CPU that is paid and not requested", Says: "The share of the nodes' cores that no pod requests.", Unit: "percentunit", Queries: []Query{
			{`1 - sum(kube_pod_container_resource_requests{resource="cpu"} and on (namespace, pod) kube_pod_info{node!=""}) / sum(kube_node_status_allocatable{resource="cpu"})`, "idle"},
		}},
		{Title: "Pods that a drain may take", Says: "0 blocks the drain of a node.", Unit: "short", Queries: []Query{
			{`kube_poddisruptionbudget_status_pod_disruptions_allowed`, "{{poddisruptionbudget}}"},
		}},
		{Title: "Errors of the Cluster Autoscaler", Says: "A minute.", Unit: "short", Queries: []Query{
			{`sum by (type) (rate(cluster_autoscaler_errors_total[5m])) * 60 or vector(0)`, "{{type}}"},
		}},
	}},
}
