package prose

import (
	"strings"
	"testing"
)

func TestCredentialsAreMasked(t *testing.T) {
	for _, secret := range []string{
		"AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIE",
	} {
		for name, got := range map[string]string{
			"shown": Shown("x " + secret), "in lines": strings.Join(Lines("x "+secret), "\n"),
			"deep": Shown(map[string]any{"a": []any{secret}}), "deep, in lines": strings.Join(Lines(map[string]any{"a": []any{secret}}), "\n"),
		} {
			if !strings.Contains(got, "[secret]") || strings.Contains(got, "EXAMPLE") || strings.Contains(got, "MIIE") || strings.Contains(got, "c2ln") {
				t.Errorf("%s, %q is %q", name, secret, got)
			}
		}
	}
}
