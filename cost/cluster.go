package cost

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

// standardSupport is the support policy under which EKS upgrades the cluster when standard support of its version ends.
const standardSupport = "STANDARD"

// controlPlane adds the hourly price of an EKS cluster. The price rises when standard support of its Kubernetes version ends,
// unless EKS upgrades the cluster then.
func (e *estimator) controlPlane(r resource.Resource) {
	const what = "control plane"
	version, versionErr := resource.Text(r.Inputs, "version")
	policy, err := resource.Text(r.Inputs, "upgradePolicy", "supportType")
	if err := cmp.Or(versionErr, err); err != nil {
		e.unknown(r, what, err)
		return
	}
	const standard, extended = "EKS control plane, standard support", "EKS control plane, extended support"
	release, known := catalog.FindRelease(version)
	switch {
	case version == "":
		e.bill(r, what, standard, always(1), "no Kubernetes version is set: EKS takes one under standard support")
	case !known:
		e.unknown(r, what, fmt.Errorf("until when EKS supports Kubernetes %s is not known here", version))
	case e.estimate.At.Before(release.StandardEnd()):
		e.bill(r, what, standard, always(1), fmt.Sprintf("Kubernetes %s, standard support until %s", version, release.StandardSupport))
	case policy == standardSupport:
		e.bill(r, what, standard, always(1), fmt.Sprintf("standard support of Kubernetes %s ended on %s: under policy STANDARD, EKS upgrades the cluster", version, release.StandardSupport))
	case e.estimate.At.Before(release.ExtendedEnd()):
		e.bill(r, what, extended, always(1), fmt.Sprintf("Kubernetes %s, extended support since %s", version, release.StandardSupport))
	default:
		e.unknown(r, what, fmt.Errorf("EKS has no longer supported Kubernetes %s since %s", version, release.ExtendedSupport))
	}
}

// clusterComponent adds a line if the control plane of pulumi-eks's component is not among the resources. If it is, it is
// priced there.
func (e *estimator) clusterComponent(r resource.Resource) {
	for _, other := range e.resources {
		if other.Type == resource.EKSCluster && strings.Contains(other.URN, r.Type+"$") && strings.HasPrefix(other.Name, r.Name) {
			return
		}
	}
	e.unknown(r, "control plane", errors.New("the control plane inside of this component is not in the list"))
}
