package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tfserving/catalog"
)

// regionKey is the key of the region. Pulumi's AWS provider defines it.
const regionKey = "aws:region"

// regionProblem returns the problem with the region, or empty text. Only platform eks needs a region.
func (s *Settings) regionProblem() string {
	switch {
	case s.Region == "" && s.Platform == PlatformEKS:
		return regionKey + " is missing; platform eks needs the AWS region, such as eu-west-1"
	case s.Region != "" && !catalog.IsRegion(s.Region):
		return fmt.Sprintf("%s is %s; it must be an AWS region: %s", regionKey, show(s.Region), suggest(s.Region, catalog.Regions()))
	}
	return ""
}

const (
	// maxTagValue is the number of characters that AWS allows in a tag's value (AWS General Reference, tagging).
	maxTagValue = 256
	tagLetters  = "letters, digits, spaces and _ . : / = + - @"
)

var (
	accountID = regexp.MustCompile(`^\d{12}$`)
	// tagValue matches the characters that every AWS service accepts in a tag's value.
	tagValue = regexp.MustCompile(`^[\p{L}\p{N} _.:/=+@-]*$`)
)

func (c *checker) account(s *Settings) {
	for i, id := range s.AWS.AllowedAccountIDs {
		if !accountID.MatchString(id) {
			c.failf(fmt.Sprintf("aws.allowedAccountIds[%d]", i), "is %q; an AWS account has 12 digits", id)
		}
	}
	c.unique("aws.allowedAccountIds", s.AWS.AllowedAccountIDs)
	c.tag("aws.owner", s.AWS.Owner)
	c.tag("aws.costCentre", s.AWS.CostCentre)
}

// tag checks the value of a tag that every AWS resource gets.
func (c *checker) tag(key, value string) {
	switch n := utf8.RuneCountInString(value); {
	case n > maxTagValue:
		c.failf(key, "has %d characters; a tag's value has at most %d", n, maxTagValue)
	case !tagValue.MatchString(value):
		c.failf(key, "is %s; a tag's value may have only %s", show(value), tagLetters)
	case strings.TrimSpace(value) != value:
		c.failf(key, "is %s; a tag's value must not begin or end with a space", show(value))
	case strings.HasPrefix(strings.ToLower(value), "aws:"):
		c.failf(key, "is %s; AWS reserves values that begin with aws:", show(value))
	}
}

// logRetentions are the periods for which CloudWatch Logs keeps logs, in days (API reference, PutRetentionPolicy).
var logRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// retention checks a period of CloudWatch Logs. The error ends with also, which names other allowed values.
func (c *checker) retention(key string, days int, also string) {
	if !slices.Contains(logRetentions, days) {
		c.failf(key, "is %d; CloudWatch Logs offers %s%s", days, strings.Trim(strings.ReplaceAll(fmt.Sprint(logRetentions), " ", ", "), "[]"), also)
	}
}

func (c *checker) network(n *Network) {
	if p, ok := c.cidr("network.cidr", n.CIDR); ok && (!p.Addr().Is4() || !p.Addr().IsPrivate() || p.Bits() < 16 || p.Bits() > 20) {
		c.failf("network.cidr", "is %s; it must be private IPv4 (RFC 1918), from /16 to /20", n.CIDR)
	}
	for i, service := range n.InterfaceEndpoints {
		key := fmt.Sprintf("network.interfaceEndpoints[%d]", i)
		switch prefixed := strings.SplitN(service, ".", 4); {
		case len(prefixed) == 4 && prefixed[1] == "amazonaws":
			c.failf(key, "is %q; give only the service: %s", service, prefixed[3])
		case service == "s3":
			c.failf(key, "is s3, which always has a free gateway endpoint; remove it")
		case !slices.Contains(catalog.EndpointServices(), service):
			c.failf(key, "is %q, which is not in this program's list of AWS services with interface endpoints: %s", service, suggest(service, catalog.EndpointServices()))
		}
	}
	c.unique("network.interfaceEndpoints", n.InterfaceEndpoints)
	if n.FlowLogRetentionDays != 0 {
		c.retention("network.flowLogRetentionDays", n.FlowLogRetentionDays, ", and 0 makes no flow logs")
	}
}
