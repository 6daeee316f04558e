package machines

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// balancers makes and deletes load balancers with the controller's AWS permissions. It makes only the calls, with the tags,
// that the controller's published IAM policy allows.
type balancers struct {
	settings
	ec2 *ec2.Client
	elb *elb.Client
}

func newBalancers(cfg aws.Config, s settings) *balancers {
	return &balancers{settings: s, ec2: ec2.NewFromConfig(cfg), elb: elb.NewFromConfig(cfg)}
}

// Values of the tag that says what a resource is for.
const (
	groupResource    = "ManagedLBSecurityGroup"
	balancerResource = "LoadBalancer"
)

// ensure makes the missing resources of a plan and returns the load balancer's host name.
func (b *balancers) ensure(ctx context.Context, p *balancerPlan) (string, error) {
	subnets, err := b.subnets(ctx, p)
	if err != nil {
		return "", err
	}
	group, err := b.securityGroup(ctx, p)
	if err != nil {
		return "", err
	}
	have, err := b.owned(ctx, p)
	if err != nil {
		return "", err
	}
	name := p.resourceName(b.cluster)
	for _, old := range have.balancers {
		if aws.ToString(old.LoadBalancerName) != name {
			if _, err := b.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: old.LoadBalancerArn}); err != nil {
				return "", fmt.Errorf("deleting the load balancer of another scheme: %w", err)
			}
		}
	}
	i := slices.IndexFunc(have.balancers, func(lb types.LoadBalancer) bool { return aws.ToString(lb.LoadBalancerName) == name })
	var balancer types.LoadBalancer
	if i >= 0 {
		balancer = have.balancers[i]
	} else {
		out, err := b.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Type: p.balancer, Scheme: p.scheme,
			Subnets: subnets, SecurityGroups: []string{group}, IpAddressType: types.IpAddressTypeIpv4,
			Tags: elbTags(p.tags(b.cluster, balancerResource, b.tags))})
		if err != nil {
			return "", fmt.Errorf("making the load balancer: %w", err)
		}
		balancer = out.LoadBalancers[0]
	}
	if err := b.listen(ctx, p, balancer.LoadBalancerArn, have.targets); err != nil {
		return "", err
	}
	return aws.ToString(balancer.DNSName), nil
}

// listen makes the load balancer's listeners, each with the target group that it forwards to.
func (b *balancers) listen(ctx context.Context, p *balancerPlan, balancer *string, targets []types.TargetGroup) error {
	have, err := b.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: balancer})
	if err != nil {
		return fmt.Errorf("reading the load balancer's ports: %w", err)
	}
	for _, old := range have.Listeners {
		if !slices.ContainsFunc(p.listeners, func(l listener) bool { return l.port == aws.ToInt32(old.Port) && l.protocol == old.Protocol }) {
			if _, err := b.elb.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: old.ListenerArn}); err != nil {
				return fmt.Errorf("closing port %d: %w", aws.ToInt32(old.Port), err)
			}
		}
	}
	groups := map[string]*string{}
	for _, t := range targets {
		groups[aws.ToString(t.TargetGroupName)] = t.TargetGroupArn
	}
	for _, l := range p.listeners {
		name := p.targetName(b.cluster, l)
		if groups[name] == nil {
			out, err := b.elb.CreateTargetGroup(ctx, b.targetGroup(p, name, l))
			if err != nil {
				return fmt.Errorf("making the target group for port %d: %w", l.port, err)
			}
			groups[name] = out.TargetGroups[0].TargetGroupArn
		}
		if slices.ContainsFunc(have.Listeners, func(h types.Listener) bool { return aws.ToInt32(h.Port) == l.port && h.Protocol == l.protocol }) {
			continue
		}
		in := &elb.CreateListenerInput{LoadBalancerArn: balancer, Port: &l.port, Protocol: l.protocol,
			DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: groups[name]}},
			Tags:           elbTags(p.tags(b.cluster, fmt.Sprint(l.port), b.tags))}
		if l.certificate != "" {
			in.Certificates = []types.Certificate{{CertificateArn: &l.certificate}}
		}
		if _, err := b.elb.CreateListener(ctx, in); err != nil {
			return fmt.Errorf("opening port %d: %w", l.port, err)
		}
	}
	return nil
}

// targetGroup is a group of pods by their own IP addresses.
func (b *balancers) targetGroup(p *balancerPlan, name string, l listener) *elb.CreateTargetGroupInput {
	in := &elb.CreateTargetGroupInput{Name: &name, VpcId: &b.vpc, TargetType: types.TargetTypeEnumIp, Port: &l.target, Protocol: l.protocol,
		Tags: elbTags(p.tags(b.cluster, fmt.Sprintf("%s-%s:%s", p.id(), l.service, l.servicePort), b.tags))}
	if p.balancer != types.LoadBalancerTypeEnumApplication {
		return in
	}
	in.Protocol = types.ProtocolEnumHttp // TLS ends at the load balancer
	in.HealthCheckPath = aws.String(cmp.Or(l.healthPath, "/"))
	in.Matcher = &types.Matcher{HttpCode: aws.String(cmp.Or(l.successCodes, "200"))}
	return in
}

// remove deletes all resources of a plan. The load balancer is first because it uses the others.
func (b *balancers) remove(ctx context.Context, p *balancerPlan) error {
	have, err := b.owned(ctx, p)
	if err != nil {
		return err
	}
	for _, lb := range have.balancers {
		if _, err := b.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}); err != nil {
			return fmt.Errorf("deleting the load balancer: %w", err)
		}
	}
	for _, t := range have.targets {
		if _, err := b.elb.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: t.TargetGroupArn}); err != nil {
			return fmt.Errorf("deleting a target group: %w", err)
		}
	}
	groups, err := b.securityGroups(ctx, p)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if _, err := b.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: g.GroupId}); err != nil {
			return fmt.Errorf("deleting the load balancer's security group: %w", err)
		}
	}
	return nil
}

// owned are the load balancers and target groups of a plan. They are found by their tags, so a new pod of the controller finds
// those that an earlier one made.
type owned struct {
	balancers []types.LoadBalancer
	targets   []types.TargetGroup
}

func (b *balancers) owned(ctx context.Context, p *balancerPlan) (have owned, err error) {
	lbs := map[string]types.LoadBalancer{}
	for pages := elb.NewDescribeLoadBalancersPaginator(b.elb, &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return have, fmt.Errorf("listing load balancers: %w", err)
		}
		for _, lb := range page.LoadBalancers {
			lbs[aws.ToString(lb.LoadBalancerArn)] = lb
		}
	}
	targets := map[string]types.TargetGroup{}
	for pages := elb.NewDescribeTargetGroupsPaginator(b.elb, &elb.DescribeTargetGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return have, fmt.Errorf("listing target groups: %w", err)
		}
		for _, t := range page.TargetGroups {
			targets[aws.ToString(t.TargetGroupArn)] = t
		}
	}
	for arns := range slices.Chunk(slices.Concat(slices.Sorted(maps.Keys(lbs)), slices.Sorted(maps.Keys(targets))), maxDescribeTags) {
		out, err := b.elb.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: arns})
		if err != nil {
			return have, fmt.Errorf("reading the tags of load balancers: %w", err)
		}
		for _, d := range out.TagDescriptions {
			tags := map[string]string{}
			for _, t := range d.Tags {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			if tags[clusterOwnTag] != b.cluster || tags[p.stackTag()] != p.id() {
				continue
			}
			arn := aws.ToString(d.ResourceArn)
			if lb, ok := lbs[arn]; ok {
				have.balancers = append(have.balancers, lb)
			}
			if t, ok := targets[arn]; ok {
				have.targets = append(have.targets, t)
			}
		}
	}
	return have, nil
}

// maxDescribeTags is the maximum number of resources in a call (Elastic Load Balancing API, DescribeTags).
const maxDescribeTags = 20

func elbTags(tags map[string]string) (all []types.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return all
}

func ec2Tags(tags map[string]string) (all []ec2types.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, ec2types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return all
}
