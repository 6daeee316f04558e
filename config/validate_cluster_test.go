package config

import (
	"testing"
	"time"
)

func TestClusterAndNetworkRules(t *testing.T) {
	notPrivate := `; it must be private IPv4 (RFC 1918), from /16 to /20`
	runRules(t, []rule{
		{"a Kubernetes version has no patch", set("tfserving:cluster.version", "1.35.1"), `tfserving:cluster.version is "1.35.1"; it must be major.minor, such as "1.36"`},
		{"a Kubernetes version has no v", set("tfserving:cluster.version", "v1.35"), `tfserving:cluster.version is "v1.35"; it must be major.minor, such as "1.36"`},
		{"control plane logs are kept for a period that CloudWatch offers", set("tfserving:cluster.logRetentionDays", 10), `tfserving:cluster.logRetentionDays is 10; CloudWatch Logs offers 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653`},
		{"a Kubernetes version that EKS never offered", set("tfserving:cluster.version", "1.99"), `tfserving:cluster.version is "1.99", which is not in this program's list of EKS versions: 1.32, 1.33, 1.34, 1.35, 1.36`},
		{"a Kubernetes version that EKS no longer offers", set("tfserving:cluster.version", "1.21"), `tfserving:cluster.version is "1.21", which is not in this program's list …`},
		{"a Kubernetes version after its standard support is allowed", set("tfserving:cluster.version", "1.33"), ""},
		{"nodes of an older version", []change{{"tfserving:cluster.version", "1.36"}, {"tfserving:cluster.nodeVersion", "1.33"}}, ""},
		{"nodes of the control plane's version", []change{{"tfserving:cluster.version", "1.36"}, {"tfserving:cluster.nodeVersion", "1.36"}}, ""},
		{"nodes newer than the control plane", []change{{"tfserving:cluster.version", "1.35"}, {"tfserving:cluster.nodeVersion", "1.36"}}, `tfserving:cluster.nodeVersion is "1.36", newer than cluster.version "1.35"; nodes must not be newer than the control plane: raise cluster.version first`},
		{"nodes too old for the control plane", []change{{"tfserving:cluster.version", "1.36"}, {"tfserving:cluster.nodeVersion", "1.32"}}, `tfserving:cluster.nodeVersion is "1.32", 4 minor versions older than cluster.version "1.36"; nodes may be at most 3 older: upgrade them first`},
		{"nodes of an unknown version", []change{{"tfserving:cluster.version", "1.36"}, {"tfserving:cluster.nodeVersion", "1.36.1"}}, `tfserving:cluster.nodeVersion is "1.36.1", which is not in this program's list of EKS versions; give one that is at most 3 minor versions older than cluster.version "1.36", or leave it empty`},
		{"public access needs address ranges", set("tfserving:cluster.publicAccessCidrs", []string{"office"}), `tfserving:cluster.publicAccessCidrs[0] is "office"; it must be an address range such as 203.0.113.0/24`},
		{"public access refuses the internet", set("tfserving:cluster.publicAccessCidrs", []string{"0.0.0.0/0"}), `tfserving:cluster.publicAccessCidrs[0] is 0.0.0.0/0, which opens the API endpoint to the internet; give the ranges of your administrators, or set cluster.allowWorld`},
		{"public access refuses half of the internet", set("tfserving:cluster.publicAccessCidrs", []string{"203.0.113.0/24", "128.0.0.0/1"}), `tfserving:cluster.publicAccessCidrs[1] is 128.0.0.0/1, which opens …`},
		{"public access refuses the internet by IPv6", set("tfserving:cluster.publicAccessCidrs", []string{"::/0"}), `tfserving:cluster.publicAccessCidrs[0] is ::/0, which opens …`},
		{"allowWorld accepts the internet", []change{{"tfserving:cluster.publicAccessCidrs", []string{"0.0.0.0/0"}}, {"tfserving:cluster.allowWorld", true}}, ""},
		{"public access is by IPv4", set("tfserving:cluster.publicAccessCidrs", []string{"2001:db8::/32"}), `tfserving:cluster.publicAccessCidrs[0] is 2001:db8::/32; the public endpoint of an IPv4 cluster accepts IPv4 only`},
		{"public access refuses private ranges", set("tfserving:cluster.publicAccessCidrs", []string{"10.0.0.0/16"}), `tfserving:cluster.publicAccessCidrs[0] is 10.0.0.0/16, a private range, which cannot reach a public endpoint; remove it: networks connected to the VPC use the private endpoint, which is always open to them`},
		{"a public access range twice", set("tfserving:cluster.publicAccessCidrs", []string{"203.0.113.0/24", "203.0.113.0/24"}), `tfserving:cluster.publicAccessCidrs[1] is "203.0.113.0/24", which an earlier entry is, too; remove it`},
		{"an administrator in China", set("tfserving:cluster.administrators", []string{"arn:aws-cn:iam::123456789012:user/division/me"}), ""},
		{"an account cannot be an administrator", set("tfserving:cluster.administrators", []string{"arn:aws:iam::123456789012:root"}), `tfserving:cluster.administrators[0] is "arn:aws:iam::123456789012:root"; it must be the ARN of an IAM role or user`},
		{"an administrator twice", set("tfserving:cluster.administrators", []string{"arn:aws:iam::123456789012:role/admin", "arn:aws:iam::123456789012:role/admin"}), `tfserving:cluster.administrators[1] is "arn:aws:iam::123456789012:role/admin", which an earlier entry is, too; remove it`},
		{"an add-on's version", set("tfserving:cluster.addonVersions", map[string]string{"vpc-cni": "v1.20.4-eksbuild.2", "metrics-server": "v0.8.0-eksbuild.3"}), ""},
		{"an unknown add-on", set("tfserving:cluster.addonVersions", map[string]string{"aws-ebs-csi-driver": "v1.2.3-eksbuild.1"}), `tfserving:cluster.addonVersions[aws-ebs-csi-driver] is not an add-on of this cluster; it has …`},
		{"an add-on's version without EKS's build", set("tfserving:cluster.addonVersions", map[string]string{"coredns": "v1.11.4"}), `tfserving:cluster.addonVersions[coredns] is "v1.11.4"; it must be a version such as v1.2.3-eksbuild.1`},
		{"a session cannot be an administrator", set("tfserving:cluster.administrators", []string{"arn:aws:iam::123456789012:role/admin", "arn:aws:sts::123456789012:assumed-role/admin/me"}), `tfserving:cluster.administrators[1] is "arn:aws:sts::123456789012:assumed-role/admin/me"; it must be the ARN of an IAM role or user`},
		{"one zone", set("tfserving:network.zones", 1), `tfserving:network.zones is 1; it must be from 2 to 3`},
		{"four zones", set("tfserving:network.zones", 4), `tfserving:network.zones is 4; it must be from 2 to 3`},
		{"an unknown value of natGateways", set("tfserving:network.natGateways", "none"), `tfserving:network.natGateways is "none"; it must be single or perZone`},
		{"a VPC's range is an address range", set("tfserving:network.cidr", "10.0.0.0"), `tfserving:network.cidr is "10.0.0.0"; it must be an address range such as 203.0.113.0/24`},
		{"a VPC's range has no host bits", set("tfserving:network.cidr", "10.0.1.0/16"), `tfserving:network.cidr is 10.0.1.0/16, which has bits beyond its prefix; did you mean 10.0.0.0/16?`},
		{"a VPC is private", set("tfserving:network.cidr", "8.8.0.0/16"), `tfserving:network.cidr is 8.8.0.0/16` + notPrivate},
		{"a VPC is IPv4", set("tfserving:network.cidr", "fd00::/16"), `tfserving:network.cidr is fd00::/16` + notPrivate},
		{"a VPC larger than /16", set("tfserving:network.cidr", "10.0.0.0/8"), `tfserving:network.cidr is 10.0.0.0/8` + notPrivate},
		{"a VPC smaller than /20", set("tfserving:network.cidr", "10.0.0.0/21"), `tfserving:network.cidr is 10.0.0.0/21` + notPrivate},
		{"a log type that EKS does not have", set("tfserving:cluster.logTypes", []any{"api", "etcd"}), `tfserving:cluster.logTypes[1] is "etcd"; it must be api or audit or authenticator or controllerManager or scheduler`},
		{"a log type twice", set("tfserving:cluster.logTypes", []any{"api", "api"}), `tfserving:cluster.logTypes[1] is "api", which an earlier entry is, too; remove it`},
		{"no logs of the control plane", set("tfserving:cluster.logTypes", []any{}), ""},
		{"flow logs are kept for a period that CloudWatch offers", set("tfserving:network.flowLogRetentionDays", 15), `tfserving:network.flowLogRetentionDays is 15; CloudWatch Logs offers 1, 3, 5, …`},
		{"flow logs for 14 days", set("tfserving:network.flowLogRetentionDays", 14), ""},
		{"logs of the control plane are kept for a period that CloudWatch offers", set("tfserving:cluster.logRetentionDays", 0), `tfserving:cluster.logRetentionDays is 0; CloudWatch Logs offers 1, 3, 5, …`},
		{"interface endpoints", set("tfserving:network.interfaceEndpoints", []string{"ecr.api", "ecr.dkr", "sts", "logs", "eks-auth"}), ""},
		{"an interface endpoint by its full name", set("tfserving:network.interfaceEndpoints", []string{"com.amazonaws.eu-west-1.ecr.api"}), `tfserving:network.interfaceEndpoints[0] is "com.amazonaws.eu-west-1.ecr.api"; give only the service: ecr.api`},
		{"an interface endpoint for no service", set("tfserving:network.interfaceEndpoints", []string{"ECR API"}), `tfserving:network.interfaceEndpoints[0] is "ECR API", which is not in this program's list of AWS services with interface endpoints: …`},
		{"an interface endpoint for a service that AWS does not have", set("tfserving:network.interfaceEndpoints", []string{"foo.bar"}), `tfserving:network.interfaceEndpoints[0] is "foo.bar", which is not in this program's list of AWS services with interface endpoints: …`},
		{"an interface endpoint that is misspelt", set("tfserving:network.interfaceEndpoints", []string{"ecr-api"}), `tfserving:network.interfaceEndpoints[0] is "ecr-api", which is not in this program's list of AWS services with interface endpoints: ecr.api, …`},
		{"an interface endpoint twice", set("tfserving:network.interfaceEndpoints", []string{"sts", "sts"}), `tfserving:network.interfaceEndpoints[1] is "sts", which an earlier entry is, too; remove it`},
		{"an interface endpoint for S3", set("tfserving:network.interfaceEndpoints", []string{"s3"}), `tfserving:network.interfaceEndpoints[0] is s3, which always has a free gateway endpoint; remove it`},
	})
}

func TestAVersionThatEKSOffersNoMoreIsAMistake(t *testing.T) {
	for _, c := range []struct{ version, now, problem string }{
		{"1.31", "2026-11-25T23:59:59Z", ""},
		{"1.31", "2026-11-26T00:00:00Z", `tfserving:cluster.version is "1.31", whose extended support by EKS ended on 2026-11-26: EKS creates no clusters of this version, and upgrades those that exist; set one of 1.32, 1.33, 1.34, 1.35, 1.36, and upgrade a cluster one minor version at a time`},
		{"1.30", "2026-11-27T00:00:00Z", `tfserving:cluster.version is "1.30", whose extended support by EKS ended on 2026-07-23: …`},
		{"1.35", "2028-03-26T23:59:59Z", ""},
		{"1.35", "2028-03-27T00:00:00Z", `tfserving:cluster.version is "1.35", whose extended support by EKS ended on 2028-03-27: …`},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		in := &input{raw: settings(t, onEKS(change{"tfserving:cluster.version", c.version})...), now: now}
		wantProblems(t, c.version+" on "+c.now, problemsOf(in.decode()), oneOrNone(c.problem)...)
	}
}
