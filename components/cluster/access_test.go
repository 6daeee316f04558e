package cluster

import (
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	alice    = "arn:aws:iam::111122223333:user/alice"
	platform = "arn:aws:iam::111122223333:role/admins/Platform"
	other    = "arn:aws:iam::444455556666:role/admins/Platform"
)

func TestEachAdministratorHasAnAccessEntryOfTheirName(t *testing.T) {
	for _, order := range [][]string{{alice, platform, other}, {other, alice, platform, alice}} {
		entries := newGraph(t, func(a *Args) { a.Administrators = order }).inputs(t, controlPlane)["accessEntries"]
		want := map[string]any{}
		for name, arn := range map[string]string{
			"111122223333/user/alice":           alice,
			"111122223333/role/admins/Platform": platform,
			"444455556666/role/admins/Platform": other,
		} {
			want[name] = map[string]any{
				"principalArn": arn,
				"accessPolicies": map[string]any{"administrator": map[string]any{
					"policyArn":   "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
					"accessScope": map[string]any{"type": "cluster"},
				}},
			}
		}
		if !reflect.DeepEqual(entries, want) {
			t.Errorf("administrators %v: entries are %v, want %v", order, entries, want)
		}
	}
}

func TestTheCreatorIsAdministratorOnlyIfTheSettingsNameNone(t *testing.T) {
	for _, c := range []struct {
		administrators []string
		want           pulumi.Bool
	}{{nil, true}, {[]string{alice}, false}} {
		if got := accessConfig(c.administrators)["bootstrapClusterCreatorAdminPermissions"]; got != c.want {
			t.Errorf("administrators %v: the creator is an administrator: %v, want %v", c.administrators, got, c.want)
		}
	}
}
