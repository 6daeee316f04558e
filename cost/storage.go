package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	logGroupType = "aws:cloudwatch/logGroup:LogGroup"
	flowLogType  = "aws:ec2/flowLog:FlowLog"
	// daysPerMonth is what a month's logs are spread over: they were measured in 30 days.
	daysPerMonth = 30
)

// logGroup is paid for by what is written to it and by what it keeps. What writes to it is told by its name: EKS writes to
// /aws/eks/<cluster>/cluster (EKS User Guide, control plane logging), and a flow log to the group of its own name in the
// program.
func (e *estimator) logGroup(r Resource) {
	const taken, kept = "logs taken in", "logs kept"
	name, err := r.text("name")
	if err != nil {
		e.unknown(r, taken, err)
		return
	}
	var written float64
	switch {
	case strings.HasPrefix(name, "/aws/eks/") && strings.HasSuffix(name, "/cluster"):
		written = e.usage.ControlPlaneLogs
	case e.named(flowLogType, r.Name):
		written = e.usage.FlowLogs
	default:
		e.unknown(r, taken, errors.New("what writes to this log group, and how much, is not known here"))
		return
	}
	e.bill(r, taken, "log ingestion", always(written), fmt.Sprintf("%g GB a month", written))
	days, isSet, err := r.count("retentionInDays")
	if err == nil && (!isSet || days == 0) {
		err = errors.New("logs are kept for ever, so this grows each month")
	}
	if err != nil {
		e.unknown(r, kept, err)
		return
	}
	stored := written * float64(days) / daysPerMonth
	e.bill(r, kept, "log storage", always(stored), fmt.Sprintf("%g GB, those of %d days", round(stored), days))
}

// named says whether there is a resource of a type and name.
func (e *estimator) named(kind, name string) bool {
	_, found := e.find(kind, name)
	return found
}

func (e *estimator) find(kind, name string) (Resource, bool) {
	for _, r := range e.resources {
		if r.Type == kind && r.Name == name {
			return r, true
		}
	}
	return Resource{}, false
}

// flowLog is paid for with the log group that it writes to.
func (e *estimator) flowLog(r Resource) {
	to, err := r.text("logDestinationType")
	if err == nil && to != "" && to != "cloud-watch-logs" {
		err = fmt.Errorf("what flow logs to %s cost is not known here", to)
	}
	if err == nil && !e.named(logGroupType, r.Name) {
		err = errors.New("no log group has this flow log's name, so what it writes is not counted")
	}
	if err != nil {
		e.unknown(r, "flow logs", err)
	}
}

// keyVersions are what a key that is rotated each year is paid for at most: itself and its first two rotations (KMS
// pricing page).
const keyVersions = 3

// key is paid for by the month.
func (e *estimator) key(r Resource) {
	rotated, err := as[bool](r.at("enableKeyRotation"))
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

// repository is paid for by the size of its images. Its lifecycle policy, of the same name in the program, says how many
// it keeps.
func (e *estimator) repository(r Resource) {
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

// keptImages is how many tagged images a lifecycle policy leaves ("Lifecycle policy properties", Amazon ECR User Guide).
func keptImages(r Resource) (int, error) {
	text, err := r.text("policy")
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

// volumeClaim is a volume of a class that this program did not choose the price of.
func (e *estimator) volumeClaim(r Resource) {
	e.unknown(r, "volume", errors.New("what its storage class costs is not known here"))
}
