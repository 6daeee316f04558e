package main

import (
	"regexp"

	"golang.org/x/mod/semver"
)

var versionPattern = regexp.MustCompile(`v?(\d+\.\d+\.\d+)`)

// meets says whether a command that printed this about itself can stand in for the pinned one: the same major
// version, not older, and where the tool's users must not skew across minors, the same minor.
func (t *tool) meets(printed string) bool {
	found := versionPattern.FindStringSubmatch(printed)
	if found == nil {
		return false
	}
	have, want := "v"+found[1], "v"+t.version
	if semver.Compare(have, want) < 0 || semver.Major(have) != semver.Major(want) {
		return false
	}
	return !t.sameMinor || semver.MajorMinor(have) == semver.MajorMinor(want)
}
