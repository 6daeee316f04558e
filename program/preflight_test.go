package program

import (
	"errors"
	"strings"
	"testing"

	"tfserving/preflight"
)

// accountCase is an account, and settings on top of those of stack dev.
type accountCase struct {
	name, settings string
	change         func(*fakeAWS) // from an account that fits stack dev
}

// deploy runs the program in the account.
func (c accountCase) deploy() (*graph, error) {
	account := newFakeAWS()
	if c.change != nil {
		c.change(account)
	}
	return newEKSGraph("dev", c.settings, account)
}

// withImages returns a change of an account in which images, by repository and suffix, have a state.
func withImages(state preflight.ImageState, images ...string) func(*fakeAWS) {
	return func(a *fakeAWS) {
		a.images = map[string]preflight.ImageState{}
		for _, image := range images {
			a.images[image] = state
		}
	}
}

const (
	devModelImage   = "tfserving-dev/zoomcamp-10-model:xception-v4-001"
	devGatewayImage = "tfserving-dev/zoomcamp-10-gateway:002"
)

func TestDeployFailsBeforeItCreatesAnythingInAWS(t *testing.T) {
	for _, c := range []struct {
		accountCase
		resources int // the AWS provider, if it lists the zones
		errorHas  []string
	}{
		{accountCase{"the caller is not one of the administrators",
			`tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/Oncall"]}`, nil},
			0, []string{"tfserving:cluster.administrators", deployer}},
		{accountCase{"the caller has the name of an administrator, but in another account",
			`tfserving:cluster: {administrators: ["arn:aws:iam::210987654321:role/Deployer"]}`, nil},
			0, []string{"tfserving:cluster.administrators", deployer}},
		{accountCase{"the account check fails", "",
			func(a *fakeAWS) { a.accountErr = errors.New("the credentials are of account 210987654321") }},
			0, []string{"the credentials are of account 210987654321"}},
		{accountCase{"the region has fewer zones than the settings ask for", `tfserving:network: {zones: 3}`,
			func(a *fakeAWS) { a.zones = []string{"eu-west-1b", "eu-west-1a"} }},
			1, []string{"tfserving:network.zones is 3", "eu-west-1 has 2", "[eu-west-1a eu-west-1b]"}},
		{accountCase{"the model's image is missing", "", withImages(preflight.ImageMissing, devModelImage)},
			1, []string{"zoomcamp-10-model:xception-v4-001", "tfserving-dev/zoomcamp-10-model", "push it first"}},
		{accountCase{"the gateway's image is missing", "", withImages(preflight.ImageMissing, devGatewayImage)},
			1, []string{"zoomcamp-10-gateway:002", "push it first"}},
		{accountCase{"the account cannot launch spot instances", "",
			func(a *fakeAWS) { a.spotErr = errors.New("the account has no role AWSServiceRoleForEC2Spot") }},
			0, []string{"the account has no role AWSServiceRoleForEC2Spot"}},
		{accountCase{"the autoscaler has another version than the cluster",
			`tfserving:autoscaler: {image: "registry.k8s.io/autoscaling/cluster-autoscaler:v1.30.0"}`, nil}, 0, []string{"1.30", "1.36"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := c.deploy()
			if err == nil {
				t.Fatal("Deploy succeeds")
			}
			for _, text := range c.errorHas {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not contain %q: %v", text, err)
				}
			}
			if len(g.resources) != c.resources {
				t.Errorf("the program registered %d resources before, want %d: %v", len(g.resources), c.resources, g.resources)
			}
		})
	}
}

func TestDeployAcceptsAnAccountThatFitsTheSettings(t *testing.T) {
	for _, c := range []accountCase{
		{name: "an administrator's role has a path, which STS leaves out", settings: `tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/a/b/Deployer"]}`},
		{name: "the settings name no administrators", settings: `tfserving:cluster: {administrators: []}`},
		{name: "the account cannot launch spot instances, and the stack has none", settings: `tfserving:nodeGroups: [{name: general, instanceTypes: [m6i.large], min: 2, max: 4}]`,
			change: func(a *fakeAWS) { a.spotErr = errors.New("the account has no role AWSServiceRoleForEC2Spot") }},
		{name: "the repositories do not exist yet", change: withImages(preflight.NoRepository, devModelImage, devGatewayImage)},
		{name: "the credentials may not look for images", change: withImages(preflight.ImageUnknown, devModelImage)},
		{name: "the region has more zones than the settings ask for", change: func(a *fakeAWS) { a.zones = append(a.zones, "eu-west-1d") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.deploy(); err != nil {
				t.Error(err)
			}
		})
	}
}
