package recordings

import (
	"slices"
	"strings"
)

// The rows of the picture.
const (
	previewLane     = "command and preview"
	accountLane     = "roles, keys, logs, images"
	networkLane     = "network"
	natLane         = "NAT gateway"
	controlLane     = "control plane"
	daemonLane      = "add-ons of every node"
	nodeLane        = "node groups"
	deploymentLane  = "coredns, metrics-server"
	autoscalerLane  = "autoscaler"
	balancerLane    = "load balancer controller"
	applicationLane = "application"
)

// lanes are the rows from top to bottom.
var lanes = []string{
	previewLane, accountLane, networkLane, natLane, controlLane, daemonLane, nodeLane, deploymentLane, autoscalerLane, balancerLane, applicationLane,
}

// laneOf is the row of a resource.
func laneOf(urn, kind string) string {
	switch {
	case kind == "aws:eks/cluster:Cluster":
		return controlLane
	case kind == "aws:eks/nodeGroup:NodeGroup":
		return nodeLane
	case kind == "aws:eks/addon:Addon" && slices.ContainsFunc(deploymentAddons, func(name string) bool { return strings.HasSuffix(urn, name) }):
		return deploymentLane
	case kind == "aws:eks/addon:Addon":
		return daemonLane
	case kind == "aws:ec2/natGateway:NatGateway":
		return natLane
	case strings.HasPrefix(kind, "aws:ec2/") && strings.Contains(urn, "tfserving:network:"):
		return networkLane
	case strings.HasPrefix(kind, "aws:"):
		return accountLane
	case strings.Contains(urn, "tfserving:autoscaler:"):
		return autoscalerLane
	case strings.Contains(urn, "tfserving:loadbalancer:"):
		return balancerLane
	default:
		return applicationLane
	}
}
