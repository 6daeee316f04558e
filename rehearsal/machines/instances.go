package machines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// Tags that EKS puts on the Auto Scaling group of a managed node group.
const (
	clusterTag = "eks:cluster-name"
	groupTag   = "eks:nodegroup-name"
)

// instances registers a node for each instance of the cluster, and deletes the nodes of terminated instances.
type instances struct {
	m       *Machines
	scaling *autoscaling.Client
	ec2     *ec2.Client
	eks     *eks.Client
	started map[string]time.Time // when an instance was first seen running
	orphans bool                 // pods of a deleted node may be left
}

func newInstances(m *Machines) *instances {
	return &instances{m: m, scaling: autoscaling.NewFromConfig(m.observer), ec2: ec2.NewFromConfig(m.observer),
		eks: eks.NewFromConfig(m.observer), started: map[string]time.Time{}}
}

// member is an instance of an Auto Scaling group.
type member struct {
	instance
	group   string // its node group
	running bool
}

func (l *instances) check(ctx context.Context) { l.m.report(ctx, "nodes", l.step(ctx)) }

func (l *instances) step(ctx context.Context) error {
	members, err := l.members(ctx)
	if err != nil {
		return err
	}
	nodes, err := l.m.kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	joined := map[string]bool{}
	var failures []error
	for i := range nodes.Items {
		n := &nodes.Items[i]
		id, isInstance := instanceOf(n.Spec.ProviderID)
		if !isInstance {
			continue
		}
		joined[id] = true
		if _, lives := members[id]; !lives {
			failures = append(failures, l.remove(ctx, n))
		}
	}
	if l.orphans {
		err := l.sweep(ctx)
		failures, l.orphans = append(failures, err), err != nil
	}
	return errors.Join(append(failures, l.join(ctx, members, joined))...)
}

// members are the cluster's instances by their identifiers, without those that are being terminated or detached.
func (l *instances) members(ctx context.Context) (map[string]member, error) {
	all := map[string]member{}
	pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(l.scaling, &autoscaling.DescribeAutoScalingGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing instances: %w", err)
		}
		for _, g := range page.AutoScalingGroups {
			tags := map[string]string{}
			for _, t := range g.Tags {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			if tags[clusterTag] != l.m.cfg.ClusterName {
				continue
			}
			for _, i := range g.Instances {
				state := string(i.LifecycleState)
				if strings.HasPrefix(state, "Terminat") || strings.HasPrefix(state, "Detach") {
					continue
				}
				all[aws.ToString(i.InstanceId)] = member{
					instance: instance{id: aws.ToString(i.InstanceId), kind: aws.ToString(i.InstanceType), zone: aws.ToString(i.AvailabilityZone)},
					group:    tags[groupTag],
					running:  state == "InService",
				}
			}
		}
	}
	return all, nil
}

// join registers the nodes of the instances that have booted.
func (l *instances) join(ctx context.Context, members map[string]member, joined map[string]bool) error {
	for id := range l.started {
		if _, lives := members[id]; !lives {
			delete(l.started, id)
		}
	}
	groups := map[string]*ekstypes.Nodegroup{}
	var failures []error
	for _, id := range slices.Sorted(maps.Keys(members)) {
		i := members[id]
		if !i.running {
			continue
		}
		if _, seen := l.started[id]; !seen {
			l.started[id] = time.Now()
		}
		if joined[id] || time.Since(l.started[id]) < l.m.cfg.BootTime {
			continue
		}
		if err := l.register(ctx, i, groups); err != nil {
			failures = append(failures, fmt.Errorf("registering the node of instance %s: %w", id, err))
		}
	}
	return errors.Join(failures...)
}

func (l *instances) register(ctx context.Context, i member, groups map[string]*ekstypes.Nodegroup) error {
	if groups[i.group] == nil {
		out, err := l.eks.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &l.m.cfg.ClusterName, NodegroupName: &i.group})
		if err != nil {
			return err
		}
		groups[i.group] = out.Nodegroup
	}
	out, err := l.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{i.id}})
	if err != nil {
		return err
	}
	for _, r := range out.Reservations {
		for _, described := range r.Instances {
			i.hostName = aws.ToString(described.PrivateDnsName)
			i.kind = string(described.InstanceType)
		}
	}
	n, err := node(l.m.cfg.Region, groups[i.group], i.instance)
	if err != nil {
		return err
	}
	if _, err := l.m.kubernetes.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
		return err
	}
	l.m.logf("instance %s (%s, %s) of node group %s has booted and joined as %s",
		i.id, n.Labels[corev1.LabelInstanceTypeStable], i.zone, i.group, n.Name)
	return nil
}

// remove deletes the node of a terminated instance, as the cloud controller manager does.
func (l *instances) remove(ctx context.Context, n *corev1.Node) error {
	l.orphans = true
	err := l.m.kubernetes.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &n.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting node %s, whose instance was terminated: %w", n.Name, err)
	}
	l.m.logf("the instance of node %s was terminated, and the node is deleted", n.Name)
	return nil
}

// sweep deletes the pods of deleted nodes. The control plane's pod garbage collector does so 40 s later, in case the node
// returns. A terminated instance does not return.
func (l *instances) sweep(ctx context.Context) error {
	// Pods are listed before nodes. In the other order, a pod of a new node would look like an orphan.
	pods, err := l.m.kubernetes.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermNotEqualSelector("spec.nodeName", "").String()})
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	nodes, err := l.m.kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	there := map[string]bool{}
	for i := range nodes.Items {
		there[nodes.Items[i].Name] = true
	}
	var failures []error
	for i := range pods.Items {
		p := &pods.Items[i]
		if p.Spec.NodeName == "" || there[p.Spec.NodeName] {
			continue
		}
		err := l.m.kubernetes.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64), Preconditions: &metav1.Preconditions{UID: &p.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			failures = append(failures, fmt.Errorf("deleting pod %s/%s, whose node is deleted: %w", p.Namespace, p.Name, err))
		}
	}
	return errors.Join(failures...)
}
