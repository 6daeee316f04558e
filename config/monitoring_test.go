package config

import "testing"

func TestMonitoringRules(t *testing.T) {
	on := func(changes ...change) []change {
		return append(onEKS(change{"tfserving:monitoring.enabled", true}, change{"tfserving:monitoring.notify", []any{"oncall@example.com"}}), changes...)
	}
	to := func(addresses ...any) []change {
		return on(change{"tfserving:monitoring.notify", append([]any{}, addresses...)})
	}
	noAddress := func(text string) string {
		return `tfserving:monitoring.notify has "` + text + `", which is no e-mail address; give addresses such as oncall@example.com`
	}
	runRules(t, []rule{
		{"on", on(), ""},
		{"two people", to("a@example.com", "b.c+d@mail.example.co.uk"), ""},
		{"off, with addresses for later", on(change{"tfserving:monitoring.enabled", false}), ""},
		{"nobody", to(), `tfserving:monitoring.notify is empty, so nobody would get the alerts; give at least one e-mail address, or set monitoring.enabled to false`},
		{"no address", to("oncall"), noAddress("oncall")},
		{"a name before the address", to("On Call <oncall@example.com>"), noAddress("On Call <oncall@example.com>")},
		{"two in one text", to("a@example.com, b@example.com"), noAddress("a@example.com, b@example.com")},
		{"no domain", to("oncall@localhost"), noAddress("oncall@localhost")},
		{"no address, off", on(change{"tfserving:monitoring.enabled", false}, change{"tfserving:monitoring.notify", []any{"@"}}), noAddress("@")},
		{"twice", to("a@example.com", "a@example.com"), `tfserving:monitoring.notify has "a@example.com" twice`},
		{"an unknown key", on(change{"tfserving:monitoring.webhook", "https://example.com"}), `tfserving:monitoring.webhook is not a setting; the settings here are notify, enabled`},
		{"on a cluster that exists", []change{{"tfserving:monitoring.enabled", true}, {"tfserving:monitoring.notify", []any{"oncall@example.com"}}},
			"tfserving:monitoring.enabled is true, but only platform eks has it; run `make monitor` for a cluster on this machine, or give monitoring/rules.yaml to a Prometheus of yours"},
	})
}
