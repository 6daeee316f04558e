package config

import (
	"fmt"
	"time"
)

// release is a Kubernetes version on EKS.
type release struct {
	version  string
	standard string // the day on which standard support ends
	extended string // the day on which extended support ends: EKS then upgrades what is left
}

// releases are the Kubernetes versions that EKS offers or offered lately, oldest first, from the release calendar in
// the Amazon EKS User Guide ("Understand the Kubernetes version lifecycle on EKS"); `aws eks describe-cluster-versions`
// tells the same. A version has standard support for 14 months and extended support for 12 more. 1.36's dates are the
// calendar's as repeated elsewhere in August 2026.
var releases = []release{
	{"1.30", "2025-07-23", "2026-07-23"},
	{"1.31", "2025-11-26", "2026-11-26"},
	{"1.32", "2026-03-23", "2027-03-23"},
	{"1.33", "2026-07-29", "2027-07-29"},
	{"1.34", "2026-12-02", "2027-12-02"},
	{"1.35", "2027-03-27", "2028-03-27"},
	{"1.36", "2027-08-02", "2028-08-02"},
}

// supportNotice is how long before the end of standard support a stack is warned: EKS announces the day as long ahead.
const supportNotice = 60 * 24 * time.Hour

func findRelease(version string) (release, bool) {
	for _, r := range releases {
		if r.version == version {
			return r, true
		}
	}
	return release{}, false
}

func releaseNames() (names []string) {
	for _, r := range releases {
		names = append(names, r.version)
	}
	return names
}

// day is the beginning of a day in UTC, from which EKS counts.
func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err) // the dates are those above
	}
	return t
}

// supportWarning is what a cluster of this version has to expect of EKS at a time, if it is not plain support.
func supportWarning(version string, now time.Time) string {
	const key = Project + ":cluster.version"
	r, known := findRelease(version)
	switch {
	case !known:
	case !now.Before(day(r.extended)):
		return fmt.Sprintf("%s is %q, which EKS has no longer supported since %s: no cluster can be made of it, and those there are get upgraded; set a newer version, one minor version at a time", key, r.version, r.extended)
	case !now.Before(day(r.standard)):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ended on %s: a cluster of support policy STANDARD, as this is, gets upgraded by AWS when it suits AWS; set a newer version, one minor version at a time", key, r.version, r.standard)
	case !now.Before(day(r.standard).Add(-supportNotice)):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ends on %s: AWS then upgrades the cluster when it suits AWS; set a newer version before, one minor version at a time", key, r.version, r.standard)
	}
	return ""
}
