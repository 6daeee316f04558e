package network

import (
	"reflect"
	"testing"
)

func TestS3IsAlwaysReachedWithoutNAT(t *testing.T) {
	for name, change := range map[string]func(*Args){
		"everything": asIs,
		"least":      func(a *Args) { a.NATPerZone, a.InterfaceEndpoints, a.FlowLogRetentionDays = false, nil, 0 },
	} {
		got := made(t, change).inputs(t, endpointType+" net-s3")
		want := map[string]any{
			"vpcId": idOf(vpcType, "net"), "serviceName": "com.amazonaws.eu-west-1.s3", "vpcEndpointType": "Gateway",
			"routeTableIds": []any{
				idOf(tableType, "net-private-eu-west-1a"), idOf(tableType, "net-private-eu-west-1b"), idOf(tableType, "net-private-eu-west-1c"),
			},
			"tags": map[string]any{"Name": "net-s3"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the endpoint is %v, want %v", name, got, want)
		}
	}
}

func TestInterfaceEndpointsAreInEveryPrivateSubnetUnderTheServicesName(t *testing.T) {
	g := made(t, asIs)
	for name, service := range map[string]string{"net-ecr-api": "com.amazonaws.eu-west-1.ecr.api", "net-sts": "com.amazonaws.eu-west-1.sts"} {
		got := g.inputs(t, endpointType+" "+name)
		want := map[string]any{
			"vpcId": idOf(vpcType, "net"), "serviceName": service, "vpcEndpointType": "Interface", "privateDnsEnabled": true,
			"subnetIds": []any{
				idOf(subnetType, "net-private-eu-west-1a"), idOf(subnetType, "net-private-eu-west-1b"), idOf(subnetType, "net-private-eu-west-1c"),
			},
			"securityGroupIds": []any{idOf(groupType, "net-endpoints")},
			"tags":             map[string]any{"Name": name},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the endpoint is %v, want %v", got, want)
		}
		if !g.waits(t, endpointType+" "+name, ruleType+" net-endpoints") {
			t.Errorf("endpoint %s does not wait for the rule that admits its callers", name)
		}
	}
	g.wantNames(t, endpointType, "net-ecr-api", "net-s3", "net-sts")
}

func TestInterfaceEndpointsAdmitOnlyHTTPSFromTheVPC(t *testing.T) {
	g := made(t, asIs)
	g.wantNames(t, groupType, "net-endpoints")
	g.wantNames(t, ruleType, "net-endpoints")
	for _, key := range []string{"ingress", "egress"} {
		if got := g.inputs(t, groupType+" net-endpoints")[key]; got != nil {
			t.Errorf("%s is %v, beside the one rule", key, got)
		}
	}
	want := map[string]any{
		"securityGroupId": idOf(groupType, "net-endpoints"), "description": "HTTPS from the VPC", "ipProtocol": "tcp",
		"fromPort": 443.0, "toPort": 443.0, "cidrIpv4": "10.0.0.0/16", "tags": map[string]any{"Name": "net-endpoints"},
	}
	if got := g.inputs(t, ruleType+" net-endpoints"); !reflect.DeepEqual(got, want) {
		t.Errorf("the rule is %v, want %v", got, want)
	}
}

func TestWithoutInterfaceEndpointsNothingIsMadeForThem(t *testing.T) {
	g := made(t, func(a *Args) { a.InterfaceEndpoints = nil })
	g.wantNames(t, endpointType, "net-s3")
	g.wantNames(t, groupType)
	g.wantNames(t, ruleType)
}
