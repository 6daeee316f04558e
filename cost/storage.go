package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tfserving/resource"
)

// daysPerMonth is the number of days in which the monthly volume of logs was measured (Usage.ControlPlaneLogs, FlowLogs).
const daysPerMonth = 30

// logGroup adds the prices of writing and of keeping logs. The group's name says what writes to it: EKS writes to
// /aws/eks/<cluster>/cluster (EKS User Guide, control plane logging), and a flow log writes to the group that has its
// resource name in the program.
func (e *estimator) logGroup(r resource.Resource) {
	const taken, kept = "logs taken in", "logs kept"
	name, err := resource.Text(r.Inputs, "name")
	if err != nil {
		e.unknown(r, taken, err)
		return
	}
	_, hasFlowLog := e.find(resource.FlowLog, r.Name)
	var written float64
	switch {
	case strings.HasPrefix(name, "/aws/eks/") && strings.HasSuffix(name, "/cluster"):
		if written, err = e.controlPlaneLogs(strings.TrimSuffix(strings.TrimPrefix(name, "/aws/eks/"), "/cluster")); err != nil {
			e.unknown(r, taken, err)
			return
		}
	case hasFlowLog:
		written = e.usage.FlowLogs
	default:
		e.unknown(r, taken, errors.New("what writes to this log group, and how much, is not known here"))
		return
	}
	e.bill(r, taken, "log ingestion", always(written), fmt.Sprintf("%g GB a month", written))
	days, isSet, err := resource.Number(r.Inputs, "retentionInDays")
	if err == nil && (!isSet || days == 0) {
		err = errors.New("logs are kept for ever, so this grows each month")
	}
	if err != nil {
		e.unknown(r, kept, err)
		return
	}
	stored := written * float64(days) / daysPerMonth
	e.bill(r, kept, "log storage", always(stored), fmt.Sprintf("%g GB, those of %d days", cents(stored), days))
}

// controlPlaneLogs returns the GB a month that the control plane of a cluster writes, of the types that it sends.
func (e *estimator) controlPlaneLogs(cluster string) (written float64, err error) {
	for _, r := range e.resources {
		if name, err := resource.Text(r.Inputs, "name"); r.Type != resource.EKSCluster || err != nil || name != cluster {
			continue
		}
		types, err := resource.Value[[]any](r.Inputs, "enabledClusterLogTypes")
		for _, each := range types {
			volume, isKnown := e.usage.ControlPlaneLogs[fmt.Sprint(each)]
			if !isKnown {
				return 0, fmt.Errorf("what the control plane's log %v writes is not known here", each)
			}
			written += volume
		}
		return written, err
	}
	return 0, fmt.Errorf("cluster %s, which writes it, is not in the list", cluster)
}

// find returns the resource of a type and name.
func (e *estimator) find(typ, name string) (resource.Resource, bool) {
	for _, r := range e.resources {
		if r.Type == typ && r.Name == name {
			return r, true
		}
	}
	return resource.Resource{}, false
}

// flowLog adds a line if its cost is not part of a log group's.
func (e *estimator) flowLog(r resource.Resource) {
	to, err := resource.Text(r.Inputs, "logDestinationType")
	if err == nil && to != "" && to != "cloud-watch-logs" {
		err = fmt.Errorf("what flow logs to %s cost is not known here", to)
	}
	if _, hasLogGroup := e.find(resource.LogGroup, r.Name); err == nil && !hasLogGroup {
		err = errors.New("no log group has this flow log's name, so what it writes is not counted")
	}
	if err != nil {
		e.unknown(r, "flow logs", err)
	}
}

// keyVersions is how many versions of a key are charged for at most: the first and two rotations (KMS pricing page).
const keyVersions = 3

// key adds the monthly price of a KMS key.
func (e *estimator) key(r resource.Resource) {
	rotated, err := resource.Value[bool](r.Inputs, "enableKeyRotation")
	if err != nil {
		e.unknown(r, "KMS key", err)
		return
	}
	if !rotated {
		e.bill(r, "KMS key", "KMS key", always(1), "")
		return
	}
	e.bill(r, "KMS key", "KMS key", Range{1, 1, keyVersions}, "costs as much again after each of its first two yearly rotations")
}

// repository adds the price of storing images. The lifecycle policy that has the repository's resource name in the program
// limits their number.
func (e *estimator) repository(r resource.Resource) {
	const what = "images"
	policy, found := e.find("aws:ecr/lifecyclePolicy:LifecyclePolicy", r.Name)
	if !found {
		e.unknown(r, what, errors.New("no lifecycle policy of this name bounds the images, so they grow"))
		return
	}
	keep, err := keptImages(policy)
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	full := e.usage.Image * float64(keep)
	e.bill(r, what, "ECR storage", Range{e.usage.Image, full, full}, fmt.Sprintf("%d images of %g GB", keep, e.usage.Image))
}

// keptImages is the number of tagged images that a lifecycle policy keeps ("Lifecycle policy properties", Amazon ECR User Guide).
func keptImages(r resource.Resource) (int, error) {
	text, err := resource.Text(r.Inputs, "policy")
	if err != nil {
		return 0, err
	}
	var policy struct {
		Rules []struct {
			Selection struct {
				TagStatus, CountType string
				CountNumber          int
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return 0, fmt.Errorf("its lifecycle policy: %w", err)
	}
	for _, rule := range policy.Rules {
		if s := rule.Selection; s.CountType == "imageCountMoreThan" && s.TagStatus != "untagged" {
			return s.CountNumber, nil
		}
	}
	return 0, errors.New("no rule of its lifecycle policy bounds the number of images")
}

// volumeClaim adds a line without an amount: the price depends on the storage class, which is not among the resources.
func (e *estimator) volumeClaim(r resource.Resource) {
	e.unknown(r, "volume", errors.New("what its storage class costs is not known here"))
}
