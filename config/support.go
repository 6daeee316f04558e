package config

import (
	"fmt"
	"time"

	"tfserving/catalog" // the tests of this package have an eks of their own
)

// supportNotice is how long before the end of standard support a stack is warned: EKS announces the day as long ahead.
const supportNotice = 60 * 24 * time.Hour

// supportWarning is what a cluster of this version has to expect of EKS at a time, if it is not plain support.
func supportWarning(version string, now time.Time) string {
	const key = Project + ":cluster.version"
	r, known := catalog.FindRelease(version)
	switch {
	case !known:
	case !now.Before(r.ExtendedEnd()):
		return fmt.Sprintf("%s is %q, which EKS has no longer supported since %s: no cluster can be made of it, and those there are get upgraded; set a newer version, one minor version at a time", key, r.Version, r.ExtendedSupport)
	case !now.Before(r.StandardEnd()):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ended on %s: a cluster of support policy STANDARD, as this is, gets upgraded by AWS when it suits AWS; set a newer version, one minor version at a time", key, r.Version, r.StandardSupport)
	case !now.Before(r.StandardEnd().Add(-supportNotice)):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ends on %s: AWS then upgrades the cluster when it suits AWS; set a newer version before, one minor version at a time", key, r.Version, r.StandardSupport)
	}
	return ""
}
