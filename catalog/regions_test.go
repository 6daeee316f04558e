package catalog

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheRegionsAreThoseOfTheSDK(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal/endpoints/awsrulesfn/partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Partitions []struct{ Regions map[string]any }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range file.Partitions {
		for name := range p.Regions {
			if !strings.HasSuffix(name, "-global") { // stands for services without a region
				want = append(want, name)
			}
		}
	}
	slices.Sort(want)
	if !slices.Equal(Regions(), want) {
		t.Errorf("the regions are %q\nthose of the SDK %q", Regions(), want)
	}
}

func TestEveryRegionHasTheFormOfANameAndNotEveryNameIsARegion(t *testing.T) {
	for _, region := range regions {
		if !IsRegionName(region) {
			t.Errorf("%s does not have the form", region)
		}
	}
	for _, name := range []string{"eu-west-9", "us-east-10", "aws-global", ""} {
		if IsRegion(name) {
			t.Errorf("%q is a region", name)
		}
	}
}
