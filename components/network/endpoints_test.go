package network

import (
	"reflect"
	"testing"
)

func TestS3IsAlwaysReachedWithoutNAT(t *testing.T) {
	for name, g := range map[string]*graph{
		"all options": mustRegister(t),
		"no options":  mustRegister(t, func(a *Args) { a.NATPerZone, a.InterfaceEndpoints, a.FlowLogRetentionDays = false, nil, 0 }),
	} {
		got := g.inputs(t, endpointType, "net-s3")
		want := map[string]any{
			"vpcId": id(vpcType, "net"), "serviceName": "com.amazonaws.eu-west-1.s3", "vpcEndpointType": "Gateway",
			"routeTableIds": idsInZones(tableType, "net-private-"),
			"tags":          map[string]any{"Name": "net-s3"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the endpoint is %v, want %v", name, got, want)
		}
	}
}

func TestEachInterfaceEndpointIsInEveryPrivateSubnetAndAnswersToTheServicesName(t *testing.T) {
	g := mustRegister(t)
	for name, service := range map[string]string{"net-ecr-api": "com.amazonaws.eu-west-1.ecr.api", "net-sts": "com.amazonaws.eu-west-1.sts"} {
		got := g.inputs(t, endpointType, name)
		want := map[string]any{
			"vpcId": id(vpcType, "net"), "serviceName": service, "vpcEndpointType": "Interface", "privateDnsEnabled": true,
			"subnetIds":        idsInZones(subnetType, "net-private-"),
			"securityGroupIds": []any{id(groupType, "net-endpoints")},
			"tags":             map[string]any{"Name": name},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the endpoint is %v, want %v", got, want)
		}
		if !g.DependsOn(g.Get(t, endpointType, name), g.Get(t, ruleType, "net-endpoints")) {
			t.Errorf("endpoint %s does not wait for the rule that admits its callers", name)
		}
	}
	g.wantNames(t, endpointType, "net-ecr-api", "net-s3", "net-sts")
}

func TestInterfaceEndpointsAdmitOnlyHTTPSFromTheVPC(t *testing.T) {
	g := mustRegister(t)
	g.wantNames(t, groupType, "net-endpoints")
	g.wantNames(t, ruleType, "net-endpoints")
	for _, key := range []string{"ingress", "egress"} {
		if got := g.inputs(t, groupType, "net-endpoints")[key]; got != nil {
			t.Errorf("the security group has inline %s %v, want only the rule", key, got)
		}
	}
	want := map[string]any{
		"securityGroupId": id(groupType, "net-endpoints"), "description": "HTTPS from the VPC", "ipProtocol": "tcp",
		"fromPort": 443.0, "toPort": 443.0, "cidrIpv4": "10.0.0.0/16", "tags": map[string]any{"Name": "net-endpoints"},
	}
	if got := g.inputs(t, ruleType, "net-endpoints"); !reflect.DeepEqual(got, want) {
		t.Errorf("the rule is %v, want %v", got, want)
	}
}

func TestANetworkWithoutInterfaceEndpointsHasNoSecurityGroup(t *testing.T) {
	g := mustRegister(t, func(a *Args) { a.InterfaceEndpoints = nil })
	g.wantNames(t, endpointType, "net-s3")
	g.wantNames(t, groupType)
	g.wantNames(t, ruleType)
}
