package risk

import (
	"tfserving/preview"

	"tfserving/resource"
)

// riskCase is a change of one resource and its one risk, or none.
type riskCase struct {
	step preview.Step
	kind string // "" for no risk
	text string // part of the sentence
}

// Short names of operations, for the cases.
const (
	change  = preview.OpUpdate
	replace = preview.OpReplace
	create  = preview.OpCreate
	remove  = preview.OpDelete
)

// changeCases are changes that lose state, interrupt traffic, remove protection or open access to addresses.
func changeCases() map[string]riskCase {
	in := object{"metadata": object{"name": "it", "namespace": "tfserving"}}
	metadata := func(tokens string, hops float64) object {
		return object{"metadataOptions": object{"httpTokens": tokens, "httpPutResponseHopLimit": hops}}
	}
	volume := func(encrypted any) object {
		return object{"blockDeviceMappings": []any{object{"ebs": object{"encrypted": encrypted}}}}
	}
	level := func(l string) object {
		return object{"metadata": object{"labels": object{"pod-security.kubernetes.io/enforce": l}}}
	}
	allowing := func(cidr string) object {
		return object{"spec": object{"ingress": []any{object{"from": []any{object{"ipBlock": object{"cidr": cidr}}}}}}}
	}
	forced := preview.Change{Path: "vpcConfig.subnetIds", Kind: preview.Changed, Forces: true}
	bounds := func(least, most float64) object {
		return object{"scalingConfig": object{"minSize": least, "maxSize": most}}
	}
	private := func(on bool) object {
		return object{"vpcConfig": object{"endpointPublicAccess": false, "endpointPrivateAccess": on}}
	}
	encrypted := func(by string) object { return object{"encryptionConfigurations": []any{object{"encryptionType": by}}} }
	return map[string]riskCase{
		"a cluster replaced":                     {stepOf(replace, resource.EKSCluster, in, in, forced), "state is lost", "replaced because of vpcConfig.subnetIds"},
		"a cluster replaced for no named reason": {stepOf(replace, resource.EKSCluster, in, in), "state is lost", "something that the engine does not name"},
		"a cluster deleted":                      {stepOf(remove, resource.EKSCluster, in, nil), "state is lost", "deleted: everything in the cluster"},
		"a new cluster":                          {stepOf(create, resource.EKSCluster, nil, endpoint(false)), "", ""},
		"a key deleted":                          {stepOf(remove, resource.KMSKey, in, nil), "state is lost", "cannot be read"},
		"a repository replaced":                  {stepOf(replace, resource.Repository, in, in), "state is lost", "its images go with it"},
		"a namespace deleted":                    {stepOf(remove, resource.Namespace, in, nil), "state is lost", "every object in it"},
		"an Ingress replaced":                    {stepOf(replace, resource.Ingress, in, in), "traffic is interrupted", "the name that callers know"},
		"a Service deleted":                      {stepOf(remove, resource.Service, in, nil), "traffic is interrupted", "no pod"},
		"a NAT gateway replaced":                 {stepOf(replace, resource.NATGateway, in, in), "traffic is interrupted", "connections out"},
		"a Deployment changed":                   {stepOf(change, resource.Deployment, in, in), "", ""},
		"a config map deleted":                   {stepOf(remove, "kubernetes:core/v1:ConfigMap", in, nil), "", ""},

		"a node group replaced":               {stepOf(replace, resource.NodeGroup, in, in, preview.Change{Path: "instanceTypes", Forces: true}), "nodes end", "because of instanceTypes"},
		"a node group's disk":                 {stepOf(change, resource.NodeGroup, in, in, preview.Change{Path: "launchTemplate.version"}), "nodes end", "some at a time"},
		"a node group's bounds":               {stepOf(change, resource.NodeGroup, in, in, preview.Change{Path: "scalingConfig.maxSize"}), "", ""},
		"the version of Kubernetes":           {stepOf(change, resource.EKSCluster, object{"version": "1.34"}, object{"version": "1.35"}), "the way back is short", "from 1.34 to 1.35: EKS takes one minor version at a time, and goes back only within 7 days"},
		"the version of Kubernetes, back":     {stepOf(change, resource.EKSCluster, object{"version": "1.35"}, object{"version": "1.34"}), "AWS may refuse it", "from 1.35 to 1.34: EKS goes back by one minor version, within 7 days of the upgrade"},
		"an unknown version":                  {stepOf(change, resource.EKSCluster, object{"version": "1.34"}, object{"version": resource.Unknown}), "the way back is short", "(known after up)"},
		"other subnets":                       {stepOf(change, resource.EKSCluster, object{"vpcConfig": object{"subnetIds": []any{"subnet-1"}, "endpointPublicAccess": false}}, object{"vpcConfig": object{"subnetIds": []any{resource.Unknown}, "endpointPublicAccess": false}}), "AWS may refuse it", "none of another VPC"},
		"the same version":                    {stepOf(change, resource.EKSCluster, object{"version": "1.34"}, object{"version": "1.34"}), "", ""},
		"a Pod Identity deleted":              {stepOf(remove, resource.PodIdentityAssociation, in, nil), "access is taken away", "no AWS role"},
		"an access entry deleted":             {stepOf(remove, resource.AccessEntry, in, nil), "access is taken away", "locked out"},
		"a cluster that someone else deleted": {preview.Step{Op: remove, Drift: true, Type: resource.EKSCluster, Old: &preview.State{Custom: true}}, "state is lost", "gone: everything"},

		"one more range":                      {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.0/24", "198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a range within one":                  {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.113.7/32")), "", ""},
		"a range around one":                  {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(true, "203.0.0.0/16")), "a door is opened", "203.0.0.0/16"},
		"open to everybody":                   {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(true, "0.0.0.0/0")), "a door is opened", "opened to everybody: 0.0.0.0/0"},
		"open to every IPv6 address":          {stepOf(create, resource.SecurityGroupIngressRule, nil, object{"cidrIpv6": "::/0"}), "a door is opened", "opened to everybody: ::/0"},
		"unknown ranges":                      {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(true, resource.Unknown)), "a door is opened", "addresses that are (known after up)"},
		"the public endpoint switched on":     {stepOf(change, resource.EKSCluster, endpoint(false), endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"the public endpoint, for all":        {stepOf(change, resource.EKSCluster, endpoint(false), object{"vpcConfig": object{"endpointPublicAccess": true}}), "a door is opened", "to whoever reaches it"},
		"a range taken away":                  {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24", "198.51.100.0/24"), endpoint(true, "203.0.113.0/24")), "", ""},
		"the public endpoint switched off":    {stepOf(change, resource.EKSCluster, endpoint(true, "203.0.113.0/24"), endpoint(false)), "", ""},
		"a new cluster with a public one":     {stepOf(create, resource.EKSCluster, nil, endpoint(true, "203.0.113.0/24")), "a door is opened", "opened to 203.0.113.0/24"},
		"a security group's rule":             {stepOf(create, resource.SecurityGroupIngressRule, nil, object{"cidrIpv4": "198.51.100.0/24"}), "a door is opened", "the security group is opened to 198.51.100.0/24"},
		"a rule for another group":            {stepOf(create, resource.SecurityGroupIngressRule, nil, object{"referencedSecurityGroupId": "sg-1"}), "", ""},
		"an outbound rule":                    {stepOf(create, resource.SecurityGroupRule, nil, object{"type": "egress", "cidrBlocks": []any{"0.0.0.0/0"}}), "", ""},
		"a security group with a rule within": {stepOf(change, resource.SecurityGroup, object{}, object{"ingress": []any{object{"cidrBlocks": []any{"0.0.0.0/0"}}}}), "a door is opened", "everybody"},
		"a load balancer to the internet":     {stepOf(change, resource.Ingress, annotated(resource.ALBAnnotation+"scheme", "internal"), annotated(resource.ALBAnnotation+"scheme", "internet-facing")), "a door is opened", "from the internet is opened, to whoever"},
		"a new internal load balancer":        {stepOf(create, resource.Ingress, nil, annotated(resource.ALBAnnotation+"scheme", "internal")), "", ""},
		"a new one on the internet":           {stepOf(create, resource.Ingress, nil, annotated(resource.ALBAnnotation+"scheme", "internet-facing")), "a door is opened", "from the internet"},
		"a load balancer's range":             {stepOf(change, resource.Ingress, annotated(resource.ALBAnnotation+"inbound-cidrs", "203.0.113.0/24"), annotated(resource.ALBAnnotation+"inbound-cidrs", "203.0.113.0/24, 198.51.100.0/24")), "a door is opened", "opened to 198.51.100.0/24"},
		"a load balancer without ranges":      {stepOf(change, resource.Ingress, annotated(resource.ALBAnnotation+"inbound-cidrs", "203.0.113.0/24"), annotated("other", "")), "a door is opened", "open to 203.0.113.0/24 alone"},
		"a network policy deleted":            {stepOf(remove, resource.NetworkPolicy, in, nil), "a door is opened", "may talk"},
		"a network policy with another range": {stepOf(change, resource.NetworkPolicy, allowing("10.0.0.0/16"), allowing("10.0.0.0/8")), "a door is opened", "ingress of the pods is opened to 10.0.0.0/8"},
		"a network policy, narrower":          {stepOf(change, resource.NetworkPolicy, allowing("10.0.0.0/8"), allowing("10.0.0.0/16")), "", ""},

		"protection switched off":         {stepOf(change, resource.EKSCluster, in, in, preview.Change{Path: preview.Protection, Old: true, New: false}), "a protection is removed", "protect is switched off"},
		"protection switched on":          {stepOf(change, resource.EKSCluster, in, in, preview.Change{Path: preview.Protection, Old: false, New: true}), "", ""},
		"AWS's protection of the cluster": {stepOf(change, resource.EKSCluster, object{"deletionProtection": true}, object{"deletionProtection": false}), "a protection is removed", "deletionProtection from true to false"},
		"encryption of Secrets":           {stepOf(change, resource.EKSCluster, object{"encryptionConfig": object{}}, object{}), "a protection is removed", "no key of the stack"},
		"a log of the control plane":      {stepOf(change, resource.EKSCluster, object{"enabledClusterLogTypes": []any{"api", "audit"}}, object{"enabledClusterLogTypes": []any{"api"}}), "a protection is removed", "no longer kept"},
		"tags of images":                  {stepOf(change, resource.Repository, object{"imageTagMutability": "IMMUTABLE"}, object{"imageTagMutability": "MUTABLE"}), "a protection is removed", "pushed over"},
		"rotation of a key":               {stepOf(change, resource.KMSKey, object{"enableKeyRotation": true}, object{}), "a protection is removed", "never changed"},
		"a shorter deletion window":       {stepOf(change, resource.KMSKey, object{"deletionWindowInDays": 30.0}, object{"deletionWindowInDays": 7.0}), "a protection is removed", "from 30 to 7"},
		"logs kept for less long":         {stepOf(change, resource.LogGroup, object{"retentionInDays": 30.0}, object{"retentionInDays": 7.0}), "a protection is removed", "older logs"},
		"logs kept for longer":            {stepOf(change, resource.LogGroup, object{"retentionInDays": 7.0}, object{"retentionInDays": 30.0}), "", ""},
		"session tokens of nodes":         {stepOf(change, resource.LaunchTemplate, metadata("required", 1), metadata("optional", 1)), "a protection is removed", "httpTokens from required to optional"},
		"one more hop":                    {stepOf(change, resource.LaunchTemplate, metadata("required", 1), metadata("required", 2)), "a protection is removed", "httpPutResponseHopLimit from 1 to 2"},
		"encryption of volumes":           {stepOf(change, resource.LaunchTemplate, volume("true"), volume("false")), "a protection is removed", "volumes of nodes"},
		"unknown mutability of tags":      {stepOf(change, resource.Repository, object{"imageTagMutability": "IMMUTABLE"}, object{"imageTagMutability": resource.Unknown}), "a protection is removed", "(known after up)"},
		"unknown, and mutable before":     {stepOf(change, resource.Repository, object{"imageTagMutability": "MUTABLE"}, object{"imageTagMutability": resource.Unknown}), "", ""},
		"unknown encryption of Secrets":   {stepOf(change, resource.EKSCluster, object{"encryptionConfig": object{}}, object{"encryptionConfig": resource.Unknown}), "a protection is removed", "it protected until now"},
		"an unknown retention":            {stepOf(change, resource.LogGroup, object{"retentionInDays": 30.0}, object{"retentionInDays": resource.Unknown}), "a protection is removed", "it protected until now"},
		"a lower Pod Security level":      {stepOf(change, resource.Namespace, level("restricted"), level("baseline")), "a protection is removed", "from restricted to baseline"},
		"a higher Pod Security level":     {stepOf(change, resource.Namespace, level("baseline"), level("restricted")), "", ""},
		"deletion protection of an ALB":   {stepOf(change, resource.Ingress, annotated(resource.ALBAnnotation+"load-balancer-attributes", "deletion_protection.enabled=true"), annotated(resource.ALBAnnotation+"load-balancer-attributes", "idle_timeout=1")), "a protection is removed", "refuses to delete the load balancer"},
		"a disruption budget deleted":     {stepOf(remove, disruptionBudget, in, nil), "a protection is removed", "may take all its pods"},
		"a disruption budget changed":     {stepOf(change, disruptionBudget, in, in), "", ""},
		"no change":                       {stepOf(preview.OpSame, resource.EKSCluster, endpoint(true, "0.0.0.0/0"), endpoint(true, "0.0.0.0/0")), "", ""},

		"fewer nodes at most":           {stepOf(change, resource.NodeGroup, bounds(2, 6), bounds(2, 3)), "nodes end", "scalingConfig.maxSize from 6 to 3"},
		"fewer nodes at least":          {stepOf(change, resource.NodeGroup, bounds(2, 6), bounds(1, 6)), "nodes end", "scalingConfig.minSize from 2 to 1"},
		"more nodes":                    {stepOf(change, resource.NodeGroup, bounds(2, 6), bounds(3, 9)), "", ""},
		"the private endpoint":          {stepOf(change, resource.EKSCluster, private(true), private(false)), "a protection is removed", "vpcConfig.endpointPrivateAccess from true to false"},
		"images by ECR's own key":       {stepOf(change, resource.Repository, encrypted("KMS"), encrypted("AES256")), "a protection is removed", "encryptionConfigurations from"},
		"images by no key":              {stepOf(change, resource.Repository, encrypted("KMS"), object{}), "a protection is removed", "encryptionConfigurations from"},
		"images by a key":               {stepOf(change, resource.Repository, encrypted("AES256"), encrypted("KMS")), "", ""},
		"scanning of images":            {stepOf(change, resource.Repository, object{"imageScanningConfiguration": object{"scanOnPush": true}}, object{}), "a protection is removed", "imageScanningConfiguration.scanOnPush from true"},
		"deletion of a full repository": {stepOf(change, resource.Repository, object{}, object{"forceDelete": true}), "a protection is removed", "forceDelete from (none) to true"},
		"the key of logs":               {stepOf(change, resource.LogGroup, object{"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"}, object{}), "a protection is removed", "kmsKeyId from"},
		"another key of logs":           {stepOf(change, resource.LogGroup, object{"kmsKeyId": "a"}, object{"kmsKeyId": "b"}), "", ""},
		"deletion protection of an NLB": {stepOf(change, resource.Service, annotated(resource.NLBAnnotation+"attributes", "deletion_protection.enabled=true"), annotated(resource.NLBAnnotation+"attributes", "")), "a protection is removed", resource.NLBAnnotation + "attributes from"},
		"retention switched off":        {stepOf(change, resource.EKSCluster, in, in, preview.Change{Path: preview.Retention, Old: true, New: false}), "a protection is removed", "retainOnDelete is switched off"},
		"a quota deleted":               {stepOf(remove, resourceQuota, in, nil), "a protection is removed", "the whole cluster"},
		"a limit range deleted":         {stepOf(remove, limitRange, in, nil), "a protection is removed", "containers without limits"},
		"an alarm deleted":              {stepOf(remove, resource.MetricAlarm, in, nil), "a protection is removed", "no e-mail"},
		"an address deleted":            {stepOf(remove, resource.TopicSubscription, in, nil), "a protection is removed", "gets no alert"},
		"a flow log deleted":            {stepOf(remove, resource.FlowLog, in, nil), "a protection is removed", "who talked to whom"},

		"a VPC replaced":            {stepOf(replace, resource.VPC, in, in), "state is lost", "everything in it goes"},
		"a workspace deleted":       {stepOf(remove, resource.PrometheusWorkspace, in, nil), "state is lost", "its metrics"},
		"a log group deleted":       {stepOf(remove, resource.LogGroup, in, nil), "state is lost", "its logs"},
		"a Secret deleted":          {stepOf(remove, resource.KubernetesSecret, in, nil), "state is lost", "pods that mount it"},
		"a volume claim deleted":    {stepOf(remove, resource.PersistentVolumeClaim, in, nil), "state is lost", "its data"},
		"a Deployment replaced":     {stepOf(replace, resource.Deployment, in, in), "traffic is interrupted", "all its pods end"},
		"a chart deleted":           {stepOf(remove, resource.HelmRelease, in, nil), "traffic is interrupted", "load balancers up to date"},
		"a public address replaced": {stepOf(replace, resource.ElasticIP, in, in), "traffic is interrupted", "is given up"},
		"a gateway deleted":         {stepOf(remove, resource.InternetGateway, in, nil), "traffic is interrupted", "nothing reaches the VPC"},
		"a subnet replaced":         {stepOf(replace, resource.Subnet, in, in), "traffic is interrupted", "must move first"},
		"a route deleted":           {stepOf(remove, resource.Route, in, nil), "traffic is interrupted", "connections that took it"},
		"a VPC endpoint deleted":    {stepOf(remove, resource.VPCEndpoint, in, nil), "traffic is interrupted", "another way"},
		"a node group deleted":      {stepOf(remove, resource.NodeGroup, in, nil), "nodes end", "need room elsewhere"},
	}
}
