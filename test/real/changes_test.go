//go:build linux

package real

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/examples"
	"tfserving/internal/checkout"
)

// rollsOut changes a setting under traffic. No request may fail, and requests go on to the end.
func (s *stack) rollsOut(path string, value any) {
	s.T.Helper()
	s.losesNothing(func() {
		s.set(path, value)
		s.up()
	})
}

func newGatewayImage(t *testing.T, s *stack) {
	report := s.losesNothing(func() {
		s.set("gateway.image", examples.GatewayTags[1])
		s.up()
	})
	if got := slices.Sorted(maps.Keys(report.ByGatewayImage())); !slices.Equal(got, examples.GatewayTags) {
		t.Errorf("the images %v answered, want %v", got, examples.GatewayTags)
	}
}

func newModelImage(t *testing.T, s *stack) {
	report := s.losesNothing(func() {
		s.set("model.image", examples.ModelTags[1])
		s.up()
	})
	if got := slices.Sorted(maps.Keys(report.ByModelImage())); !slices.Equal(got, examples.ModelTags) {
		t.Errorf("the images %v answered, want %v", got, examples.ModelTags)
	}
}

func otherResources(_ *testing.T, s *stack) {
	s.rollsOut("model.resources", map[string]any{"cpu": "400m", "memory": "1100Mi"})
}

func otherBatching(_ *testing.T, s *stack) {
	s.rollsOut("model.batching", map[string]any{"maxBatchSize": 8})
}

// podDeleted deletes a pod of each component, and waits for its end and until there are as many pods as the autoscaler wants.
func podDeleted(_ *testing.T, s *stack) {
	s.losesNothing(func() {
		for _, component := range []string{"gateway", "model-server"} {
			s.kubectl("-n", namespace, "delete", "pod", s.pods(component)[0].Name)
			s.settled()
		}
	})
}

func nodeDrained(t *testing.T, s *stack) {
	const name = "real-1"
	s.losesNothing(func() {
		s.kubectl("drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m")
		for _, component := range []string{"gateway", "model-server"} {
			for _, pod := range s.pods(component) {
				if pod.Spec.NodeName == name {
					t.Errorf("pod %s is still on the drained node", pod.Name)
				}
			}
		}
		s.kubectl("uncordon", name)
		s.settled()
	})
}

// missingTag sets a tag that no archive has. The pods of the old image must serve on.
func missingTag(_ *testing.T, s *stack) {
	const missing = "zoomcamp-10-gateway:nosuch"
	restore := s.Keep(stackFile)
	s.losesNothing(func() {
		s.set("local.nodeBootTime", "0s")
		s.set("nodeStartTimeout", "20s") // Kubernetes gives up a rollout after this time and those of the pod
		s.set("gateway.image", missing)
		s.MakeFails([]string{"Deployment gateway is not rolled out", "still serve", missing}, "up", "STACK=real")
		restore()
		s.up()
	})
}

// eventually waits for what controllers do.
func (s *stack) eventually(what string, check func(context.Context) error) {
	s.T.Helper()
	checkout.Eventually(s.T.(*testing.T), what, check)
}

// settled waits until every Deployment has the pods that it asks for, and no more.
func (s *stack) settled() {
	s.T.Helper()
	client := s.client()
	s.eventually("every pod is ready", func(ctx context.Context) error {
		all, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, d := range all.Items {
			if is := d.Status; is.AvailableReplicas != *d.Spec.Replicas || is.Replicas != *d.Spec.Replicas {
				return fmt.Errorf("Deployment %s has %d of %d pods, %d available", d.Name, is.Replicas, *d.Spec.Replicas, is.AvailableReplicas)
			}
		}
		return nil
	})
}

// loadRate is the requests per second at which two model servers of the example use more CPU than loadTarget, and four gateways
// of loadGateway less than they have. A request takes about 12 ms of CPU in each.
const loadRate, loadTarget, loadGateway = 25, 20, "200m"

// underLoad gives the stack 4 gateways that answer loadRate requests a second.
func (s *stack) underLoad() {
	s.set("gateway.replicas", map[string]any{"min": 4, "max": 4})
	s.set("gateway.resources.cpu", loadGateway)
}

// spread holds 4 gateways and 3 model servers under traffic for two minutes.
func spread(t *testing.T, s *stack) {
	skipIfShort(t)
	defer s.Keep(stackFile)()
	const models, most = 3, 1.5
	s.underLoad()
	s.set("model.replicas", map[string]any{"min": models, "max": models})
	s.up()
	s.settled()
	report := s.underTraffic(loadRate, func() { time.Sleep(2 * time.Minute) })
	byPod := report.ByModelPod()
	mean := float64(len(report.Answers)) / models
	for pod, count := range byPod {
		t.Logf("%s answered %d of %d, %.2f times the mean", pod, count, len(report.Answers), float64(count)/mean)
		if float64(count) > most*mean {
			t.Errorf("%s answered %d requests, more than %.1f times the mean of %.0f", pod, count, most, mean)
		}
	}
	if len(byPod) != models {
		t.Errorf("%d model servers answered, want %d", len(byPod), models)
	}
}

// loadUpAndDown sends more requests than two model servers answer within their CPU target, and then few.
func loadUpAndDown(t *testing.T, s *stack) {
	skipIfShort(t)
	defer s.Keep(stackFile)()
	s.underLoad()
	s.set("model.targetCPU", loadTarget)
	s.up()
	models := func(want int) {
		begin := time.Now()
		s.eventually(fmt.Sprintf("%d model servers are ready", want), func(context.Context) error {
			if now := len(s.pods("model-server")); now != want {
				return fmt.Errorf("%d are ready", now)
			}
			return nil
		})
		t.Logf("%d model servers after %s", want, time.Since(begin).Round(time.Second))
	}
	models(2)
	s.losesNothingAt(loadRate, func() {
		models(3)
		time.Sleep(4 * time.Minute)
		models(3)
	})
	s.losesNothingAt(1, func() { models(2) })
}
