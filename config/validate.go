package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// maxModelName keeps the model's Service, tf-serving-<name>, within the 63 characters of a DNS label.
	maxModelName = validation.DNS1035LabelMaxLength - len("tf-serving-")
	// minMemory is less than any of the two servers starts with; below it stands a forgotten suffix.
	minMemory = "16Mi"
	// minCPU is the least that Kubernetes schedules by.
	minCPU = "1m"
	// maxUserID is the largest user id that Kubernetes accepts.
	maxUserID = 1<<31 - 1
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
	switch s.Platform {
	case PlatformKubernetes:
		if s.Kubernetes.Kubeconfig == "" {
			c.failf("kubernetes.kubeconfig", "is missing; platform kubernetes needs the path of a kubeconfig file")
		}
	case PlatformEKS:
		if len(s.NodeGroups) == 0 {
			c.failf("nodeGroups", "is empty; platform eks needs at least one group of nodes")
		}
	}
	c.model(&s.Model)
	c.gateway(&s.Gateway)
	c.ingress(s)
	c.nodes(s)
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

func (c *checker) model(m *Model) {
	switch errs := validation.IsDNS1123Label(m.Name); {
	case m.Name == "":
		c.failf("model.name", "is missing; it is the name under which TF-Serving serves the model, such as clothing-model")
	case len(m.Name) > maxModelName:
		c.failf("model.name", "has %d characters; its Service tf-serving-%s leaves room for %d", len(m.Name), m.Name, maxModelName)
	case len(errs) > 0:
		c.failf("model.name", "is %q; the model's Service is named after it, so it must be %s", m.Name, strings.Replace(dnsLabel, "63", strconv.Itoa(maxModelName), 1))
	}
	c.image("model", m.Image, m.AllowMutableTag)
	c.pods("model", m.Resources, m.Replicas, m.TargetCPU, m.Scaling)
	c.inRange("model.runAsUser", m.RunAsUser, 0, maxUserID)
	c.durationIn("model.maxConnectionAge", m.MaxConnectionAge, time.Second, 10*time.Minute)
	c.durationIn("model.startupTimeout", m.StartupTimeout, 10*time.Second, time.Hour)
	c.inRange("model.batching.maxBatchSize", m.Batching.MaxBatchSize, 0, 4096)
	if m.Batching.MaxBatchSize > 0 {
		if t := m.Batching.Timeout; t < 0 || t > time.Second {
			c.failf("model.batching.timeout", "is %s; it must be from 0s to 1s: every request may wait as long", short(t))
		}
		c.inRange("model.batching.maxEnqueuedBatches", m.Batching.MaxEnqueuedBatches, 1, 1_000_000)
	}
	c.environment("model", m.Environment, "MODEL_NAME")
}

func (c *checker) gateway(g *Gateway) {
	c.image("gateway", g.Image, g.AllowMutableTag)
	c.pods("gateway", g.Resources, g.Replicas, g.TargetCPU, g.Scaling)
	c.inRange("gateway.runAsUser", g.RunAsUser, 0, maxUserID)
	c.inRange("gateway.port", g.Port, 1, 65535)
	// No user may: the container has lost the capability that root would need (NET_BIND_SERVICE), too.
	if g.Port >= 1 && g.Port < 1024 {
		c.failf("gateway.port", "is %d; a container without capabilities may not listen below 1024, so it must be from 1024 to 65535 (callers keep port 80)", g.Port)
	}
	if g.HealthPath != "" && !strings.HasPrefix(g.HealthPath, "/") {
		c.failf("gateway.healthPath", "is %q; it must begin with /", g.HealthPath)
	}
	c.durationIn("gateway.drainTime", g.DrainTime, time.Second, 10*time.Minute)
	c.environment("gateway", g.Environment, "TF_SERVING_HOST")
}

func (c *checker) environment(of string, env map[string]string, ours string) {
	for name := range env {
		if errs := validation.IsEnvVarName(name); len(errs) > 0 {
			c.failf(of+".environment", "has %q; a name must be letters, digits, _, - and ., and not begin with a digit", name)
		}
		if name == ours {
			c.failf(of+".environment", "has %q, which the program sets itself; remove it", name)
		}
	}
}

func (c *checker) image(of, image string, mutable bool) {
	key := of + ".image"
	if image == "" {
		c.failf(key, "is missing; give the image with its tag, such as registry.example/%s:1.0", of)
		return
	}
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		c.failf(key, "is %q (%v); it must be an image with its tag, such as registry.example/%s:1.0", image, err, of)
		return
	}
	if _, pinned := ref.(reference.Digested); pinned || mutable {
		return
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok || tagged.Tag() == "latest" {
		c.failf(key, "is %q, which does not say what runs: two pods can run different code, and a rollback has nothing to go back to; give it a tag other than latest, or a digest, or set %s.allowMutableTag", image, of)
	}
}

func (c *checker) pods(of string, r Resources, n Replicas, target int, s Scaling) {
	memory := c.quantity(of+".resources.memory", r.Memory, "512Mi or 1Gi")
	if memory != nil && memory.Cmp(resource.MustParse(minMemory)) >= 0 && digitsOnly.MatchString(string(r.Memory)) {
		c.failf(of+".resources.memory", "is %s, which has no unit; it must have one, such as 512Mi or 1Gi", r.Memory)
	}
	if memory != nil && memory.Cmp(resource.MustParse(minMemory)) < 0 {
		note := ""
		if digits := strings.TrimSuffix(string(r.Memory), "m"); digitsOnly.MatchString(digits) && digits != "0" {
			note = fmt.Sprintf(" (did you mean %sMi?)", digits)
		}
		c.failf(of+".resources.memory", "is %s, which is %s bytes; it must be at least %s%s", r.Memory, memory.AsDec(), minMemory, note)
	}
	if cpu := c.quantity(of+".resources.cpu", r.CPU, "500m or 2"); cpu != nil && cpu.Cmp(resource.MustParse(minCPU)) < 0 {
		c.failf(of+".resources.cpu", "is %s; %s.targetCPU is a share of this request, so it must be at least %s", r.CPU, of, minCPU)
	}
	c.inRange(of+".targetCPU", target, 1, 100)
	c.inRange(of+".replicas.min", n.Min, 1, 1000)
	c.inRange(of+".replicas.max", n.Max, 1, 1000)
	if n.Min > n.Max {
		c.failf(of+".replicas", "has min %d above max %d; min must be at most max", n.Min, n.Max)
	}
	for name, step := range map[string]ScalingStep{"up": s.Up, "down": s.Down} {
		key := of + ".scaling." + name + "."
		c.durationIn(key+"stabilization", step.Stabilization, 0, time.Hour)
		c.durationIn(key+"period", step.Period, time.Second, 30*time.Minute)
		c.inRange(key+"percent", step.Percent, 1, 10_000)
		c.inRange(key+"pods", step.Pods, 0, 1000)
	}
}

// plainQuantity leaves out signs and exponents: resource.ParseQuantity takes minutes over 1e-999999999.
var plainQuantity = regexp.MustCompile(`^\d{1,15}(\.\d{1,9})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$`)

func (c *checker) quantity(key string, q Quantity, examples string) *resource.Quantity {
	if !plainQuantity.MatchString(string(q)) {
		c.failf(key, "is %q; it must be a Kubernetes quantity such as %s", string(q), examples)
		return nil
	}
	v := resource.MustParse(string(q))
	return &v
}

func (c *checker) ingress(s *Settings) {
	in := &s.Ingress
	for i, cidr := range in.AllowedCIDRs {
		c.cidr(fmt.Sprintf("ingress.allowedCidrs[%d]", i), cidr)
	}
	if len(validation.IsDNS1123Subdomain(strings.TrimPrefix(in.Host, "*."))) > 0 && in.Host != "" {
		c.failf("ingress.host", "is %q; it must be a host name such as api.example.com, without scheme, port or path", in.Host)
	}
	if len(in.AllowedCIDRs) == 0 {
		if s.Gateway.Service == "LoadBalancer" {
			c.failf("ingress.allowedCidrs", "is empty and gateway.service is LoadBalancer: say who may call it (0.0.0.0/0 for everyone)")
		} else if in.Scheme == "internet-facing" {
			c.failf("ingress.allowedCidrs", "is empty and ingress.scheme is internet-facing: say who may call it (0.0.0.0/0 for everyone)")
		}
	}
	if s.Gateway.Service == "LoadBalancer" {
		for key, value := range map[string]string{"host": in.Host, "certificateArn": in.CertificateARN, "tlsSecret": in.TLSSecret} {
			if value != "" {
				c.failf("ingress."+key, "is set and gateway.service is LoadBalancer, which makes no Ingress; remove it, or set gateway.service to ClusterIP")
			}
		}
		return
	}
	if len(validation.IsDNS1123Subdomain(in.Class)) > 0 {
		c.failf("ingress.class", "is %q; it must be the name of an IngressClass, such as alb or nginx", in.Class)
		return // the rules below depend on the class
	}
	if len(in.AllowedCIDRs) > 0 && in.Class != "alb" && in.Class != "nginx" {
		c.failf("ingress.allowedCidrs", "is set and ingress.class is %q; only for alb and nginx is it known how to limit callers", in.Class)
	}
	switch isARN := strings.HasPrefix(in.CertificateARN, "arn:aws") && strings.Contains(in.CertificateARN, ":acm:"); {
	case in.CertificateARN == "":
	case !isARN:
		c.failf("ingress.certificateArn", "is %q; it must be the ARN of an ACM certificate", in.CertificateARN)
	case in.Class != "alb":
		c.failf("ingress.certificateArn", "is set and ingress.class is %q; only alb uses ACM certificates: use ingress.tlsSecret", in.Class)
	}
	switch {
	case in.TLSSecret == "":
	case in.Class == "alb":
		c.failf("ingress.tlsSecret", "is set and ingress.class is alb, which uses ACM certificates only: use ingress.certificateArn")
	case in.Host == "":
		c.failf("ingress.tlsSecret", "is set and ingress.host is not; a certificate is for a host: set ingress.host")
	case len(validation.IsDNS1123Subdomain(in.TLSSecret)) > 0:
		c.failf("ingress.tlsSecret", "is %q; it must be the name of a Secret: lower-case letters, digits, - and .", in.TLSSecret)
	}
	if s.Platform == PlatformKubernetes {
		if in.ControllerNamespace == "" {
			c.failf("ingress.controllerNamespace", "is missing; the gateway admits only the ingress controller's pods, so name their namespace")
		} else {
			c.label("ingress.controllerNamespace", in.ControllerNamespace)
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
