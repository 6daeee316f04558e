package preflight

import "testing"

func TestOnlyAdministratorsMayDeployToACluster(t *testing.T) {
	const (
		alice    = "arn:aws:iam::111122223333:user/alice"
		platform = "arn:aws:iam::111122223333:role/admins/Platform"
		other    = "arn:aws:iam::444455556666:role/admins/Platform"
	)
	for name, c := range map[string]struct {
		administrators []string
		caller         string
		want           bool
	}{
		"no administrators named":       {nil, alice, true},
		"a user":                        {[]string{platform, alice}, alice, true},
		"another user":                  {[]string{alice}, "arn:aws:iam::111122223333:user/bob", false},
		"a session of a role":           {[]string{platform}, "arn:aws:sts::111122223333:assumed-role/Platform/alice", true},
		"a role of another account":     {[]string{other}, "arn:aws:sts::111122223333:assumed-role/Platform/alice", false},
		"another role":                  {[]string{platform}, "arn:aws:sts::111122223333:assumed-role/Reader/Platform", false},
		"a role named like a user":      {[]string{"arn:aws:iam::111122223333:role/alice"}, alice, false},
		"a federated user of that name": {[]string{platform}, "arn:aws:sts::111122223333:federated-user/Platform", false},
		"no ARN":                        {[]string{alice}, "alice", false},
	} {
		if got := MayAdminister(c.administrators, c.caller); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
