package checkout

import "testing"

func TestEveryCountOfChangedResourcesInPulumisOutputIsFound(t *testing.T) {
	for _, line := range []string{
		"    + 3 created", "    ~ 1 updated", "    - 12 deleted", "    +-2 replaced", "    1 errored",
		"    + 3 to create", "    ~ 1 to update", "    - 12 to delete", "    +-2 to replace",
	} {
		if out := "Resources:\n" + line + "\n    20 unchanged\n"; Changes(out) != line {
			t.Errorf("of %q the change is %q", out, Changes(out))
		}
	}
	if found := Changes("Resources:\n    20 unchanged\n\nDuration: 2s\n"); found != "" {
		t.Errorf("an update without changes has the change %q", found)
	}
}
