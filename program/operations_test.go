package program

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// madeByOthers are objects that docs/operations.md looks at and that others make, with who does.
var madeByOthers = map[string]string{
	"kube-system configmap/cluster-autoscaler-status":     "the Cluster Autoscaler",
	"kube-system deployment/aws-load-balancer-controller": "the controller's chart",
}

var (
	shownObject  = regexp.MustCompile(`kubectl -n (\S+) [^` + "`" + `]*?\b([a-z]+/[a-z][a-z-]+)`)
	shownSetting = regexp.MustCompile("`((?:aws|network|cluster|nodeGroups|autoscaler|loadBalancerController|repositories|model|gateway|ingress)(?:\\.[A-Za-z]+)+)[`:]")
)

// What docs/operations.md tells people to look at is there, under the name that it says.
func TestOperationsLookAtWhatThereIs(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, r := range eksStack(t, "dev").kubernetesObjects() {
		kind := strings.ToLower(r.TypeToken[strings.LastIndex(r.TypeToken, ":")+1:])
		there = append(there, r.meta.GetNamespace()+" "+kind+"/"+r.meta.GetName())
	}
	shown := shownObject.FindAllStringSubmatch(string(page), -1)
	for _, m := range shown {
		if object := m[1] + " " + m[2]; !slices.Contains(there, object) && madeByOthers[object] == "" {
			t.Errorf("../docs/operations.md looks at %s, and stack dev makes none", object)
		}
	}
	if len(shown) < 5 {
		t.Errorf("only %d objects were looked for", len(shown))
	}
}

func TestOperationsChangeSettingsThatThereAre(t *testing.T) {
	reference, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range []string{"../docs/operations.md", "../docs/delivery.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shownSetting.FindAllStringSubmatch(string(page), -1) {
			if seen++; !strings.Contains(string(reference), "`tfserving:"+m[1]+"`") && !strings.Contains(string(reference), "`tfserving:"+m[1]+".") {
				t.Errorf("%s speaks of the setting %s, and there is none", name, m[1])
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d settings were looked for", seen)
	}
}
