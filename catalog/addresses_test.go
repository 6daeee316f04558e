package catalog

import (
	"net/netip"
	"testing"
)

func TestRegionNamesHaveTheFormThatAWSUses(t *testing.T) {
	for _, region := range []string{"eu-west-3", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "cn-northwest-1", "ap-southeast-7", "us-east-10"} {
		if !IsRegionName(region) {
			t.Errorf("%s is refused", region)
		}
	}
	for _, text := range []string{"", "europe", "ireland", "eu-central", "eu-central-1a", "EU-central-1", "EU-WEST-1", "eu central 1"} {
		if IsRegionName(text) {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestRangesWiderThanASlash8AreTheInternet(t *testing.T) {
	for text, want := range map[string]bool{
		"0.0.0.0/0": true, "128.0.0.0/1": true, "::/0": true, "8.0.0.0/7": true,
		"10.0.0.0/8": false, "203.0.113.0/24": false, "2001:db8::/32": false,
	} {
		if got := IsInternet(netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s is the internet: %v, want %v", text, got, want)
		}
	}
}
