package report

import (
	"slices"
	"strings"
	"testing"

	"tfserving/preview"
)

type inputs = map[string]any

// stepOf is a step of a resource from one state to another; nil for none.
func stepOf(op preview.Op, typ string, before, after inputs, changes ...preview.Change) preview.Step {
	s := preview.Step{Op: op, URN: "urn:pulumi:dev::tfserving::" + typ + "::it", Type: typ, Name: "it", Changes: changes}
	if before != nil {
		s.Old = &preview.State{Inputs: before, Custom: true}
	}
	if after != nil {
		s.New = &preview.State{Inputs: after, Custom: true}
	}
	return s
}

func annotated(key string, v any) inputs {
	return inputs{"metadata": inputs{"namespace": "tfserving", "annotations": inputs{key: v}}}
}

func endpoint(public bool, cidrs ...any) inputs {
	return inputs{"vpcConfig": inputs{"endpointPublicAccess": public, "publicAccessCidrs": cidrs}}
}

const (
	clusterType   = "aws:eks/cluster:Cluster"
	templateType  = "aws:ec2/launchTemplate:LaunchTemplate"
	namespaceType = "kubernetes:core/v1:Namespace"
	ingressType   = "kubernetes:networking.k8s.io/v1:Ingress"
	policyType    = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	budgetType    = "kubernetes:policy/v1:PodDisruptionBudget"
	ruleType      = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
)

// Each case is a change of one resource and the one risk that it is, or none.
func TestRisks(t *testing.T) {
	in := inputs{"metadata": inputs{"name": "it", "namespace": "tfserving"}}
	metadata := func(tokens string, hops float64) inputs {
		return inputs{"metadataOptions": inputs{"httpTokens": tokens, "httpPutResponseHopLimit": hops}}
	}
	volume := func(encrypted any) inputs {
		return inputs{"blockDeviceMappings": []any{inputs{"ebs": inputs{"encrypted": encrypted}}}}
	}
	level := func(l string) inputs {
		return inputs{"metadata": inputs{"labels": inputs{"pod-security.kubernetes.io/enforce": l}}}
	}
	allowing := func(cidr string) inputs {
		return inputs{"spec": inputs{"ingress": []any{inputs{"from": []any{inputs{"ipBlock": inputs{"cidr": cidr}}}}}}}
	}
	forced := preview.Change{Path: "vpcConfig.subnetIds", Kind: preview.Changed, Forces: true}
	const update, replace, create, remove = preview.OpUpdate, preview.OpReplace, preview.OpCreate, preview.OpDelete
	for name, test := range map[string]struct {
		step preview.Step
		rule string // "" for no risk
		says string
	}{
		"a cluster replaced":                     {stepOf(replace, clusterType, in, in, forced), "state is lost", "replaced because of vpcConfig.subnetIds"},
		"a cluster replaced for no named reason": {stepOf(replace, clusterType, in, in), "state is lost", "something that the engine does not name"},
		"a cluster deleted":                      {stepOf(remove, clusterType, in, nil), "state is lost", "deleted: everything in the cluster"},
		"a cluster made":                         {stepOf(create, clusterType, nil, endpoint(false)), "", ""},
		"a key deleted":                          {stepOf(remove, "aws:kms/key:Key", in, nil), "state is lost", "cannot be read"},
		"a repository replaced":                  {stepOf(replace, "aws:ecr/repository:Repository", in, in), "state is lost", "its images go with it"},
		"a namespace deleted":                    {stepOf(remove, namespaceType, in, nil), "state is lost", "every object in it"},
		"an Ingress replaced":                    {stepOf(replace, ingressType, in, in), "traffic is interrupted", "the name that callers know"},
		"a Service deleted":                      {stepOf(remove, "kubernetes:core/v1:Service", in, nil), "traffic is interrupted", "no pod"},
		"a NAT gateway replaced":                 {stepOf(replace, "aws:ec2/natGateway:NatGateway", in, in), "traffic is interrupted", "connections out"},
		"a Deployment changed":                   {stepOf(update, "kubernetes:apps/v1:Deployment", in, in), "", ""},
		"a config map deleted":                   {stepOf(remove, "kubernetes:core/v1:ConfigMap", in, nil), "", ""},

		"a node group replaced":        {stepOf(replace, nodeGroup, in, in, preview.Change{Path: "instanceTypes", Forces: true}), "nodes are replaced", "because of instanceTypes"},
		"a node group's disk":          {stepOf(update, nodeGroup, in, in, preview.Change{Path: "launchTemplate.version"}), "nodes are replaced", "some at a time"},
		"a node group's bounds":        {stepOf(update, nodeGroup, in, in, preview.Change{Path: "scalingConfig.maxSize"}), "", ""},
		"the version of Kubernetes":    {stepOf(update, clusterType, inputs{"version": "1.34"}, inputs{"version": "1.35"}), "there is no way back", "from 1.34 to 1.35"},
		"a version known after up":     {stepOf(update, clusterType, inputs{"version": "1.34"}, inputs{"version": preview.Unknown}), "there is no way back", "(known after up)"},
		"other subnets":                {stepOf(update, clusterType, inputs{"vpcConfig": inputs{"subnetIds": []any{"subnet-1"}, "endpointPublicAccess": false}}, inputs{"vpcConfig": inputs{"subnetIds": []any{preview.Unknown}, "endpointPublicAccess": false}}), "AWS may refuse it", "none of another VPC"},
		"the same version":             {stepOf(update, clusterType, inputs{"version": "1.34"}, inputs{"version": "1.34"}), "", ""},
		"a Pod Identity deleted":       {stepOf(remove, "aws:eks/podIdentityAssociation:PodIdentityAssociation", in, nil), "access is taken away", "no AWS role"},
		"an access entry deleted":      {stepOf(remove, "aws:eks/accessEntry:AccessEntry", in, nil), "access is taken away", "locked out"},
		"what somebody else has taken": {preview.Step{Op: remove, Drift: true, Type: clusterType, Old: &preview.State{Custom: true}}, "state is lost", "gone: everything"},

		"a range let in":                      {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.0/24", "198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a range within one":                  {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.7/32")), "", ""},
		"a range around one":                  {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.0.0/16")), "a door is opened", "203.0.0.0/16"},
		"everybody let in":                    {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "0.0.0.0/0")), "a door is opened", "opened to everybody: 0.0.0.0/0"},
		"every IPv6 address let in":           {stepOf(create, ruleType, nil, inputs{"cidrIpv6": "::/0"}), "a door is opened", "opened to everybody: ::/0"},
		"ranges that nobody knows":            {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, preview.Unknown)), "a door is opened", "addresses that are (known after up)"},
		"the public endpoint switched on":     {stepOf(update, clusterType, endpoint(false), endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"the public endpoint, for all":        {stepOf(update, clusterType, endpoint(false), inputs{"vpcConfig": inputs{"endpointPublicAccess": true}}), "a door is opened", "to whoever reaches it"},
		"a range taken away":                  {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24", "198.51.100.0/24"), endpoint(true, "203.0.113.0/24")), "", ""},
		"the public endpoint switched off":    {stepOf(update, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(false)), "", ""},
		"a new cluster with a public one":     {stepOf(create, clusterType, nil, endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"a security group's rule":             {stepOf(create, ruleType, nil, inputs{"cidrIpv4": "198.51.100.0/24"}), "a door is opened", "the security group is opened to 198.51.100.0/24"},
		"a rule for another group":            {stepOf(create, ruleType, nil, inputs{"referencedSecurityGroupId": "sg-1"}), "", ""},
		"an outbound rule":                    {stepOf(create, "aws:ec2/securityGroupRule:SecurityGroupRule", nil, inputs{"type": "egress", "cidrBlocks": []any{"0.0.0.0/0"}}), "", ""},
		"a security group with a rule within": {stepOf(update, "aws:ec2/securityGroup:SecurityGroup", inputs{}, inputs{"ingress": []any{inputs{"cidrBlocks": []any{"0.0.0.0/0"}}}}), "a door is opened", "everybody"},
		"a load balancer to the internet":     {stepOf(update, ingressType, annotated(albPrefix+"scheme", "internal"), annotated(albPrefix+"scheme", "internet-facing")), "a door is opened", "from the internet is opened, to whoever"},
		"a new internal load balancer":        {stepOf(create, ingressType, nil, annotated(albPrefix+"scheme", "internal")), "", ""},
		"a new one on the internet":           {stepOf(create, ingressType, nil, annotated(albPrefix+"scheme", "internet-facing")), "a door is opened", "from the internet"},
		"a load balancer's range":             {stepOf(update, ingressType, annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24"), annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24, 198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a load balancer without ranges":      {stepOf(update, ingressType, annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24"), annotated("other", "")), "a door is opened", "open to 203.0.113.0/24 alone"},
		"a network policy deleted":            {stepOf(remove, policyType, in, nil), "a door is opened", "may talk"},
		"a network policy with another range": {stepOf(update, policyType, allowing("10.0.0.0/16"), allowing("10.0.0.0/8")), "a door is opened", "ingress of the pods is opened to 10.0.0.0/8"},
		"a network policy, narrower":          {stepOf(update, policyType, allowing("10.0.0.0/8"), allowing("10.0.0.0/16")), "", ""},

		"protection switched off":            {stepOf(update, clusterType, in, in, preview.Change{Path: preview.Protection, Old: true, New: false}), "a protection is removed", "protect is switched off"},
		"protection switched on":             {stepOf(update, clusterType, in, in, preview.Change{Path: preview.Protection, Old: false, New: true}), "", ""},
		"AWS's protection of the cluster":    {stepOf(update, clusterType, inputs{"deletionProtection": true}, inputs{"deletionProtection": false}), "a protection is removed", "deletionProtection from true to false"},
		"encryption of Secrets":              {stepOf(update, clusterType, inputs{"encryptionConfig": inputs{}}, inputs{}), "a protection is removed", "no key of the stack"},
		"a log of the control plane":         {stepOf(update, clusterType, inputs{"enabledClusterLogTypes": []any{"api", "audit"}}, inputs{"enabledClusterLogTypes": []any{"api"}}), "a protection is removed", "no longer kept"},
		"tags of images":                     {stepOf(update, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "IMMUTABLE"}, inputs{"imageTagMutability": "MUTABLE"}), "a protection is removed", "pushed over"},
		"rotation of a key":                  {stepOf(update, "aws:kms/key:Key", inputs{"enableKeyRotation": true}, inputs{}), "a protection is removed", "never changed"},
		"a shorter deletion window":          {stepOf(update, "aws:kms/key:Key", inputs{"deletionWindowInDays": 30.0}, inputs{"deletionWindowInDays": 7.0}), "a protection is removed", "from 30 to 7"},
		"logs kept for less long":            {stepOf(update, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 30.0}, inputs{"retentionInDays": 7.0}), "a protection is removed", "older logs"},
		"logs kept for longer":               {stepOf(update, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 7.0}, inputs{"retentionInDays": 30.0}), "", ""},
		"session tokens of nodes":            {stepOf(update, templateType, metadata("required", 1), metadata("optional", 1)), "a protection is removed", "httpTokens from required to optional"},
		"one more hop":                       {stepOf(update, templateType, metadata("required", 1), metadata("required", 2)), "a protection is removed", "httpPutResponseHopLimit from 1 to 2"},
		"encryption of volumes":              {stepOf(update, templateType, volume("true"), volume("false")), "a protection is removed", "volumes of nodes"},
		"encryption that nobody knows":       {stepOf(update, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "IMMUTABLE"}, inputs{"imageTagMutability": preview.Unknown}), "a protection is removed", "(known after up)"},
		"tags that never were immutable":     {stepOf(update, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "MUTABLE"}, inputs{"imageTagMutability": preview.Unknown}), "", ""},
		"Secrets' key that nobody knows":     {stepOf(update, clusterType, inputs{"encryptionConfig": inputs{}}, inputs{"encryptionConfig": preview.Unknown}), "a protection is removed", "it protected until now"},
		"a retention that nobody knows":      {stepOf(update, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 30.0}, inputs{"retentionInDays": preview.Unknown}), "a protection is removed", "it protected until now"},
		"a lower Pod Security level":         {stepOf(update, namespaceType, level("restricted"), level("baseline")), "a protection is removed", "from restricted to baseline"},
		"a higher Pod Security level":        {stepOf(update, namespaceType, level("baseline"), level("restricted")), "", ""},
		"a load balancer that may go":        {stepOf(update, ingressType, annotated(albPrefix+"load-balancer-attributes", "deletion_protection.enabled=true"), annotated(albPrefix+"load-balancer-attributes", "idle_timeout=1")), "a protection is removed", "refuses to delete the load balancer"},
		"a disruption budget deleted":        {stepOf(remove, budgetType, in, nil), "a protection is removed", "may take all its pods"},
		"a disruption budget changed":        {stepOf(update, budgetType, in, in), "", ""},
		"nothing, where everything is known": {stepOf(preview.OpSame, clusterType, endpoint(true, "0.0.0.0/0"), endpoint(true, "0.0.0.0/0")), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := risks(&preview.Preview{Steps: []preview.Step{test.step}})
			switch {
			case test.rule == "" && len(found) == 0:
			case test.rule == "" || len(found) != 1:
				t.Errorf("it is %d risks: %v; want %q", len(found), found, test.rule)
			case found[0].Rule != test.rule || !strings.Contains(bare(found[0].What), test.says):
				t.Errorf("it is %q: %s; want %q: … %s …", found[0].Rule, bare(found[0].What), test.rule, test.says)
			}
		})
	}
	for _, r := range rules {
		if r.when == "" {
			t.Errorf("%s does not say when it applies", r.name)
		}
	}
}

// In a namespace that is new, a NetworkPolicy opens nothing that was closed; a load balancer on the internet does.
func TestNoPolicyOpensANamespaceThatIsNew(t *testing.T) {
	allowing := inputs{"metadata": inputs{"namespace": "tfserving"}, "spec": inputs{"ingress": []any{inputs{"from": []any{inputs{"ipBlock": inputs{"cidr": "10.0.0.0/16"}}}}}}}
	made := stepOf(preview.OpCreate, namespaceType, nil, inputs{"metadata": inputs{"name": "tfserving"}})
	policy := stepOf(preview.OpCreate, policyType, nil, allowing)
	if found := risks(&preview.Preview{Steps: []preview.Step{made, policy}}); len(found) > 0 {
		t.Errorf("in a new namespace it is %v", found)
	}
	public := stepOf(preview.OpCreate, ingressType, nil, annotated(albPrefix+"scheme", "internet-facing"))
	if found := risks(&preview.Preview{Steps: []preview.Step{made, public}}); len(found) != 1 {
		t.Errorf("a load balancer on the internet, in a new namespace, is %v", found)
	}
	unnamed := stepOf(preview.OpCreate, policyType, nil, inputs{"metadata": inputs{"namespace": preview.Unknown}, "spec": allowing["spec"]})
	if found := risks(&preview.Preview{Steps: []preview.Step{made, unnamed}}); len(found) > 0 {
		t.Errorf("in one whose name nobody knows yet it is %v", found)
	}
	if found := risks(&preview.Preview{Steps: []preview.Step{policy}}); len(found) != 1 {
		t.Errorf("in one that is there it is %v", found)
	}
}

// With the cluster goes all access to it, and what was guarded in it.
func TestWhatServedADeletedClusterIsNoRiskMore(t *testing.T) {
	gone := stepOf(preview.OpDelete, clusterType, inputs{}, nil)
	rest := []preview.Step{
		stepOf(preview.OpDelete, "aws:eks/podIdentityAssociation:PodIdentityAssociation", inputs{}, nil),
		stepOf(preview.OpDelete, budgetType, inputs{"metadata": inputs{"namespace": "kube-system"}}, nil),
	}
	if found := risks(&preview.Preview{Steps: append(rest, gone)}); len(found) != 1 {
		t.Errorf("with the cluster deleted it is %v", found)
	}
	if found := risks(&preview.Preview{Steps: rest}); len(found) != 2 {
		t.Errorf("with the cluster there it is %v", found)
	}
}

// What guarded a namespace goes with it: one line says so, not one for each.
func TestWhatGuardsADeletedNamespaceIsNoRiskMore(t *testing.T) {
	guard := inputs{"metadata": inputs{"name": "it", "namespace": "tfserving"}}
	found := risks(&preview.Preview{Steps: []preview.Step{
		stepOf(preview.OpDelete, namespaceType, inputs{"metadata": inputs{"name": "tfserving"}}, nil),
		stepOf(preview.OpDelete, budgetType, guard, nil),
		stepOf(preview.OpDelete, policyType, guard, nil),
		stepOf(preview.OpDelete, budgetType, inputs{"metadata": inputs{"namespace": "kube-system"}}, nil),
	}})
	got := []string{}
	for _, r := range found {
		got = append(got, r.Rule)
	}
	if want := []string{"state is lost", "a protection is removed"}; !slices.Equal(got, want) {
		t.Errorf("the risks are %v; want %v: of the namespace, and of the budget elsewhere", got, want)
	}
}
