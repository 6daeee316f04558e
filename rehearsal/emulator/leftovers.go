package emulator

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Leftovers lists the resources that exist now and did not exist at the start, sorted, of the kinds that stacks make. Terminated
// instances, deleted NAT gateways and keys that are pending deletion are not in it.
func (a *AWS) Leftovers(ctx context.Context) ([]string, error) {
	all, err := a.inventory(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(item string) bool { return a.baseline[item] })
	slices.Sort(all)
	return all, nil
}

// inventory lists all resources of the kinds that stacks make.
func (a *AWS) inventory(ctx context.Context) ([]string, error) {
	l := &lister{ctx: ctx, clients: a.clients, callJSON: a.callJSON, callQuery: a.callQuery, live: map[string]bool{}}
	l.compute()
	l.network()
	l.permissions()
	l.rest()
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	for _, one := range a.eks.clusters {
		l.add("EKS cluster", one.Name)
		for name := range one.nodeGroups {
			l.add("EKS node group", one.Name+"/"+name)
		}
		for name := range one.addons {
			l.add("EKS add-on", one.Name+"/"+name)
		}
	}
	for _, w := range a.eks.prometheus.workspaces {
		l.add("workspace of Prometheus", w.Alias)
	}
	for _, s := range a.eks.prometheus.scrapers {
		l.add("collector of metrics", s.Alias)
	}
	return l.items, l.err
}

// lister collects items until a call fails.
type lister struct {
	ctx       context.Context
	clients   *clients
	callJSON  func(ctx context.Context, service, target, body string, into any) error
	callQuery func(ctx context.Context, service, action, version string) ([]byte, error)
	items     []string
	live      map[string]bool // instances that are not terminated
	err       error
}

func (l *lister) add(kind, name string) { l.items = append(l.items, kind+" "+name) }

// named is the name of a resource that its identifier alone does not explain.
func named(id, more *string) *string {
	if text := aws.ToString(more); text != "" {
		return aws.String(aws.ToString(id) + " (" + text + ")")
	}
	return id
}

// list adds the resources of one kind that a call lists.
func list[In, Out, Options, T any](l *lister, kind string, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In,
	items func(*Out) []T, name func(T) *string) {
	if l.err != nil {
		return
	}
	out, err := call(l.ctx, in)
	if err != nil {
		l.err = fmt.Errorf("listing resources: %w", err)
		return
	}
	for _, item := range items(out) {
		l.add(kind, aws.ToString(name(item)))
	}
}

func (l *lister) network() {
	c := l.clients.ec2
	list(l, "VPC", c.DescribeVpcs, nil, func(o *ec2.DescribeVpcsOutput) []ec2types.Vpc { return o.Vpcs },
		func(v ec2types.Vpc) *string { return v.VpcId })
	list(l, "subnet", c.DescribeSubnets, nil, func(o *ec2.DescribeSubnetsOutput) []ec2types.Subnet { return o.Subnets },
		func(s ec2types.Subnet) *string { return s.SubnetId })
	list(l, "route table", c.DescribeRouteTables, nil, func(o *ec2.DescribeRouteTablesOutput) []ec2types.RouteTable { return o.RouteTables },
		func(t ec2types.RouteTable) *string { return t.RouteTableId })
	list(l, "internet gateway", c.DescribeInternetGateways, nil,
		func(o *ec2.DescribeInternetGatewaysOutput) []ec2types.InternetGateway { return o.InternetGateways },
		func(g ec2types.InternetGateway) *string { return g.InternetGatewayId })
	list(l, "NAT gateway", c.DescribeNatGateways, nil, func(o *ec2.DescribeNatGatewaysOutput) []ec2types.NatGateway {
		return slices.DeleteFunc(o.NatGateways, func(g ec2types.NatGateway) bool { return g.State == ec2types.NatGatewayStateDeleted })
	}, func(g ec2types.NatGateway) *string { return g.NatGatewayId })
	list(l, "Elastic IP", c.DescribeAddresses, nil, func(o *ec2.DescribeAddressesOutput) []ec2types.Address { return o.Addresses },
		func(e ec2types.Address) *string { return e.AllocationId })
	list(l, "VPC endpoint", c.DescribeVpcEndpoints, nil, func(o *ec2.DescribeVpcEndpointsOutput) []ec2types.VpcEndpoint {
		// moto writes the state in lower case.
		deleted := func(e ec2types.VpcEndpoint) bool {
			return strings.EqualFold(string(e.State), string(ec2types.StateDeleted))
		}
		return slices.DeleteFunc(o.VpcEndpoints, deleted)
	}, func(e ec2types.VpcEndpoint) *string { return named(e.VpcEndpointId, e.ServiceName) })
	list(l, "security group", c.DescribeSecurityGroups, nil,
		func(o *ec2.DescribeSecurityGroupsOutput) []ec2types.SecurityGroup { return o.SecurityGroups },
		func(g ec2types.SecurityGroup) *string { return named(g.GroupId, g.GroupName) })
	list(l, "network interface", c.DescribeNetworkInterfaces, nil, func(o *ec2.DescribeNetworkInterfacesOutput) []ec2types.NetworkInterface {
		// EC2 deletes an interface with its instance, moto does not.
		return slices.DeleteFunc(o.NetworkInterfaces, func(i ec2types.NetworkInterface) bool {
			return i.Attachment != nil && aws.ToString(i.Attachment.InstanceId) != "" && !l.live[*i.Attachment.InstanceId]
		})
	}, func(i ec2types.NetworkInterface) *string { return named(i.NetworkInterfaceId, i.Description) })
	list(l, "flow log", c.DescribeFlowLogs, nil, func(o *ec2.DescribeFlowLogsOutput) []ec2types.FlowLog { return o.FlowLogs },
		func(f ec2types.FlowLog) *string { return f.FlowLogId })
	list(l, "load balancer", l.clients.elb.DescribeLoadBalancers, nil,
		func(o *elb.DescribeLoadBalancersOutput) []elbtypes.LoadBalancer { return o.LoadBalancers },
		func(b elbtypes.LoadBalancer) *string { return b.LoadBalancerName })
	list(l, "target group", l.clients.elb.DescribeTargetGroups, nil,
		func(o *elb.DescribeTargetGroupsOutput) []elbtypes.TargetGroup { return o.TargetGroups },
		func(g elbtypes.TargetGroup) *string { return g.TargetGroupName })
}

func (l *lister) compute() {
	c := l.clients.ec2
	list(l, "launch template", c.DescribeLaunchTemplates, nil,
		func(o *ec2.DescribeLaunchTemplatesOutput) []ec2types.LaunchTemplate { return o.LaunchTemplates },
		func(t ec2types.LaunchTemplate) *string { return t.LaunchTemplateName })
	list(l, "instance", c.DescribeInstances, nil, func(o *ec2.DescribeInstancesOutput) (all []ec2types.Instance) {
		for _, r := range o.Reservations {
			for _, i := range r.Instances {
				if i.State.Name != ec2types.InstanceStateNameTerminated {
					all, l.live[aws.ToString(i.InstanceId)] = append(all, i), true
				}
			}
		}
		return all
	}, func(i ec2types.Instance) *string { return i.InstanceId })
	list(l, "volume", c.DescribeVolumes, nil, func(o *ec2.DescribeVolumesOutput) []ec2types.Volume { return o.Volumes },
		func(v ec2types.Volume) *string { return v.VolumeId })
	list(l, "Auto Scaling group", l.clients.autoscaling.DescribeAutoScalingGroups, nil,
		func(o *autoscaling.DescribeAutoScalingGroupsOutput) []asgtypes.AutoScalingGroup {
			return o.AutoScalingGroups
		},
		func(g asgtypes.AutoScalingGroup) *string { return g.AutoScalingGroupName })
}

func (l *lister) permissions() {
	c := l.clients.iam
	list(l, "role", c.ListRoles, nil, func(o *iam.ListRolesOutput) []iamtypes.Role {
		ofAWS := func(r iamtypes.Role) bool { return strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") } // AWS makes and keeps those
		return slices.DeleteFunc(o.Roles, ofAWS)
	}, func(r iamtypes.Role) *string { return r.RoleName })
	list(l, "policy", c.ListPolicies, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal},
		func(o *iam.ListPoliciesOutput) []iamtypes.Policy { return o.Policies }, func(p iamtypes.Policy) *string { return p.PolicyName })
	list(l, "instance profile", c.ListInstanceProfiles, nil,
		func(o *iam.ListInstanceProfilesOutput) []iamtypes.InstanceProfile { return o.InstanceProfiles },
		func(p iamtypes.InstanceProfile) *string { return p.InstanceProfileName })
	list(l, "OIDC provider", c.ListOpenIDConnectProviders, nil,
		func(o *iam.ListOpenIDConnectProvidersOutput) []iamtypes.OpenIDConnectProviderListEntry {
			return o.OpenIDConnectProviderList
		},
		func(p iamtypes.OpenIDConnectProviderListEntry) *string { return p.Arn })
}

// rest lists repositories, topics, alarms, log groups and keys. Only the first have an SDK client among the dependencies.
func (l *lister) rest() {
	list(l, "repository", l.clients.ecr.DescribeRepositories, nil,
		func(o *ecr.DescribeRepositoriesOutput) []ecrtypes.Repository { return o.Repositories },
		func(r ecrtypes.Repository) *string { return r.RepositoryName })
	l.query("topic", "sns", "ListTopics", "2010-03-31", topicInXML)
	l.query("alarm", "monitoring", "DescribeAlarms", "2010-08-01", alarmInXML)
	var logs struct {
		LogGroups []struct{ LogGroupName string }
	}
	l.json("logs", "Logs_20140328.DescribeLogGroups", "{}", &logs)
	for _, g := range logs.LogGroups {
		l.add("log group", g.LogGroupName)
	}
	var aliases struct {
		Aliases []struct{ AliasName, TargetKeyId string }
	}
	l.json("kms", "TrentService.ListAliases", "{}", &aliases)
	managed := map[string]bool{} // AWS makes and keeps these keys
	for _, alias := range aliases.Aliases {
		if strings.HasPrefix(alias.AliasName, "alias/aws/") {
			managed[alias.TargetKeyId] = true
		} else {
			l.add("key alias", alias.AliasName)
		}
	}
	var keys struct{ Keys []struct{ KeyId string } }
	l.json("kms", "TrentService.ListKeys", "{}", &keys)
	for _, k := range keys.Keys {
		var one struct{ KeyMetadata struct{ KeyState string } }
		l.json("kms", "TrentService.DescribeKey", mustJSON(map[string]string{"KeyId": k.KeyId}), &one)
		if one.KeyMetadata.KeyState != "PendingDeletion" && !managed[k.KeyId] {
			l.add("key", k.KeyId)
		}
	}
}

// What names a topic and an alarm in the answers of SNS and CloudWatch.
var (
	topicInXML = regexp.MustCompile(`<TopicArn>([^<]+)<`)
	alarmInXML = regexp.MustCompile(`<AlarmName>([^<]+)<`)
)

// query adds the resources that a call of the query protocol lists.
func (l *lister) query(kind, service, action, version string, name *regexp.Regexp) {
	if l.err != nil {
		return
	}
	answer, err := l.callQuery(l.ctx, service, action, version)
	if err != nil {
		l.err = fmt.Errorf("listing resources: %w", err)
	}
	for _, found := range name.FindAllSubmatch(answer, -1) {
		l.add(kind, string(found[1]))
	}
}

func (l *lister) json(service, target, body string, into any) {
	if l.err == nil {
		l.err = l.callJSON(l.ctx, service, target, body, into)
	}
}
