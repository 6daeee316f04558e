package program

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// objectsOfOthers are objects in docs/operations.md that the program does not create, with what creates them.
var objectsOfOthers = map[string]string{
	"kube-system configmap/cluster-autoscaler-status":     "the Cluster Autoscaler",
	"kube-system deployment/aws-load-balancer-controller": "the controller's chart",
}

var (
	// documentedObject matches a kubectl command: its namespace and its object.
	documentedObject = regexp.MustCompile(`kubectl -n (\S+) [^` + "`" + `]*?\b([a-z]+/[a-z][a-z-]+)`)
	// documentedSetting matches the name of a setting.
	documentedSetting = regexp.MustCompile("`((?:aws|network|cluster|nodeGroups|autoscaler|loadBalancerController|repositories|model|gateway|ingress|schedule)(?:\\.[A-Za-z]+)+)[`:]")
)

func TestObjectsInTheOperationsPageExist(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var existing []string
	asleep := variation{stack: "dev", settings: `tfserving:schedule: {from: "07:00", to: "19:00", timeZone: Europe/Berlin}`} // with all of its objects
	for _, r := range asleep.graph(t).kubernetesObjects() {
		kind := strings.ToLower(r.TypeToken[strings.LastIndex(r.TypeToken, ":")+1:])
		existing = append(existing, r.meta.GetNamespace()+" "+kind+"/"+r.meta.GetName())
	}
	documented := documentedObject.FindAllStringSubmatch(string(page), -1)
	for _, m := range documented {
		if object := m[1] + " " + m[2]; !slices.Contains(existing, object) && objectsOfOthers[object] == "" {
			t.Errorf("../docs/operations.md shows %s, which stack dev with off hours does not create", object)
		}
	}
	if len(documented) < 5 {
		t.Errorf("found only %d objects in the page", len(documented))
	}
}

func TestSettingsInTheOperationsPagesExist(t *testing.T) {
	reference, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for _, name := range []string{"../docs/operations.md", "../docs/delivery.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range documentedSetting.FindAllStringSubmatch(string(page), -1) {
			if documented++; !strings.Contains(string(reference), "`tfserving:"+m[1]+"`") && !strings.Contains(string(reference), "`tfserving:"+m[1]+".") {
				t.Errorf("%s shows the setting %s, which does not exist", name, m[1])
			}
		}
	}
	if documented < 10 {
		t.Errorf("found only %d settings in the pages", documented)
	}
}
