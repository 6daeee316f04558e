package eks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/components/autoscaler"
	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/config"
	"tfserving/embedded"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// defaultStack is rehearsed unless STACK names another.
const defaultStack = "dev"

// TestRehearsal takes one EKS stack from an empty account to an empty account. Each part begins where the one before ended.
func TestRehearsal(t *testing.T) {
	stack := os.Getenv("STACK")
	if stack == "" || stack == "local" {
		stack = defaultStack
	}
	r := newRehearsal(t, stack, emulator.Times{})
	r.beginOlder()
	for _, part := range []struct {
		name string
		run  func(*testing.T, *rehearsal)
	}{
		{"make up refuses wrong credentials before it makes anything", wrongCredentials},
		{"make up refuses spot instances in an account that cannot launch them", noSpotRole},
		{"make preview makes nothing", previewOfNothing},
		{"make up goes on after Ctrl-C and completes the stack", firstUp},
		{"a second make up and a refresh find nothing to change", noChanges},
		{"monitoring is made beside a stack that serves, and nothing changes after that", monitored},
		{"only the administrators in the settings may use the cluster", clusterAccess},
		{"without a zone, the pods in the other zones serve, and all pods get ready again", zoneLost},
		{"load adds pods and instances, make up keeps them, and after the load both decrease", loadUpAndBack},
		{"bounds that exclude the number of nodes change the number", excludingBounds},
		{"another instance type or Kubernetes version does not replace the cluster", plannedChanges},
		{"an upgrade of Kubernetes goes back, before and after the nodes have moved", upgradeAndBack},
		{"make down leaves nothing", destroyed},
		{"the deploy role's policy allows every call of this rehearsal", deployRoleSuffices},
	} {
		r.logf("%s", part.name)
		if !t.Run(part.name, func(t *testing.T) { r.T = t; part.run(t, r) }) {
			t.FailNow()
		}
		r.T = t
	}
	r.logf("done")
}

func wrongCredentials(t *testing.T, r *rehearsal) {
	own := r.Env
	defer func() { r.Env = own }()
	r.Env = append(slices.Clone(own), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	r.MakeFails([]string{"identifying the AWS account"}, "up", "STACK="+r.stack, "YES=1")
	r.Env = append(slices.Clone(own), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	r.MakeFails([]string{"identifying the AWS account"}, "up", "STACK="+r.stack, "YES=1")
	r.Env = own
	restore := r.Keep(r.file())
	r.Edit(r.file(), "aws.allowedAccountIds", []string{"999999999999"})
	r.Edit(r.file(), "ingress.certificateArn", nil) // config refuses one of another account before AWS is called
	r.MakeFails([]string{"999999999999", "allowedAccountIds"}, "up", "STACK="+r.stack, "YES=1")
	restore()
	r.leavesNothing(t)
}

// file is the name of the stack's settings file.
func (r *rehearsal) file() string { return config.StackFile(r.stack) }

func noSpotRole(t *testing.T, r *rehearsal) {
	if slices.ContainsFunc(r.settings.NodeGroups, func(g config.NodeGroup) bool { return g.Capacity == config.CapacitySpot }) {
		r.MakeFails([]string{"AWSServiceRoleForEC2Spot", "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"}, "up", "STACK="+r.stack, "YES=1")
		r.leavesNothing(t)
		r.makeSpotRole()
	}
}

func previewOfNothing(t *testing.T, r *rehearsal) {
	out := r.Make("preview", "STACK="+r.stack)
	if !strings.Contains(out, "to create") {
		t.Errorf("the preview of a new stack creates nothing:\n%s", out)
	}
	r.leavesNothing(t)
}

// leavesNothing fails the test if the account or the cluster contains anything that a stack makes.
func (r *rehearsal) leavesNothing(t *testing.T) {
	t.Helper()
	left, err := r.aws.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range left {
		t.Errorf("%s is left", what)
	}
	client := r.admin()
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), r.settings.Namespace, metav1.GetOptions{}); err == nil {
		t.Errorf("namespace %s is left", r.settings.Namespace)
	}
	checkout.Eventually(t, "the nodes are gone", func(ctx context.Context) error {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err == nil && len(nodes.Items) > 0 {
			err = fmt.Errorf("%d are left, such as %s", len(nodes.Items), nodes.Items[0].Name)
		}
		return err
	})
}

func firstUp(t *testing.T, r *rehearsal) {
	// An earlier cluster of the same name was deleted, and EKS has written its last lines since.
	if err := r.aws.WriteLateLog(t.Context(), r.clusterName()); err != nil {
		t.Fatal(err)
	}
	r.interruptUp("aws:eks:NodeGroup")
	// The repositories exist and contain no image.
	r.MakeFails([]string{"is not in the stack's repository", "push it first"}, "up", "STACK="+r.stack, "YES=1")
	r.pushImages(t)
	r.interruptUp("kubernetes:helm.sh/v3:Release")
	r.up()
	out := r.pulumi("stack output --json")
	var outputs map[string]any
	if err := json.Unmarshal([]byte(out), &outputs); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"namespace", "gatewayUrl", "modelEndpoint", "kubeconfig", "clusterName", "region", "repositories"} {
		if outputs[name] == nil || outputs[name] == "" {
			t.Errorf("output %s is missing: %v", name, outputs)
		}
	}
	host := "elb.amazonaws.com" // the load balancer's, if the settings have no host
	if named := r.settings.Ingress.Host; named != "" {
		host = named
	}
	if url := fmt.Sprint(outputs["gatewayUrl"]); !strings.HasSuffix(url, host) {
		t.Errorf("the gateway's URL is %s, want host %s", url, host)
	}
	if outputs["kubeconfig"] != "[secret]" {
		t.Errorf("the output kubeconfig is not a secret: %v", outputs["kubeconfig"])
	}
	r.isComplete(t)
	if err := r.machines.Err(); err != nil {
		t.Error(err)
	}
}

// isComplete waits until every Deployment of the stack has all its pods and every HorizontalPodAutoscaler has a reading. It
// fails the test if a node is not an instance of a node group.
func (r *rehearsal) isComplete(t *testing.T) {
	t.Helper()
	client := r.admin()
	for _, namespace := range []string{r.settings.Namespace, "kube-system"} {
		checkout.Eventually(t, "every pod of "+namespace+" is available", func(ctx context.Context) error {
			list, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			if len(list.Items) < 2 {
				return fmt.Errorf("there are only %d Deployments", len(list.Items))
			}
			for _, d := range list.Items {
				// A pod is available once it has been ready for minReadySeconds.
				if d.Status.AvailableReplicas == 0 || d.Status.AvailableReplicas != d.Status.Replicas {
					return fmt.Errorf("%s has %d of %d pods available", d.Name, d.Status.AvailableReplicas, d.Status.Replicas)
				}
			}
			return nil
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := embedded.AwaitReadings(ctx, client, r.settings.Namespace); err != nil {
		t.Error(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		if !strings.HasPrefix(n.Spec.ProviderID, "aws:///"+r.settings.Region) || n.Labels["eks.amazonaws.com/nodegroup"] == "" {
			t.Errorf("node %s is not an instance of a node group: %s %v", n.Name, n.Spec.ProviderID, n.Labels)
		}
	}
}

// interruptUp presses Ctrl-C during make up when the update, not its preview, begins with a resource of a type.
func (r *rehearsal) interruptUp(resourceType string) {
	r.T.Helper()
	r.InterruptMake("Updating ("+r.stack+")", resourceType, "up", "STACK="+r.stack, "YES=1")
}

func noChanges(t *testing.T, r *rehearsal) {
	before := len(r.aws.Journal())
	for _, how := range []string{"", "--refresh"} {
		r.pulumi("preview --expect-no-changes --diff " + how)
	}
	r.previewRoleSuffices(t, before)
	if out := r.up(); checkout.Changes(out) != "" {
		t.Errorf("the second make up changes something:\n%s", out)
	}
}

// clusterAccess calls the cluster's API with the credentials of the deployer, who made it, and with those of a user who may do
// everything in the account and is not an administrator of the cluster.
func clusterAccess(t *testing.T, r *rehearsal) {
	stranger, _, err := r.aws.NewUser(t.Context(), "stranger", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := r.folder("home") + "/eks"
	r.pulumi("stack output kubeconfig --show-secrets > " + kubeconfig)
	getNodes := "KUBECONFIG=" + kubeconfig + " " + r.bin() + "/kubectl get nodes"
	r.Shell(getNodes)
	own := r.Env
	defer func() { r.Env = own }()
	r.Env = append(slices.Clone(own), stranger...)
	out, err := r.Start("sh", "-c", getNodes).Wait()
	if err == nil || !strings.Contains(out, "Unauthorized") && !strings.Contains(out, "must be logged in") {
		t.Errorf("the cluster answers a user who is not an administrator (%v):\n%s", err, out)
	}
}

const (
	// loadCPU is the load in cores: more than the first nodes have, less than the groups' maximum.
	loadCPU = 3
	// quiet is how long nothing must change before the load counts as settled: well over the 15 s in which autoscalers see a
	// new load (metrics every 10 s, read every 5 s).
	quiet = 40 * time.Second
)

func loadUpAndBack(t *testing.T, r *rehearsal) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	ready := r.watchReady(ctx, t)
	before := len(r.aws.Journal())
	first, err := embedded.Observe(ctx, r.admin(), r.settings.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	grown := false
	load := embedded.Load{Component: gateway.Component, MilliCPU: loadCPU * 1000, Quiet: quiet}
	err = r.cluster.Run(ctx, r.admin(), r.settings.Namespace, load, os.Stdout, func(s embedded.Sample) {
		if grown || s.MilliCPU == 0 || s.Nodes <= first.Nodes || s.Booting > 0 || s.Pending > 0 || s.Running != s.Wanted {
			return
		}
		grown = true
		r.isComplete(t) // Pulumi sends an update to a Deployment of which a pod is ready, but not yet available.
		r.logf("make up, after the autoscalers have added pods and nodes")
		desired := r.desired(t)
		if out := r.up(); checkout.Changes(out) != "" {
			t.Errorf("make up changes something under load:\n%s", out)
		}
		if now := r.desired(t); now < desired {
			t.Errorf("make up lowered the groups' desired size from %d to %d", desired, now)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !grown {
		t.Fatal("the load added no node")
	}
	for _, action := range []string{"SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup"} {
		if !slices.ContainsFunc(r.aws.Journal()[before:], func(e emulator.Event) bool {
			return e.Action == action && e.Status == 200 && strings.Contains(e.Who, "autoscaler")
		}) {
			t.Errorf("the autoscaler's role did not call %s", action)
		}
	}
	r.addsTheHighestPriorityFirst(t, r.aws.Journal()[before:])
	for component, least := range ready() {
		want := map[string]int{gateway.Component: r.settings.Gateway.Replicas.Min, modelserver.Component: r.settings.Model.Replicas.Min}[component] - 1
		if least < want {
			t.Errorf("at one time %d pods of the %s were ready; its disruption budget guarantees %d", least, component, want)
		}
	}
	if err := r.machines.Err(); err != nil {
		t.Error(err)
	}
}

// addsTheHighestPriorityFirst fails the test if the autoscaler's first new node is not of a group of the highest priority.
func (r *rehearsal) addsTheHighestPriorityFirst(t *testing.T, events []emulator.Event) {
	t.Helper()
	priorities := r.settings.Priorities()
	highest := slices.Max(slices.Collect(maps.Values(priorities)))
	first := slices.IndexFunc(events, func(e emulator.Event) bool { return e.Action == "SetDesiredCapacity" && e.Status == 200 })
	if first < 0 {
		return // another check reports it
	}
	group := events[first].Params["AutoScalingGroupName"]
	for name, priority := range priorities {
		if regexp.MustCompile(autoscaler.ScalingGroups(name)).MatchString(group) {
			if priority != highest {
				t.Errorf("the first new node is of group %s with priority %d; the highest is %d", group, priority, highest)
			}
			return
		}
	}
	t.Errorf("no priority's pattern matches the Auto Scaling group %s", group)
}

// desired is the sum of the groups' desired sizes.
func (r *rehearsal) desired(t *testing.T) (n int32) {
	t.Helper()
	groups, err := autoscaling.NewFromConfig(emulated.Config(r.aws)).DescribeAutoScalingGroups(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.AutoScalingGroups {
		n += *g.DesiredCapacity
	}
	return n
}

// watchReady watches the pods until ctx ends. The function it returns ends the watch and gives the smallest number of pods that
// were ready at the same time, by component.
func (r *rehearsal) watchReady(ctx context.Context, t *testing.T) func() map[string]int {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	client, pods, least := r.admin(), map[string]*corev1.Pod{}, map[string]int{}
	components := []string{gateway.Component, modelserver.Component}
	list, err := client.CoreV1().Pods(r.settings.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	count := func() {
		for _, component := range components {
			n := 0
			for _, p := range pods {
				if p.Labels["app.kubernetes.io/component"] == component && checkout.PodReady(p) {
					n++
				}
			}
			if have, seen := least[component]; !seen || n < have {
				least[component] = n
			}
		}
	}
	for i := range list.Items {
		pods[list.Items[i].Name] = &list.Items[i]
	}
	count()
	events, err := client.CoreV1().Pods(r.settings.Namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events.ResultChan() {
			p, ok := e.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			if pods[p.Name] = p; e.Type == "DELETED" {
				delete(pods, p.Name)
			}
			count()
		}
	}()
	return func() map[string]int {
		events.Stop()
		cancel()
		<-done
		return least
	}
}

// plannedChanges previews changes that must not replace the cluster, the network or the namespace.
func plannedChanges(t *testing.T, r *rehearsal) {
	for _, change := range []struct {
		name, path string
		value      any
		changed    string // the plan must change a resource of this type
	}{
		{"instance type", "nodeGroups", r.otherTypes(), "aws:eks/nodeGroup:NodeGroup"},
		{"Kubernetes version", "cluster.version", r.newer, "aws:eks/cluster:Cluster"},
	} {
		restore := r.Keep(r.file())
		r.Edit(r.file(), change.path, change.value)
		r.Edit(r.file(), "monthlyBudget", nil) // larger instances may exceed it
		ops := planned(t, r.pulumi("preview --json 2>/dev/null"))
		if ops[change.changed] == "" || ops[change.changed] == "same" {
			t.Errorf("another %s plans no change of %s: %v", change.name, change.changed, ops)
		}
		for _, kept := range []string{"aws:eks/cluster:Cluster", "aws:ec2/vpc:Vpc", "kubernetes:core/v1:Namespace", "pulumi:providers:kubernetes"} {
			if op := ops[kept]; strings.Contains(op, "replace") || strings.Contains(op, "delete") {
				t.Errorf("another %s plans %s of %s", change.name, op, kept)
			}
		}
		restore()
	}
}

// nextSize is the next larger size of an instance type.
var nextSize = strings.NewReplacer(".medium", ".large", ".large", ".xlarge", ".xlarge", ".2xlarge")

// otherTypes are the stack's node groups with instances of the next size.
func (r *rehearsal) otherTypes() any {
	var groups []any
	for _, g := range r.settings.NodeGroups {
		types := []string{}
		for _, name := range g.InstanceTypes {
			types = append(types, nextSize.Replace(name))
		}
		groups = append(groups, map[string]any{"name": g.Name, "instanceTypes": types, "capacity": g.Capacity, "min": g.Min, "max": g.Max, "diskGiB": g.DiskGiB})
	}
	return groups
}

// planned returns the operations of a preview by type of resource; for a type with several, the one that changes most.
func planned(t *testing.T, out string) map[string]string {
	t.Helper()
	var plan struct {
		Steps []struct {
			Op       string
			NewState struct{ Type string }
			OldState struct{ Type string }
		}
	}
	if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &plan); err != nil {
		t.Fatalf("reading the plan: %v\n%s", err, out)
	}
	weight := map[string]int{"same": 1, "read": 1, "update": 2, "create": 2, "delete": 3, "create-replacement": 4, "delete-replaced": 4, "replace": 4}
	ops := map[string]string{}
	for _, s := range plan.Steps {
		typ := s.NewState.Type
		if typ == "" {
			typ = s.OldState.Type
		}
		if weight[s.Op] > weight[ops[typ]] {
			ops[typ] = s.Op
		}
	}
	return ops
}

func destroyed(t *testing.T, r *rehearsal) {
	class := "alb"
	others := r.admin().NetworkingV1().Ingresses("default")
	if _, err := others.Create(t.Context(), &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "foreign"},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "other", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.MakeFails([]string{"Ingress default/foreign", "nothing has been changed"}, "down", "STACK="+r.stack, "YES=1")
	if err := others.Delete(t.Context(), "foreign", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	checkout.Eventually(t, "the Ingress and its load balancer are gone", func(ctx context.Context) error {
		if _, err := others.Get(ctx, "foreign", metav1.GetOptions{}); err == nil {
			return errors.New("the Ingress exists")
		}
		return nil
	})
	if r.settings.AWS.Protect {
		r.MakeFails([]string{"protect"}, "down", "STACK="+r.stack, "YES=1")
		r.Edit(r.file(), "aws.protect", false)
		r.MakeFails([]string{"prod-protected", "prod-balancer-protected"}, "up", "STACK="+r.stack, "YES=1")
		var exceptions []any
		for _, rule := range []string{"prod-protected", "prod-balancer-protected"} {
			exceptions = append(exceptions, map[string]any{"rule": rule, "resource": "*", "reason": "the rehearsal is over", "until": time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)})
		}
		r.Edit(r.file(), "policy.exceptions", exceptions)
		r.up()
	}
	r.Make("down", "STACK="+r.stack, "YES=1")
	r.leavesNothing(t)
}

// clusterName is the name of the stack's cluster.
func (r *rehearsal) clusterName() string { return config.ClusterName(r.stack) }
