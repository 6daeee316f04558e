package cost

import (
	"errors"
	"fmt"
	"strings"

	"tfserving/catalog"
)

const (
	controlPlaneType = "aws:eks/cluster:Cluster"
	standardSupport  = "STANDARD" // the support policy under which EKS upgrades a version that has aged out
)

// controlPlane is paid for by the hour, at a higher price once the standard support of its Kubernetes version has ended.
// Under support policy STANDARD it never comes to that, as EKS upgrades the cluster.
func (e *estimator) controlPlane(r Resource) {
	const what = "control plane"
	version, err := r.text("version")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	policy, err := r.text("upgradePolicy", "supportType")
	if err != nil {
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

// clusterComponent is pulumi-eks's component. What is paid for is the control plane inside of it, which stands in the list
// by itself.
func (e *estimator) clusterComponent(r Resource) {
	for _, other := range e.resources {
		if other.Type == controlPlaneType && strings.Contains(other.URN, r.Type+"$") && strings.HasPrefix(other.Name, r.Name) {
			return
		}
	}
	e.unknown(r, "control plane", errors.New("the control plane inside of this component is not in the list"))
}
