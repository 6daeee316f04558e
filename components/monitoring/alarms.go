package monitoring

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Limits of the alarms. The first two are the objectives of monitoring/rules.yaml: 14.4 times the 0.1 % of requests that may fail, and
// 95 % of the answers within 2 s.
const (
	failingRequests = 1.44 // % of the requests
	slowAnswer      = 2    // seconds
	// failingAPICalls is a choice: AWS publishes no usual rate.
	failingAPICalls = 5 // % of the API server's requests
	// certificateDays is after ACM has tried to renew a certificate for a month: it begins 60 days before the end.
	certificateDays = 30

	minute = 60 // seconds
	day    = 86400
)

// alarm is an alarm on metrics of AWS. It rings while its reading is on the wrong side of its limit for some periods in a row.
type alarm struct {
	name    string // the end of its name
	says    string // what a user notices
	runbook string // the section of docs/operations.md
	// metrics are the readings by name, and expression what the limit is for: a name, or arithmetic or a query of CloudWatch.
	metrics    []reading
	expression pulumi.StringInput
	below      bool // the limit is the least, not the most
	limit      float64
	period     int // seconds
	periods    int
}

// reading is a metric of AWS, over each period.
type reading struct {
	id, namespace, metric, statistic string
	dimensions                       pulumi.StringMap
}

// newAlarms registers the alarms. Their names begin with the cluster's, by which the topic admits them.
func newAlarms(ctx *pulumi.Context, name string, args *Args, topic pulumi.StringInput, child pulumi.ResourceOrInvokeOption) error {
	balancer := args.LoadBalancer.find(ctx, args.ClusterName, child)
	all := append(balancerAlarms(args.LoadBalancer.Application, balancer), apiServerAlarm(args.ClusterName))
	for _, zone := range slices.Sorted(maps.Keys(args.NATGatewayIDs)) {
		all = append(all, natAlarm(zone, args.NATGatewayIDs[zone]))
	}
	if args.CertificateARN != "" {
		all = append(all, certificateAlarm(args.CertificateARN))
	}
	for _, a := range all {
		comparison := "GreaterThanThreshold"
		if a.below {
			comparison = "LessThanThreshold"
		}
		_, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+a.name, &cloudwatch.MetricAlarmArgs{
			Name:               pulumi.String(args.ClusterName + "-" + a.name),
			AlarmDescription:   pulumi.String(fmt.Sprintf("%s What to do: docs/operations.md#%s", a.says, a.runbook)),
			MetricQueries:      a.queries(),
			ComparisonOperator: pulumi.String(comparison),
			Threshold:          pulumi.Float64(a.limit),
			EvaluationPeriods:  pulumi.Int(a.periods),
			// AWS publishes most of these metrics only while there is something to count.
			TreatMissingData: pulumi.String("notBreaching"),
			AlarmActions:     pulumi.Array{topic},
			OkActions:        pulumi.Array{topic},
		}, child)
		if err != nil {
			return err
		}
	}
	return nil
}

// queries returns the alarm's readings, and what it compares with its limit.
func (a alarm) queries() cloudwatch.MetricAlarmMetricQueryArray {
	var all cloudwatch.MetricAlarmMetricQueryArray
	for _, r := range a.metrics {
		all = append(all, &cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String(r.id), ReturnData: pulumi.Bool(a.expression == nil),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace: pulumi.String(r.namespace), MetricName: pulumi.String(r.metric), Dimensions: r.dimensions,
				Stat: pulumi.String(r.statistic), Period: pulumi.Int(a.period),
			},
		})
	}
	if a.expression == nil {
		return all
	}
	compared := &cloudwatch.MetricAlarmMetricQueryArgs{
		Id: pulumi.String("compared"), Expression: a.expression.ToStringOutput().ToStringPtrOutput(), Label: pulumi.String(a.name), ReturnData: pulumi.Bool(true),
	}
	if len(a.metrics) == 0 { // a query has a period of its own
		compared.Period = pulumi.Int(a.period)
	}
	return append(all, compared)
}

// find returns how CloudWatch names the load balancer: the end of its ARN. The controller chooses the ARN and marks what it makes with
// tags ("Resource tags", guide of the AWS Load Balancer Controller).
func (b LoadBalancer) find(ctx *pulumi.Context, cluster string, child pulumi.InvokeOption) pulumi.StringOutput {
	kind := "service"
	if b.Application {
		kind = "ingress"
	}
	tags := pulumi.StringMap{"elbv2.k8s.aws/cluster": pulumi.String(cluster), kind + ".k8s.aws/stack": b.Object}
	return lb.LookupLoadBalancerOutput(ctx, lb.LookupLoadBalancerOutputArgs{Tags: tags}, child).ArnSuffix()
}

// balancerAlarms are the alarms on a load balancer. CloudWatch has healthy targets by target group only, and a query finds the groups.
func balancerAlarms(application bool, balancer pulumi.StringOutput) []alarm {
	namespace := "AWS/NetworkELB"
	if application {
		namespace = "AWS/ApplicationELB"
	}
	all := []alarm{{
		name: "targets-unhealthy", says: "The load balancer sends nothing to a pod of the gateway that does not answer it.", runbook: "the-load-balancer-finds-targets-unhealthy",
		expression: pulumi.Sprintf(`SELECT MAX(UnHealthyHostCount) FROM SCHEMA("%s", LoadBalancer, TargetGroup) WHERE LoadBalancer = '%s'`, namespace, balancer),
		period:     minute, periods: 5,
	}}
	if !application {
		return all
	}
	of := pulumi.StringMap{"LoadBalancer": balancer}
	return append(all,
		alarm{
			name: "requests-fail", says: "More than 1.44 % of the requests of the last 5 minutes failed.", runbook: "requests-fail-or-are-slow",
			metrics: []reading{
				{"answered", namespace, "RequestCount", "Sum", of},
				{"pods", namespace, "HTTPCode_Target_5XX_Count", "Sum", of},
				{"balancer", namespace, "HTTPCode_ELB_5XX_Count", "Sum", of},
			},
			// RequestCount leaves out requests for which there was no target.
			expression: pulumi.String("100 * (FILL(pods, 0) + FILL(balancer, 0)) / (FILL(answered, 0) + FILL(balancer, 0))"),
			limit:      failingRequests, period: minute, periods: 5,
		},
		alarm{
			name: "requests-slow", says: "5 % of the callers have waited longer than 2 s for 5 minutes.", runbook: "requests-fail-or-are-slow",
			metrics: []reading{{"slowest", namespace, "TargetResponseTime", "p95", of}},
			limit:   slowAnswer, period: minute, periods: 5,
		})
}

// apiServerAlarm is on the control plane's own metrics, which EKS publishes free of charge.
func apiServerAlarm(cluster string) alarm {
	of := pulumi.StringMap{"ClusterName": pulumi.String(cluster)}
	return alarm{
		name: "api-server-fails", says: "The Kubernetes API fails: pods keep serving, and nothing scales or rolls out.", runbook: "the-kubernetes-api-fails",
		metrics: []reading{
			{"failed", "AWS/EKS", "apiserver_request_total_5XX", "Sum", of},
			{"all", "AWS/EKS", "apiserver_request_total", "Sum", of},
		},
		expression: pulumi.String("100 * FILL(failed, 0) / all"),
		limit:      failingAPICalls, period: 5 * minute, periods: 2,
	}
}

func natAlarm(zone string, id pulumi.StringInput) alarm {
	return alarm{
		name: "nat-" + zone + "-ports", says: "The NAT gateway has no port left for another connection to one destination: pictures and images cannot be fetched.", runbook: "connections-to-the-internet-fail",
		metrics: []reading{{"refused", "AWS/NATGateway", "ErrorPortAllocation", "Sum", pulumi.StringMap{"NatGatewayId": id}}},
		period:  minute, periods: 3,
	}
}

func certificateAlarm(arn string) alarm {
	return alarm{
		name: "certificate-expires", says: "The load balancer's certificate expires within 30 days, and ACM has not renewed it.", runbook: "a-certificate-expires",
		metrics: []reading{{"left", "AWS/CertificateManager", "DaysToExpiry", "Minimum", pulumi.StringMap{"CertificateArn": pulumi.String(arn)}}},
		below:   true, limit: certificateDays, period: day, periods: 1,
	}
}
