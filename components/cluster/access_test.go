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

func TestEachAdministratorHasAnEntryNamedAfterThem(t *testing.T) {
	for _, order := range [][]string{{alice, platform, other}, {other, alice, platform, alice}} {
		entries := made(t, func(a *Args) { a.Administrators = order }).inputs(t, controlPlane)["accessEntries"]
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

func TestCreatorIsAdministratorOnlyWhereNobodyIsNamed(t *testing.T) {
	for _, c := range []struct {
		administrators []string
		want           pulumi.Bool
	}{{nil, true}, {[]string{alice}, false}} {
		if got := accessConfig(c.administrators)["bootstrapClusterCreatorAdminPermissions"]; got != c.want {
			t.Errorf("administrators %v: the creator is one: %v, want %v", c.administrators, got, c.want)
		}
	}
}

func TestAdmitsTellsWhoMayRunTheProgram(t *testing.T) {
	for name, c := range map[string]struct {
		administrators []string
		caller         string
		want           bool
	}{
		"nobody named":                  {nil, alice, true},
		"a user":                        {[]string{platform, alice}, alice, true},
		"another user":                  {[]string{alice}, "arn:aws:iam::111122223333:user/bob", false},
		"a session of a role":           {[]string{platform}, "arn:aws:sts::111122223333:assumed-role/Platform/alice", true},
		"a role of another account":     {[]string{other}, "arn:aws:sts::111122223333:assumed-role/Platform/alice", false},
		"another role":                  {[]string{platform}, "arn:aws:sts::111122223333:assumed-role/Reader/Platform", false},
		"a role named like a user":      {[]string{"arn:aws:iam::111122223333:role/alice"}, alice, false},
		"a federated user of that name": {[]string{platform}, "arn:aws:sts::111122223333:federated-user/Platform", false},
		"no ARN":                        {[]string{alice}, "alice", false},
	} {
		if got := Admits(c.administrators, c.caller); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
