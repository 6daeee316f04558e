package machines

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// controllerName is a part of the name that the chart gives the controller's Deployment.
	controllerName = "aws-load-balancer-controller"
	controllerTask = "load balancer controller"
)

// controller does the work of the AWS Load Balancer Controller while a pod of its Deployment runs.
type controller struct {
	m       *Machines
	pod     types.UID
	podName string
	*session
}

// session is the work of one pod of the controller, with its permissions and settings.
type session struct {
	kubernetes kubernetes.Interface
	http       *http.Client
	cloud      *balancers
	done       map[types.UID]string // the last completed plan of each object
}

func (c *controller) check(ctx context.Context) { c.m.report(ctx, controllerTask, c.step(ctx)) }

func (c *controller) step(ctx context.Context) error {
	pod, err := c.find(ctx)
	if err != nil {
		return err
	}
	if pod == nil {
		c.m.forget(controllerTask)
		return c.endSession()
	}
	if c.session == nil || c.pod != pod.UID {
		if err := c.endSession(); err != nil {
			return err
		}
		if c.session, err = c.m.newSession(ctx, pod); err != nil {
			return err
		}
		c.pod, c.podName = pod.UID, pod.Name
		c.m.logf("the load balancer controller works in place of pod %s", pod.Name)
	}
	return c.reconcile(ctx)
}

// find returns the pod to replace, or nil.
func (c *controller) find(ctx context.Context) (*corev1.Pod, error) {
	deployments, err := c.m.kubernetes.AppsV1().Deployments(systemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing Deployments: %w", err)
	}
	i := slices.IndexFunc(deployments.Items, func(d appsv1.Deployment) bool { return strings.Contains(d.Name, controllerName) })
	if i < 0 {
		return nil, nil
	}
	pods, err := c.m.kubernetes.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(deployments.Items[i].Spec.Selector)})
	if err != nil {
		return nil, fmt.Errorf("listing its pods: %w", err)
	}
	return leader(pods.Items), nil
}

func (c *controller) endSession() error {
	if c.session != nil {
		utilnet.CloseIdleConnectionsFor(c.http.Transport)
		c.m.logf("the load balancer controller no longer works in place of pod %s", c.podName)
	}
	c.session = nil
	return nil
}

func (m *Machines) newSession(ctx context.Context, pod *corev1.Pod) (*session, error) {
	container, args, err := mainContainer(pod, controllerName)
	if err != nil {
		return nil, err
	}
	settings, err := controllerSettings(args)
	if err != nil {
		return nil, fmt.Errorf("container %s of pod %s: %w", container.Name, pod.Name, err)
	}
	apiToken, err := m.apiToken(ctx, pod, container)
	if err != nil {
		return nil, err
	}
	identity, err := m.identityToken(ctx, pod)
	if err != nil {
		return nil, err
	}
	podConfig := rest.AnonymousClientConfig(m.cfg.Kubernetes)
	podConfig.BearerToken = apiToken
	client, err := rest.HTTPClientFor(podConfig)
	if err != nil {
		return nil, fmt.Errorf("making a client of the cluster for pod %s: %w", pod.Name, err)
	}
	api, err := kubernetes.NewForConfigAndClient(podConfig, client)
	if err != nil {
		return nil, fmt.Errorf("making a client of the cluster for pod %s: %w", pod.Name, err)
	}
	cfg := m.awsConfig(settings.region)
	cfg.Credentials = m.podCredentials(identity)
	return &session{kubernetes: api, http: client, cloud: newBalancers(cfg, settings), done: map[types.UID]string{}}, nil
}

// settings are the values of the controller's flags that the simulation uses.
type settings struct {
	cluster, vpc, region string
	tags                 map[string]string // on everything that it makes
}

// controllerSettings reads the controller's flags. The cluster, the region and the VPC are required: without them the real
// controller reads the instance metadata, which pods cannot reach under hop limit 1, and ends.
func controllerSettings(args []string) (s settings, err error) {
	for name, to := range map[string]*string{"cluster-name": &s.cluster, "aws-vpc-id": &s.vpc, "aws-region": &s.region} {
		if *to, _ = flag(args, name); *to == "" {
			err = errors.Join(err, fmt.Errorf("it is started without --%s", name))
		}
	}
	tags, _ := flag(args, "default-tags")
	s.tags = map[string]string{}
	for pair := range strings.SplitSeq(tags, ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			s.tags[key] = value
		}
	}
	return s, err
}

// reconcile makes, updates or deletes the load balancers of all Ingresses and Services of the controller's classes.
func (c *controller) reconcile(ctx context.Context) error {
	objects, err := objects(ctx, c.kubernetes)
	if err != nil {
		return err
	}
	var failures []error
	for _, o := range objects {
		action := c.ensureBalancer
		switch {
		case o.wanted:
		case slices.Contains(o.GetFinalizers(), o.plan().finalizer()):
			action = c.removeBalancer
		default:
			continue
		}
		if err := action(ctx, o); err != nil {
			failures = append(failures, fmt.Errorf("%s %s/%s: %w", o.kind, o.GetNamespace(), o.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

// ensureBalancer makes or updates the load balancer of an object and writes its name into the object's status. It sets the
// finalizer first.
func (c *controller) ensureBalancer(ctx context.Context, o *object) error {
	p, err := o.build()
	if err != nil {
		return err
	}
	wanted := fmt.Sprintf("%+v", *p)
	if o.hostname != "" && c.done[o.GetUID()] == wanted {
		return nil
	}
	if !slices.Contains(o.GetFinalizers(), p.finalizer()) {
		if err := o.setFinalizers(ctx, append(slices.Clone(o.GetFinalizers()), p.finalizer())); err != nil {
			return err
		}
	}
	for i, l := range p.listeners {
		if p.listeners[i].target, err = servicePort(ctx, c.kubernetes, p.namespace, l.service, l.servicePort); err != nil {
			return err
		}
	}
	hostname, err := c.cloud.ensure(ctx, p)
	if err != nil {
		return err
	}
	if err := o.setHostname(ctx, hostname); err != nil {
		return err
	}
	c.done[o.GetUID()] = wanted
	c.m.logf("%s %s has the load balancer %s", o.kind, p.id(), hostname)
	return nil
}

// removeBalancer deletes the load balancer of an object and then removes the finalizer.
func (c *controller) removeBalancer(ctx context.Context, o *object) error {
	p := o.plan()
	if err := c.cloud.remove(ctx, p); err != nil {
		return err
	}
	delete(c.done, o.GetUID())
	if err := o.setFinalizers(ctx, slices.DeleteFunc(slices.Clone(o.GetFinalizers()), func(f string) bool { return f == p.finalizer() })); err != nil {
		return err
	}
	c.m.logf("the load balancer of %s %s is deleted", o.kind, p.id())
	return nil
}
