package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"tfserving/internal/mockengine"
	alerts "tfserving/monitoring"
)

const (
	cluster    = "tfserving-x"
	clusterARN = "arn:aws:eks:eu-west-1:" + mockengine.Account + ":cluster/" + cluster
	topicARN   = "arn:aws:sns:eu-west-1:" + mockengine.Account + ":" + cluster
)

func register(t *testing.T, change func(*Args)) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New("eu-west-1")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		args := &Args{
			ClusterName: cluster, Region: "eu-west-1", ClusterARN: pulumi.String(clusterARN), Ready: pulumi.String(cluster),
			SubnetIDs: pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}), CollectorCIDRs: []string{"10.0.0.0/18", "10.0.64.0/18"},
			NATGatewayIDs: map[string]pulumi.StringInput{"eu-west-1a": pulumi.String("nat-1"), "eu-west-1b": pulumi.String("nat-2")},
			LoadBalancer:  LoadBalancer{Application: true, Object: pulumi.String("models/gateway")},
			Notify:        []string{"oncall@example.com", "lead@example.com"}, Kubernetes: provider,
		}
		change(args)
		_, err = NewMonitoring(ctx, cluster, args)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func asIs(*Args) {}

func TestOnlyTheWorkspaceAndTheClustersAlarmsSendToTheTopic(t *testing.T) {
	engine := register(t, asIs)
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(engine.Get(t, "aws:sns/topicPolicy:TopicPolicy", cluster).Inputs["policy"].StringValue()), &policy); err != nil {
		t.Fatal(err)
	}
	from := func(service, source string, actions ...string) statement {
		return statement{Effect: "Allow", Principal: map[string]string{"Service": service}, Action: actions, Resource: topicARN, Condition: map[string]map[string]string{
			"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": mockengine.Account},
		}}
	}
	want := []statement{
		from("aps.amazonaws.com", "arn:aws:aps:eu-west-1:"+mockengine.Account+":workspace/ws-"+cluster, "sns:Publish", "sns:GetTopicAttributes"),
		from("cloudwatch.amazonaws.com", "arn:aws:cloudwatch:eu-west-1:"+mockengine.Account+":alarm:"+cluster+"-*", "sns:Publish"),
	}
	if !reflect.DeepEqual(policy.Statement, want) {
		t.Errorf("the topic admits %+v, want %+v", policy.Statement, want)
	}
	key := engine.Get(t, "aws:kms/key:Key", cluster+"-alerts")
	if got := engine.Get(t, "aws:sns/topic:Topic", cluster).Inputs["kmsMasterKeyId"].StringValue(); !strings.HasSuffix(got, ":key/"+key.Name) {
		t.Errorf("the topic's key is %q", got)
	}
	// Alertmanager's messages would be lost before the topic admits them.
	definition, admits := engine.Get(t, "aws:amp/alertManagerDefinition:AlertManagerDefinition", cluster), engine.Get(t, "aws:sns/topicPolicy:TopicPolicy", cluster)
	if !engine.DependsOn(definition, admits) {
		t.Error("the definition does not wait for the topic's policy")
	}
}

func TestEveryAddressIsSubscribed(t *testing.T) {
	var got []string
	for _, r := range register(t, asIs).OfType("aws:sns/topicSubscription:TopicSubscription") {
		got = append(got, fmt.Sprint(r.Inputs["protocol"].StringValue(), " ", r.Inputs["endpoint"].StringValue(), " ", r.Inputs["topic"].StringValue()))
	}
	if want := []string{"email lead@example.com " + topicARN, "email oncall@example.com " + topicARN}; !slices.Equal(got, want) {
		t.Errorf("the subscriptions are %q, want %q", got, want)
	}
}

func TestTheWorkspaceHasTheProjectsRulesAndRoutes(t *testing.T) {
	engine := register(t, asIs)
	if got := engine.Get(t, "aws:amp/ruleGroupNamespace:RuleGroupNamespace", cluster).Inputs["data"].StringValue(); got != string(alerts.Rules) {
		t.Errorf("the rules are not those of the file:\n%s", got)
	}
	var envelope struct {
		Config string `json:"alertmanager_config"`
	}
	text := engine.Get(t, "aws:amp/alertManagerDefinition:AlertManagerDefinition", cluster).Inputs["definition"].StringValue()
	if err := yaml.UnmarshalStrict([]byte(text), &envelope); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var got, routes map[string]any
	if err := yaml.Unmarshal([]byte(envelope.Config), &got); err != nil {
		t.Fatalf("%v\n%s", err, envelope.Config)
	}
	if err := yaml.Unmarshal(alerts.Routes, &routes); err != nil {
		t.Fatal(err)
	}
	receivers := fmt.Sprint(got["receivers"])
	if delete(got, "receivers"); !reflect.DeepEqual(got, routes) {
		t.Errorf("the routes are %v, want %v", got, routes)
	}
	for _, part := range []string{"name:" + alerts.Receiver, "topic_arn:" + topicARN, "sigv4:map[region:eu-west-1]", "send_resolved:true", "{{ .Annotations.summary }}", "{{ .Annotations.runbook }}"} {
		if !strings.Contains(receivers, part) {
			t.Errorf("the receivers are %s, without %s", receivers, part)
		}
	}
}

type scrapeJob struct {
	Name        string `json:"job_name"`
	HonorLabels bool   `json:"honor_labels"`
	Relabel     []struct {
		Sources []string `json:"source_labels"`
		Regex   string   `json:"regex"`
		Action  string   `json:"action"`
	} `json:"metric_relabel_configs"`
}

func TestTheCollectorKeepsTheMetricsOfRulesAndPanelsAndNoOthers(t *testing.T) {
	scraper := register(t, asIs).Get(t, "aws:amp/scraper:Scraper", cluster)
	var config struct {
		Global struct {
			Interval string `json:"scrape_interval"`
		} `json:"global"`
		Jobs []scrapeJob `json:"scrape_configs"`
	}
	text := scraper.Inputs["scrapeConfiguration"].StringValue()
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	used, err := alerts.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	if config.Global.Interval != "30s" {
		t.Errorf("the interval is %q", config.Global.Interval)
	}
	// The jobs' names are in the rules.
	names := []string{}
	for _, job := range config.Jobs {
		names = append(names, job.Name)
		if len(job.Relabel) != 1 || !slices.Equal(job.Relabel[0].Sources, []string{"__name__"}) || job.Relabel[0].Action != "keep" {
			t.Fatalf("job %s keeps metrics by %+v", job.Name, job.Relabel)
		}
		keep := regexp.MustCompile("^(?:" + job.Relabel[0].Regex + ")$") // as Prometheus anchors it
		for _, name := range used {
			if !keep.MatchString(name) {
				t.Errorf("job %s drops %s, which a rule or a panel uses", job.Name, name)
			}
		}
		for _, other := range []string{"kube_pod_labels", "kube_pod_info_total", "apiserver_request_total", "go_goroutines", "cluster_autoscaler_function_duration_seconds_bucket"} {
			if keep.MatchString(other) {
				t.Errorf("job %s keeps %s", job.Name, other)
			}
		}
		if job.HonorLabels != (job.Name == "kube-state-metrics") {
			t.Errorf("job %s honors labels: %t", job.Name, job.HonorLabels)
		}
	}
	if want := []string{"kube-state-metrics", "cluster-autoscaler", "apiserver"}; !slices.Equal(names, want) {
		t.Errorf("the jobs are %q, want %q", names, want)
	}
	for _, r := range mustRules(t) {
		for _, match := range regexp.MustCompile(`job="([a-z-]+)"`).FindAllStringSubmatch(r.Expr, -1) {
			if !slices.Contains(names, match[1]) {
				t.Errorf("alert %s is about job %q, which the collector does not have", r.Alert, match[1])
			}
		}
	}
	if want := `map[eks:map[clusterArn:` + clusterARN + ` subnetIds:[subnet-a subnet-b]]]`; fmt.Sprint(scraper.Inputs["source"].Mappable()) != want {
		t.Errorf("it reads %v, want %s", scraper.Inputs["source"].Mappable(), want)
	}
}

func mustRules(t *testing.T) []alerts.Rule {
	t.Helper()
	rules, err := alerts.Parse(alerts.Rules)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestOnlyTheCollectorReachesKubeStateMetrics(t *testing.T) {
	spec := mockengine.ObjectOf[*networkingv1.NetworkPolicy](t, register(t, asIs), cluster+"-monitoring").Spec
	if len(spec.PodSelector.MatchLabels)+len(spec.PodSelector.MatchExpressions) > 0 || len(spec.PolicyTypes) != 2 || len(spec.Ingress) != 1 || len(spec.Egress) != 1 {
		t.Fatalf("the policy is %+v", spec)
	}
	var from []string
	for _, peer := range spec.Ingress[0].From {
		if peer.IPBlock == nil {
			t.Fatalf("it admits %+v", peer)
		}
		from = append(from, peer.IPBlock.CIDR)
	}
	if !slices.Equal(from, []string{"10.0.0.0/18", "10.0.64.0/18"}) || len(spec.Ingress[0].Ports) != 1 || spec.Ingress[0].Ports[0].Port.IntVal != 8080 {
		t.Errorf("it admits %v at %+v", from, spec.Ingress[0].Ports)
	}
	if ports := spec.Egress[0].Ports; len(ports) != 1 || ports[0].Port.IntVal != 443 {
		t.Errorf("it may call %+v", ports)
	}
}

func TestKubeStateMetricsMayListAndWatchWhatItsMetricsAreOfAndNothingElse(t *testing.T) {
	engine := register(t, asIs)
	allowed := map[string]bool{}
	for _, rule := range mockengine.ObjectOf[*rbacv1.ClusterRole](t, engine, cluster+"-monitoring").Rules {
		if !slices.Equal(rule.Verbs, []string{"list", "watch"}) || len(rule.APIGroups) != 1 {
			t.Errorf("it may %v", rule)
		}
		for _, kind := range rule.Resources {
			allowed[kind] = false
		}
	}
	used, err := alerts.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	// A metric's name begins with its kind: kube_pod_info is of pods.
	for _, name := range alerts.WithPrefix(used, "kube_") {
		kind := strings.Split(name, "_")[1] + "s"
		if _, known := allowed[kind]; !known {
			t.Errorf("%s is of %s, which it may not read", name, kind)
		}
		allowed[kind] = true
	}
	for kind, isUsed := range allowed {
		if !isUsed {
			t.Errorf("no metric is of %s, which it may read", kind)
		}
	}
	pod := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster+"-monitoring").Spec.Template.Spec
	if want := "--resources=" + strings.Join(slices.Sorted(maps.Keys(allowed)), ","); !slices.Contains(pod.Containers[0].Args, want) {
		t.Errorf("its arguments are %q, without %s", pod.Containers[0].Args, want)
	}
}
