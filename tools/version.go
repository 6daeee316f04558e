package main

import (
	"regexp"

	"golang.org/x/mod/semver"
)

var versionPattern = regexp.MustCompile(`v?(\d+\.\d+\.\d+)`)

// meets says whether a command that prints this as its version can replace the pinned one: it has the same major version and is
// not older. With sameMinor, it also has the same minor version.
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
