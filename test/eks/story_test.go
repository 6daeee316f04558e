package eks

import (
	"context"
	"encoding/json"
	"fmt"
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

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/config"
	"tfserving/embedded"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
)

// defaultStack is rehearsed unless STACK names another.
const defaultStack = "dev"

// changes finds what a preview or an update changes.
var changes = regexp.MustCompile(`(?m)^\s+[-+~]+ *\d+ (to )?(create|update|delete|replace)`)

// TestRehearsal is the story of one EKS stack, from an empty account to an empty account. Its parts stand on each other.
func TestRehearsal(t *testing.T) {
	stack := os.Getenv("STACK")
	if stack == "" || stack == "local" {
		stack = defaultStack
	}
	r := newRehearsal(t, stack, emulator.Times{})
	for _, part := range []struct {
		name string
		run  func(*testing.T, *rehearsal)
	}{
		{"wrong credentials are refused before anything is made", wrongCredentials},
		{"a preview makes nothing", previewOfNothing},
		{"make up goes on after Ctrl-C, and makes the stack whole", firstUp},
		{"make up again and a refresh find nothing to change", noChanges},
		{"an administrator left out is locked out", lockedOut},
		{"load adds pods and instances, make up leaves them, and both go back", loadUpAndBack},
		{"another instance type or Kubernetes version replaces no cluster", plannedChanges},
		{"make down leaves nothing", destroyed},
		{"the workflows' roles may do what was done", workflowsSuffice},
	} {
		r.say("%s", part.name)
		if !t.Run(part.name, func(t *testing.T) { r.T = t; part.run(t, r) }) {
			t.FailNow()
		}
		r.T = t
	}
	r.say("done")
}

func wrongCredentials(t *testing.T, r *rehearsal) {
	mine := r.Env
	defer func() { r.Env = mine }()
	r.Env = append(slices.Clone(mine), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	r.MakeFails([]string{"asking AWS whose credentials these are"}, "up", "STACK="+r.stack, "YES=1")
	r.Env = append(slices.Clone(mine), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	r.MakeFails([]string{"asking AWS whose credentials these are"}, "up", "STACK="+r.stack, "YES=1")
	r.Env = mine
	restore := r.keepSettings(t)
	r.Edit(r.file(), "aws.allowedAccountIds", []string{"999999999999"})
	r.Edit(r.file(), "ingress.certificateArn", nil) // one of another account is refused before anybody is asked
	r.MakeFails([]string{"999999999999", "allowedAccountIds"}, "up", "STACK="+r.stack, "YES=1")
	restore()
	r.leavesNothing(t)
}

// file is the name of the stack's settings file.
func (r *rehearsal) file() string { return "Pulumi." + r.stack + ".yaml" }

// keepSettings returns what puts the stack's settings back to what they are now.
func (r *rehearsal) keepSettings(t testing.TB) (restore func()) {
	t.Helper()
	before, err := os.ReadFile(r.Dir + "/" + r.file())
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.WriteFile(r.Dir+"/"+r.file(), before, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func previewOfNothing(t *testing.T, r *rehearsal) {
	out := r.Make("preview", "STACK="+r.stack)
	if !strings.Contains(out, "to create") {
		t.Errorf("the preview of a new stack creates nothing:\n%s", out)
	}
	r.leavesNothing(t)
}

// leavesNothing fails if there is anything in the account or the cluster that a stack makes.
func (r *rehearsal) leavesNothing(t *testing.T) {
	t.Helper()
	left, err := r.aws.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range left {
		t.Errorf("there is %s", what)
	}
	client := r.admin()
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), r.settings.Namespace, metav1.GetOptions{}); err == nil {
		t.Errorf("there is namespace %s", r.settings.Namespace)
	}
	checkout.Eventually(t, "no node left", func(ctx context.Context) error {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err == nil && len(nodes.Items) > 0 {
			err = fmt.Errorf("there are %d, such as %s", len(nodes.Items), nodes.Items[0].Name)
		}
		return err
	})
}

func firstUp(t *testing.T, r *rehearsal) {
	r.interruptUp(t, "aws:eks:NodeGroup")
	// By now there are repositories, and it can be told that nothing is in them.
	r.MakeFails([]string{"is not in the stack's repository", "push it first"}, "up", "STACK="+r.stack, "YES=1")
	r.pushImages(t)
	r.interruptUp(t, "kubernetes:helm.sh/v3:Release")
	r.up()
	out, err := r.pulumi("stack", "output", "--json", "--stack", r.stack)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var outputs map[string]any
	if err := json.Unmarshal([]byte(out), &outputs); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"namespace", "gatewayUrl", "modelEndpoint", "kubeconfig", "clusterName", "region", "repositories"} {
		if outputs[name] == nil || outputs[name] == "" {
			t.Errorf("output %s is missing: %v", name, outputs)
		}
	}
	host := "elb.amazonaws.com" // the load balancer's own, where the settings name none
	if named := r.settings.Ingress.Host; named != "" {
		host = named
	}
	if url := fmt.Sprint(outputs["gatewayUrl"]); !strings.HasSuffix(url, host) {
		t.Errorf("the gateway's URL is %s, want one of %s", url, host)
	}
	if outputs["kubeconfig"] != "[secret]" {
		t.Errorf("the kubeconfig is readable: %v", outputs["kubeconfig"])
	}
	r.deployedWhole(t)
	if err := r.machines.Err(); err != nil {
		t.Error(err)
	}
}

// deployedWhole waits until every Deployment of the stack has all its pods, each on an instance of a group, and every
// autoscaler reads.
func (r *rehearsal) deployedWhole(t *testing.T) {
	t.Helper()
	client := r.admin()
	for _, namespace := range []string{r.settings.Namespace, "kube-system"} {
		checkout.Eventually(t, "every Deployment of "+namespace+" ready", func(ctx context.Context) error {
			list, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			if len(list.Items) < 2 {
				return fmt.Errorf("there are only %d", len(list.Items))
			}
			for _, d := range list.Items {
				if d.Status.ReadyReplicas == 0 || d.Status.ReadyReplicas != d.Status.Replicas {
					return fmt.Errorf("%s has %d of %d pods ready", d.Name, d.Status.ReadyReplicas, d.Status.Replicas)
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
			t.Errorf("node %s is no instance of a node group: %s %v", n.Name, n.Spec.ProviderID, n.Labels)
		}
	}
}

// interruptUp is Ctrl-C during make up, as soon as it works on resources of a type.
func (r *rehearsal) interruptUp(t *testing.T, typ string) {
	t.Helper()
	run := r.Start("make", "up", "STACK="+r.stack, "YES=1")
	if !run.SaysAfter("Updating ("+r.stack+")", typ) { // the preview has named it before
		out, _ := run.Wait()
		t.Fatalf("make up never worked on %s:\n%s", typ, out)
	}
	run.Interrupt()
	if out, err := run.Wait(); err == nil {
		t.Fatalf("make up, interrupted at %s, ended as if nothing had happened:\n%s", typ, out)
	}
}

func noChanges(t *testing.T, r *rehearsal) {
	before := len(r.aws.Journal())
	for _, how := range []string{"", "--refresh"} {
		if out, err := r.pulumi("preview", how, "--expect-no-changes", "--diff", "--stack", r.stack); err != nil {
			t.Fatalf("preview %s finds something to change: %v\n%s", how, err, out)
		}
	}
	r.previewsSuffice(t, before)
	if out := r.up(); changes.MatchString(out) {
		t.Errorf("the second make up changes something:\n%s", out)
	}
}

// lockedOut asks the cluster with credentials that may do anything in the account, but are no administrator's of the
// cluster, and with the deployer's, who made it.
func lockedOut(t *testing.T, r *rehearsal) {
	stranger, _, err := r.aws.NewUser(t.Context(), "stranger", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := r.folder("home") + "/eks"
	if out, err := r.pulumi("stack", "output", "kubeconfig", "--show-secrets", "--stack", r.stack, ">", kubeconfig); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := r.Start("sh", "-c", "KUBECONFIG="+kubeconfig+" "+r.bin()+"/kubectl get nodes").Wait(); err != nil {
		t.Errorf("who made the cluster is locked out: %v\n%s", err, out)
	}
	mine := r.Env
	defer func() { r.Env = mine }()
	r.Env = append(slices.Clone(mine), stranger...)
	out, err := r.Start("sh", "-c", "KUBECONFIG="+kubeconfig+" "+r.bin()+"/kubectl get nodes").Wait()
	if err == nil || !strings.Contains(out, "Unauthorized") && !strings.Contains(out, "must be logged in") {
		t.Errorf("a stranger is not turned away (%v):\n%s", err, out)
	}
}

const (
	// loadCPU is the load in cores: more than the first nodes hold, less than the groups may grow to.
	loadCPU = 3
	// quiet is how long nothing must change for the load to have settled: well over the 15 s that a new load takes to
	// be noticed (metrics every 10 s, a look at them every 5 s).
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
		r.say("make up, while the autoscalers have added pods and nodes")
		desired := r.desired(t)
		if out := r.up(); changes.MatchString(out) {
			t.Errorf("make up changes something under load:\n%s", out)
		}
		if now := r.desired(t); now < desired {
			t.Errorf("make up set the desired size from %d back to %d", desired, now)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !grown {
		t.Fatal("no node was added under load")
	}
	for _, action := range []string{"SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup"} {
		if !slices.ContainsFunc(r.aws.Journal()[before:], func(e emulator.Event) bool {
			return e.Action == action && e.Status == 200 && strings.Contains(e.Who, "autoscaler")
		}) {
			t.Errorf("the autoscaler's role has not called %s", action)
		}
	}
	for component, least := range ready() {
		want := map[string]int{gateway.Component: r.settings.Gateway.Replicas.Min, modelserver.Component: r.settings.Model.Replicas.Min}[component] - 1
		if least < want {
			t.Errorf("at one time %d pods of the %s were ready; its disruption budget promises %d", least, component, want)
		}
	}
	if err := r.machines.Err(); err != nil {
		t.Error(err)
	}
}

// desired is how many instances the cluster's groups are asked for.
func (r *rehearsal) desired(t *testing.T) (n int32) {
	t.Helper()
	groups, err := autoscaling.NewFromConfig(r.awsConfig(t)).DescribeAutoScalingGroups(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.AutoScalingGroups {
		n += *g.DesiredCapacity
	}
	return n
}

// watchReady follows the pods until ctx ends; what it returns gives the fewest that were ready at a time, by component.
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
				if p.Labels["app.kubernetes.io/component"] == component && isReady(p) {
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

func isReady(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// plannedChanges previews changes that must not cost the cluster.
func plannedChanges(t *testing.T, r *rehearsal) {
	for _, change := range []struct {
		name, path string
		value      any
		changed    string // a type that must be in the plan
	}{
		{"instance type", "nodeGroups", r.otherTypes(), "aws:eks/nodeGroup:NodeGroup"},
		{"Kubernetes version", "cluster.version", next(r.settings.Cluster.Version), "aws:eks/cluster:Cluster"},
	} {
		restore := r.keepSettings(t)
		r.Edit(r.file(), change.path, change.value)
		r.Edit(r.file(), "monthlyBudget", nil) // what is larger may be beyond it
		out, err := r.pulumi("preview", "--json", "--stack", r.stack, "2>/dev/null")
		if err != nil {
			t.Fatalf("%s: %v\n%s", change.name, err, out)
		}
		ops := planned(t, out)
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
var nextSize = strings.NewReplacer(".large", ".xlarge", ".xlarge", ".2xlarge")

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

// next is the version of Kubernetes after one, or the one before where there is none after it here.
func next(version string) string {
	var minor int
	if _, err := fmt.Sscanf(version, "1.%d", &minor); err != nil {
		return version
	}
	return fmt.Sprintf("1.%d", minor+1)
}

// planned are the operations of a preview by type; of several of a type, the one that changes most.
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
		ObjectMeta: metav1.ObjectMeta{Name: "somebody-elses"},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "other", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.MakeFails([]string{"Ingress default/somebody-elses", "nothing has been changed"}, "down", "STACK="+r.stack, "YES=1")
	if err := others.Delete(t.Context(), "somebody-elses", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	checkout.Eventually(t, "its load balancer gone", func(ctx context.Context) error {
		if _, err := others.Get(ctx, "somebody-elses", metav1.GetOptions{}); err == nil {
			return fmt.Errorf("its Ingress is there")
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

// clusterName is the stack's cluster.
func (r *rehearsal) clusterName() string { return config.ClusterName(r.stack) }
