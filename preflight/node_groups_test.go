package preflight

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNodeGroupsHaveTheNumberThatTheAutoscalerSet(t *testing.T) {
	newSignedInAWS(t, func(w http.ResponseWriter, r *http.Request) {
		switch name, ofGroup := strings.CutPrefix(r.URL.Path, "/clusters/tfserving-dev/node-groups/"); {
		case ofGroup:
			fmt.Fprintf(w, `{"nodegroup":{"nodegroupName":%q,"scalingConfig":{"minSize":1,"maxSize":9,"desiredSize":%d}}}`, name, len(name))
		case r.URL.Query().Get("nextToken") == "":
			fmt.Fprint(w, `{"nodegroups":["base"],"nextToken":"more"}`)
		default:
			fmt.Fprint(w, `{"nodegroups":["general"]}`)
		}
	})
	sizes, err := NodeGroupSizes(t.Context(), region, "tfserving-dev")
	if want := map[string]int{"base": 4, "general": 7}; err != nil || !maps.Equal(sizes, want) {
		t.Errorf("the groups are %v (%v), want %v", sizes, err, want)
	}
}

func TestAClusterThatIsAbsentOrHiddenHasNoNodeGroups(t *testing.T) {
	for code, status := range map[string]int{"ResourceNotFoundException": http.StatusNotFound, "AccessDeniedException": http.StatusForbidden} {
		newSignedInAWS(t, refuseJSON(status, code, "No cluster found for name: tfserving-dev."))
		if sizes, err := NodeGroupSizes(t.Context(), region, "tfserving-dev"); len(sizes) != 0 || err != nil {
			t.Errorf("%s: the groups are %v (%v)", code, sizes, err)
		}
	}
}

func TestNodeGroupsThatCannotBeReadAreAnError(t *testing.T) {
	newSignedInAWS(t, refuseJSON(http.StatusBadRequest, "InvalidParameterException", "no"))
	_, err := NodeGroupSizes(t.Context(), region, "tfserving-dev")
	wantError(t, err, "reading the node groups of cluster tfserving-dev", "InvalidParameterException")
	newSignedInAWS(t, neverAnswer(t))
	wantError(t, within(t, 5*time.Second, func() error {
		_, err := nodeGroupSizes(t.Context(), region, "tfserving-dev", 200*time.Millisecond)
		return err
	}), "no answer within 200ms")
}
