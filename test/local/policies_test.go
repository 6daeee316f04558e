package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tfserving/internal/checkout"
)

// policiesRefuse asks for an image without a tag: with the setting that allows it, with an exception from the policy too, and
// with one that has ended.
func policiesRefuse(t *testing.T, c *checkout.Checkout) {
	file := filepath.Join(c.Dir, "Pulumi.local.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.Set("gateway.image", "zoomcamp-10-gateway")
	c.Set("gateway.allowMutableTag", true)
	refused := []string{"[mandatory]", "pinned-images", `container gateway runs "zoomcamp-10-gateway", which has no tag`, "why: ", "fix: "}
	c.MakeFails(refused, "preview")
	c.MakeFails(refused, "up")
	until := func(day time.Time) string {
		last := day.UTC().Format(time.DateOnly)
		c.Set("policy.exceptions", []any{map[string]any{"rule": "pinned-images", "resource": "gateway", "reason": "a trial", "until": last}})
		return last
	}
	last := until(time.Now().AddDate(0, 0, 1))
	if out := c.Make("preview"); !strings.Contains(out, "[advisory]") || !strings.Contains(out, "excepted until "+last+" (a trial)") {
		t.Errorf("the exception is not shown:\n%s", out)
	}
	last = until(time.Now().AddDate(0, 0, -1))
	c.MakeFails(append(refused, "the exception from this rule ended on "+last), "preview")
	if err := os.WriteFile(file, before, 0o644); err != nil {
		t.Fatal(err)
	}
}
