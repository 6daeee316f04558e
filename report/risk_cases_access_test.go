package report

import (
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

const (
	entryType   = "aws:eks/accessEntry:AccessEntry"
	policyOfEKS = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	podType     = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
	inlineType  = "aws:iam/rolePolicy:RolePolicy"
	attachType  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	managedType = "aws:iam/policy:Policy"
)

// allows is a policy document of statements.
func allows(statements string) string {
	return `{"Version":"2012-10-17","Statement":` + statements + `}`
}

// accessCases are of who may do more, or less.
func accessCases() map[string]riskCase {
	const given, taken = "access is given", "access is taken away"
	of := func(key string, v any) inputs {
		return inputs{"metadata": inputs{"namespace": "kube-system"}, key: v}
	}
	changes := func(typ, key string, before, after any) preview.Step {
		return stepOf(change, typ, of(key, before), of(key, after))
	}
	const read, write, deny = `{"Effect":"Allow","Action":"s3:GetObject"}`, `{"Effect":"Allow","Action":"s3:PutObject"}`, `{"Effect":"Deny","Action":"s3:*"}`
	in := inputs{}
	return map[string]riskCase{
		"a new access entry":           {stepOf(create, entryType, nil, inputs{"principalArn": "arn:aws:iam::123456789012:role/x"}), given, "new, principalArn arn:aws:iam::123456789012:role/x"},
		"an entry for somebody else":   {changes(entryType, "principalArn", "a", "b"), given, "principalArn from a to b"},
		"an entry for another group":   {changes(entryType, "kubernetesGroups", nil, []any{"admins"}), given, "kubernetesGroups from"},
		"an entry of another type":     {changes(entryType, "type", "STANDARD", "EC2_LINUX"), given, "type from"},
		"an entry of another name":     {changes(entryType, "userName", "a", "b"), given, "userName from"},
		"an entry's tags":              {changes(entryType, "tags", in, inputs{"a": "b"}), "", ""},
		"a policy of EKS":              {changes(policyOfEKS, "policyArn", "AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"), given, "policyArn from"},
		"a policy of EKS, for another": {changes(policyOfEKS, "principalArn", "a", "b"), given, "principalArn from"},
		"a policy of EKS, everywhere":  {changes(policyOfEKS, "accessScope", inputs{"type": "namespace"}, inputs{"type": "cluster"}), given, "accessScope from"},
		"pods with another role":       {changes(podType, "roleArn", "a", resource.Unknown), given, "roleArn from a to (known after up)"},
		"pods with a second role":      {changes(podType, "targetRoleArn", nil, "b"), given, "targetRoleArn from"},
		"pods of another namespace":    {changes(podType, "namespace", "a", "b"), given, "namespace from"},
		"other pods":                   {changes(podType, "serviceAccount", "a", "b"), given, "serviceAccount from"},
		"an association taken over":    {stepOf(preview.OpImport, podType, nil, inputs{"roleArn": "a"}), given, "new, roleArn a"},
		"a new role":                   {stepOf(create, roleType, nil, inputs{"assumeRolePolicy": allows("[]")}), given, "new, assumeRolePolicy"},
		"trust in another":             {changes(roleType, "assumeRolePolicy", allows(`[{"Effect":"Allow","Principal":{"AWS":"a"}}]`), allows(`[{"Effect":"Allow","Principal":{"AWS":"b"}}]`)), given, "assumeRolePolicy from"},
		"a role's own policies":        {changes(roleType, "inlinePolicies", nil, []any{inputs{"name": "a"}}), given, "inlinePolicies from"},
		"a role's attached policies":   {changes(roleType, "managedPolicyArns", []any{"a"}, []any{"a", "b"}), given, "managedPolicyArns from"},
		"a role's description":         {changes(roleType, "description", "a", "b"), "", ""},
		"another statement":            {changes(inlineType, "policy", allows("["+read+"]"), allows("["+read+","+write+"]")), given, "policy from"},
		"a statement alone, in a list": {changes(inlineType, "policy", allows(read), allows("["+read+"]")), "", ""},
		"a statement fewer":            {changes(inlineType, "policy", allows("["+read+","+write+"]"), allows("["+read+"]")), "", ""},
		"a denial fewer":               {changes(inlineType, "policy", allows("["+read+","+deny+"]"), allows("["+read+"]")), given, "policy from"},
		"a policy that nobody knows":   {changes(inlineType, "policy", allows("["+read+"]"), resource.Unknown), given, "policy from"},
		"a policy of the account's":    {changes(managedType, "policy", allows("["+read+"]"), allows("["+write+"]")), given, "policy from"},
		"another policy attached":      {stepOf(create, attachType, nil, inputs{"role": "node", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}), given, "policyArn arn:aws:iam::aws:policy/ReadOnlyAccess"},
		"a policy attached instead":    {changes(attachType, "policyArn", "a", "b"), given, "policyArn from"},
		"a policy for a new role":      {stepOf(create, attachType, nil, inputs{"role": resource.Unknown, "policyArn": "a"}), "", ""},
		"rights in the cluster":        {changes(rbac+"ClusterRole", "rules", []any{"get"}, []any{"get", "delete"}), given, "rules from"},
		"rights by others' rules":      {changes(rbac+"ClusterRole", "aggregationRule", nil, in), given, "aggregationRule from"},
		"fewer rights":                 {changes(rbac+"ClusterRole", "rules", []any{"get", "delete"}, []any{"get"}), "", ""},
		"rights in a namespace":        {changes(rbac+"Role", "rules", nil, []any{"get"}), given, "rules from"},
		"a binding to another":         {changes(rbac+"ClusterRoleBinding", "roleRef", "view", "admin"), given, "roleRef from"},
		"a binding of another":         {changes(rbac+"ClusterRoleBinding", "subjects", []any{"a"}, []any{"a", "b"}), given, "subjects from"},
		"a role binding to another":    {changes(rbac+"RoleBinding", "roleRef", "view", "admin"), given, "roleRef from"},
		"a role binding of another":    {changes(rbac+"RoleBinding", "subjects", []any{"a"}, []any{"b"}), given, "subjects from"},
		"a binding in a new namespace": {stepOf(create, rbac+"RoleBinding", nil, inputs{"metadata": inputs{"namespace": resource.Unknown}}), "", ""},

		"a policy of EKS taken":   {stepOf(remove, policyOfEKS, in, nil), taken, "may do less in the cluster"},
		"a role deleted":          {stepOf(remove, roleType, in, nil), taken, "can call AWS no more"},
		"a role's policy deleted": {stepOf(remove, inlineType, in, nil), taken, "its role may do less"},
		"a policy detached":       {stepOf(remove, attachType, in, nil), taken, "its role may do less"},
		"a cluster binding ended": {stepOf(remove, rbac+"ClusterRoleBinding", in, nil), taken, "may do less"},
		"a binding ended":         {stepOf(remove, rbac+"RoleBinding", in, nil), taken, "may do less"},
		"a cluster role deleted":  {stepOf(remove, rbac+"ClusterRole", in, nil), taken, "may do less"},
		"a Kubernetes role gone":  {stepOf(remove, rbac+"Role", in, nil), taken, "may do less"},
	}
}

// What is given with a cluster, a role or a namespace that is new is no risk more.
func TestWhatComesWithItsOwnerGivesNobodyAccess(t *testing.T) {
	entry := stepOf(create, entryType, nil, inputs{"clusterName": "tfserving-dev", "principalArn": "a"})
	inline := stepOf(create, inlineType, nil, inputs{"role": "tfserving-dev-node", "policy": allows("[]")})
	binding := stepOf(create, rbac+"RoleBinding", nil, inputs{"metadata": inputs{"namespace": "tfserving"}})
	for name, test := range map[string]struct {
		owner preview.Step
		given int
	}{
		"an entry, with its cluster":    {stepOf(create, clusterType, nil, inputs{"name": "tfserving-dev", "vpcConfig": inputs{"endpointPublicAccess": false}}), 0},
		"a policy, with its role":       {stepOf(create, roleType, nil, inputs{"name": "tfserving-dev-node"}), 2},
		"a policy, with another role":   {stepOf(create, roleType, nil, inputs{"name": "other"}), 3},
		"a binding, with its namespace": {stepOf(create, namespaceType, nil, inputs{"metadata": inputs{"name": "tfserving"}}), 2},
		"with a cluster that was there": {stepOf(change, clusterType, inputs{"version": "1.34"}, inputs{"version": "1.34"}), 3},
	} {
		given := 0
		for _, r := range risks(&preview.Preview{Steps: []preview.Step{test.owner, entry, inline, binding}}) {
			if r.Rule == "access is given" && r.Step.Type != roleType {
				given++
			}
		}
		if given != test.given {
			t.Errorf("%s: access is given %d times; want %d", name, given, test.given)
		}
	}
}

// A cluster that is replaced gets the same objects anew, with names that nobody knows yet; what is known still counts.
func TestAClusterReplacedGivesNobodyAccessByNamesYetUnknown(t *testing.T) {
	replaced := stepOf(replace, clusterType, inputs{}, inputs{})
	binding := func(to any) preview.Step {
		return stepOf(change, rbac+"RoleBinding", inputs{"roleRef": inputs{"name": "a"}}, inputs{"roleRef": inputs{"name": to}})
	}
	for to, want := range map[string]int{resource.Unknown: 1, "b": 2} {
		if found := risks(&preview.Preview{Steps: []preview.Step{replaced, binding(to)}}); len(found) != want {
			t.Errorf("bound to %s it is %v", to, found)
		}
	}
}
