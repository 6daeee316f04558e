package local

import (
	"strings"
	"testing"
	"time"

	"tfserving/internal/checkout"
)

// policiesRefuse sets an image without a tag, and the setting that allows it: first without an exception from the policy, then
// with one, then with one that has ended.
func policiesRefuse(t *testing.T, c *checkout.Checkout) {
	defer c.Keep("Pulumi.local.yaml")()
	c.Set("gateway.image", "zoomcamp-10-gateway")
	c.Set("gateway.allowMutableTag", true)
	refused := []string{"[mandatory]", "pinned-images", `container gateway runs "zoomcamp-10-gateway", which has no tag`, "why: ", "fix: "}
	c.MakeFails(refused, "preview")
	c.MakeFails(refused, "up")
	exceptUntil := func(day time.Time) string {
		last := day.UTC().Format(time.DateOnly)
		c.Set("policy.exceptions", []any{map[string]any{"rule": "pinned-images", "resource": "gateway", "reason": "a trial", "until": last}})
		return last
	}
	last := exceptUntil(time.Now().AddDate(0, 0, 1))
	if out := c.Make("preview"); !strings.Contains(out, "[advisory]") || !strings.Contains(out, "excepted until "+last+" (a trial)") {
		t.Errorf("the preview does not show the exception:\n%s", out)
	}
	last = exceptUntil(time.Now().AddDate(0, 0, -1))
	c.MakeFails(append(refused, "the exception from this rule ended on "+last), "preview")
}
