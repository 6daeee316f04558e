package catalog

import "time"

// Release is a Kubernetes version on EKS.
type Release struct {
	Version         string
	StandardSupport string // the day on which it ends, such as 2027-03-27
	ExtendedSupport string // the day on which it ends: EKS then upgrades what is left
}

// releases are the Kubernetes versions that EKS offers or offered lately, oldest first, from the release calendar in
// the Amazon EKS User Guide ("Understand the Kubernetes version lifecycle on EKS"); `aws eks describe-cluster-versions`
// tells the same. A version has standard support for 14 months and extended support for 12 more. 1.36's dates are the
// calendar's as repeated elsewhere in August 2026.
var releases = []Release{
	{"1.30", "2025-07-23", "2026-07-23"},
	{"1.31", "2025-11-26", "2026-11-26"},
	{"1.32", "2026-03-23", "2027-03-23"},
	{"1.33", "2026-07-29", "2027-07-29"},
	{"1.34", "2026-12-02", "2027-12-02"},
	{"1.35", "2027-03-27", "2028-03-27"},
	{"1.36", "2027-08-02", "2028-08-02"},
}

// FindRelease returns the release of a version such as 1.35, if it is known here.
func FindRelease(version string) (Release, bool) {
	for _, r := range releases {
		if r.Version == version {
			return r, true
		}
	}
	return Release{}, false
}

// Versions are the versions of all releases, oldest first.
func Versions() (versions []string) {
	for _, r := range releases {
		versions = append(versions, r.Version)
	}
	return versions
}

// StandardEnd is when standard support ends.
func (r Release) StandardEnd() time.Time { return day(r.StandardSupport) }

// ExtendedEnd is when extended support ends.
func (r Release) ExtendedEnd() time.Time { return day(r.ExtendedSupport) }

// day is the beginning of a day in UTC, from which EKS counts.
func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err) // the dates are those above
	}
	return t
}
