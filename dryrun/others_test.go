package dryrun

import (
	"fmt"
	"testing"

	"tfserving/cost"
	"tfserving/resource"
)

// others are the clusters that people get from other tools without a choice of theirs, on this program's version and region.
// docs/cost.md names the files that the numbers are from.
func others() map[string][]resource.Resource {
	type object = map[string]any
	of := func(kind, name string, inputs object) resource.Resource {
		return resource.Resource{URN: "urn:pulumi:other::other::" + kind + "::" + name, Type: kind, Name: name, Inputs: inputs}
	}
	// cluster is a control plane, a NAT gateway and two m5.large on demand, whose number nobody changes.
	cluster := func(diskGiB float64, logs ...any) []resource.Resource {
		return []resource.Resource{
			of(resource.AWSProvider, "aws", object{"region": "eu-west-1"}),
			of(resource.EKSCluster, "c", object{"name": "c", "version": "1.36", "enabledClusterLogTypes": logs}),
			of(resource.NATGateway, "n", nil), of(resource.ElasticIP, "n", nil),
			of(resource.NodeGroup, "g", object{"capacityType": "ON_DEMAND", "instanceTypes": []any{"m5.large"}, "scalingConfig": object{"minSize": 2.0, "maxSize": 2.0}}),
			of(resource.LaunchTemplate, "g", object{"blockDeviceMappings": []any{object{"ebs": object{"volumeType": "gp3", "volumeSize": diskGiB}}}}),
		}
	}
	return map[string][]resource.Resource{
		"eksctl": cluster(80),
		"blueprint": append(cluster(20, "audit", "api", "authenticator"),
			of(resource.LogGroup, "c", object{"name": "/aws/eks/c/cluster", "retentionInDays": 90.0}), of(resource.KMSKey, "k", object{"enableKeyRotation": true})),
	}
}

// The cluster of eksctl has, in USD a month: control plane 73.00, nodes 2 x 0.107 x 730 = 156.22, volumes 2 x 80 x 0.088 =
// 14.08, NAT 35.04, its address 3.65. The blueprint has smaller volumes, 2 x 20 x 0.088 = 3.52, a key for 1.00, and logs:
// 107.75 GB at 0.57 = 61.42, and those of 90 days, 323.25 GB at 0.03 = 9.70.
func TestDevCostsLessThanWhatOtherToolsMake(t *testing.T) {
	dev := estimate(t, "dev").Total().Min
	if dev > 185 {
		t.Errorf("dev costs %.2f USD a month without a request, want at most 185", dev)
	}
	for name, want := range map[string]float64{"eksctl": 281.99, "blueprint": 343.55} {
		e := cost.Of(others()[name], costDay)
		if got := e.Total().Min; got != want || len(e.Unknown()) > 0 {
			t.Errorf("%s costs %.2f, want %.2f (unknown: %v)", name, got, want, e.Unknown())
		}
	}
	const most = 0.65 // of eksctl's
	if eksctl := cost.Of(others()["eksctl"], costDay).Total().Min; dev > most*eksctl {
		t.Errorf("dev costs %.2f, more than %.2f of eksctl's %.2f", dev, most, eksctl)
	}
}

// besideOthers is the table of docs/cost.md that compares stacks with other tools' clusters.
func besideOthers(t *testing.T) string {
	estimates := map[string]*cost.Estimate{}
	for name, resources := range others() {
		estimates[name] = cost.Of(resources, costDay)
	}
	table := "| USD a month | no requests | 30 % demand |\n|---|---:|---:|\n"
	for _, row := range []struct{ text, name string }{
		{"dev", ""}, {"prod", ""}, {"`eksctl create cluster`", "eksctl"}, {"Terraform EKS blueprint", "blueprint"},
	} {
		e := estimates[row.name]
		if row.name == "" {
			e = estimate(t, row.text)
		}
		table += fmt.Sprintf("| %s | %.2f | %.2f |\n", row.text, e.Total().Min, e.Total().Expected)
	}
	return table
}
