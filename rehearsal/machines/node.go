package machines

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	corev1 "k8s.io/api/core/v1"

	"tfserving/embedded"
)

// instance is a running EC2 instance of a managed node group.
type instance struct {
	id       string
	kind     string // its instance type in EC2
	zone     string
	hostName string // its private DNS name
}

const providerPrefix = "aws:///"

// providerID is the provider ID of the instance's node, in the form of the AWS cloud provider and the Cluster Autoscaler.
func (i instance) providerID() string { return providerPrefix + i.zone + "/" + i.id }

// instanceOf is the EC2 instance in a node's provider ID, if it names one.
func instanceOf(providerID string) (id string, isInstance bool) {
	path, found := strings.CutPrefix(providerID, providerPrefix)
	if !found {
		return "", false
	}
	return path[strings.LastIndex(path, "/")+1:], true
}

// node is the node that an instance's kubelet registers, with the labels and taints that nodeadm takes from its node group.
func node(region string, group *ekstypes.Nodegroup, i instance) (*corev1.Node, error) {
	name := cmp.Or(i.hostName, i.id)
	labels := map[string]string{
		"eks.amazonaws.com/nodegroup":    aws.ToString(group.NodegroupName),
		"eks.amazonaws.com/capacityType": string(group.CapacityType),
		corev1.LabelHostname:             name,
	}
	if template := group.LaunchTemplate; template != nil {
		labels["eks.amazonaws.com/sourceLaunchTemplateId"] = aws.ToString(template.Id)
		labels["eks.amazonaws.com/sourceLaunchTemplateVersion"] = aws.ToString(template.Version)
	}
	maps.Copy(labels, group.Labels)
	taints, err := taintsOf(group.Taints)
	if err != nil {
		return nil, fmt.Errorf("node group %s: %w", aws.ToString(group.NodegroupName), err)
	}
	n, err := embedded.NewNode(embedded.NodeSpec{
		Name:         name,
		InstanceType: instanceType(i.kind, group.InstanceTypes),
		Region:       region,
		Zone:         i.zone,
		ProviderID:   i.providerID(),
		Labels:       labels,
		Taints:       taints,
		BootTime:     0, // the instance has booted before its kubelet registers the node
	})
	if err != nil {
		return nil, fmt.Errorf("instance %s of node group %s: %w", i.id, aws.ToString(group.NodegroupName), err)
	}
	return n, nil
}

// instanceType is the type of an instance in a group that offers some types. If the launch template names no type, emulated
// EC2 starts instances of its own default type. Real EC2 tries the group's first type first.
func instanceType(reported string, offered []string) string {
	if len(offered) == 0 || slices.Contains(offered, reported) {
		return reported
	}
	return offered[0]
}

// taintsOf converts taints of EKS to taints of Kubernetes, which name the effects differently.
func taintsOf(taints []ekstypes.Taint) (all []corev1.Taint, err error) {
	effects := map[ekstypes.TaintEffect]corev1.TaintEffect{
		ekstypes.TaintEffectNoSchedule:       corev1.TaintEffectNoSchedule,
		ekstypes.TaintEffectNoExecute:        corev1.TaintEffectNoExecute,
		ekstypes.TaintEffectPreferNoSchedule: corev1.TaintEffectPreferNoSchedule,
	}
	for _, t := range taints {
		effect, known := effects[t.Effect]
		if !known {
			return nil, fmt.Errorf("taint %s: EKS has no effect %q", aws.ToString(t.Key), t.Effect)
		}
		all = append(all, corev1.Taint{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value), Effect: effect})
	}
	return all, nil
}
