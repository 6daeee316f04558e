package catalog

import (
	"fmt"
	"time"
)

// Release is a Kubernetes version on EKS.
type Release struct {
	Version         string
	StandardSupport string // the day on which standard support ends, such as 2027-03-27
	ExtendedSupport string // the day on which extended support ends; EKS then upgrades the remaining clusters
}

// releases are the Kubernetes versions that EKS offers or recently offered, oldest first. The dates are from the release
// calendar in the Amazon EKS User Guide ("Understand the Kubernetes version lifecycle on EKS"); those of 1.36 are from copies
// of the calendar in August 2026, which list no date for 1.37. `aws eks describe-cluster-versions` also shows them. A version has standard support for 14
// months, then extended support for 12 months.
var releases = []Release{
	{"1.30", "2025-07-23", "2026-07-23"},
	{"1.31", "2025-11-26", "2026-11-26"},
	{"1.32", "2026-03-23", "2027-03-23"},
	{"1.33", "2026-07-29", "2027-07-29"},
	{"1.34", "2026-12-02", "2027-12-02"},
	{"1.35", "2027-03-27", "2028-03-27"},
	{"1.36", "2027-08-02", "2028-08-02"},
}

// Offered lists the versions of which EKS creates clusters at a time, oldest first.
func Offered(now time.Time) (versions []string) {
	for _, r := range releases {
		if now.Before(r.ExtendedEnd()) {
			versions = append(versions, r.Version)
		}
	}
	return versions
}

// FindRelease returns the release of a version such as 1.35, if the catalog has it.
func FindRelease(version string) (Release, bool) {
	for _, r := range releases {
		if r.Version == version {
			return r, true
		}
	}
	return Release{}, false
}

// Minor returns the minor version, such as 35.
func (r Release) Minor() int {
	var major, minor int
	if _, err := fmt.Sscanf(r.Version, "%d.%d", &major, &minor); err != nil {
		panic(fmt.Sprintf("catalog/releases.go: %v", err))
	}
	return minor
}

// StandardEnd returns the time at which standard support ends.
func (r Release) StandardEnd() time.Time { return day(r.StandardSupport) }

// ExtendedEnd returns the time at which extended support ends.
func (r Release) ExtendedEnd() time.Time { return day(r.ExtendedSupport) }

// day returns the start of a day in UTC.
func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(fmt.Sprintf("catalog/releases.go: %v", err))
	}
	return t
}
