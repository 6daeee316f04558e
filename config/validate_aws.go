package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tfserving/catalog"
)

// regionKey is the setting of Pulumi's AWS provider that names the region. It is none of this project's own.
const regionKey = "aws:region"

// regionProblem says what is wrong with the region, if something is. Only platform eks needs one.
func (s *Settings) regionProblem() string {
	switch {
	case s.Region == "" && s.Platform == PlatformEKS:
		return regionKey + " is missing; platform eks needs the AWS region, such as eu-west-1"
	case s.Region != "" && !catalog.IsRegionName(s.Region):
		return fmt.Sprintf("%s is %s; it must be an AWS region, such as eu-west-1", regionKey, show(s.Region))
	}
	return ""
}

const (
	// maxTagValue is the most characters of a tag's value (AWS General Reference, tagging).
	maxTagValue = 256
	tagLetters  = "letters, digits, spaces and _ . : / = + - @"
)

var (
	accountID = regexp.MustCompile(`^\d{12}$`)
	// tagValue holds what every AWS service takes in a tag's value.
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

// tag checks text that becomes the value of a tag of every AWS resource.
func (c *checker) tag(key, value string) {
	switch n := utf8.RuneCountInString(value); {
	case n > maxTagValue:
		c.failf(key, "has %d characters; a tag's value has at most %d", n, maxTagValue)
	case !tagValue.MatchString(value):
		c.failf(key, "is %s; a tag's value has only %s", show(value), tagLetters)
	case strings.TrimSpace(value) != value:
		c.failf(key, "is %s; a tag's value neither begins nor ends with a space", show(value))
	case strings.HasPrefix(strings.ToLower(value), "aws:"):
		c.failf(key, "is %s; AWS keeps what begins with aws: for itself", show(value))
	}
}

// logRetentions are the periods, in days, that CloudWatch Logs offers (PutRetentionPolicy).
var logRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (c *checker) retention(key string, days int, or string) {
	if !slices.Contains(logRetentions, days) {
		c.failf(key, "is %d; CloudWatch Logs offers %s%s", days, strings.Trim(strings.ReplaceAll(fmt.Sprint(logRetentions), " ", ", "), "[]"), or)
	}
}

// endpointService is an AWS service as the last part of its endpoint's name has it, such as ecr.api.
var endpointService = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$`)

func (c *checker) network(n *Network) {
	c.inRange("network.zones", n.Zones, 2, 3)
	c.cidr("network.cidr", n.CIDR)
	if p, err := netip.ParsePrefix(n.CIDR); err == nil && (!p.Addr().Is4() || !p.Addr().IsPrivate() || p.Bits() < 16 || p.Bits() > 20) {
		c.failf("network.cidr", "is %s; it must be private IPv4 (RFC 1918), from /16 to /20", n.CIDR)
	}
	for i, service := range n.InterfaceEndpoints {
		key := fmt.Sprintf("network.interfaceEndpoints[%d]", i)
		switch prefixed := strings.SplitN(service, ".", 4); {
		case len(prefixed) == 4 && prefixed[1] == "amazonaws":
			c.failf(key, "is %q; give the service alone: %s", service, prefixed[3])
		case !endpointService.MatchString(service):
			c.failf(key, "is %q; it must be an AWS service as its endpoint names it, such as ecr.api, ecr.dkr, sts or logs", service)
		case service == "s3":
			c.failf(key, "is s3, which always has a gateway endpoint, at no cost; remove it")
		}
	}
	c.unique("network.interfaceEndpoints", n.InterfaceEndpoints)
	if n.FlowLogRetentionDays != 0 {
		c.retention("network.flowLogRetentionDays", n.FlowLogRetentionDays, ", and 0 keeps none")
	}
}
