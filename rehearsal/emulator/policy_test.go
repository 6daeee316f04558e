package emulator

import (
	"strings"
	"testing"
)

func TestPoliciesAllowAndDenyLikeIAM(t *testing.T) {
	q := func() question {
		q := question{action: "autoscaling:SetDesiredCapacity", resource: "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:x:autoScalingGroupName/eks-a"}
		q.context.setTags("aws:ResourceTag/", map[string]string{"owner": "a", "empty": ""})
		q.context.set("aws:RequestedRegion", "eu-west-1")
		q.context.set("aws:TagKeys", "one", "two")
		q.context.set("aws:SourceArn", "arn:aws:eks:eu-west-1:1:cluster/a")
		return q
	}
	allow := func(rest string) string {
		return `{"Effect":"Allow","Action":"autoscaling:*","Resource":"*"` + rest + `}`
	}
	when := func(operator, key, value string) string {
		return allow(`,"Condition":{"` + operator + `":{"` + key + `":` + value + `}}`)
	}
	for name, c := range map[string]struct {
		statements string
		allowed    bool
		reason     string
	}{
		"nothing":                     {``, false, "no identity-based policy"},
		"another action":              {`{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`, false, ""},
		"the action":                  {allow(""), true, ""},
		"actions fold case":           {`{"Effect":"Allow","Action":["AutoScaling:setdesired*"],"Resource":"*"}`, true, ""},
		"one character":               {`{"Effect":"Allow","Action":"autoscaling:SetDesiredCapacit?","Resource":"*"}`, true, ""},
		"all but another":             {`{"Effect":"Allow","NotAction":"ec2:*","Resource":"*"}`, true, ""},
		"all but this":                {`{"Effect":"Allow","NotAction":"autoscaling:*","Resource":"*"}`, false, ""},
		"the resource":                {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/eks-*"}`, true, ""},
		"another resource":            {`{"Effect":"Allow","Action":"*","Resource":"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/b"}`, false, ""},
		"all resources but this":      {`{"Effect":"Allow","Action":"*","NotResource":"*eks-a"}`, false, ""},
		"denied":                      {allow("") + `,{"Sid":"No","Effect":"Deny","Action":"*","Resource":"*"}`, false, `"No" denies`},
		"denied elsewhere":            {allow("") + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}`, true, ""},
		"a tag":                       {when("StringEquals", "aws:ResourceTag/owner", `"a"`), true, ""},
		"a tag of two":                {when("StringEquals", "aws:ResourceTag/owner", `["b","a"]`), true, ""},
		"another tag":                 {when("StringEquals", "aws:ResourceTag/owner", `"b"`), false, ""},
		"no such tag":                 {when("StringEquals", "aws:ResourceTag/none", `"a"`), false, ""},
		"no such tag, if exists":      {when("StringEqualsIfExists", "aws:ResourceTag/none", `"a"`), true, ""},
		"not another":                 {when("StringNotEquals", "aws:ResourceTag/owner", `["b","c"]`), true, ""},
		"not, of none":                {when("StringNotEquals", "aws:ResourceTag/none", `"a"`), true, ""},
		"two conditions":              {when("StringEquals", "aws:ResourceTag/owner", `"a","aws:RequestedRegion":"us-east-1"`), false, ""},
		"a pattern":                   {when("StringLike", "aws:RequestedRegion", `"eu-*"`), true, ""},
		"no pattern":                  {when("StringEquals", "aws:RequestedRegion", `"eu-*"`), false, ""},
		"an ARN":                      {when("ArnLike", "aws:SourceArn", `"arn:aws:eks:*:1:cluster/a"`), true, ""},
		"no wildcard over colons":     {when("ArnLike", "aws:SourceArn", `"arn:aws:*:cluster/a"`), false, ""},
		"there":                       {when("Null", "aws:ResourceTag/owner", `"false"`), true, ""},
		"not there":                   {when("Null", "aws:ResourceTag/none", `true`), true, ""},
		"all of a set":                {when("ForAllValues:StringEquals", "aws:TagKeys", `["one","two","three"]`), true, ""},
		"not all of a set":            {when("ForAllValues:StringEquals", "aws:TagKeys", `["one"]`), false, ""},
		"any of a set":                {when("ForAnyValue:StringEquals", "aws:TagKeys", `["two"]`), true, ""},
		"an unknown operator":         {when("NumericLessThan", "aws:ResourceTag/owner", `"1"`), false, "NumericLessThan is not covered"},
		"an unknown key":              {when("StringEquals", "aws:PrincipalOrgID", `"o"`), false, "aws:principalorgid is not covered"},
		"an unknown key, negated":     {when("StringNotEquals", "aws:PrincipalOrgID", `"o"`), false, "aws:principalorgid is not covered"},
		"an unknown key, in a denial": {allow("") + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, false, "may deny it"},
		"a policy variable":           {when("StringEquals", "aws:ResourceTag/owner", `"${aws:PrincipalTag/team}"`), false, "not covered"},
		"a set without its operator":  {when("StringEquals", "aws:TagKeys", `"one"`), false, "not covered"},
		"unsure and sure":             {when("StringEquals", "aws:PrincipalOrgID", `"o"`) + "," + allow(""), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := decide([]*policy{must(parsePolicy("p", `{"Version":"2012-10-17","Statement":[`+c.statements+`]}`))(t)}, q())
			if d.allowed != c.allowed || !strings.Contains(d.reason, c.reason) {
				t.Errorf("allowed %v because %q, want %v because %q", d.allowed, d.reason, c.allowed, c.reason)
			}
		})
	}
}

func TestPoliciesWithUnknownElementsAreRefused(t *testing.T) {
	for _, text := range []string{
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Actions":"*","Resource":"*"}}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statements":[]}`,
	} {
		if _, err := parsePolicy("p", text); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}
