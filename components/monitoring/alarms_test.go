package monitoring

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
	"tfserving/monitoring/gameday"
)

const alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm"

func alarmNames(engine *mockengine.Engine) (names []string) {
	for _, r := range engine.OfType(alarmType) {
		names = append(names, strings.TrimPrefix(r.Inputs["name"].StringValue(), cluster+"-"))
	}
	return names
}

func TestEachLoadBalancerHasTheAlarmsThatItsMetricsAllow(t *testing.T) {
	everywhere := []string{"api-server-fails", "nat-eu-west-1a-ports", "nat-eu-west-1b-ports", "targets-unhealthy"}
	for name, c := range map[string]struct {
		change func(*Args)
		more   []string
	}{
		"application": {asIs, []string{"requests-fail", "requests-slow"}},
		"network":     {func(a *Args) { a.LoadBalancer.Application = false }, nil},
		"certificate": {func(a *Args) { a.CertificateARN = "arn:aws:acm:x" }, []string{"certificate-expires", "requests-fail", "requests-slow"}},
	} {
		if got, want := alarmNames(register(t, c.change)), slices.Sorted(slices.Values(append(slices.Clone(everywhere), c.more...))); !slices.Equal(got, want) {
			t.Errorf("%s: the alarms are %q, want %q", name, got, want)
		}
	}
}

// One alarm that is found by hand in each form: a metric, arithmetic and a query.
func TestAlarmsCompareTheirMetricsWithTheirLimits(t *testing.T) {
	engine := register(t, asIs)
	for name, want := range map[string]string{
		"requests-slow":        `GreaterThanThreshold 2 5 [map[id:slowest metric:map[dimensions:map[LoadBalancer:app/k8s-example/0123456789abcdef] metricName:TargetResponseTime namespace:AWS/ApplicationELB period:60 stat:p95] returnData:true]]`,
		"nat-eu-west-1b-ports": `GreaterThanThreshold 0 3 [map[id:refused metric:map[dimensions:map[NatGatewayId:nat-2] metricName:ErrorPortAllocation namespace:AWS/NATGateway period:60 stat:Sum] returnData:true]]`,
		"targets-unhealthy":    `GreaterThanThreshold 0 5 [map[expression:SELECT MAX(UnHealthyHostCount) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer, TargetGroup) WHERE LoadBalancer = 'app/k8s-example/0123456789abcdef' id:compared label:targets-unhealthy period:60 returnData:true]]`,
		"api-server-fails": `GreaterThanThreshold 5 2 [map[id:failed metric:map[dimensions:map[ClusterName:tfserving-x] metricName:apiserver_request_total_5XX namespace:AWS/EKS period:300 stat:Sum] returnData:false] ` +
			`map[id:all metric:map[dimensions:map[ClusterName:tfserving-x] metricName:apiserver_request_total namespace:AWS/EKS period:300 stat:Sum] returnData:false] ` +
			`map[expression:100 * FILL(failed, 0) / all id:compared label:api-server-fails returnData:true]]`,
	} {
		in := engine.Get(t, alarmType, cluster+"-"+name).Inputs.Mappable()
		if got := fmt.Sprint(in["comparisonOperator"], " ", in["threshold"], " ", in["evaluationPeriods"], " ", in["metricQueries"]); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
		}
	}
	expires := register(t, func(a *Args) { a.CertificateARN = "arn:aws:acm:x" }).Get(t, alarmType, cluster+"-certificate-expires").Inputs
	if expires["comparisonOperator"].StringValue() != "LessThanThreshold" || expires["threshold"].NumberValue() != 30 {
		t.Errorf("a certificate's alarm is %v", expires)
	}
}

func TestAlarmsRingAndEndAtTheTopicAndStaySilentWithoutData(t *testing.T) {
	engine := register(t, asIs)
	for _, r := range engine.OfType(alarmType) {
		in := r.Inputs.Mappable()
		if fmt.Sprint(in["alarmActions"], in["okActions"]) != fmt.Sprintf("[%s] [%[1]s]", topicARN) || in["treatMissingData"] != "notBreaching" {
			t.Errorf("%s: %v", r.Name, in)
		}
		if admitted := engine.Get(t, "aws:sns/topicPolicy:TopicPolicy", cluster); !engine.DependsOn(r, admitted) {
			t.Errorf("%s does not wait until the topic admits it", r.Name)
		}
	}
}

func TestTheLoadBalancerIsFoundByTheControllersTags(t *testing.T) {
	for application, kind := range map[bool]string{true: "ingress", false: "service"} {
		engine := register(t, func(a *Args) { a.LoadBalancer.Application = application })
		i := slices.IndexFunc(engine.Invokes, func(c pulumi.MockCallArgs) bool { return c.Token == "aws:lb/getLoadBalancer:getLoadBalancer" })
		want := fmt.Sprintf("map[tags:map[elbv2.k8s.aws/cluster:%s %s.k8s.aws/stack:models/gateway]]", cluster, kind)
		if got := fmt.Sprint(engine.Invokes[i].Args.Mappable()); got != want {
			t.Errorf("the load balancer is looked up by %s, want %s", got, want)
		}
	}
}

func TestEveryAlarmLeadsToASectionOfTheRunbookThatNamesIt(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	line := map[string]string{} // of each section, about alarms
	for _, section := range strings.Split(string(page), "\n### ") {
		title, body, _ := strings.Cut(section, "\n")
		_, about, _ := strings.Cut(body, "Alarm of AWS: ")
		line[gameday.Anchor(title)], _, _ = strings.Cut(about, "\n")
	}
	engine := register(t, func(a *Args) { a.CertificateARN = "arn:aws:acm:x" })
	for _, r := range engine.OfType(alarmType) {
		_, anchor, _ := strings.Cut(r.Inputs["alarmDescription"].StringValue(), " What to do: docs/operations.md#")
		name := strings.NewReplacer("eu-west-1a", "<zone>", "eu-west-1b", "<zone>").Replace(strings.TrimPrefix(r.Name, cluster+"-"))
		if !strings.Contains(line[anchor], "`"+name+"`") {
			t.Errorf("alarm %s leads to section %q, which says of alarms: %q", name, anchor, line[anchor])
		}
	}
}
