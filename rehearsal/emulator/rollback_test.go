package emulator

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// moveTo asks for another version of a cluster, and returns the kind of the update.
func moveTo(t *testing.T, cluster, version string, force bool) (ekstypes.UpdateType, error) {
	t.Helper()
	update, err := deployer().eks.UpdateClusterVersion(t.Context(), &eks.UpdateClusterVersionInput{Name: &cluster, Version: &version, Force: force})
	if err != nil {
		return "", err
	}
	return update.Update.Type, nil
}

// upgradedCluster is a cluster that was upgraded from 1.35 to 1.36.
func upgradedCluster(t *testing.T, s site) string {
	t.Helper()
	in := clusterInput(t, s)
	in.Version = aws.String("1.35")
	name := aws.ToString(must(deployer().eks.CreateCluster(t.Context(), in))(t).Cluster.Name)
	must(moveTo(t, name, "1.36", false))(t)
	return name
}

func TestAnUpgradeIsRolledBackOnceAndWithinSevenDays(t *testing.T) {
	name := upgradedCluster(t, newSite(t))
	cloud.eks.mu.Lock()
	cloud.eks.clusters[name].upgrade.done = time.Now().Add(-rollbackWindow - time.Minute)
	cloud.eks.mu.Unlock()
	_, err := moveTo(t, name, "1.35", true)
	wantCode(t, err, "InvalidParameterException", "more than 7 days ago")

	cloud.eks.mu.Lock()
	cloud.eks.clusters[name].upgrade.done = time.Now().Add(-rollbackWindow + time.Minute)
	cloud.eks.mu.Unlock()
	if kind := must(moveTo(t, name, "1.35", false))(t); kind != "VersionRollback" {
		t.Errorf("the update is a %s, want a VersionRollback", kind)
	}
	if got := aws.ToString(must(deployer().eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &name}))(t).Cluster.Version); got != "1.35" {
		t.Errorf("after the rollback the version is %s", got)
	}
	_, err = moveTo(t, name, "1.34", false)
	wantCode(t, err, "InvalidParameterException", "not upgraded from 1.34 to 1.35")
	if kind := must(moveTo(t, name, "1.36", false))(t); kind != "VersionUpdate" {
		t.Errorf("the second upgrade is a %s", kind)
	}
}

func TestARollbackNeedsOlderNodesAndAddons(t *testing.T) {
	s := newSite(t)
	name := upgradedCluster(t, s)
	d := deployer()
	group, _ := newGroup(t, name, s)
	proxy := "kube-proxy"
	must(d.eks.CreateAddon(t.Context(), &eks.CreateAddonInput{ClusterName: &name, AddonName: &proxy}))(t)
	_, err := moveTo(t, name, "1.35", false)
	wantCode(t, err, "InvalidRequestException", "node group "+group+" has version 1.36")
	wantCode(t, err, "InvalidRequestException", "kube-proxy v1.36.0")

	// Both take the older version while the control plane still has the newer one.
	must(d.eks.UpdateNodegroupVersion(t.Context(), &eks.UpdateNodegroupVersionInput{ClusterName: &name, NodegroupName: &group, Version: aws.String("1.35")}))(t)
	_, err = moveTo(t, name, "1.35", false)
	wantCode(t, err, "InvalidRequestException", "kube-proxy v1.36.0")
	must(d.eks.UpdateAddon(t.Context(), &eks.UpdateAddonInput{ClusterName: &name, AddonName: &proxy, AddonVersion: aws.String("v1.35.0-eksbuild.2")}))(t)
	must(moveTo(t, name, "1.35", false))(t)
	if v := aws.ToString(groupOf(t, name, group).Version); v != "1.35" {
		t.Errorf("after the rollback the node group has version %s", v)
	}
}

func TestForceSkipsTheReadinessOfARollback(t *testing.T) {
	s := newSite(t)
	name := upgradedCluster(t, s)
	newGroup(t, name, s)
	must(moveTo(t, name, "1.35", true))(t)
}

func TestARollbackIntoExtendedSupportNeedsItsPolicy(t *testing.T) {
	in := clusterInput(t, newSite(t))
	in.Version = aws.String("1.33") // its standard support ended on 2026-07-29
	name := aws.ToString(must(deployer().eks.CreateCluster(t.Context(), in))(t).Cluster.Name)
	must(moveTo(t, name, "1.34", false))(t)
	_, err := moveTo(t, name, "1.33", false)
	wantCode(t, err, "InvalidParameterException", "upgrade policy to EXTENDED first")
	must(deployer().eks.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{Name: &name, UpgradePolicy: &ekstypes.UpgradePolicyRequest{SupportType: ekstypes.SupportTypeExtended}}))(t)
	must(moveTo(t, name, "1.33", false))(t)
}
