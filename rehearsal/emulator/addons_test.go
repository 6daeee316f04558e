package emulator

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func addonStatus(t *testing.T, cluster, name string) ekstypes.AddonStatus {
	t.Helper()
	found, err := deployer().eks.DescribeAddon(t.Context(), &eks.DescribeAddonInput{ClusterName: &cluster, AddonName: &name})
	return must(found, err)(t).Addon.Status
}

func TestAnAddonThatIsADeploymentIsDegradedWithoutANode(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	d := deployer()
	for _, name := range []string{"vpc-cni", "coredns"} {
		made, err := d.eks.CreateAddon(t.Context(), &eks.CreateAddonInput{ClusterName: &cluster, AddonName: &name, ResolveConflicts: ekstypes.ResolveConflictsOverwrite})
		if got := must(made, err)(t).Addon.Status; got != ekstypes.AddonStatusCreating {
			t.Errorf("%s begins %s", name, got)
		}
	}
	if got := addonStatus(t, cluster, "vpc-cni"); got != ekstypes.AddonStatusActive {
		t.Errorf("vpc-cni is %s without a node", got)
	}
	if got := addonStatus(t, cluster, "coredns"); got != ekstypes.AddonStatusDegraded {
		t.Errorf("coredns is %s without a node", got)
	}
	newGroup(t, cluster, s)
	if got := addonStatus(t, cluster, "coredns"); got != ekstypes.AddonStatusActive {
		t.Errorf("coredns is %s with a node", got)
	}
}

func TestAnAddonIsCreatedUpdatedAndDeleted(t *testing.T) {
	cluster := newCluster(t, newSite(t))
	d := deployer()
	slower(t, Times{Addon: 300 * time.Millisecond, AddonDelete: 300 * time.Millisecond})
	name := "vpc-cni"
	must(d.eks.CreateAddon(t.Context(), &eks.CreateAddonInput{ClusterName: &cluster, AddonName: &name, ConfigurationValues: aws.String(`{"enableNetworkPolicy":"true"}`)}))(t)
	if got := addonStatus(t, cluster, name); got != ekstypes.AddonStatusCreating {
		t.Errorf("at once the add-on is %s", got)
	}
	until(t, "the add-on", func() bool { return addonStatus(t, cluster, name) == ekstypes.AddonStatusActive })
	newest := addonKinds[name].versions(34)[1]
	update, err := d.eks.UpdateAddon(t.Context(), &eks.UpdateAddonInput{ClusterName: &cluster, AddonName: &name, AddonVersion: &newest})
	id := must(update, err)(t).Update.Id
	until(t, "the update", func() bool {
		u, err := d.eks.DescribeUpdate(t.Context(), &eks.DescribeUpdateInput{Name: &cluster, AddonName: &name, UpdateId: id})
		return must(u, err)(t).Update.Status == ekstypes.UpdateStatusSuccessful
	})
	found, err := d.eks.DescribeAddon(t.Context(), &eks.DescribeAddonInput{ClusterName: &cluster, AddonName: &name})
	if got := must(found, err)(t).Addon; *got.AddonVersion != newest || *got.ConfigurationValues != `{"enableNetworkPolicy":"true"}` {
		t.Errorf("after the update the add-on is %+v", got)
	}
	must(d.eks.DeleteAddon(t.Context(), &eks.DeleteAddonInput{ClusterName: &cluster, AddonName: &name, Preserve: true}))(t)
	if got := addonStatus(t, cluster, name); got != ekstypes.AddonStatusDeleting {
		t.Errorf("during its deletion the add-on is %s", got)
	}
	until(t, "the deletion", func() bool {
		return len(must(d.eks.ListAddons(t.Context(), &eks.ListAddonsInput{ClusterName: &cluster}))(t).Addons) == 0
	})
}

func TestInvalidAddonsAreRefused(t *testing.T) {
	cluster := newCluster(t, newSite(t))
	d := deployer()
	for name, c := range map[string]struct {
		in         eks.CreateAddonInput
		code, part string
	}{
		"no such add-on":    {eks.CreateAddonInput{AddonName: aws.String("nothing")}, "InvalidParameterException", "nothing"},
		"no such version":   {eks.CreateAddonInput{AddonName: aws.String("coredns"), AddonVersion: aws.String("v0.0.1-eksbuild.1")}, "InvalidParameterException", "v0.0.1"},
		"another's version": {eks.CreateAddonInput{AddonName: aws.String("kube-proxy"), AddonVersion: aws.String("v1.35.0-eksbuild.2")}, "InvalidParameterException", "v1.35.0"},
		"invalid settings":  {eks.CreateAddonInput{AddonName: aws.String("coredns"), ConfigurationValues: aws.String("[")}, "InvalidParameterException", "not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.ClusterName = &cluster
			_, err := d.eks.CreateAddon(t.Context(), &c.in)
			wantCode(t, err, c.code, c.part)
		})
	}
}

func TestEachAddonHasOneDefaultForAKubernetesVersion(t *testing.T) {
	for _, version := range []string{"1.34", "1.35"} {
		for name := range addonKinds {
			found, err := deployer().eks.DescribeAddonVersions(t.Context(), &eks.DescribeAddonVersionsInput{AddonName: &name, KubernetesVersion: &version})
			addons := must(found, err)(t).Addons
			if len(addons) != 1 {
				t.Fatalf("%s of Kubernetes %s is listed as %+v", name, version, addons)
			}
			var defaults []string
			for _, v := range addons[0].AddonVersions {
				if slices.ContainsFunc(v.Compatibilities, func(c ekstypes.Compatibility) bool { return *c.ClusterVersion == version && c.DefaultVersion }) {
					defaults = append(defaults, *v.AddonVersion)
				}
			}
			if !slices.Equal(defaults, findRelease(version).addonVersions(name)[:1]) {
				t.Errorf("the defaults of %s for Kubernetes %s are %v", name, version, defaults)
			}
		}
	}
}
