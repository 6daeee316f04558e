package config

import (
	"fmt"
	"time"

	"tfserving/catalog"
)

// SupportNotice is the time before the end of standard support in which a stack gets a warning. EKS, too, announces the day
// 60 days ahead.
const SupportNotice = 60 * 24 * time.Hour

// supportWarning returns a warning if EKS's standard support of a Kubernetes version has ended or ends soon. A version after
// the end of its extended support is a mistake, which validation reports.
func supportWarning(version string, now time.Time) string {
	const key = Project + ":cluster.version"
	r, known := catalog.FindRelease(version)
	switch {
	case !known:
	case !now.Before(r.StandardEnd()):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ended on %s: AWS may upgrade this cluster at any time, because its support policy is STANDARD; set a newer version, one minor version at a time", key, r.Version, r.StandardSupport)
	case !now.Before(r.StandardEnd().Add(-SupportNotice)):
		return fmt.Sprintf("%s is %q, whose standard support by EKS ends on %s: AWS may then upgrade the cluster at any time; set a newer version before that day, one minor version at a time", key, r.Version, r.StandardSupport)
	}
	return ""
}
