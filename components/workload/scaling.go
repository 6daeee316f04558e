package workload

import (
	"maps"
	"slices"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Scaling says how many pods there are.
type Scaling struct {
	Min, Max  int // pods; equal means a fixed number
	TargetCPU int // CPU use aimed at, in % of the request
	Up, Down  ScalingStep
}

// ScalingStep is the pace of one direction.
type ScalingStep struct {
	Stabilization time.Duration // how far back recommendations count
	Period        time.Duration // what Percent and Pods are for
	Percent       int           // most pods changed in a period, in % of the pods
	Pods          int           // the same as a number; 0 for none. The larger of the two holds
}

// MaxPods is the most pods there are at a time: a rollout's surge on top of the maximum.
func (s Scaling) MaxPods() int { return s.Max + (s.Max*surgePercent+99)/100 }

// surgePercent is how many pods a rollout may add on top of what runs (Kubernetes' default), in %.
const surgePercent = 25

// RollingUpdate replaces pods without ever having fewer ready ones: a new pod comes first, an old one goes after.
func RollingUpdate() *appsv1.DeploymentStrategyArgs {
	return &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxUnavailable: pulumi.Int(0),
			MaxSurge:       pulumi.Sprintf("%d%%", surgePercent),
		},
	}
}

// Protect makes the objects that keep a Deployment at its right size: the autoscaler and the disruption budget. The
// autoscaler comes after the Deployment, or it would begin by complaining that there is nothing to scale.
//
// A fixed number of pods has an autoscaler, too, whose bounds are that number. So the Deployment never states replicas,
// and the number has one owner whatever the settings become: were it to pass from one to the other, server-side apply
// would refuse it in one direction and go through a single pod in the other.
func Protect(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id Identity, deployment *appsv1.Deployment, s Scaling, opts ...pulumi.ResourceOption) error {
	if err := newAutoscaler(ctx, name, namespace, id, s, append(slices.Clone(opts), pulumi.DependsOn([]pulumi.Resource{deployment}))...); err != nil {
		return err
	}
	return newDisruptionBudget(ctx, name, namespace, id, opts...)
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
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehaviorArgs{
				ScaleUp:   s.Up.rules(),
				ScaleDown: s.Down.rules(),
			},
		},
	}, opts...)
	return err
}

func (s ScalingStep) rules() *autoscalingv2.HPAScalingRulesArgs {
	period := pulumi.Int(int(s.Period / time.Second))
	policies := autoscalingv2.HPAScalingPolicyArray{
		&autoscalingv2.HPAScalingPolicyArgs{Type: pulumi.String("Percent"), Value: pulumi.Int(s.Percent), PeriodSeconds: period},
	}
	if s.Pods > 0 {
		policies = append(policies, &autoscalingv2.HPAScalingPolicyArgs{Type: pulumi.String("Pods"), Value: pulumi.Int(s.Pods), PeriodSeconds: period})
	}
	return &autoscalingv2.HPAScalingRulesArgs{
		StabilizationWindowSeconds: pulumi.Int(int(s.Stabilization / time.Second)),
		SelectPolicy:               pulumi.String("Max"),
		Policies:                   policies,
	}
}

// maxDisrupted is how many pods a drain may take at a time. It is stated as pods that may be missing, never as pods
// that must be there: with a single pod the latter blocks a node's drain for ever.
const maxDisrupted = 1

func newDisruptionBudget(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id Identity, opts ...pulumi.ResourceOption) error {
	_, err := policyv1.NewPodDisruptionBudget(ctx, name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: ObjectMeta(name, namespace, id),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(maxDisrupted),
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			// A pod that is not ready protects nobody; it must not hold a node.
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, opts...)
	return err
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
