package catalog

import "testing"

func TestReleasesAreInOrder(t *testing.T) {
	for i, r := range releases {
		if !r.StandardEnd().AddDate(1, 0, 0).Equal(r.ExtendedEnd()) {
			t.Errorf("%s: extended support ends on %s, not a year after standard support, %s", r.Version, r.ExtendedSupport, r.StandardSupport)
		}
		if i > 0 && (r.Version <= releases[i-1].Version || r.StandardSupport <= releases[i-1].StandardSupport) {
			t.Errorf("%s stands after %s", r.Version, releases[i-1].Version)
		}
	}
}
