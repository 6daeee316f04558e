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
	// maxModelName is the length of the longest model name: the Service tf-serving-<name> has at most 63 characters.
	maxModelName = validation.DNS1035LabelMaxLength - len("tf-serving-")
	// minMemory is less than either server needs to start. A smaller value lacks its suffix, such as Mi.
	minMemory = "16Mi"
	// minCPU is the smallest CPU request that Kubernetes schedules by.
	minCPU = "1m"
	// maxBatchTimeout bounds batching.timeout: every request may wait that long.
	maxBatchTimeout = time.Second
	// maxEnqueuedBatches bounds the queue of batches. It only catches mistakes.
	maxEnqueuedBatches = 1_000_000
	// minPort is the lowest port that a process without capability NET_BIND_SERVICE may listen on. Containers here have no
	// capabilities, so the limit holds for root, too.
	minPort = 1024
)

func (c *checker) model(m *Model) {
	switch errs := validation.IsDNS1123Label(m.Name); {
	case m.Name == "":
		c.failf("model.name", "is missing; give the name under which TF-Serving serves the model, such as clothing-model")
	case len(m.Name) > maxModelName:
		c.failf("model.name", "has %d characters; its Service tf-serving-%s leaves room for %d", len(m.Name), m.Name, maxModelName)
	case len(errs) > 0:
		c.failf("model.name", "is %q; the model's Service is named after it, so it must be %s", m.Name, strings.Replace(dnsLabel, "63", strconv.Itoa(maxModelName), 1))
	}
	c.image("model", m.Image, m.AllowMutableTag)
	c.pods("model", m.Resources, m.Replicas)
	c.scaling("model", m.CPULimit, m.TargetCPU, m.Scaling.Up, m.Replicas)
	if b := m.Batching; b.MaxBatchSize > 0 {
		if b.Timeout < 0 || b.Timeout > maxBatchTimeout {
			c.failf("model.batching.timeout", "is %s; it must be from 0s to %s: every request may wait that long", short(b.Timeout), short(maxBatchTimeout))
		}
		if n := b.MaxEnqueuedBatches; n < 1 || n > maxEnqueuedBatches {
			c.failf("model.batching.maxEnqueuedBatches", "is %d; it must be from 1 to %d", n, maxEnqueuedBatches)
		}
	}
	c.environment("model", m.Environment, "MODEL_NAME")
}

func (c *checker) gateway(g *Gateway) {
	c.image("gateway", g.Image, g.AllowMutableTag)
	c.pods("gateway", g.Resources, g.Replicas)
	c.scaling("gateway", g.CPULimit, g.TargetCPU, g.Scaling.Up, g.Replicas)
	if g.Port >= 1 && g.Port < minPort {
		c.failf("gateway.port", "is %d; a container without capabilities may not listen below %d, so it must be from %[2]d to 65535 (callers still use port 80)", g.Port, minPort)
	}
	if g.HealthPath != "" && !strings.HasPrefix(g.HealthPath, "/") {
		c.failf("gateway.healthPath", "is %q; it must begin with /", g.HealthPath)
	}
	if h := g.HealthCheck; h.Interval <= h.Timeout {
		c.failf("gateway.healthCheck", "has interval %s and timeout %s; a load balancer needs an interval longer than the timeout", short(h.Interval), short(h.Timeout))
	}
	c.environment("gateway", g.Environment, "TF_SERVING_HOST")
}

// environment checks the names of environment variables. The program itself sets the variable reserved.
func (c *checker) environment(section string, variables map[string]string, reserved string) {
	for name := range variables {
		if errs := validation.IsEnvVarName(name); len(errs) > 0 {
			c.failf(section+".environment", "has %q; a name must be letters, digits, _, - and ., and must not begin with a digit", name)
		}
		if name == reserved {
			c.failf(section+".environment", "has %q, which the program sets; remove it", name)
		}
	}
}

func (c *checker) image(section, image string, allowMutableTag bool) {
	key := section + ".image"
	if image == "" {
		c.failf(key, "is missing; give the image with its tag, such as registry.example/%s:1.0", section)
		return
	}
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		c.failf(key, "is %q (%v); it must be an image with its tag, such as registry.example/%s:1.0", image, err, section)
		return
	}
	if _, pinned := ref.(reference.Digested); pinned || allowMutableTag {
		return
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok || tagged.Tag() == "latest" {
		c.failf(key, "is %q, which does not fix the version: two pods may run different code, and a rollback may run the same code again; give it a tag other than latest, or a digest, or set %s.allowMutableTag", image, section)
	}
}

func (c *checker) pods(section string, r Resources, n Replicas) {
	c.resources(section+".resources", r, section+".targetCPU is a share of this request")
	if n.Min > n.Max {
		c.failf(section+".replicas", "has min %d above max %d; min must be at most max", n.Min, n.Max)
	}
}

// resources checks the requests of a pod. cpuReason says why its CPU must not be 0.
func (c *checker) resources(key string, r Resources, cpuReason string) {
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
		c.failf(key+".cpu", "is %s; %s, so it must be at least %s", r.CPU, cpuReason, minCPU)
	}
}

// plainQuantity matches quantities without sign and exponent: resource.ParseQuantity takes minutes for 1e-999999999.
var plainQuantity = regexp.MustCompile(`^\d{1,15}(\.\d{1,9})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$`)

func (c *checker) quantity(key string, q Quantity, examples string) *resource.Quantity {
	if !plainQuantity.MatchString(string(q)) {
		c.failf(key, "is %q; it must be a Kubernetes quantity such as %s", string(q), examples)
		return nil
	}
	v := resource.MustParse(string(q))
	return &v
}
