package risk

import (
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

// allows is a policy document with these statements.
func allows(statements string) string {
	return `{"Version":"2012-10-17","Statement":` + statements + `}`
}

// accessCases are changes of access.
func accessCases() map[string]riskCase {
	const given, taken = accessIsGiven, accessIsTakenAway
	of := func(key string, v any) object { return object{"metadata": object{"namespace": "kube-system"}, key: v} }
	changes := func(typ, key string, before, after any) preview.Step {
		return stepOf(change, typ, of(key, before), of(key, after))
	}
	const read, write, deny = `{"Effect":"Allow","Action":"s3:GetObject"}`, `{"Effect":"Allow","Action":"s3:PutObject"}`, `{"Effect":"Deny","Action":"s3:*"}`
	in := object{}
	return map[string]riskCase{
		"a new access entry":           {stepOf(create, resource.AccessEntry, nil, object{"principalArn": "arn:aws:iam::123456789012:role/x"}), given, "new, principalArn arn:aws:iam::123456789012:role/x"},
		"an entry for somebody else":   {changes(resource.AccessEntry, "principalArn", "a", "b"), given, "principalArn from a to b"},
		"an entry for another group":   {changes(resource.AccessEntry, "kubernetesGroups", nil, []any{"admins"}), given, "kubernetesGroups from"},
		"an entry of another type":     {changes(resource.AccessEntry, "type", "STANDARD", "EC2_LINUX"), given, "type from"},
		"an entry of another name":     {changes(resource.AccessEntry, "userName", "a", "b"), given, "userName from"},
		"an entry's tags":              {changes(resource.AccessEntry, "tags", in, object{"a": "b"}), "", ""},
		"a policy of EKS":              {changes(resource.AccessPolicyAssociation, "policyArn", "AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"), given, "policyArn from"},
		"a policy of EKS, for another": {changes(resource.AccessPolicyAssociation, "principalArn", "a", "b"), given, "principalArn from"},
		"a policy of EKS, everywhere":  {changes(resource.AccessPolicyAssociation, "accessScope", object{"type": "namespace"}, object{"type": "cluster"}), given, "accessScope from"},
		"pods with another role":       {changes(resource.PodIdentityAssociation, "roleArn", "a", resource.Unknown), given, "roleArn from a to (known after up)"},
		"pods with a second role":      {changes(resource.PodIdentityAssociation, "targetRoleArn", nil, "b"), given, "targetRoleArn from"},
		"pods of another namespace":    {changes(resource.PodIdentityAssociation, "namespace", "a", "b"), given, "namespace from"},
		"other pods":                   {changes(resource.PodIdentityAssociation, "serviceAccount", "a", "b"), given, "serviceAccount from"},
		"an association taken over":    {stepOf(preview.OpImport, resource.PodIdentityAssociation, nil, object{"roleArn": "a"}), given, "new, roleArn a"},
		"a new role":                   {stepOf(create, resource.IAMRole, nil, object{"assumeRolePolicy": allows("[]")}), given, "new, assumeRolePolicy"},
		"trust in another":             {changes(resource.IAMRole, "assumeRolePolicy", allows(`[{"Effect":"Allow","Principal":{"AWS":"a"}}]`), allows(`[{"Effect":"Allow","Principal":{"AWS":"b"}}]`)), given, "assumeRolePolicy from"},
		"a role's own policies":        {changes(resource.IAMRole, "inlinePolicies", nil, []any{object{"name": "a"}}), given, "inlinePolicies from"},
		"a role's attached policies":   {changes(resource.IAMRole, "managedPolicyArns", []any{"a"}, []any{"a", "b"}), given, "managedPolicyArns from"},
		"a role's description":         {changes(resource.IAMRole, "description", "a", "b"), "", ""},
		"another statement":            {changes(resource.IAMRolePolicy, "policy", allows("["+read+"]"), allows("["+read+","+write+"]")), given, "policy from"},
		"a statement alone, in a list": {changes(resource.IAMRolePolicy, "policy", allows(read), allows("["+read+"]")), "", ""},
		"a statement fewer":            {changes(resource.IAMRolePolicy, "policy", allows("["+read+","+write+"]"), allows("["+read+"]")), "", ""},
		"a denial fewer":               {changes(resource.IAMRolePolicy, "policy", allows("["+read+","+deny+"]"), allows("["+read+"]")), given, "policy from"},
		"an unknown policy":            {changes(resource.IAMRolePolicy, "policy", allows("["+read+"]"), resource.Unknown), given, "policy from"},
		"a policy of the account's":    {changes(resource.IAMPolicy, "policy", allows("["+read+"]"), allows("["+write+"]")), given, "policy from"},
		"another policy attached":      {stepOf(create, resource.IAMRolePolicyAttachment, nil, object{"role": "node", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}), given, "policyArn arn:aws:iam::aws:policy/ReadOnlyAccess"},
		"a policy attached instead":    {changes(resource.IAMRolePolicyAttachment, "policyArn", "a", "b"), given, "policyArn from"},
		"a policy for a new role":      {stepOf(create, resource.IAMRolePolicyAttachment, nil, object{"role": resource.Unknown, "policyArn": "a"}), "", ""},
		"rights in the cluster":        {changes(clusterRole, "rules", []any{"get"}, []any{"get", "delete"}), given, "rules from"},
		"rights by others' rules":      {changes(clusterRole, "aggregationRule", nil, in), given, "aggregationRule from"},
		"fewer rights":                 {changes(clusterRole, "rules", []any{"get", "delete"}, []any{"get"}), "", ""},
		"rights in a namespace":        {changes(kubernetesRole, "rules", nil, []any{"get"}), given, "rules from"},
		"a binding to another":         {changes(clusterRoleBinding, "roleRef", "view", "admin"), given, "roleRef from"},
		"a binding of another":         {changes(clusterRoleBinding, "subjects", []any{"a"}, []any{"a", "b"}), given, "subjects from"},
		"a role binding to another":    {changes(roleBinding, "roleRef", "view", "admin"), given, "roleRef from"},
		"a role binding of another":    {changes(roleBinding, "subjects", []any{"a"}, []any{"b"}), given, "subjects from"},
		"a binding in a new namespace": {stepOf(create, roleBinding, nil, object{"metadata": object{"namespace": resource.Unknown}}), "", ""},

		"a policy of EKS taken":   {stepOf(remove, resource.AccessPolicyAssociation, in, nil), taken, "may do less in the cluster"},
		"a role deleted":          {stepOf(remove, resource.IAMRole, in, nil), taken, "can call AWS no more"},
		"a role's policy deleted": {stepOf(remove, resource.IAMRolePolicy, in, nil), taken, "its role may do less"},
		"a policy detached":       {stepOf(remove, resource.IAMRolePolicyAttachment, in, nil), taken, "its role may do less"},
		"a cluster binding ended": {stepOf(remove, clusterRoleBinding, in, nil), taken, "may do less"},
		"a binding ended":         {stepOf(remove, roleBinding, in, nil), taken, "may do less"},
		"a cluster role deleted":  {stepOf(remove, clusterRole, in, nil), taken, "may do less"},
		"a Kubernetes role gone":  {stepOf(remove, kubernetesRole, in, nil), taken, "may do less"},
	}
}

func TestAccessToANewClusterRoleOrNamespaceIsNoRisk(t *testing.T) {
	entry := stepOf(create, resource.AccessEntry, nil, object{"clusterName": "tfserving-dev", "principalArn": "a"})
	inline := stepOf(create, resource.IAMRolePolicy, nil, object{"role": "tfserving-dev-node", "policy": allows("[]")})
	binding := stepOf(create, roleBinding, nil, object{"metadata": object{"namespace": "tfserving"}})
	for name, test := range map[string]struct {
		owner preview.Step
		given int
	}{
		"an entry, with its cluster":    {stepOf(create, resource.EKSCluster, nil, object{"name": "tfserving-dev", "vpcConfig": object{"endpointPublicAccess": false}}), 0},
		"a policy, with its role":       {stepOf(create, resource.IAMRole, nil, object{"name": "tfserving-dev-node"}), 2},
		"a policy, with another role":   {stepOf(create, resource.IAMRole, nil, object{"name": "other"}), 3},
		"a binding, with its namespace": {stepOf(create, resource.Namespace, nil, object{"metadata": object{"name": "tfserving"}}), 2},
		"with a cluster that was there": {stepOf(change, resource.EKSCluster, object{"version": "1.34"}, object{"version": "1.34"}), 3},
	} {
		given := 0
		for _, r := range Of(&preview.Preview{Steps: []preview.Step{test.owner, entry, inline, binding}}) {
			if r.Kind == accessIsGiven && r.Step.Type != resource.IAMRole {
				given++
			}
		}
		if given != test.given {
			t.Errorf("%s: access is given %d times; want %d", name, given, test.given)
		}
	}
}

// A replaced cluster gets its objects again, with unknown names. A known change of access is a risk.
func TestUnknownNamesInAReplacedClusterAreNoRisk(t *testing.T) {
	replaced := stepOf(replace, resource.EKSCluster, object{}, object{})
	binding := func(to any) preview.Step {
		return stepOf(change, roleBinding, object{"roleRef": object{"name": "a"}}, object{"roleRef": object{"name": to}})
	}
	for to, want := range map[string]int{resource.Unknown: 1, "b": 2} {
		wantRisks(t, "bound to "+to, want, replaced, binding(to))
	}
}
