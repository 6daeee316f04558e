// Package schedule registers the off hours of the application: CronJobs that set its Deployments to no pods in the evening and
// to their fewest in the morning. While a Deployment asks for no pods, its HorizontalPodAutoscaler rests; from one pod on, it
// scales again.
package schedule

import (
	"fmt"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// Component is the value of the component label of the schedule's objects, and the beginning of their names.
const Component = catalog.Schedule

// Args describe a schedule.
type Args struct {
	Namespace pulumi.StringInput
	// Image runs kubectl.
	Image string
	// Start and Stop are when work begins and ends, as a CronJob writes it. TimeZone is a name of the IANA database.
	Start, Stop, TimeZone string
	Deployments           []Deployment
}

// Deployment is one that has pods only in working hours.
type Deployment struct {
	Name pulumi.StringOutput
	// Component is its component label, which names the job's container.
	Component string
	Pods      int // that it starts with in the morning
}

// Schedule is the off hours of an application.
type Schedule struct{ pulumi.ResourceState }

const (
	// MaxPods is the most pods of the jobs at a time: each job has one, and a job that failed may still have its last.
	MaxPods = 4
	// user is the user of a job's container. kubectl needs none in particular.
	user = 65534
	// deadline is how late a job may begin, in seconds, if the control plane was away at its time.
	deadline = 3600
	// keep is how long a finished job stays for readers, in seconds.
	keep = 86400
	// attempts is how often a job tries again. The pause doubles, from 10 s (Kubernetes), so the last try is 5 minutes later.
	attempts = 5
)

// apiPorts are the ports of API servers: EKS's, and the usual one of others. NetworkPolicies are applied after the Service's
// address has become the server's own, which no policy can name.
var apiPorts = []int{443, 6443}

const anywhere = "0.0.0.0/0"

// NewSchedule registers the jobs and their permission to scale the Deployments, and nothing else.
func NewSchedule(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Schedule, error) {
	s := &Schedule{}
	if err := ctx.RegisterComponentResource("tfserving:schedule:Schedule", name, s, opts...); err != nil {
		return nil, err
	}
	child, id := pulumi.Parent(s), workload.Identity{Component: Component, Name: "kubectl", Instance: name}
	account, err := newAccount(ctx, name, args, id, child)
	if err != nil {
		return nil, err
	}
	_, err = networkingv1.NewNetworkPolicy(ctx, name, &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta(name, args.Namespace, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			PolicyTypes: pulumi.ToStringArray([]string{"Egress"}),
			Egress: networkingv1.NetworkPolicyEgressRuleArray{&networkingv1.NetworkPolicyEgressRuleArgs{
				To: networkingv1.NetworkPolicyPeerArray{workload.Addresses(anywhere)}, Ports: workload.TCP(apiPorts...),
			}},
		},
	}, child)
	if err != nil {
		return nil, err
	}
	for _, job := range []struct {
		name, at string
		pods     func(Deployment) int
	}{
		{catalog.ScheduleStop, args.Stop, func(Deployment) int { return 0 }},
		{catalog.ScheduleStart, args.Start, func(d Deployment) int { return d.Pods }},
	} {
		if err := newJob(ctx, name+"-"+job.name, job.at, args, account, id, job.pods, child); err != nil {
			return nil, err
		}
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{})
}

// newAccount registers the account of the jobs, which may read and scale the Deployments, and returns its name.
func newAccount(ctx *pulumi.Context, name string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	meta := workload.ObjectMeta(name, args.Namespace, id)
	account, err := workload.NewServiceAccount(ctx, name, args.Namespace, id, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	var names pulumi.StringArray
	for _, d := range args.Deployments {
		names = append(names, d.Name)
	}
	rule := func(resource string, verbs ...string) *rbacv1.PolicyRuleArgs {
		return &rbacv1.PolicyRuleArgs{ApiGroups: pulumi.ToStringArray([]string{"apps"}), Resources: pulumi.ToStringArray([]string{resource}), ResourceNames: names, Verbs: pulumi.ToStringArray(verbs)}
	}
	role, err := rbacv1.NewRole(ctx, name, &rbacv1.RoleArgs{
		Metadata: meta,
		Rules:    rbacv1.PolicyRuleArray{rule("deployments", "get"), rule("deployments/scale", "get", "patch")},
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	_, err = rbacv1.NewRoleBinding(ctx, name, &rbacv1.RoleBindingArgs{
		Metadata: meta,
		RoleRef:  &rbacv1.RoleRefArgs{ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String("Role"), Name: role.Metadata.Name().Elem()},
		Subjects: rbacv1.SubjectArray{&rbacv1.SubjectArgs{Kind: pulumi.String("ServiceAccount"), Name: account.Metadata.Name().Elem(), Namespace: args.Namespace}},
	}, opts...)
	return account.Metadata.Name().Elem(), err
}

// newJob registers a CronJob whose pod has a container for each Deployment: kubectl scales one Deployment to one number.
func newJob(ctx *pulumi.Context, name, at string, args *Args, account pulumi.StringInput, id workload.Identity, pods func(Deployment) int, opts ...pulumi.ResourceOption) error {
	var containers corev1.ContainerArray
	for _, d := range args.Deployments {
		containers = append(containers, &corev1.ContainerArgs{
			Name:  pulumi.String(d.Component),
			Image: pulumi.String(args.Image),
			Args: pulumi.StringArray{
				pulumi.String("scale"), pulumi.Sprintf("deployment/%s", d.Name), pulumi.Sprintf("--namespace=%s", args.Namespace),
				pulumi.String(fmt.Sprintf("--replicas=%d", pods(d))),
			},
			Resources:       workload.Resources{CPU: "50m", Memory: "64Mi"}.Requirements(), // an assumption: one call
			SecurityContext: workload.ContainerSecurity(),
		})
	}
	_, err := batchv1.NewCronJob(ctx, name, &batchv1.CronJobArgs{
		Metadata: workload.ObjectMeta(name, args.Namespace, id),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(at),
			TimeZone:                   pulumi.String(args.TimeZone),
			ConcurrencyPolicy:          pulumi.String("Replace"), // a job that still tries has the number of another day
			StartingDeadlineSeconds:    pulumi.Int(deadline),
			SuccessfulJobsHistoryLimit: pulumi.Int(1),
			FailedJobsHistoryLimit:     pulumi.Int(1),
			JobTemplate: &batchv1.JobTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels()},
				Spec: &batchv1.JobSpecArgs{
					BackoffLimit:            pulumi.Int(attempts),
					TtlSecondsAfterFinished: pulumi.Int(keep),
					Template: &corev1.PodTemplateSpecArgs{
						Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels()},
						Spec: &corev1.PodSpecArgs{
							ServiceAccountName:           account,
							AutomountServiceAccountToken: pulumi.Bool(true), // these pods call the API
							EnableServiceLinks:           pulumi.Bool(false),
							RestartPolicy:                pulumi.String("OnFailure"),
							SecurityContext:              workload.PodSecurity(user),
							Containers:                   containers,
						},
					},
				},
			},
		},
	}, opts...)
	return err
}
