package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checker collects what is wrong, each with its key.
type checker struct{ problems []problem }

func (c *checker) failf(key, format string, args ...any) {
	c.problems = append(c.problems, problem{key, fmt.Sprintf(format, args...)})
}

func (c *checker) inRange(key string, v, least, most int) {
	if v < least || v > most {
		c.failf(key, "is %d; it must be from %d to %d", v, least, most)
	}
}

func (c *checker) durationIn(key string, v, least, most time.Duration) {
	if v < least || v > most {
		c.failf(key, "is %s; it must be from %s to %s", short(v), short(least), short(most))
	} else if v%time.Second != 0 {
		c.failf(key, "is %s; it must be whole seconds", v)
	}
}

// short writes 5m0s as 5m and 1h0m0s as 1h.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// label checks a name that Kubernetes or AWS takes as a DNS label.
func (c *checker) label(key, name string) {
	switch errs := validation.IsDNS1123Label(name); {
	case name == "":
		c.failf(key, "is missing; give it a name")
	case len(errs) > 0:
		c.failf(key, "is %q; it must be %s", name, dnsLabel)
	}
}

// dnsLabel is what a DNS label (RFC 1123) must be.
const dnsLabel = "at most 63 lower-case letters, digits and -, with a letter or digit first and last"

func (s *Settings) validate() []problem {
	c := &checker{}
	c.choices("", reflect.ValueOf(*s))
	c.label("namespace", s.Namespace)
	if s.Namespace == "default" || strings.HasPrefix(s.Namespace, "kube-") {
		c.failf("namespace", "is %q, which Kubernetes keeps for itself (default, kube-…); the program makes and deletes its own, so name another", s.Namespace)
	}
	if s.Platform == PlatformKubernetes && s.Kubernetes.Kubeconfig == "" {
		c.failf("kubernetes.kubeconfig", "is missing; platform kubernetes needs the path of a kubeconfig file")
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
	c.cluster(&s.Cluster)
	c.nodeGroups(s.NodeGroups)
	c.autoscaler(s)
	c.loadBalancerController(&s.LoadBalancerController)
	c.inRange("repositories.keepImages", s.Repositories.KeepImages, 1, 1000)
	c.durationIn("local.nodeBootTime", s.Local.NodeBootTime, 0, 30*time.Minute)
	c.durationIn("local.scalingSync", s.Local.ScalingSync, time.Second, 5*time.Minute)
	if s.Platform == PlatformEKS {
		c.eks(s)
	}
	return c.problems
}

// choices checks every field that allows only the values of its oneof tag.
func (c *checker) choices(at string, v reflect.Value) {
	for i := range v.NumField() {
		f, key := v.Type().Field(i), at+v.Type().Field(i).Tag.Get("json")
		switch {
		case f.Type.Kind() == reflect.Struct:
			c.choices(key+".", v.Field(i))
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			for n := range v.Field(i).Len() {
				c.choices(fmt.Sprintf("%s[%d].", key, n), v.Field(i).Index(n))
			}
		case f.Tag.Get("oneof") != "":
			allowed := strings.Split(f.Tag.Get("oneof"), "|")
			if got := v.Field(i).String(); got == "" {
				c.failf(key, "is missing; it must be %s", strings.Join(allowed, " or "))
			} else if !slices.Contains(allowed, got) {
				c.failf(key, "is %q; it must be %s", got, strings.Join(allowed, " or "))
			}
		}
	}
}

func (c *checker) cidr(key, text string) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		c.failf(key, "is %q; it must be an address range such as 203.0.113.0/24", text)
		return
	}
	if p.Masked() != p {
		c.failf(key, "is %s, which has bits beyond its prefix; did you mean %s?", text, p.Masked())
	}
}

// unique finds the entries of a list that are there twice.
func (c *checker) unique(key string, list []string) {
	for i, entry := range list {
		if slices.Contains(list[:i], entry) {
			c.failf(fmt.Sprintf("%s[%d]", key, i), "is %q, and so is an earlier one; remove it", entry)
		}
	}
}
