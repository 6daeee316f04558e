// Package mockengine replaces Pulumi's engine, its plugins and AWS. It records what a program registers, and answers with the
// outputs that AWS and a cluster would return. Tests of the resource graph and dry runs use it.
package mockengine

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// Account is the number of the AWS account, which the checked-in stacks allow.
	Account = "123456789012"
	// SentinelToken is the credential in each kubeconfig of a mock cluster. If it is in a plain text, a secret has leaked.
	SentinelToken = "sentinel-bearer-token"
	// LoadBalancerHost is the host name of each Ingress and load balancer.
	LoadBalancerHost = "lb.example.net"
)

// Engine records registrations and invokes, and answers them. Set its exported fields before it runs. It implements
// pulumi.MockResourceMonitor.
type Engine struct {
	Project, Stack    string
	Partition, Region string
	Zones             []string // the answer to getAvailabilityZones
	// Outputs, if set, changes the outputs that a resource gets.
	Outputs func(args pulumi.MockResourceArgs, outputs resource.PropertyMap)
	// Answers, if set, changes the answer to an invoke.
	Answers func(args pulumi.MockCallArgs, answer resource.PropertyMap)

	mu           sync.Mutex
	Resources    []pulumi.MockResourceArgs // in the order of registration; independent resources have a random order
	Invokes      []pulumi.MockCallArgs
	ControlPlane *ControlPlane // nil if the program registers no pulumi-eks component with a transformation
}

// New returns the engine of stack "test" of project tfserving, for an AWS region.
func New(region string) *Engine {
	return &Engine{Project: "tfserving", Stack: "test", Partition: "aws", Region: region}
}

// Run runs a program on the engine. Options can set the stack's configuration.
func (e *Engine) Run(program pulumi.RunFunc, options ...pulumi.RunOption) error {
	return pulumi.RunErr(program, append(options, pulumi.WithMocks(e.Project, e.Stack, e))...)
}

// NewResource returns a resource's inputs as its outputs, and adds the outputs that come from AWS or a cluster.
func (e *Engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Resources = append(e.Resources, args)
	outputs := args.Inputs.Copy()
	e.addOutputs(args, outputs)
	if e.Outputs != nil {
		e.Outputs(args, outputs)
	}
	if args.TypeToken != Cluster {
		return ID(args), outputs, nil
	}
	var err error
	e.ControlPlane, err = transformControlPlane(args)
	return ID(args), outputs, err
}

// addOutputs adds the outputs that AWS or a cluster would add.
func (e *Engine) addOutputs(args pulumi.MockResourceArgs, outputs resource.PropertyMap) {
	set := func(key, value string) { outputs[resource.PropertyKey(key)] = resource.NewProperty(value) }
	name := func() string {
		if !outputs["name"].IsString() {
			set("name", args.Name)
		}
		return outputs["name"].StringValue()
	}
	arn := func(service, name string) { set("arn", e.ARN(service, name)) }
	switch args.TypeToken {
	case "kubernetes:core/v1:Service", "kubernetes:networking.k8s.io/v1:Ingress":
		outputs["status"] = resource.NewPropertyValue(map[string]any{
			"loadBalancer": map[string]any{"ingress": []any{map[string]any{"hostname": LoadBalancerHost}}},
		})
	case "aws:iam/role:Role":
		set("arn", "arn:"+e.Partition+":iam::"+Account+":role/"+name())
	case "aws:iam/policy:Policy":
		set("arn", "arn:"+e.Partition+":iam::"+Account+":policy/"+name())
	case "aws:iam/openIdConnectProvider:OpenIdConnectProvider":
		set("arn", "arn:"+e.Partition+":iam::"+Account+":oidc-provider/"+strings.TrimPrefix(outputs["url"].StringValue(), "https://"))
	case "aws:kms/key:Key":
		arn("kms", "key/"+args.Name)
	case "aws:cloudwatch/logGroup:LogGroup":
		arn("logs", "log-group:"+name())
	case "aws:amp/workspace:Workspace":
		arn("aps", "workspace/ws-"+args.Name)
	case "aws:sns/topic:Topic":
		arn("sns", name())
	case "aws:ecr/repository:Repository":
		arn("ecr", "repository/"+name())
		set("repositoryUrl", Account+".dkr.ecr."+e.Region+".amazonaws.com/"+name())
	case "aws:eks/nodeGroup:NodeGroup":
		outputs["resources"] = resource.NewPropertyValue([]any{map[string]any{"autoscalingGroups": []any{map[string]any{"name": "eks-" + args.Name}}}})
	case "aws:ec2/launchTemplate:LaunchTemplate":
		outputs["latestVersion"] = resource.NewProperty(1.0)
	case Cluster:
		set("kubeconfigJson", Kubeconfig(outputs["name"].StringValue()))
	}
}

// ARN returns the ARN of an AWS resource in the engine's account and region.
func (e *Engine) ARN(service, name string) string {
	return "arn:" + e.Partition + ":" + service + ":" + e.Region + ":" + Account + ":" + name
}

// ID returns the ID of a resource: <type>/<name> for an AWS resource, such as subnet/a, and <name>-id for any other.
func ID(args pulumi.MockResourceArgs) string {
	if !strings.HasPrefix(args.TypeToken, "aws:") {
		return args.Name + "-id"
	}
	return strings.ToLower(args.TypeToken[strings.LastIndex(args.TypeToken, ":")+1:]) + "/" + args.Name
}

// Kubeconfig returns a kubeconfig in the form of pulumi-eks, shortened, with SentinelToken as its credential.
func Kubeconfig(cluster string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"aws",
 "clusters":[{"name":"kubernetes","cluster":{"server":"https://api.example.net","certificate-authority-data":"Q0E="}}],
 "contexts":[{"name":"aws","context":{"cluster":"kubernetes","user":"aws"}}],
 "users":[{"name":"aws","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1beta1","command":"aws",
  "args":["eks","get-token","--cluster-name",%q],"env":[{"name":"X","value":%q}]}}}]}`, cluster, SentinelToken)
}

// Call answers an invoke. It fails for an invoke that the engine has no answer for.
func (e *Engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Invokes = append(e.Invokes, args)
	answer, err := e.invokeAWS(args)
	if err == nil && e.Answers != nil {
		e.Answers(args, answer)
	}
	return answer, err
}

// invokeAWS returns the answer of AWS to an invoke.
func (e *Engine) invokeAWS(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	result := func(key, value string) (resource.PropertyMap, error) {
		return resource.PropertyMap{resource.PropertyKey(key): resource.NewProperty(value)}, nil
	}
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return result("partition", e.Partition)
	case "aws:index/getRegion:getRegion":
		return result("name", e.Region)
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return result("accountId", Account)
	case "aws:eks/getAddonVersion:getAddonVersion":
		if args.Args["mostRecent"].IsBool() && args.Args["mostRecent"].BoolValue() {
			return nil, fmt.Errorf("the program invokes getAddonVersion with mostRecent: use the default version, which EKS tests with the cluster's version")
		}
		return result("version", "EKS's default for "+args.Args["kubernetesVersion"].StringValue())
	case "aws:lb/getLoadBalancer:getLoadBalancer":
		return result("arnSuffix", "app/k8s-example/0123456789abcdef")
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		var names []resource.PropertyValue
		for _, zone := range e.Zones {
			names = append(names, resource.NewProperty(zone))
		}
		return resource.PropertyMap{"names": resource.NewProperty(names)}, nil
	}
	return nil, fmt.Errorf("the program invokes %s, which the mock engine has no answer for", args.Token)
}

// URN returns the URN of a registered resource, in the form of pulumi.WithMocks: with the type of its parent, without the
// types of further ancestors.
func (e *Engine) URN(args pulumi.MockResourceArgs) string {
	parent := tokens.Type("")
	if urn := resource.URN(args.RegisterRPC.GetParent()); urn != "" && urn.QualifiedType() != resource.RootStackType {
		parent = urn.QualifiedType()
	}
	return string(resource.NewURN(tokens.QName(e.Stack), tokens.PackageName(e.Project), parent, tokens.Type(args.TypeToken), args.Name))
}

// Find returns the first resource of a type and name, and whether one exists.
func (e *Engine) Find(token, name string) (pulumi.MockResourceArgs, bool) {
	i := slices.IndexFunc(e.Resources, func(r pulumi.MockResourceArgs) bool { return r.TypeToken == token && r.Name == name })
	if i < 0 {
		return pulumi.MockResourceArgs{}, false
	}
	return e.Resources[i], true
}

// OfType returns the resources of a type, sorted by name.
func (e *Engine) OfType(token string) []pulumi.MockResourceArgs {
	all := slices.DeleteFunc(slices.Clone(e.Resources), func(r pulumi.MockResourceArgs) bool { return r.TypeToken != token })
	slices.SortFunc(all, func(a, b pulumi.MockResourceArgs) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// DependsOn returns whether a resource waits for another, directly or through others, as its dependency or its provider.
func (e *Engine) DependsOn(later, earlier pulumi.MockResourceArgs) bool {
	byURN := map[string]pulumi.MockResourceArgs{}
	for _, r := range e.Resources {
		byURN[e.URN(r)] = r
	}
	target, visited := e.URN(earlier), map[string]bool{}
	var visit func(pulumi.MockResourceArgs) bool
	visit = func(r pulumi.MockResourceArgs) bool {
		for _, urn := range dependencies(r) {
			if urn == target {
				return true
			}
			if next, exists := byURN[urn]; exists && !visited[urn] {
				visited[urn] = true
				if visit(next) {
					return true
				}
			}
		}
		return false
	}
	return visit(later)
}

// dependencies returns the URNs of a resource's dependencies and of its provider.
func dependencies(r pulumi.MockResourceArgs) []string {
	all := slices.Clone(r.RegisterRPC.GetDependencies())
	if i := strings.LastIndex(r.Provider, "::"); i > 0 { // r.Provider is the provider's URN and its ID
		all = append(all, r.Provider[:i])
	}
	return all
}
