package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"tfserving/components/account"
	"tfserving/config"
)

// What stands in for the engine, its plugins, AWS and a cluster where the program is only to say what it would make: for
// its list of resources (resources.go) and for the tests of the resource graph.
const (
	// awsAccount is the account that stands in, and the one of the checked-in stacks' allowedAccountIds.
	awsAccount = "123456789012"
	// deployer is who runs the program, as STS names it.
	deployer = "arn:aws:sts::123456789012:assumed-role/Deployer/session"
	// sentinelToken is the cluster's credential; wherever it is seen in plain, a secret has leaked.
	sentinelToken = "sentinel-bearer-token"
	// loadBalancerHost is the address that Ingresses and load balancers get.
	loadBalancerHost = "lb.example.net"

	eksComponent    = "eks:index:Cluster"
	innerEKSCluster = "aws:eks/cluster:Cluster"
	awsProvider     = "pulumi:providers:aws"
)

// recorder stands in for the engine: it notes what is registered and answers as the cluster would.
type recorder struct {
	mu   sync.Mutex
	seen []pulumi.MockResourceArgs
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	r.seen = append(r.seen, args)
	r.mu.Unlock()
	outputs := args.Inputs.Copy()
	switch args.TypeToken {
	case "kubernetes:core/v1:Service", "kubernetes:networking.k8s.io/v1:Ingress":
		outputs["status"] = resource.NewPropertyValue(map[string]any{
			"loadBalancer": map[string]any{"ingress": []any{map[string]any{"hostname": loadBalancerHost}}},
		})
	}
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the program calls %s, which nothing here answers", args.Token)
}

// urnOf is the URN that Pulumi's mock engine gives to a resource.
func urnOf(stack string, args pulumi.MockResourceArgs) string {
	parent := tokens.Type("")
	if urn := resource.URN(args.RegisterRPC.GetParent()); urn != "" && urn.QualifiedType() != resource.RootStackType {
		parent = urn.QualifiedType()
	}
	return string(resource.NewURN(tokens.QName(stack), config.Project, parent, tokens.Type(args.TypeToken), args.Name))
}

// awsSide is what the program finds in AWS.
type awsSide struct {
	caller string
	refuse error // of the credentials
	zones  []string
	images map[string]account.ImageState // by repository and suffix; those that are not in it exist
}

// live puts the answers in place of the program's live checks.
var live sync.Mutex

func (a *awsSide) answering(run func() error) error {
	live.Lock()
	defer live.Unlock()
	realAccount, realImage := checkAccount, findImage
	defer func() { checkAccount, findImage = realAccount, realImage }()
	checkAccount = func(context.Context, string, []string) (*account.Identity, error) {
		if a.refuse != nil {
			return nil, a.refuse
		}
		return &account.Identity{Account: awsAccount, ARN: a.caller}, nil
	}
	findImage = func(_ context.Context, _, repository, suffix string) (account.ImageState, error) {
		if state, ok := a.images[repository+suffix]; ok {
			return state, nil
		}
		return account.ImageExists, nil
	}
	return run()
}

// eksRecorder stands in for the engine, the plugins and AWS. Of pulumi-eks's component only the component itself is
// seen, as its insides are its plugin's affair, and one of them: the control plane proper, as the program's
// transformation leaves it. (What pulumi-eks really makes is seen where the stack is rehearsed.)
type eksRecorder struct {
	recorder
	aws    *awsSide
	region string
	asked  []pulumi.MockCallArgs
	inner  *controlPlane
}

// controlPlane is what the program has its say about in the EKS cluster proper, inside of pulumi-eks's component.
type controlPlane struct {
	component  pulumi.MockResourceArgs
	name       string
	properties map[string]any
	protected  bool
}

func (r *eksRecorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	id, outputs, err := r.recorder.NewResource(args)
	if err != nil {
		return "", nil, err
	}
	if strings.HasPrefix(args.TypeToken, "aws:") {
		id = idOf(args.TypeToken, args.Name)
	}
	text := func(key, value string) { outputs[resource.PropertyKey(key)] = resource.NewProperty(value) }
	named := func() string {
		if !outputs["name"].IsString() {
			text("name", args.Name)
		}
		return outputs["name"].StringValue()
	}
	arn := func(service, what string) { text("arn", "arn:aws:"+service+":"+r.region+":"+awsAccount+":"+what) }
	switch args.TypeToken {
	case "aws:iam/role:Role":
		text("arn", "arn:aws:iam::"+awsAccount+":role/"+named())
	case "aws:kms/key:Key":
		arn("kms", "key/"+args.Name)
	case "aws:cloudwatch/logGroup:LogGroup":
		arn("logs", "log-group:"+named())
	case "aws:ecr/repository:Repository":
		arn("ecr", "repository/"+named())
		text("repositoryUrl", awsAccount+".dkr.ecr."+r.region+".amazonaws.com/"+named())
	case "aws:ec2/launchTemplate:LaunchTemplate":
		outputs["latestVersion"] = resource.NewProperty(1.0)
	case eksComponent:
		text("kubeconfigJson", eksKubeconfig(outputs["name"].StringValue()))
		err = r.transformed(args)
	}
	return id, outputs, err
}

// idOf is the id of an AWS resource: subnet/<name>.
func idOf(token, name string) string {
	return strings.ToLower(token[strings.LastIndex(token, ":")+1:]) + "/" + name
}

// eksKubeconfig is as pulumi-eks makes it, shortened, and with a credential to find again.
func eksKubeconfig(cluster string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"aws",
 "clusters":[{"name":"kubernetes","cluster":{"server":"https://api.example.net","certificate-authority-data":"Q0E="}}],
 "contexts":[{"name":"aws","context":{"cluster":"kubernetes","user":"aws"}}],
 "users":[{"name":"aws","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1beta1","command":"aws",
  "args":["eks","get-token","--cluster-name",%q],"env":[{"name":"X","value":%q}]}}}]}`, cluster, sentinelToken)
}

// transformed asks the program, as the engine would, what is to become of the control plane inside of pulumi-eks's
// component.
func (r *eksRecorder) transformed(args pulumi.MockResourceArgs) error {
	transforms := args.RegisterRPC.GetTransforms()
	if len(transforms) != 1 {
		return fmt.Errorf("%s has %d transformations, and it is known what to do with one", args.Name, len(transforms))
	}
	connection, err := grpc.NewClient(transforms[0].GetTarget(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	properties, err := plugin.MarshalProperties(resource.PropertyMap{"name": args.Inputs["name"], "version": args.Inputs["version"]}, plugin.MarshalOptions{})
	if err != nil {
		return err
	}
	name := args.Name + "-eksCluster" // as pulumi-eks calls it
	request, err := proto.Marshal(&pulumirpc.TransformRequest{
		Type: innerEKSCluster, Name: name, Custom: true, Properties: properties, Options: &pulumirpc.TransformResourceOptions{},
	})
	if err != nil {
		return err
	}
	answer, err := pulumirpc.NewCallbacksClient(connection).Invoke(context.Background(), &pulumirpc.CallbackInvokeRequest{Token: transforms[0].GetToken(), Request: request})
	if err != nil {
		return err
	}
	var response pulumirpc.TransformResponse
	if err := proto.Unmarshal(answer.GetResponse(), &response); err != nil {
		return err
	}
	become, err := plugin.UnmarshalProperties(response.GetProperties(), plugin.MarshalOptions{KeepSecrets: true})
	r.inner = &controlPlane{component: args, name: name, properties: become.Mappable(), protected: response.GetOptions().GetProtect()}
	return err
}

func (r *eksRecorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, args)
	text := func(key, value string) (resource.PropertyMap, error) {
		return resource.PropertyMap{resource.PropertyKey(key): resource.NewProperty(value)}, nil
	}
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return text("partition", "aws")
	case "aws:index/getRegion:getRegion":
		return text("name", r.region)
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return text("accountId", awsAccount)
	case "aws:eks/getAddonVersion:getAddonVersion":
		return text("version", "EKS's default for "+args.Args["kubernetesVersion"].StringValue())
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		var names []resource.PropertyValue
		for _, zone := range r.aws.zones {
			names = append(names, resource.NewProperty(zone))
		}
		return resource.PropertyMap{"names": resource.NewProperty(names)}, nil
	}
	return nil, fmt.Errorf("the program asks %s, which nothing here answers", args.Token)
}
