package dryrun

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// eksStacks returns the checked-in stacks on EKS, in the order of the docs.
func eksStacks(t *testing.T) []string {
	t.Helper()
	names, err := config.EKSStacks("..")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// resources returns the resources of a checked-in stack.
func resources(t *testing.T, stack string) []resource.Resource {
	t.Helper()
	all, err := Resources("../" + config.StackFile(stack))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAStackOnAnExistingClusterHasNoResources(t *testing.T) {
	if all := resources(t, "local"); len(all) > 0 {
		t.Errorf("the resources of stack local are %v, want none", all)
	}
}

func TestAMissingStackFileIsAnErrorThatNamesIt(t *testing.T) {
	if _, err := Resources("../Pulumi.missing.yaml"); err == nil || !strings.Contains(err.Error(), "Pulumi.missing.yaml") {
		t.Errorf("the error is %v, want one that names the file", err)
	}
}

// Commands print the list.
func TestResourcesHaveNoSecrets(t *testing.T) {
	for _, stack := range eksStacks(t) {
		text, err := json.Marshal(resources(t, stack))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), mockengine.SentinelToken) || !strings.Contains(string(text), resource.Secret) {
			t.Errorf("%s: the list has the cluster's credential, or no secret at all", stack)
		}
	}
}

func TestResourcesIncludeTheControlPlane(t *testing.T) {
	for _, stack := range eksStacks(t) {
		if !slices.ContainsFunc(resources(t, stack), func(r resource.Resource) bool { return r.Type == mockengine.InnerCluster }) {
			t.Errorf("%s: the list lacks the control plane", stack)
		}
	}
}
