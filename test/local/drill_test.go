package local

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tfserving/embedded/drill"
	"tfserving/internal/checkout"
)

// most are the most ready gateway pods and the most nodes, ready or booting, that a cluster had at a time.
type most struct{ pods, nodes int }

// drillCompares compares the figures of a drill with what the API servers of its two clusters show meanwhile.
func drillCompares(t *testing.T, c *checkout.Checkout) {
	files := map[string]string{
		"tiny.csv": "seconds,cores\n0,0.5\n5,0.5\n5,3\n60,3\n",
		// A pod more in each evaluation.
		"slow.yaml": "config:\n  tfserving:gateway: {scaling: {up: {period: 15s, percent: 1, pods: 1}}}\n",
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record := filepath.Join(dir, "runs.jsonl")
	args := []string{"drill", "TRACE=" + filepath.Join(dir, "tiny.csv"), "AGAINST=" + filepath.Join(dir, "slow.yaml"), "RECORD=" + record, "PICTURE=" + filepath.Join(dir, "runs.svg")}
	before := podNames(t, c.Client())
	run := c.Start("make", args...)
	ended, seen := make(chan struct{}), make(chan []most)
	go func() { seen <- watchDrill(t, filepath.Join(c.Dir, ".local", "drill", "kubeconfig"), ended) }()
	out, err := run.Wait()
	close(ended)
	clusters := <-seen
	if err != nil {
		t.Fatalf("make drill: %v\n%s", err, out)
	}
	f, err := os.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := drill.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(clusters) != 2 {
		t.Fatalf("the drill had %d clusters, want 2\n%s", len(clusters), out)
	}
	figures := d.Figures()
	for i, r := range []*drill.Run{d.Against, d.Own} {
		var recorded most
		for _, s := range r.Samples {
			recorded = most{max(recorded.pods, s.Running), max(recorded.nodes, s.Nodes+s.Booting)}
		}
		f := figures[2-i]
		if clusters[i] != recorded || f.ExtraNodes != clusters[i].nodes-2 {
			t.Errorf("%s: the API server showed %+v, the record has %+v and %d extra nodes", r.Setup.Name, clusters[i], recorded, f.ExtraNodes)
		}
		if f.Returned != 1 || f.Back < 0 {
			t.Errorf("%s: %g of the nodes are back, the last one after %g s; want all\n%s", r.Setup.Name, f.Returned, f.Back, out)
		}
	}
	best, own, slow := figures[0], figures[1], figures[2]
	if own.Half < best.Half || slow.Half >= 0 && slow.Half <= own.Half || own.Unserved <= best.Unserved || slow.Unserved <= own.Unserved {
		t.Errorf("want the clairvoyant first, then the stack, then the slow settings:\n%s", d)
	}
	if !strings.Contains(out, d.String()) {
		t.Errorf("make drill does not print the figures of its record:\n%s\nbut\n%s", d, out)
	}
	if after := podNames(t, c.Client()); !reflect.DeepEqual(before, after) {
		t.Errorf("stack local had pods %v before the drill, and has %v", before, after)
	}
	noDrill(t, c)

	c.InterruptMake("first readings", "cpu/target", args...)
	noDrill(t, c)
	c.MakeFails([]string{"TRACE=nosuch", "spike"}, "drill", "TRACE=nosuch")
}

// watchDrill looks at each cluster whose kubeconfig is in a file, one after the other, until ended is closed.
func watchDrill(t *testing.T, kubeconfig string, ended chan struct{}) (clusters []most) {
	cluster := ""
	for {
		select {
		case <-ended:
			return clusters
		case <-time.After(200 * time.Millisecond):
		}
		// The kubeconfig is the same for both clusters if they have the same port, but not the certificates that it names.
		cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			continue // no cluster yet, or none between the two
		}
		cfg.QPS = -1 // no limit: the API server is on this machine
		client, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			continue
		}
		system, err := client.CoreV1().Namespaces().Get(t.Context(), metav1.NamespaceSystem, metav1.GetOptions{})
		if err != nil {
			continue // the cluster starts or ends
		}
		if id := string(system.UID); id != cluster {
			cluster, clusters = id, append(clusters, most{})
		}
		pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=gateway"})
		if err != nil {
			continue
		}
		nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			continue
		}
		var ready int
		for i := range pods.Items {
			if checkout.PodReady(&pods.Items[i]) {
				ready++
			}
		}
		now := &clusters[len(clusters)-1]
		now.pods, now.nodes = max(now.pods, ready), max(now.nodes, len(nodes.Items))
	}
}

func podNames(t *testing.T, client *kubernetes.Clientset) map[string]corev1.PodPhase {
	t.Helper()
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]corev1.PodPhase{}
	for _, p := range pods.Items {
		names[p.Name] = p.Status.Phase
	}
	return names
}

// noDrill fails the test if a process or a file of a drill's cluster is left.
func noDrill(t *testing.T, c *checkout.Checkout) {
	t.Helper()
	folder := filepath.Join(c.Dir, ".local", "drill")
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("make drill left %s", folder)
	}
	running, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range running {
		if line, err := p.Cmdline(); err == nil && strings.Contains(line, folder) {
			t.Errorf("make drill left process %d: %s", p.Pid, line)
		}
	}
}
