package emulator

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// LoseZone ends all instances of node groups in an availability zone. Their Auto Scaling groups replace them in the other zones at
// once; in AWS they do so once a health check has failed. No instance starts in the zone until RestoreZone.
func (a *AWS) LoseZone(ctx context.Context, zone string) error {
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	a.eks.lostZone = zone
	for _, one := range a.eks.clusters {
		for _, g := range one.nodeGroups {
			if err := a.evacuate(ctx, g, zone); err != nil {
				return fmt.Errorf("ending the instances of node group %s in %s: %w", g.Name, zone, err)
			}
		}
	}
	return nil
}

// RestoreZone ends the loss of a zone. Instances start there again; those in other zones stay.
func (a *AWS) RestoreZone() {
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	a.eks.lostZone = ""
}

// evacuate replaces the instances of a node group in a zone by instances in the group's other zones.
func (a *AWS) evacuate(ctx context.Context, g *nodeGroup, zone string) error {
	group, zones, have, err := a.spread(ctx, g)
	if err != nil {
		return err
	}
	for _, i := range group.Instances {
		if aws.ToString(i.AvailabilityZone) != zone {
			continue
		}
		subnets := a.emptiestFirst(g.Subnets, zones, have)
		if err := a.setSubnets(ctx, g, subnets, nil); err != nil {
			return err
		}
		// moto starts the replacement in the first subnet.
		if _, err := a.clients.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*i.InstanceId}}); err != nil {
			return err
		}
		have[zones[subnets[0]]]++
	}
	return a.setSubnets(ctx, g, g.Subnets, nil) // restores the order of the subnets
}
