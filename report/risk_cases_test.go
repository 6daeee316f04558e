package report

import (
	"tfserving/preview"

	"tfserving/resource"
)

// riskCase is a change of one resource and the one risk that it is, or none.
type riskCase struct {
	step preview.Step
	rule string // "" for no risk
	says string
}

// Operations, as cases name them.
const (
	change  = preview.OpUpdate
	replace = preview.OpReplace
	create  = preview.OpCreate
	remove  = preview.OpDelete
)

// changeCases are of what is lost, interrupted or no longer protected, and of doors that are opened to addresses.
func changeCases() map[string]riskCase {
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
	bounds := func(least, most float64) inputs {
		return inputs{"scalingConfig": inputs{"minSize": least, "maxSize": most}}
	}
	private := func(on bool) inputs {
		return inputs{"vpcConfig": inputs{"endpointPublicAccess": false, "endpointPrivateAccess": on}}
	}
	encrypted := func(by string) inputs {
		return inputs{"encryptionConfigurations": []any{inputs{"encryptionType": by}}}
	}
	return map[string]riskCase{
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
		"a Deployment changed":                   {stepOf(change, "kubernetes:apps/v1:Deployment", in, in), "", ""},
		"a config map deleted":                   {stepOf(remove, "kubernetes:core/v1:ConfigMap", in, nil), "", ""},

		"a node group replaced":        {stepOf(replace, nodeGroup, in, in, preview.Change{Path: "instanceTypes", Forces: true}), "nodes end", "because of instanceTypes"},
		"a node group's disk":          {stepOf(change, nodeGroup, in, in, preview.Change{Path: "launchTemplate.version"}), "nodes end", "some at a time"},
		"a node group's bounds":        {stepOf(change, nodeGroup, in, in, preview.Change{Path: "scalingConfig.maxSize"}), "", ""},
		"the version of Kubernetes":    {stepOf(change, clusterType, inputs{"version": "1.34"}, inputs{"version": "1.35"}), "there is no way back", "from 1.34 to 1.35"},
		"a version known after up":     {stepOf(change, clusterType, inputs{"version": "1.34"}, inputs{"version": resource.Unknown}), "there is no way back", "(known after up)"},
		"other subnets":                {stepOf(change, clusterType, inputs{"vpcConfig": inputs{"subnetIds": []any{"subnet-1"}, "endpointPublicAccess": false}}, inputs{"vpcConfig": inputs{"subnetIds": []any{resource.Unknown}, "endpointPublicAccess": false}}), "AWS may refuse it", "none of another VPC"},
		"the same version":             {stepOf(change, clusterType, inputs{"version": "1.34"}, inputs{"version": "1.34"}), "", ""},
		"a Pod Identity deleted":       {stepOf(remove, "aws:eks/podIdentityAssociation:PodIdentityAssociation", in, nil), "access is taken away", "no AWS role"},
		"an access entry deleted":      {stepOf(remove, "aws:eks/accessEntry:AccessEntry", in, nil), "access is taken away", "locked out"},
		"what somebody else has taken": {preview.Step{Op: remove, Drift: true, Type: clusterType, Old: &preview.State{Custom: true}}, "state is lost", "gone: everything"},

		"a range let in":                      {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.0/24", "198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a range within one":                  {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.7/32")), "", ""},
		"a range around one":                  {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.0.0/16")), "a door is opened", "203.0.0.0/16"},
		"everybody let in":                    {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, "0.0.0.0/0")), "a door is opened", "opened to everybody: 0.0.0.0/0"},
		"every IPv6 address let in":           {stepOf(create, ruleType, nil, inputs{"cidrIpv6": "::/0"}), "a door is opened", "opened to everybody: ::/0"},
		"ranges that nobody knows":            {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(true, resource.Unknown)), "a door is opened", "addresses that are (known after up)"},
		"the public endpoint switched on":     {stepOf(change, clusterType, endpoint(false), endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"the public endpoint, for all":        {stepOf(change, clusterType, endpoint(false), inputs{"vpcConfig": inputs{"endpointPublicAccess": true}}), "a door is opened", "to whoever reaches it"},
		"a range taken away":                  {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24", "198.51.100.0/24"), endpoint(true, "203.0.113.0/24")), "", ""},
		"the public endpoint switched off":    {stepOf(change, clusterType, endpoint(true, "203.0.113.0/24"), endpoint(false)), "", ""},
		"a new cluster with a public one":     {stepOf(create, clusterType, nil, endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"a security group's rule":             {stepOf(create, ruleType, nil, inputs{"cidrIpv4": "198.51.100.0/24"}), "a door is opened", "the security group is opened to 198.51.100.0/24"},
		"a rule for another group":            {stepOf(create, ruleType, nil, inputs{"referencedSecurityGroupId": "sg-1"}), "", ""},
		"an outbound rule":                    {stepOf(create, "aws:ec2/securityGroupRule:SecurityGroupRule", nil, inputs{"type": "egress", "cidrBlocks": []any{"0.0.0.0/0"}}), "", ""},
		"a security group with a rule within": {stepOf(change, "aws:ec2/securityGroup:SecurityGroup", inputs{}, inputs{"ingress": []any{inputs{"cidrBlocks": []any{"0.0.0.0/0"}}}}), "a door is opened", "everybody"},
		"a load balancer to the internet":     {stepOf(change, ingressType, annotated(albPrefix+"scheme", "internal"), annotated(albPrefix+"scheme", "internet-facing")), "a door is opened", "from the internet is opened, to whoever"},
		"a new internal load balancer":        {stepOf(create, ingressType, nil, annotated(albPrefix+"scheme", "internal")), "", ""},
		"a new one on the internet":           {stepOf(create, ingressType, nil, annotated(albPrefix+"scheme", "internet-facing")), "a door is opened", "from the internet"},
		"a load balancer's range":             {stepOf(change, ingressType, annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24"), annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24, 198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a load balancer without ranges":      {stepOf(change, ingressType, annotated(albPrefix+"inbound-cidrs", "203.0.113.0/24"), annotated("other", "")), "a door is opened", "open to 203.0.113.0/24 alone"},
		"a network policy deleted":            {stepOf(remove, policyType, in, nil), "a door is opened", "may talk"},
		"a network policy with another range": {stepOf(change, policyType, allowing("10.0.0.0/16"), allowing("10.0.0.0/8")), "a door is opened", "ingress of the pods is opened to 10.0.0.0/8"},
		"a network policy, narrower":          {stepOf(change, policyType, allowing("10.0.0.0/8"), allowing("10.0.0.0/16")), "", ""},

		"protection switched off":            {stepOf(change, clusterType, in, in, preview.Change{Path: preview.Protection, Old: true, New: false}), "a protection is removed", "protect is switched off"},
		"protection switched on":             {stepOf(change, clusterType, in, in, preview.Change{Path: preview.Protection, Old: false, New: true}), "", ""},
		"AWS's protection of the cluster":    {stepOf(change, clusterType, inputs{"deletionProtection": true}, inputs{"deletionProtection": false}), "a protection is removed", "deletionProtection from true to false"},
		"encryption of Secrets":              {stepOf(change, clusterType, inputs{"encryptionConfig": inputs{}}, inputs{}), "a protection is removed", "no key of the stack"},
		"a log of the control plane":         {stepOf(change, clusterType, inputs{"enabledClusterLogTypes": []any{"api", "audit"}}, inputs{"enabledClusterLogTypes": []any{"api"}}), "a protection is removed", "no longer kept"},
		"tags of images":                     {stepOf(change, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "IMMUTABLE"}, inputs{"imageTagMutability": "MUTABLE"}), "a protection is removed", "pushed over"},
		"rotation of a key":                  {stepOf(change, "aws:kms/key:Key", inputs{"enableKeyRotation": true}, inputs{}), "a protection is removed", "never changed"},
		"a shorter deletion window":          {stepOf(change, "aws:kms/key:Key", inputs{"deletionWindowInDays": 30.0}, inputs{"deletionWindowInDays": 7.0}), "a protection is removed", "from 30 to 7"},
		"logs kept for less long":            {stepOf(change, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 30.0}, inputs{"retentionInDays": 7.0}), "a protection is removed", "older logs"},
		"logs kept for longer":               {stepOf(change, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 7.0}, inputs{"retentionInDays": 30.0}), "", ""},
		"session tokens of nodes":            {stepOf(change, templateType, metadata("required", 1), metadata("optional", 1)), "a protection is removed", "httpTokens from required to optional"},
		"one more hop":                       {stepOf(change, templateType, metadata("required", 1), metadata("required", 2)), "a protection is removed", "httpPutResponseHopLimit from 1 to 2"},
		"encryption of volumes":              {stepOf(change, templateType, volume("true"), volume("false")), "a protection is removed", "volumes of nodes"},
		"encryption that nobody knows":       {stepOf(change, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "IMMUTABLE"}, inputs{"imageTagMutability": resource.Unknown}), "a protection is removed", "(known after up)"},
		"tags that never were immutable":     {stepOf(change, "aws:ecr/repository:Repository", inputs{"imageTagMutability": "MUTABLE"}, inputs{"imageTagMutability": resource.Unknown}), "", ""},
		"Secrets' key that nobody knows":     {stepOf(change, clusterType, inputs{"encryptionConfig": inputs{}}, inputs{"encryptionConfig": resource.Unknown}), "a protection is removed", "it protected until now"},
		"a retention that nobody knows":      {stepOf(change, "aws:cloudwatch/logGroup:LogGroup", inputs{"retentionInDays": 30.0}, inputs{"retentionInDays": resource.Unknown}), "a protection is removed", "it protected until now"},
		"a lower Pod Security level":         {stepOf(change, namespaceType, level("restricted"), level("baseline")), "a protection is removed", "from restricted to baseline"},
		"a higher Pod Security level":        {stepOf(change, namespaceType, level("baseline"), level("restricted")), "", ""},
		"a load balancer that may go":        {stepOf(change, ingressType, annotated(albPrefix+"load-balancer-attributes", "deletion_protection.enabled=true"), annotated(albPrefix+"load-balancer-attributes", "idle_timeout=1")), "a protection is removed", "refuses to delete the load balancer"},
		"a disruption budget deleted":        {stepOf(remove, budgetType, in, nil), "a protection is removed", "may take all its pods"},
		"a disruption budget changed":        {stepOf(change, budgetType, in, in), "", ""},
		"nothing, where everything is known": {stepOf(preview.OpSame, clusterType, endpoint(true, "0.0.0.0/0"), endpoint(true, "0.0.0.0/0")), "", ""},

		"fewer nodes at most":              {stepOf(change, nodeGroup, bounds(2, 6), bounds(2, 3)), "nodes end", "scalingConfig.maxSize from 6 to 3"},
		"fewer nodes at least":             {stepOf(change, nodeGroup, bounds(2, 6), bounds(1, 6)), "nodes end", "scalingConfig.minSize from 2 to 1"},
		"more nodes":                       {stepOf(change, nodeGroup, bounds(2, 6), bounds(3, 9)), "", ""},
		"the private endpoint":             {stepOf(change, clusterType, private(true), private(false)), "a protection is removed", "vpcConfig.endpointPrivateAccess from true to false"},
		"images by ECR's own key":          {stepOf(change, repositoryType, encrypted("KMS"), encrypted("AES256")), "a protection is removed", "encryptionConfigurations from"},
		"images by no key":                 {stepOf(change, repositoryType, encrypted("KMS"), inputs{}), "a protection is removed", "encryptionConfigurations from"},
		"images by a key":                  {stepOf(change, repositoryType, encrypted("AES256"), encrypted("KMS")), "", ""},
		"scanning of images":               {stepOf(change, repositoryType, inputs{"imageScanningConfiguration": inputs{"scanOnPush": true}}, inputs{}), "a protection is removed", "imageScanningConfiguration.scanOnPush from true"},
		"a repository that may go, full":   {stepOf(change, repositoryType, inputs{}, inputs{"forceDelete": true}), "a protection is removed", "forceDelete from (none) to true"},
		"the key of logs":                  {stepOf(change, logType, inputs{"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"}, inputs{}), "a protection is removed", "kmsKeyId from"},
		"another key of logs":              {stepOf(change, logType, inputs{"kmsKeyId": "a"}, inputs{"kmsKeyId": "b"}), "", ""},
		"an NLB that may go":               {stepOf(change, serviceType, annotated(nlbPrefix+"attributes", "deletion_protection.enabled=true"), annotated(nlbPrefix+"attributes", "")), "a protection is removed", nlbPrefix + "attributes from"},
		"kept when it is removed, no more": {stepOf(change, clusterType, in, in, preview.Change{Path: preview.Retention, Old: true, New: false}), "a protection is removed", "retainOnDelete is switched off"},
		"a quota deleted":                  {stepOf(remove, "kubernetes:core/v1:ResourceQuota", in, nil), "a protection is removed", "the whole cluster"},
		"a limit range deleted":            {stepOf(remove, "kubernetes:core/v1:LimitRange", in, nil), "a protection is removed", "containers without limits"},
		"a flow log deleted":               {stepOf(remove, "aws:ec2/flowLog:FlowLog", in, nil), "a protection is removed", "who talked to whom"},

		"a VPC replaced":            {stepOf(replace, "aws:ec2/vpc:Vpc", in, in), "state is lost", "everything in it goes"},
		"a log group deleted":       {stepOf(remove, logType, in, nil), "state is lost", "its logs"},
		"a Secret deleted":          {stepOf(remove, "kubernetes:core/v1:Secret", in, nil), "state is lost", "pods that mount it"},
		"a volume claim deleted":    {stepOf(remove, "kubernetes:core/v1:PersistentVolumeClaim", in, nil), "state is lost", "its data"},
		"a Deployment replaced":     {stepOf(replace, "kubernetes:apps/v1:Deployment", in, in), "traffic is interrupted", "all its pods end"},
		"a chart deleted":           {stepOf(remove, "kubernetes:helm.sh/v3:Release", in, nil), "traffic is interrupted", "load balancers up to date"},
		"a public address replaced": {stepOf(replace, "aws:ec2/eip:Eip", in, in), "traffic is interrupted", "is given up"},
		"a gateway deleted":         {stepOf(remove, "aws:ec2/internetGateway:InternetGateway", in, nil), "traffic is interrupted", "nothing reaches the VPC"},
		"a subnet replaced":         {stepOf(replace, "aws:ec2/subnet:Subnet", in, in), "traffic is interrupted", "must move first"},
		"a route deleted":           {stepOf(remove, "aws:ec2/route:Route", in, nil), "traffic is interrupted", "connections that took it"},
		"a VPC endpoint deleted":    {stepOf(remove, "aws:ec2/vpcEndpoint:VpcEndpoint", in, nil), "traffic is interrupted", "another way"},
		"a node group deleted":      {stepOf(remove, nodeGroup, in, nil), "nodes end", "need room elsewhere"},
	}
}
