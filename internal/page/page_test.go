package page

import (
	"fmt"
	"strings"
	"testing"
)

func TestDifferencesAreShortAndNameTheHeading(t *testing.T) {
	got := differences("# A\n- one\n- two\n# B\n- two\n", "# A\n- one\n# B\n- two\n- three\n")
	want := "  A\n    file:    - two\n  B\n    source: - three"
	if got != want {
		t.Errorf("the difference is\n%s\nwant\n%s", got, want)
	}
	long := strings.Repeat("- x\n", 3)
	for i := range 40 {
		long += fmt.Sprintf("- %d\n", i)
	}
	if n := strings.Count(differences("", long), "\n"); n > 2*mostDifferences {
		t.Errorf("the difference has %d lines", n)
	}
}
