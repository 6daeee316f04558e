package emulator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
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
	l := &lister{ctx: ctx, clients: a.clients, callJSON: a.callJSON, live: map[string]bool{}}
	l.compute()
	l.network()
	l.permissions()
	l.rest()
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	for _, one := range a.eks.clusters {
		l.add("EKS cluster", &one.Name)
		for name := range one.nodeGroups {
			l.add("EKS node group", aws.String(one.Name+"/"+name))
		}
		for name := range one.addons {
			l.add("EKS add-on", aws.String(one.Name+"/"+name))
		}
	}
	return l.items, l.err
}

// lister collects items until a call fails.
type lister struct {
	ctx      context.Context
	clients  *clients
	callJSON func(ctx context.Context, service, target, body string, into any) error
	items    []string
	live     map[string]bool // instances that are not terminated
	err      error
}

func (l *lister) add(kind string, id *string, more ...*string) {
	item := kind + " " + aws.ToString(id)
	for _, m := range more {
		if text := aws.ToString(m); text != "" {
			item += " (" + text + ")"
		}
	}
	l.items = append(l.items, item)
}

// each makes a call that lists resources of one kind, and passes its answer to add.
func each[In, Out, Options any](l *lister, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In, add func(*Out)) {
	if l.err != nil {
		return
	}
	out, err := call(l.ctx, in)
	if err != nil {
		l.err = fmt.Errorf("listing resources: %w", err)
		return
	}
	add(out)
}

func (l *lister) network() {
	c := l.clients.ec2
	each(l, c.DescribeVpcs, &ec2.DescribeVpcsInput{}, func(o *ec2.DescribeVpcsOutput) {
		for _, v := range o.Vpcs {
			l.add("VPC", v.VpcId)
		}
	})
	each(l, c.DescribeSubnets, &ec2.DescribeSubnetsInput{}, func(o *ec2.DescribeSubnetsOutput) {
		for _, s := range o.Subnets {
			l.add("subnet", s.SubnetId)
		}
	})
	each(l, c.DescribeRouteTables, &ec2.DescribeRouteTablesInput{}, func(o *ec2.DescribeRouteTablesOutput) {
		for _, t := range o.RouteTables {
			l.add("route table", t.RouteTableId)
		}
	})
	each(l, c.DescribeInternetGateways, &ec2.DescribeInternetGatewaysInput{}, func(o *ec2.DescribeInternetGatewaysOutput) {
		for _, g := range o.InternetGateways {
			l.add("internet gateway", g.InternetGatewayId)
		}
	})
	each(l, c.DescribeNatGateways, &ec2.DescribeNatGatewaysInput{}, func(o *ec2.DescribeNatGatewaysOutput) {
		for _, g := range o.NatGateways {
			if g.State != ec2types.NatGatewayStateDeleted {
				l.add("NAT gateway", g.NatGatewayId)
			}
		}
	})
	each(l, c.DescribeAddresses, &ec2.DescribeAddressesInput{}, func(o *ec2.DescribeAddressesOutput) {
		for _, e := range o.Addresses {
			l.add("Elastic IP", e.AllocationId)
		}
	})
	each(l, c.DescribeVpcEndpoints, &ec2.DescribeVpcEndpointsInput{}, func(o *ec2.DescribeVpcEndpointsOutput) {
		for _, e := range o.VpcEndpoints {
			if !strings.EqualFold(string(e.State), string(ec2types.StateDeleted)) { // moto writes it in lower case
				l.add("VPC endpoint", e.VpcEndpointId, e.ServiceName)
			}
		}
	})
	each(l, c.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{}, func(o *ec2.DescribeSecurityGroupsOutput) {
		for _, g := range o.SecurityGroups {
			l.add("security group", g.GroupId, g.GroupName)
		}
	})
	each(l, c.DescribeNetworkInterfaces, &ec2.DescribeNetworkInterfacesInput{}, func(o *ec2.DescribeNetworkInterfacesOutput) {
		for _, i := range o.NetworkInterfaces {
			if i.Attachment != nil && aws.ToString(i.Attachment.InstanceId) != "" && !l.live[*i.Attachment.InstanceId] {
				continue // EC2 deletes it with its instance, moto does not
			}
			l.add("network interface", i.NetworkInterfaceId, i.Description)
		}
	})
	each(l, c.DescribeFlowLogs, &ec2.DescribeFlowLogsInput{}, func(o *ec2.DescribeFlowLogsOutput) {
		for _, f := range o.FlowLogs {
			l.add("flow log", f.FlowLogId)
		}
	})
	each(l, l.clients.elb.DescribeLoadBalancers, &elb.DescribeLoadBalancersInput{}, func(o *elb.DescribeLoadBalancersOutput) {
		for _, b := range o.LoadBalancers {
			l.add("load balancer", b.LoadBalancerName)
		}
	})
	each(l, l.clients.elb.DescribeTargetGroups, &elb.DescribeTargetGroupsInput{}, func(o *elb.DescribeTargetGroupsOutput) {
		for _, g := range o.TargetGroups {
			l.add("target group", g.TargetGroupName)
		}
	})
}

func (l *lister) compute() {
	c := l.clients.ec2
	each(l, c.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{}, func(o *ec2.DescribeLaunchTemplatesOutput) {
		for _, t := range o.LaunchTemplates {
			l.add("launch template", t.LaunchTemplateName)
		}
	})
	each(l, c.DescribeInstances, &ec2.DescribeInstancesInput{}, func(o *ec2.DescribeInstancesOutput) {
		for _, r := range o.Reservations {
			for _, i := range r.Instances {
				if i.State.Name != ec2types.InstanceStateNameTerminated {
					l.add("instance", i.InstanceId)
					l.live[aws.ToString(i.InstanceId)] = true
				}
			}
		}
	})
	each(l, c.DescribeVolumes, &ec2.DescribeVolumesInput{}, func(o *ec2.DescribeVolumesOutput) {
		for _, v := range o.Volumes {
			l.add("volume", v.VolumeId)
		}
	})
	each(l, l.clients.autoscaling.DescribeAutoScalingGroups, &autoscaling.DescribeAutoScalingGroupsInput{}, func(o *autoscaling.DescribeAutoScalingGroupsOutput) {
		for _, g := range o.AutoScalingGroups {
			l.add("Auto Scaling group", g.AutoScalingGroupName)
		}
	})
}

func (l *lister) permissions() {
	c := l.clients.iam
	each(l, c.ListRoles, &iam.ListRolesInput{}, func(o *iam.ListRolesOutput) {
		for _, r := range o.Roles {
			if !strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") { // AWS makes and keeps those
				l.add("role", r.RoleName)
			}
		}
	})
	each(l, c.ListPolicies, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal}, func(o *iam.ListPoliciesOutput) {
		for _, p := range o.Policies {
			l.add("policy", p.PolicyName)
		}
	})
	each(l, c.ListInstanceProfiles, &iam.ListInstanceProfilesInput{}, func(o *iam.ListInstanceProfilesOutput) {
		for _, p := range o.InstanceProfiles {
			l.add("instance profile", p.InstanceProfileName)
		}
	})
	each(l, c.ListOpenIDConnectProviders, &iam.ListOpenIDConnectProvidersInput{}, func(o *iam.ListOpenIDConnectProvidersOutput) {
		for _, p := range o.OpenIDConnectProviderList {
			l.add("OIDC provider", p.Arn)
		}
	})
}

// rest lists repositories, log groups and keys. The last two have no SDK client among the dependencies.
func (l *lister) rest() {
	each(l, l.clients.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, func(o *ecr.DescribeRepositoriesOutput) {
		for _, r := range o.Repositories {
			l.add("repository", r.RepositoryName)
		}
	})
	var logs struct {
		LogGroups []struct{ LogGroupName string }
	}
	l.json("logs", "Logs_20140328.DescribeLogGroups", "{}", &logs)
	for _, g := range logs.LogGroups {
		l.add("log group", &g.LogGroupName)
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
			l.add("key alias", &alias.AliasName)
		}
	}
	var keys struct{ Keys []struct{ KeyId string } }
	l.json("kms", "TrentService.ListKeys", "{}", &keys)
	for _, k := range keys.Keys {
		var one struct{ KeyMetadata struct{ KeyState string } }
		l.json("kms", "TrentService.DescribeKey", mustJSON(map[string]string{"KeyId": k.KeyId}), &one)
		if one.KeyMetadata.KeyState != "PendingDeletion" && !managed[k.KeyId] {
			l.add("key", &k.KeyId)
		}
	}
}

func (l *lister) json(service, target, body string, into any) {
	if l.err == nil {
		l.err = l.callJSON(l.ctx, service, target, body, into)
	}
}
