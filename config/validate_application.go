package config

import (
	"fmt"
	"regexp"
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
	c.resources(of+".resources", r, fmt.Sprintf("%s.targetCPU is a share of this request", of))
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

// resources checks what a pod asks for. Why says what needs its CPU to be more than nothing.
func (c *checker) resources(key string, r Resources, why string) {
	memory := c.quantity(key+".memory", r.Memory, "512Mi or 1Gi")
	if memory != nil && memory.Cmp(resource.MustParse(minMemory)) >= 0 && digitsOnly.MatchString(string(r.Memory)) {
		c.failf(key+".memory", "is %s, which has no unit; it must have one, such as 512Mi or 1Gi", r.Memory)
	}
	if memory != nil && memory.Cmp(resource.MustParse(minMemory)) < 0 {
		note := ""
		if digits := strings.TrimSuffix(string(r.Memory), "m"); digitsOnly.MatchString(digits) && digits != "0" {
			note = fmt.Sprintf(" (did you mean %sMi?)", digits)
		}
		c.failf(key+".memory", "is %s, which is %s bytes; it must be at least %s%s", r.Memory, memory.AsDec(), minMemory, note)
	}
	if cpu := c.quantity(key+".cpu", r.CPU, "500m or 2"); cpu != nil && cpu.Cmp(resource.MustParse(minCPU)) < 0 {
		c.failf(key+".cpu", "is %s; %s, so it must be at least %s", r.CPU, why, minCPU)
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
