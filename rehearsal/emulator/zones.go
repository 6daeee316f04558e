package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	asgtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// scale handles calls that change the size of a node group's Auto Scaling group. Like AWS, it refuses sizes outside the limits
// and spreads new instances over the zones. moto does neither: it starts all instances in the first subnet.
func (a *AWS) scale(ctx context.Context, c *call) *refusal {
	terminates := c.action == "TerminateInstanceInAutoScalingGroup" && c.params["ShouldDecrementDesiredCapacity"] == "true"
	if c.service != "autoscaling" || c.action != "SetDesiredCapacity" && !terminates {
		return nil
	}
	name, err := a.groupOf(ctx, c)
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	g := a.eks.groupOf(name)
	if g == nil || err != nil {
		return nil // not a group of EKS, or a call that moto refuses
	}
	now, err := a.scalingOf(ctx, g)
	switch {
	case err != nil:
	case terminates:
		if *now.Desired <= *now.Min {
			return &refusal{http.StatusBadRequest, "ValidationError", "Currently, desiredSize equals minSize. Terminating instance without replacement will violate group's min size constraint."}
		}
	default:
		wanted, bad := strconv.ParseInt(c.params["DesiredCapacity"], 10, 32)
		if bad != nil {
			return nil // moto refuses it
		}
		switch to := int32(wanted); {
		case to > aws.ToInt32(now.Max):
			return &refusal{http.StatusBadRequest, "ValidationError", fmt.Sprintf("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", to, *now.Max)}
		case to < aws.ToInt32(now.Min):
			return &refusal{http.StatusBadRequest, "ValidationError", fmt.Sprintf("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", to, *now.Min)}
		}
		err = a.launch(ctx, g, int32(wanted))
	}
	if err != nil {
		return &refusal{http.StatusInternalServerError, "InternalFailure", err.Error()}
	}
	return nil
}

// groupOf is the node group of an Auto Scaling group.
func (s *eksState) groupOf(scaling string) *nodeGroup {
	for _, one := range s.clusters {
		for _, g := range one.nodeGroups {
			if g.scaling.group == scaling {
				return g
			}
		}
	}
	return nil
}

// launch adds instances until the group has the wanted number. Each goes into the zone with the fewest instances, and none into a
// lost zone.
func (a *AWS) launch(ctx context.Context, g *nodeGroup, wanted int32) error {
	group, zones, have, err := a.spread(ctx, g)
	if err != nil {
		return err
	}
	if *group.DesiredCapacity >= wanted {
		return nil
	}
	for n := *group.DesiredCapacity + 1; n <= wanted; n++ {
		subnets := a.emptiestFirst(g.Subnets, zones, have)
		if err := a.setSubnets(ctx, g, subnets, &n); err != nil {
			return err
		}
		have[zones[subnets[0]]]++
	}
	return a.setSubnets(ctx, g, g.Subnets, nil) // restores the order of the subnets
}

// spread is a node group's Auto Scaling group, with the zones of its subnets and the number of its instances in each zone.
func (a *AWS) spread(ctx context.Context, g *nodeGroup) (group asgtypes.AutoScalingGroup, zones map[string]string, have map[string]int, err error) {
	if zones, err = a.zonesOf(ctx, g.Subnets); err != nil {
		return group, nil, nil, err
	}
	found, err := a.clients.autoscaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{g.scaling.group}})
	if err != nil || len(found.AutoScalingGroups) == 0 {
		return group, nil, nil, fmt.Errorf("reading the instances of node group %s: %w", g.Name, err)
	}
	group, have = found.AutoScalingGroups[0], map[string]int{}
	for _, i := range group.Instances {
		have[aws.ToString(i.AvailabilityZone)]++
	}
	return group, zones, have, nil
}

// emptiestFirst are the subnets outside a lost zone, those of the zone with the fewest instances first.
func (a *AWS) emptiestFirst(subnets []string, zones map[string]string, have map[string]int) []string {
	usable := slices.DeleteFunc(slices.Clone(subnets), func(s string) bool { return zones[s] == a.eks.lostZone })
	slices.SortStableFunc(usable, func(x, y string) int { return have[zones[x]] - have[zones[y]] })
	return usable
}

// setSubnets sets the subnets of a node group's Auto Scaling group, and its size if desired is not nil. moto starts all instances
// in the first subnet.
func (a *AWS) setSubnets(ctx context.Context, g *nodeGroup, subnets []string, desired *int32) error {
	if len(subnets) == 0 {
		return fmt.Errorf("launching instances of node group %s: all of its subnets are in %s, which is lost", g.Name, a.eks.lostZone)
	}
	_, err := a.clients.autoscaling.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &g.scaling.group, VPCZoneIdentifier: aws.String(strings.Join(subnets, ",")), DesiredCapacity: desired,
		MixedInstancesPolicy: instancesPolicy(g, "$Latest"),
	})
	if err != nil {
		return fmt.Errorf("launching instances of node group %s: %w", g.Name, err)
	}
	return nil
}

// zonesOf are the zones of subnets, by subnet.
func (a *AWS) zonesOf(ctx context.Context, subnets []string) (map[string]string, error) {
	found, err := a.clients.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: subnets})
	if err != nil {
		return nil, fmt.Errorf("reading the zones of subnets: %w", err)
	}
	zones := map[string]string{}
	for _, s := range found.Subnets {
		zones[aws.ToString(s.SubnetId)] = aws.ToString(s.AvailabilityZone)
	}
	return zones, nil
}
