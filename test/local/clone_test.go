// Package local uses stack local as a person does: it runs the commands of the README in a checkout of its own, with the real
// engine, control plane and autoscaler. Only machines and containers are simulated, by the embedded cluster.
package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"

	"tfserving/embedded"
	"tfserving/internal/checkout"
)

const namespace = "tfserving"

// newCheckout makes a checkout with short times in its settings. At its end the test runs make down and checks that nothing is
// left.
func newCheckout(t testing.TB) *checkout.Checkout {
	t.Helper()
	c := checkout.New(t, "../..")
	tmp := t.TempDir()
	c.Env = []string{"TMPDIR=" + tmp}
	c.Set("local.nodeBootTime", "3s")
	c.Set("local.scalingSync", "5s")
	c.Set("autoscaler", map[string]any{"scanInterval": "2s", "scaleDownUnneededTime": "10s", "scaleDownDelayAfterAdd": "10s"})
	c.Set("gateway.scaling.down", map[string]any{"stabilization": "5s", "period": "5s"})
	t.Cleanup(func() {
		c.Make("down")
		c.LeavesNothing()
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("temporary files are left: %v (%v)", left, err)
		}
	})
	return c
}

// TestLocalStack takes one checkout from a fresh clone to make down. Each part begins where the one before ended. It is the longest
// test, and Go starts parallel tests in the order of their files, so the name of this file must come first.
func TestLocalStack(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *checkout.Checkout)
	}{
		{"make env gives a fresh clone the pinned pulumi", freshEnv},
		{"make up refuses wrong settings before it changes anything", wrongSettings},
		{"make up deploys the complete application", firstUp},
		{"a second make up and make preview find nothing to change", noChanges},
		{"the policies refuse an image without a tag even if the settings allow it", policiesRefuse},
		{"make report shows a change and no secret", reportShowsChanges},
		{"the objects in the cluster keep the project's rules", objectsKeepRules},
		{"NetworkPolicies allow only the path of a request", requestPath},
		{"the namespace refuses pods that Pod Security level restricted forbids", restricted},
		{"load adds pods, then nodes, and after the load both decrease", loadUpAndBack},
		{"Ctrl-C ends the load", loadInterrupted},
		{"load adds pods while a rollout is stuck", loadDuringStuckRollout},
		{"an odd reading, a starting pod and a rollout add no pods", calmScaling},
		{"a drill compares two sets of settings on clusters of its own", drillCompares},
		{"a new image rolls out and no ready pod is missing meanwhile", rolloutOfImage},
		{"new CPU and memory roll out and no ready pod is missing meanwhile", rolloutOfResources},
		{"make up undoes what another tool has changed", foreignChange},
		{"out of working hours there are no pods, by the schedule's own permissions", offHours},
		{"only one make at a time runs in a checkout", oneAtATime},
		{"make up restarts killed processes with their data", killed},
		{"make up names the process that uses the cluster's port", portInUse},
		{"make monitor has data for every panel and every alert, and none fires", monitored},
		{"make down leaves nothing", downLeavesNothing},
		{"after Ctrl-C at any moment, make up completes the stack", interrupted},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, &checkout.Checkout{T: t, Dir: c.Dir, Env: c.Env}) }) {
			t.FailNow()
		}
	}
}

func freshEnv(t *testing.T, c *checkout.Checkout) {
	out, err := c.Start("sh", "-ec", `eval "$(make -s env)"; command -v pulumi; pulumi version`).Wait()
	if err != nil || !strings.Contains(out, filepath.Join(c.Dir, ".local", "bin", "pulumi")+"\nv") {
		t.Errorf("make env does not give the clone's own pulumi: %v\n%s", err, out)
	}
}

func wrongSettings(t *testing.T, c *checkout.Checkout) {
	restore := c.Keep("Pulumi.local.yaml")
	c.Set("gateway.imgae", "x:1")
	c.Set("model.resources.memory", 512)
	c.Set("model.replicas", map[string]any{"min": 5, "max": 2})
	c.MakeFails([]string{"tfserving:gateway.imgae"}, "up")
	c.Set("gateway.imgae", nil)
	c.MakeFails([]string{"tfserving:model.resources.memory", "512Mi", "tfserving:model.replicas"}, "up")
	restore()
	c.Set("kubernetes.kubeconfig", "/somewhere/config")
	c.MakeFails([]string{"stack local brings a cluster of its own", ".local/kubeconfig"}, "down")
	restore()
	c.MakeFails([]string{`no stack "nosuch"`, "local"}, "up", "STACK=nosuch")
	if _, err := os.Stat(filepath.Join(c.Dir, ".local", "cluster")); err == nil || len(c.Processes()) > 0 {
		t.Error("make up started a cluster with wrong settings")
	}
}

func firstUp(t *testing.T, c *checkout.Checkout) {
	out := c.Make("up")
	for _, text := range []string{"namespace      tfserving", "gatewayUrl     http://", "modelEndpoint  tf-serving-clothing-model.tfserving.svc.cluster.local:8500", "make load"} {
		if !strings.Contains(out, text) {
			t.Errorf("make up does not print %q:\n%s", text, out)
		}
	}
	ctx, client := t.Context(), c.Client()
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
	if err != nil || len(deployments.Items) != 2 {
		t.Fatalf("%d Deployments, want 2 (%v)", len(deployments.Items), err)
	}
	for _, d := range deployments.Items {
		if !available(&d) {
			t.Errorf("Deployment %s is not available: %+v", d.Name, d.Status.Conditions)
		}
	}
	autoscalers, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil || len(autoscalers.Items) != 2 {
		t.Fatalf("%d HorizontalPodAutoscalers, want 2 (%v)", len(autoscalers.Items), err)
	}
	for _, a := range autoscalers.Items {
		if !hasReading(&a) {
			t.Errorf("HorizontalPodAutoscaler %s has no reading: %+v", a.Name, a.Status)
		}
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]bool{}
	for _, n := range nodes.Items {
		zones[n.Labels["topology.kubernetes.io/zone"]] = true
		for _, label := range []string{"eks.amazonaws.com/nodegroup", "eks.amazonaws.com/capacityType", "node.kubernetes.io/instance-type", "topology.kubernetes.io/region", "kubernetes.io/hostname"} {
			if n.Labels[label] == "" {
				t.Errorf("node %s has no label %s", n.Name, label)
			}
		}
		// m6i.large: 2 vCPUs less what EKS's kubelet reserves; 3 network interfaces with 10 addresses.
		if cpu, pods := n.Status.Allocatable.Cpu().MilliValue(), n.Status.Allocatable.Pods().Value(); cpu != 1930 || pods != 29 {
			t.Errorf("node %s: %d m CPU and %d pods, want 1930 and 29", n.Name, cpu, pods)
		}
	}
	if len(nodes.Items) != 2 || len(zones) != 2 {
		t.Errorf("%d nodes in %d zones, want 2 in 2", len(nodes.Items), len(zones))
	}
}

func available(d *appsv1.Deployment) bool {
	for _, cond := range d.Status.Conditions {
		if cond.Type == appsv1.DeploymentAvailable {
			return cond.Status == corev1.ConditionTrue
		}
	}
	return false
}

func noChanges(t *testing.T, c *checkout.Checkout) {
	begin := time.Now()
	plain := append(printedEnv(c), "pulumi", "preview", "--stack", "local", "--expect-no-changes")
	if out, err := c.Start("env", plain...).Wait(); err != nil {
		t.Errorf("pulumi with the environment of make env: %v\n%s", err, out)
	}
	for _, command := range []string{"up", "preview"} {
		out := c.Make(command)
		if found := checkout.Changes(out); found != "" || !strings.Contains(out, "unchanged") {
			t.Errorf("make %s with nothing changed: %q in\n%s", command, found, out)
		}
	}
	const most = time.Minute // on two cores
	if took := time.Since(begin); took > most {
		t.Errorf("took %s, want under %s", took, most)
	}
}

func restricted(t *testing.T, c *checkout.Checkout) {
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		no, yes, user := false, true, int64(1000)
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "stranger"},
			Spec: corev1.PodSpec{
				SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
				Containers: []corev1.Container{{Name: "c", Image: "i:1", SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}},
			},
		}
		change(p)
		return p
	}
	yes, root := true, int64(0)
	for name, test := range map[string]struct {
		change  func(*corev1.Pod)
		refused bool
	}{
		"a restricted pod": {func(*corev1.Pod) {}, false},
		"a privileged pod": {func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &yes}
		}, true},
		"a root pod":                  {func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsUser = &root }, true},
		"a pod on the host's network": {func(p *corev1.Pod) { p.Spec.HostNetwork = true }, true},
	} {
		_, err := c.Client().CoreV1().Pods(namespace).Create(t.Context(), pod(test.change), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if refused := err != nil; refused != test.refused {
			t.Errorf("%s: refused is %v, want %v (%v)", name, refused, test.refused, err)
		} else if refused && !strings.Contains(err.Error(), "PodSecurity") {
			t.Errorf("%s is refused for another reason: %v", name, err)
		}
	}
}

func loadUpAndBack(t *testing.T, c *checkout.Checkout) {
	record := filepath.Join(c.Dir, ".local", "load.jsonl")
	out := c.Make("load", "CPU=8", "RECORD="+record)
	f, err := os.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(record)
	defer f.Close()
	var first, last, most embedded.Sample
	firstMorePods, firstMoreNodes := -1.0, -1.0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatal(err)
		}
		if first.Nodes == 0 {
			first = last
		}
		if last.Wanted > first.Wanted && firstMorePods < 0 {
			firstMorePods = last.Seconds
		}
		if last.Nodes+last.Booting > first.Nodes && firstMoreNodes < 0 {
			firstMoreNodes = last.Seconds
		}
		most.Running, most.Nodes = max(most.Running, last.Running), max(most.Nodes, last.Nodes)
	}
	// 8 cores, and pods of half a core at 70 %, need 23 pods; the autoscaler's tolerance of 10 % allows 21.
	const leastPods = 21
	if most.Running < leastPods {
		t.Errorf("at most %d pods ran, want at least %d\n%s", most.Running, leastPods, out)
	}
	// 21 pods of half a core and 2 model servers of one core need 12.5 cores; a node has 1.93.
	const leastNodes = 7
	if most.Nodes < leastNodes {
		t.Errorf("at most %d nodes were ready, want at least %d\n%s", most.Nodes, leastNodes, out)
	}
	if firstMoreNodes < firstMorePods || firstMorePods < 0 {
		t.Errorf("more pods were wanted at %.0f s and nodes requested at %.0f s; want pods first", firstMorePods, firstMoreNodes)
	}
	if last.Wanted != 2 || last.Running != 2 || last.Nodes != 2 {
		t.Errorf("ended with %d pods on %d nodes, want 2 on 2\n%s", last.Running, last.Nodes, out)
	}
	t.Logf("more pods wanted at %.0f s, nodes requested at %.0f s; at most %d pods on %d nodes; settled after %.0f s", firstMorePods, firstMoreNodes, most.Running, most.Nodes, last.Seconds)
}

func loadInterrupted(t *testing.T, c *checkout.Checkout) {
	usage := func() string {
		raw, err := c.Client().RESTClient().Get().AbsPath("/apis/kwok.x-k8s.io/v1alpha1/clusterresourceusages/tfserving").DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var object struct {
			Spec struct {
				Usages []struct {
					Usage struct{ CPU struct{ Expression string } }
				}
			}
		}
		if err := json.Unmarshal(raw, &object); err != nil || len(object.Spec.Usages) == 0 {
			t.Fatalf("reading what pods use: %v: %s", err, raw)
		}
		return object.Spec.Usages[0].Usage.CPU.Expression
	}
	idle := usage()
	run := c.Start("make", "load", "CPU=1", "TARGET=model", "FOR=5m")
	checkout.Eventually(t, "the load is on", func(context.Context) error {
		if now := usage(); !strings.Contains(now, namespace+"/tf-serving-") {
			return fmt.Errorf("pods use %s", now)
		}
		return nil
	})
	run.Interrupt()
	if out, _ := run.Wait(); !strings.Contains(out, "the load is off") {
		t.Errorf("make load, interrupted, does not say that the load is off:\n%s", out)
	}
	if now := usage(); now != idle {
		t.Errorf("pods use %s after the load, and used %s before", now, idle)
	}
	c.MakeFails([]string{"make load CPU=8"}, "load")
	c.MakeFails([]string{"CPU=many"}, "load", "CPU=many")
	c.MakeFails([]string{"FOR=2 is not a length of time"}, "load", "CPU=1", "FOR=2")
	c.MakeFails([]string{"TARGET=database"}, "load", "CPU=1", "TARGET=database")
}

func rolloutOfImage(t *testing.T, c *checkout.Checkout) {
	// This test is about rollouts. With the short times of this checkout the autoscaler would also empty a node seconds after
	// the rollout's surge, and evict a pod, as its disruption budget allows.
	c.Set("autoscaler.scaleDownUnneededTime", "10m")
	c.Set("gateway.image", "zoomcamp-10-gateway:003")
	c.Set("model.image", "zoomcamp-10-model:xception-v4-002")
	rollout(t, c, func(p *corev1.Pod) bool {
		return strings.HasSuffix(p.Spec.Containers[0].Image, ":003") || strings.HasSuffix(p.Spec.Containers[0].Image, "-002")
	})
}

func rolloutOfResources(t *testing.T, c *checkout.Checkout) {
	c.Set("gateway.resources", map[string]any{"cpu": "400m", "memory": "300Mi"})
	c.Set("model.resources", map[string]any{"cpu": "900m", "memory": "1100Mi"})
	rollout(t, c, func(p *corev1.Pod) bool {
		memory := p.Spec.Containers[0].Resources.Requests.Memory().String()
		return memory == "300Mi" || memory == "1100Mi"
	})
}

// rollout runs make up and watches every change of every pod. It fails the test if a component ever has fewer ready pods than
// before, or if a pod at the end is not new.
func rollout(t *testing.T, c *checkout.Checkout, isNew func(*corev1.Pod) bool) {
	client := c.Client()
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ready := map[string]map[string]bool{} // component -> pod
	update := func(kind watch.EventType, p *corev1.Pod) string {
		component := p.Labels["app.kubernetes.io/component"]
		if ready[component] == nil {
			ready[component] = map[string]bool{}
		}
		if kind == watch.Deleted || !checkout.PodReady(p) {
			delete(ready[component], p.Name)
		} else {
			ready[component][p.Name] = true
		}
		return component
	}
	for i := range pods.Items {
		update(watch.Added, &pods.Items[i])
	}
	before := map[string]int{}
	for component := range ready {
		before[component] = len(ready[component])
	}
	ctx, cancel := context.WithCancel(t.Context())
	events, err := client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: pods.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	lowest, seen, watched := map[string]int{}, 0, make(chan struct{})
	for component, n := range before {
		lowest[component] = n
	}
	go func() {
		defer close(watched)
		for e := range events.ResultChan() {
			if p, ok := e.Object.(*corev1.Pod); ok {
				seen++
				component := update(e.Type, p)
				lowest[component] = min(lowest[component], len(ready[component]))
			}
		}
	}()
	c.Make("up")
	checkout.Eventually(t, "the old pods are gone", func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			if !isNew(&pods.Items[i]) {
				return fmt.Errorf("pod %s is old", pods.Items[i].Name)
			}
		}
		return nil
	})
	cancel()
	events.Stop()
	<-watched
	if seen == 0 || len(before) != 2 {
		t.Fatalf("saw %d changes of pods of %d components, want some, of 2", seen, len(before))
	}
	for component, n := range before {
		if lowest[component] < n {
			t.Errorf("%s had %d ready pods before and %d during the rollout", component, n, lowest[component])
		}
	}
	t.Logf("%d changes of pods seen; ready before %v, lowest %v", seen, before, lowest)
}

func oneAtATime(t *testing.T, c *checkout.Checkout) {
	defer lock(t, c)()
	c.MakeFails([]string{"another `make` is at work in this checkout", strconv.Itoa(os.Getpid())}, "up")
}

// lock locks the checkout, as a make that runs does.
func lock(t *testing.T, c *checkout.Checkout) (unlock func()) {
	t.Helper()
	unlock, err := embedded.LockFile(t.Context(), filepath.Join(c.Dir, ".local", "lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

func killed(t *testing.T, c *checkout.Checkout) {
	uid := func() string {
		ns, err := c.Client().CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return string(ns.UID)
	}
	before := uid()
	kill := func(match string) {
		n := 0
		for _, p := range c.Processes() {
			if name, _ := p.Cmdline(); strings.Contains(name, match) {
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		if n == 0 {
			t.Fatalf("no process %q to kill", match)
		}
	}
	if err := os.Remove(filepath.Join(c.Dir, ".local", "kubeconfig")); err != nil {
		t.Fatal(err)
	}
	for _, match := range []string{"bin/etcd", "kube-controller-manager", "cluster-autoscaler", ""} {
		kill(match)
		c.Make("up")
		if uid() != before {
			t.Errorf("after killing %q the cluster is a new one", match)
		}
	}
	running := map[string]int{}
	for _, p := range c.Processes() {
		exe, _ := p.CmdlineSlice()
		running[filepath.Base(exe[0])]++
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "metrics-server", "cluster-autoscaler"} {
		if running[name] != 1 {
			t.Errorf("%d processes of %s, want 1 (%v)", running[name], name, running)
		}
	}
}

func portInUse(t *testing.T, c *checkout.Checkout) {
	data, err := os.ReadFile(filepath.Join(c.Dir, ".local", "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	var kubeconfig struct {
		Clusters []struct{ Cluster struct{ Server string } }
	}
	if err := yaml.Unmarshal(data, &kubeconfig); err != nil || len(kubeconfig.Clusters) == 0 {
		t.Fatalf("reading the kubeconfig: %v", err)
	}
	address := strings.TrimPrefix(kubeconfig.Clusters[0].Cluster.Server, "https://")
	for _, p := range c.Processes() {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	var listener net.Listener
	checkout.Eventually(t, "listening on "+address, func(context.Context) (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	_, port, _ := net.SplitHostPort(address)
	c.MakeFails([]string{"port " + port, "process " + strconv.Itoa(os.Getpid())}, "up")
	listener.Close()
	c.Make("up")
}

func downLeavesNothing(t *testing.T, c *checkout.Checkout) {
	var ports []string
	for _, p := range c.Processes() {
		conns, err := p.Connections()
		if err != nil {
			t.Fatal(err)
		}
		for _, conn := range conns {
			if conn.Status != "LISTEN" {
				continue
			}
			if conn.Laddr.IP != "127.0.0.1" && conn.Laddr.IP != "::1" {
				name, _ := p.Name()
				t.Errorf("%s listens on %s, want loopback only", name, conn.Laddr.IP)
			}
			ports = append(ports, fmt.Sprintf("127.0.0.1:%d", conn.Laddr.Port))
		}
	}
	if len(ports) < 7 {
		t.Errorf("found only %d ports of the cluster: %v", len(ports), ports)
	}
	c.Make("down")
	c.LeavesNothing()
	for _, address := range ports {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			conn.Close()
			t.Errorf("%s still accepts connections", address)
		}
	}
	c.Make("down") // a second make down succeeds and does nothing
}

func interrupted(t *testing.T, c *checkout.Checkout) {
	for _, moment := range []string{"starting a control plane", "control plane ready", "starting the Cluster Autoscaler", "Updating (local)", "kubernetes:apps/v1:Deployment gateway creat", "waiting for the autoscalers"} {
		// Pulumi prints "received; terminating" after a second signal.
		if out := c.InterruptMake("", moment, "up"); strings.Contains(out, "received; terminating") {
			t.Errorf("one Ctrl-C at %q reached pulumi twice:\n%s", moment, out)
		}
	}
	// A setting of the cluster that changes makes a new cluster, and the old cluster's state goes with it, also after Ctrl-C.
	c.Make("up")
	c.Set("local.scalingSync", "6s")
	c.InterruptMake("", "starting the Cluster Autoscaler", "up")
	c.Make("up")
	if out := c.Make("preview"); checkout.Changes(out) != "" {
		t.Errorf("make up after Ctrl-C leaves something to change:\n%s", out)
	}
	checkout.Eventually(t, "both autoscalers have a reading", func(ctx context.Context) error {
		list, err := c.Client().AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, a := range list.Items {
			if !hasReading(&a) {
				return fmt.Errorf("%s has no reading", a.Name)
			}
		}
		return nil
	})
}

// hasReading says whether the autoscaler has read the CPU use of its pods.
func hasReading(a *autoscalingv2.HorizontalPodAutoscaler) bool {
	return len(a.Status.CurrentMetrics) > 0 && a.Status.CurrentMetrics[0].Resource != nil && a.Status.CurrentMetrics[0].Resource.Current.AverageUtilization != nil
}
