package catalog

import "testing"

func TestReleasesAreSortedAndHaveAYearOfExtendedSupport(t *testing.T) {
	for i, r := range releases {
		if !r.StandardEnd().AddDate(1, 0, 0).Equal(r.ExtendedEnd()) {
			t.Errorf("%s: extended support ends on %s, want a year after standard support, %s", r.Version, r.ExtendedSupport, r.StandardSupport)
		}
		if i > 0 && (r.Version <= releases[i-1].Version || r.StandardSupport <= releases[i-1].StandardSupport) {
			t.Errorf("%s follows %s", r.Version, releases[i-1].Version)
		}
	}
}
