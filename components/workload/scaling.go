package workload

import (
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// Scaling has the bounds of a Deployment's number of pods and the pace at which the number changes.
type Scaling struct {
	Min, Max  int // pods; equal bounds mean a fixed number
	TargetCPU int // target of the mean CPU use, in % of the request
	Up, Down  ScalingStep
}

// ScalingStep is the pace in one direction.
type ScalingStep struct {
	Stabilization time.Duration // the time over which the autoscaler takes the most cautious recommendation
	Period        time.Duration // the period of Percent and Pods
	Percent       int           // the most pods to add or remove in a period, in % of the pods
	Pods          int           // the same as a number; 0 is no such limit. The larger limit applies
	Tolerance     int           // how far the reading may be from the target without a change, in % of the target
}

// defaultTolerance is Kubernetes' own tolerance, in % of the target. Only versions from 1.35 accept another one, so this one is left
// out of the object.
const defaultTolerance = 10

// MaxPods returns the most pods at a time: the maximum, and what a rollout adds to it.
func (s Scaling) MaxPods() int { return s.Max + catalog.RolloutSurge(s.Max) }

// RollingUpdate returns a strategy that removes an old pod only when a new pod is available: ready for minReadySeconds.
func RollingUpdate() *appsv1.DeploymentStrategyArgs {
	return &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxUnavailable: pulumi.Int(0),
			MaxSurge:       pulumi.Sprintf("%d%%", catalog.RolloutSurgePercent),
		},
	}
}

// Protect registers the autoscaler and the disruption budget of the Deployment with the same name. The autoscaler does not
// wait for the Deployment: an `up` waits until the pods are available, and pods that start slowly need the autoscaler, too.
//
// A fixed number of pods has an autoscaler, too, with equal bounds. So the autoscaler owns the number under all settings. If
// the owner could change with the settings, a change would set the number to what the settings say, whatever the load is.
func Protect(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id Identity, s Scaling, opts ...pulumi.ResourceOption) error {
	if err := newAutoscaler(ctx, name, namespace, id, s, opts...); err != nil {
		return err
	}
	_, err := NewDisruptionBudget(ctx, name, ObjectMeta(name, namespace, id), id, opts...)
	return err
}

func newAutoscaler(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id Identity, s Scaling, opts ...pulumi.ResourceOption) error {
	_, err := autoscalingv2.NewHorizontalPodAutoscaler(ctx, name, &autoscalingv2.HorizontalPodAutoscalerArgs{
		Metadata: ObjectMeta(name, namespace, id),
		Spec: &autoscalingv2.HorizontalPodAutoscalerSpecArgs{
			ScaleTargetRef: &autoscalingv2.CrossVersionObjectReferenceArgs{
				ApiVersion: pulumi.String("apps/v1"),
				Kind:       pulumi.String("Deployment"),
				Name:       pulumi.String(name),
			},
			MinReplicas: pulumi.Int(s.Min),
			MaxReplicas: pulumi.Int(s.Max),
			Metrics: autoscalingv2.MetricSpecArray{&autoscalingv2.MetricSpecArgs{
				Type: pulumi.String("Resource"),
				Resource: &autoscalingv2.ResourceMetricSourceArgs{
					Name: pulumi.String("cpu"),
					Target: &autoscalingv2.MetricTargetArgs{
						Type:               pulumi.String("Utilization"),
						AverageUtilization: pulumi.Int(s.TargetCPU),
					},
				},
			}},
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehaviorArgs{ScaleUp: s.Up.rules(), ScaleDown: s.Down.rules()},
		},
	}, opts...)
	return err
}

func (s ScalingStep) rules() *autoscalingv2.HPAScalingRulesArgs {
	period := seconds(s.Period)
	policies := autoscalingv2.HPAScalingPolicyArray{
		&autoscalingv2.HPAScalingPolicyArgs{Type: pulumi.String("Percent"), Value: pulumi.Int(s.Percent), PeriodSeconds: period},
	}
	if s.Pods > 0 {
		policies = append(policies, &autoscalingv2.HPAScalingPolicyArgs{Type: pulumi.String("Pods"), Value: pulumi.Int(s.Pods), PeriodSeconds: period})
	}
	rules := &autoscalingv2.HPAScalingRulesArgs{
		StabilizationWindowSeconds: seconds(s.Stabilization),
		SelectPolicy:               pulumi.String("Max"),
		Policies:                   policies,
	}
	if s.Tolerance != defaultTolerance {
		// The API's form of a number, so that the engine finds no difference: 200m for 20 %.
		rules.Tolerance = pulumi.String(resource.NewMilliQuantity(int64(s.Tolerance)*10, resource.DecimalSI).String())
	}
	return rules
}

// maxDisrupted is how many pods a drain may evict at a time. The budget says how many pods may be missing and not how many
// must run: with a single pod, the latter would block a drain for ever.
const maxDisrupted = 1

// NewDisruptionBudget registers the disruption budget of a component's pods.
func NewDisruptionBudget(ctx *pulumi.Context, name string, meta *metav1.ObjectMetaArgs, id Identity, opts ...pulumi.ResourceOption) (*policyv1.PodDisruptionBudget, error) {
	return policyv1.NewPodDisruptionBudget(ctx, name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: meta,
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(maxDisrupted),
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			// A pod that is not ready serves no requests, so a drain may always evict it.
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, opts...)
}
