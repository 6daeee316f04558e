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
	// controllerName is part of the name of the controller's Deployment, as its chart names it.
	controllerName = "aws-load-balancer-controller"
	controllerWork = "load balancer controller"
)

// controller stands in for the AWS Load Balancer Controller while a pod of its Deployment runs.
type controller struct {
	m       *Machines
	pod     types.UID
	podName string
	*session
}

// session is what one pod of the controller has: its permissions, its settings, and what it knows to be done.
type session struct {
	kubernetes kubernetes.Interface
	http       *http.Client
	cloud      *balancers
	done       map[types.UID]string // the stack as it was last made, by object
}

func (c *controller) look(ctx context.Context) {
	err := c.step(ctx)
	c.m.report(ctx, controllerWork, err)
}

func (c *controller) step(ctx context.Context) error {
	pod, err := c.find(ctx)
	if err != nil {
		return err
	}
	if pod == nil {
		c.m.forget(controllerWork)
		return c.leave()
	}
	if c.session == nil || c.pod != pod.UID {
		if err := c.leave(); err != nil {
			return err
		}
		if c.session, err = c.m.newSession(ctx, pod); err != nil {
			return err
		}
		c.pod, c.podName = pod.UID, pod.Name
		c.m.say("the load balancer controller works in place of pod %s", pod.Name)
	}
	return c.reconcile(ctx)
}

// find returns the pod in whose place to work, or nil.
func (c *controller) find(ctx context.Context) (*corev1.Pod, error) {
	deployments, err := c.m.kubernetes.AppsV1().Deployments(systemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("looking for its Deployment: %w", err)
	}
	i := slices.IndexFunc(deployments.Items, func(d appsv1.Deployment) bool { return strings.Contains(d.Name, controllerName) })
	if i < 0 {
		return nil, nil
	}
	pods, err := c.m.kubernetes.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(deployments.Items[i].Spec.Selector)})
	if err != nil {
		return nil, fmt.Errorf("looking for its pods: %w", err)
	}
	return running(pods.Items), nil
}

func (c *controller) leave() error {
	if c.session != nil {
		utilnet.CloseIdleConnectionsFor(c.http.Transport)
		c.m.say("the load balancer controller no longer works in place of pod %s", c.podName)
	}
	c.session = nil
	return nil
}

func (m *Machines) newSession(ctx context.Context, pod *corev1.Pod) (*session, error) {
	container, err := program(pod, controllerName)
	if err != nil {
		return nil, err
	}
	args, err := arguments(container)
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
	way := rest.AnonymousClientConfig(m.cfg.Kubernetes)
	way.BearerToken = apiToken
	client, err := rest.HTTPClientFor(way)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster as pod %s: %w", pod.Name, err)
	}
	api, err := kubernetes.NewForConfigAndClient(way, client)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster as pod %s: %w", pod.Name, err)
	}
	cfg := m.awsConfig(settings.region)
	cfg.Credentials = m.podCredentials(identity)
	return &session{kubernetes: api, http: client, cloud: newBalancers(cfg, settings), done: map[types.UID]string{}}, nil
}

// settings are those of the controller's flags that matter here.
type settings struct {
	cluster, vpc, region string
	tags                 map[string]string // on everything that it makes
}

// controllerSettings reads the controller's flags. Without the region and the VPC the real one asks the instance
// metadata, which pods do not reach under hop limit 1: it ends.
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

// reconcile brings the load balancers of all Ingresses and Services of the controller's classes in step.
func (c *controller) reconcile(ctx context.Context) error {
	objects, err := objects(ctx, c.kubernetes)
	if err != nil {
		return err
	}
	var failures []error
	for _, o := range objects {
		act := c.keep
		switch {
		case o.wanted:
		case slices.Contains(o.GetFinalizers(), o.stack().finalizer()):
			act = c.release
		default:
			continue
		}
		if err := act(ctx, o); err != nil {
			failures = append(failures, fmt.Errorf("%s %s/%s: %w", o.kind, o.GetNamespace(), o.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

// keep makes an object's load balancer as it should be and writes its name into the object. The finalizer is there
// before anything is made.
func (c *controller) keep(ctx context.Context, o *object) error {
	s, err := o.build()
	if err != nil {
		return err
	}
	made := fmt.Sprintf("%+v", *s)
	if o.hostname != "" && c.done[o.GetUID()] == made {
		return nil
	}
	if !slices.Contains(o.GetFinalizers(), s.finalizer()) {
		if err := o.setFinalizers(ctx, append(slices.Clone(o.GetFinalizers()), s.finalizer())); err != nil {
			return err
		}
	}
	for i, l := range s.listeners {
		if s.listeners[i].target, err = servicePort(ctx, c.kubernetes, s.namespace, l.service, l.servicePort); err != nil {
			return err
		}
	}
	hostname, err := c.cloud.ensure(ctx, s)
	if err != nil {
		return err
	}
	if err := o.setHostname(ctx, hostname); err != nil {
		return err
	}
	c.done[o.GetUID()] = made
	c.m.say("%s %s has the load balancer %s", o.kind, s.id(), hostname)
	return nil
}

// release takes back what was made for an object, and its finalizer when everything is gone.
func (c *controller) release(ctx context.Context, o *object) error {
	s := o.stack()
	if err := c.cloud.remove(ctx, s); err != nil {
		return err
	}
	delete(c.done, o.GetUID())
	if err := o.setFinalizers(ctx, slices.DeleteFunc(slices.Clone(o.GetFinalizers()), func(f string) bool { return f == s.finalizer() })); err != nil {
		return err
	}
	c.m.say("the load balancer of %s %s is gone", o.kind, s.id())
	return nil
}
