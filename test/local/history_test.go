package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// objectHistory records each version of the objects that decide whether a request is served. The API server's watches deliver
// them. All kinds share etcd's revision, so the history has their exact order, also on a busy machine.
type objectHistory struct {
	mu      sync.Mutex
	changes []objectChange
	failure error // of a watch
	// objects are the objects as of the last revision that replay has reached, by resource, namespace and name.
	objects map[string]metav1.Object
}

type objectChange struct {
	revision uint64
	received time.Time
	key      string
	object   metav1.Object // nil if it was deleted
}

func objectKey(resource, namespace, name string) string {
	return resource + "/" + namespace + "/" + name
}

// recordHistory begins a history of all namespaces. It ends with the test.
func recordHistory(t *testing.T, client *kubernetes.Clientset) *objectHistory {
	t.Helper()
	h := &objectHistory{objects: map[string]metav1.Object{}}
	for resource, api := range map[string]rest.Interface{
		"deployments": client.AppsV1().RESTClient(), "pods": client.CoreV1().RESTClient(), "services": client.CoreV1().RESTClient(),
		"endpointslices": client.DiscoveryV1().RESTClient(), "ingresses": client.NetworkingV1().RESTClient(), "networkpolicies": client.NetworkingV1().RESTClient(),
	} {
		list, err := api.Get().Resource(resource).Do(t.Context()).Get()
		if err != nil {
			t.Fatal(err)
		}
		err = meta.EachListItem(list, func(o runtime.Object) error { return h.add(resource, watch.Event{Type: watch.Added, Object: o}) })
		if err != nil {
			t.Fatal(err)
		}
		first, err := meta.ListAccessor(list)
		if err != nil {
			t.Fatal(err)
		}
		options := &metav1.ListOptions{Watch: true, ResourceVersion: first.GetResourceVersion()}
		watcher, err := api.Get().Resource(resource).VersionedParams(options, scheme.ParameterCodec).Watch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			err := errors.New("the API server has ended the watch")
			for event := range watcher.ResultChan() {
				if e := h.add(resource, event); e != nil {
					err = e
				}
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.failure = fmt.Errorf("watching %s: %w", resource, err)
		}()
	}
	return h
}

func (h *objectHistory) add(resource string, event watch.Event) error {
	object, err := meta.Accessor(event.Object)
	if err != nil {
		return fmt.Errorf("an event of type %s holds %v: %w", event.Type, event.Object, err)
	}
	revision, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return err
	}
	change := objectChange{revision: revision, received: time.Now(), key: objectKey(resource, object.GetNamespace(), object.GetName()), object: object}
	if event.Type == watch.Deleted {
		change.object = nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, change)
	return nil
}

// deliveryTime is longer than the API server takes to deliver a change to a watch.
const deliveryTime = time.Second

// replay goes through the changes since its last call and calls check after each, in the order of their revisions, with the
// time at which the change was received.
func (h *objectHistory) replay(ctx context.Context, check func(time.Time)) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(deliveryTime):
	}
	h.mu.Lock()
	changes, failure := h.changes, h.failure
	h.changes = nil
	h.mu.Unlock()
	slices.SortStableFunc(changes, func(a, b objectChange) int { return int(int64(a.revision) - int64(b.revision)) })
	for _, c := range changes {
		if c.object == nil {
			delete(h.objects, c.key)
		} else {
			h.objects[c.key] = c.object
		}
		check(c.received)
	}
	return failure
}

// get returns an object as of the last revision; nil if there is none.
func get[T metav1.Object](h *objectHistory, resource, namespace, name string) (found T) {
	found, _ = h.objects[objectKey(resource, namespace, name)].(T)
	return found
}

// all returns the objects of a type as of the last revision, except those that are being deleted, in the order of their
// creation and their names.
func all[T metav1.Object](h *objectHistory) (found []T) {
	for _, object := range h.objects {
		if o, ok := object.(T); ok && o.GetDeletionTimestamp() == nil {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b T) int {
		if by := a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time); by != 0 {
			return by
		}
		return slices.Compare([]string{a.GetNamespace(), a.GetName()}, []string{b.GetNamespace(), b.GetName()})
	})
	return found
}
