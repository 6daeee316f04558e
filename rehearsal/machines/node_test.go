package machines

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	corev1 "k8s.io/api/core/v1"
)

func workers() *ekstypes.Nodegroup {
	return &ekstypes.Nodegroup{
		NodegroupName: aws.String("workers"),
		CapacityType:  ekstypes.CapacityTypesSpot,
		InstanceTypes: []string{"m6i.large", "m5.large"},
		Labels:        map[string]string{"team": "models"},
		Taints: []ekstypes.Taint{
			{Key: aws.String("dedicated"), Value: aws.String("models"), Effect: ekstypes.TaintEffectNoSchedule},
			{Key: aws.String("gone"), Effect: ekstypes.TaintEffectNoExecute},
			{Key: aws.String("rather"), Effect: ekstypes.TaintEffectPreferNoSchedule},
		},
		LaunchTemplate: &ekstypes.LaunchTemplateSpecification{Id: aws.String("lt-1"), Version: aws.String("3")},
	}
}

var anInstance = instance{id: "i-0123456789abcdef0", kind: "m5.large", zone: "eu-west-1b", hostName: "ip-10-0-1-2.eu-west-1.compute.internal"}

func TestANodeHasTheLabelsTaintsAndSizeOfItsNodeGroup(t *testing.T) {
	n, err := node("eu-west-1", workers(), anInstance)
	if err != nil {
		t.Fatal(err)
	}
	if n.Name != anInstance.hostName || n.Spec.ProviderID != "aws:///eu-west-1b/i-0123456789abcdef0" {
		t.Errorf("the node is %s with provider ID %s", n.Name, n.Spec.ProviderID)
	}
	for key, want := range map[string]string{
		"team":                                          "models",
		"eks.amazonaws.com/nodegroup":                   "workers",
		"eks.amazonaws.com/capacityType":                "SPOT",
		"node.kubernetes.io/instance-type":              "m5.large",
		"topology.kubernetes.io/zone":                   "eu-west-1b",
		"topology.kubernetes.io/region":                 "eu-west-1",
		"kubernetes.io/arch":                            "amd64",
		"kubernetes.io/hostname":                        n.Name,
		"eks.amazonaws.com/sourceLaunchTemplateId":      "lt-1",
		"eks.amazonaws.com/sourceLaunchTemplateVersion": "3",
	} {
		if n.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, n.Labels[key], want)
		}
	}
	want := []corev1.Taint{{Key: "dedicated", Value: "models", Effect: corev1.TaintEffectNoSchedule},
		{Key: "gone", Effect: corev1.TaintEffectNoExecute}, {Key: "rather", Effect: corev1.TaintEffectPreferNoSchedule}}
	if !slices.Equal(n.Spec.Taints, want) {
		t.Errorf("taints are %v, want %v", n.Spec.Taints, want)
	}
	if cpu := n.Status.Allocatable.Cpu().MilliValue(); cpu <= 1500 || cpu >= 2000 {
		t.Errorf("the node offers %dm CPU; an m5.large has 2000m minus the kubelet's reservation", cpu)
	}
}

func TestANodeWithoutAHostNameHasTheNameOfItsInstance(t *testing.T) {
	i := anInstance
	i.hostName = ""
	n, err := node("eu-west-1", workers(), i)
	if err != nil || n.Name != i.id {
		t.Errorf("got %v, %v", n, err)
	}
}

func TestAnUnknownInstanceTypeOrTaintEffectIsRefused(t *testing.T) {
	for rule, change := range map[string]func(*ekstypes.Nodegroup){
		"an unknown instance type":               func(g *ekstypes.Nodegroup) { g.InstanceTypes = []string{"m0.none"} },
		"a taint effect in Kubernetes' spelling": func(g *ekstypes.Nodegroup) { g.Taints[0].Effect = "NoSchedule" },
	} {
		g := workers()
		change(g)
		if n, err := node("eu-west-1", g, anInstance); err == nil {
			t.Errorf("%s gives node %s", rule, n.Name)
		}
	}
}

func TestAnInstanceHasATypeOfItsNodeGroup(t *testing.T) {
	for _, c := range []struct {
		reported string
		offered  []string
		want     string
	}{
		{"m5.large", []string{"m6i.large", "m5.large"}, "m5.large"},
		{"t2.micro", []string{"m6i.large", "m5.large"}, "m6i.large"}, // emulated EC2's own default
		{"c7g.large", nil, "c7g.large"},                              // the launch template's
	} {
		if got := instanceType(c.reported, c.offered); got != c.want {
			t.Errorf("an instance of type %s in a group of %v counts as %s, want %s", c.reported, c.offered, got, c.want)
		}
	}
}

func TestAProviderIDNamesAnInstanceOfEC2Only(t *testing.T) {
	if id, is := instanceOf(anInstance.providerID()); !is || id != anInstance.id {
		t.Errorf("%s is of instance %q", anInstance.providerID(), id)
	}
	for _, other := range []string{"", "kwok:workers-abcde", "azure:///i-1"} {
		if id, is := instanceOf(other); is {
			t.Errorf("%q names instance %s, want none", other, id)
		}
	}
}

func TestVariablesOfAnEnvironmentAreFoundByName(t *testing.T) {
	got := variables([]string{"A=1", "B=x=y", "C="})
	if !maps.Equal(got, map[string]string{"A": "1", "B": "x=y", "C": ""}) {
		t.Error(got)
	}
}
