package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checker collects the problems with a stack's settings.
type checker struct{ problems []problem }

func (c *checker) failf(key, format string, args ...any) {
	c.problems = append(c.problems, problem{key, fmt.Sprintf(format, args...)})
}

// failed returns whether a setting has a problem already.
func (c *checker) failed(key string) bool {
	return slices.ContainsFunc(c.problems, func(p problem) bool { return p.key == key })
}

// validate checks the settings against the tags of their fields, and against the rules that a tag cannot express. What EKS
// offers depends on the time.
func (s *Settings) validate(now time.Time) []problem {
	c := &checker{}
	c.tags("", reflect.ValueOf(*s))
	c.label("namespace", s.Namespace)
	if s.Namespace == "default" || strings.HasPrefix(s.Namespace, "kube-") {
		c.failf("namespace", "is %q, which Kubernetes reserves (default, kube-…); the program creates and deletes its namespace, so choose another name", s.Namespace)
	}
	if s.Platform == PlatformKubernetes && s.Kubernetes.Kubeconfig == "" {
		c.failf("kubernetes.kubeconfig", "is missing; platform kubernetes needs the path of a kubeconfig file")
	}
	if s.Local.Nodes != NodesNone && s.Platform == PlatformEKS {
		c.failf("local.nodes", "is %q, but platform eks has nodes of its own; it must be %s", s.Local.Nodes, NodesNone)
	}
	if boot := s.Local.NodeBootTime; s.Platform == PlatformKubernetes && boot > s.NodeStartTimeout && !c.failed("local.nodeBootTime") {
		c.failf("nodeStartTimeout", "is %s, but local.nodeBootTime is %s, so a rollout would fail while its node boots; it must be at least as long", short(s.NodeStartTimeout), short(boot))
	}
	if s.MonthlyBudget < 0 {
		c.failf("monthlyBudget", "is %d; it must be 0, which sets no budget, or more", s.MonthlyBudget)
	}
	c.exceptions(s.Policy.Exceptions)
	c.model(&s.Model)
	c.gateway(&s.Gateway)
	c.ingress(s)
	c.account(s)
	c.network(&s.Network)
	c.cluster(&s.Cluster, now)
	c.nodeGroups(s.NodeGroups)
	c.autoscaler(s)
	c.schedule(s)
	c.monitoring(s)
	c.loadBalancerController(&s.LoadBalancerController)
	if s.Platform == PlatformEKS {
		c.eks(s)
	}
	return c.problems
}

// tags checks every field of a struct against its tags oneof, min and max.
func (c *checker) tags(at string, v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		key := at + field.Tag.Get("json")
		switch {
		case field.Type.Kind() == reflect.Struct:
			c.tags(key+".", value)
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			for n := range value.Len() {
				c.tags(fmt.Sprintf("%s[%d].", key, n), value.Index(n))
			}
		case field.Tag.Get("oneof") != "":
			c.oneOf(key, value.String(), strings.Split(field.Tag.Get("oneof"), "|"))
		case field.Tag.Get("min") != "":
			c.inRange(key, value, field.Tag.Get("min"), field.Tag.Get("max"))
		}
	}
}

func (c *checker) oneOf(key, value string, allowed []string) {
	if value == "" {
		c.failf(key, "is missing; it must be %s", strings.Join(allowed, " or "))
	} else if !slices.Contains(allowed, value) {
		c.failf(key, "is %q; it must be %s", value, strings.Join(allowed, " or "))
	}
}

// inRange checks a number or a duration. A duration must also be in whole seconds: Kubernetes counts seconds.
func (c *checker) inRange(key string, v reflect.Value, least, most string) {
	duration, isDuration := v.Interface().(time.Duration)
	shown := fmt.Sprint(v.Int())
	if isDuration {
		shown = short(duration)
	}
	switch {
	case v.Int() < bound(v.Type(), least) || v.Int() > bound(v.Type(), most):
		c.failf(key, "is %s; it must be from %s to %s", shown, least, most)
	case isDuration && duration%time.Second != 0:
		c.failf(key, "is %s; it must be whole seconds", duration)
	}
}

// bound returns the value of a tag min or max. It panics on a tag that is no value of the field's type.
func bound(t reflect.Type, text string) int64 {
	var n int64
	var err error
	if t == reflect.TypeFor[time.Duration]() {
		var d time.Duration
		d, err = time.ParseDuration(text)
		n = int64(d)
	} else {
		n, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("config/settings.go: a tag min or max: %v", err))
	}
	return n
}

// label checks a name that must be a DNS label.
func (c *checker) label(key, name string) {
	switch errs := validation.IsDNS1123Label(name); {
	case name == "":
		c.failf(key, "is missing; give it a name")
	case len(errs) > 0:
		c.failf(key, "is %q; it must be %s", name, dnsLabel)
	}
}

// dnsLabel is the form of a DNS label (RFC 1123).
const dnsLabel = "at most 63 lower-case letters, digits and -, with a letter or digit first and last"

// cidr checks an address range. It returns the range, and false if the text is none.
func (c *checker) cidr(key, text string) (p netip.Prefix, ok bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		c.failf(key, "is %q; it must be an address range such as 203.0.113.0/24", text)
		return p, false
	}
	if p.Masked() != p {
		c.failf(key, "is %s, which has bits beyond its prefix; did you mean %s?", text, p.Masked())
		return p, false
	}
	return p, true
}

// unique refuses an entry that stands in a list twice.
func (c *checker) unique(key string, list []string) {
	for i, entry := range list {
		if slices.Contains(list[:i], entry) {
			c.failf(fmt.Sprintf("%s[%d]", key, i), "is %q, which an earlier entry is, too; remove it", entry)
		}
	}
}
