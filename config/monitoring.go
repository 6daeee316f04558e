package config

import (
	"net/mail"
	"slices"
	"strings"
)

func (c *checker) monitoring(s *Settings) {
	watch := &s.Monitoring
	for i, address := range watch.Notify {
		parsed, err := mail.ParseAddress(address)
		_, domain, _ := strings.Cut(address, "@")
		switch {
		case err != nil || parsed.Address != address || !strings.Contains(strings.Trim(domain, "."), "."):
			c.failf("monitoring.notify", "has %q, which is no e-mail address; give addresses such as oncall@example.com", address)
		case slices.Contains(watch.Notify[:i], address):
			c.failf("monitoring.notify", "has %q twice", address)
		}
	}
	if !watch.Enabled {
		return
	}
	if s.Platform == PlatformKubernetes {
		c.failf("monitoring.enabled", "is true, but only platform eks has it; run `make monitor` for a cluster on this machine, or give monitoring/rules.yaml to a Prometheus of yours")
	}
	if len(watch.Notify) == 0 {
		c.failf("monitoring.notify", "is empty, so nobody would get the alerts; give at least one e-mail address, or set monitoring.enabled to false")
	}
}
