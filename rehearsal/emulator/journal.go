package emulator

import (
	"slices"
	"sync"
	"time"
)

// Event is one API call that came to the front.
type Event struct {
	Time     time.Time
	Duration time.Duration
	Service  string            // as signed: eks, ec2, autoscaling, …; eks-auth for tokens and pods' credentials
	Action   string            // as IAM names it: CreateCluster, SetDesiredCapacity, …
	Who      string            // ARN of the caller; its access key where that belongs to nobody
	Status   int               // of HTTP
	Params   map[string]string // without secrets
	Error    string            // the error's code and message, where the call was refused by the front or by EKS
}

type journal struct {
	mu     sync.Mutex
	events []Event
}

func (j *journal) add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
}

// Journal is every call so far, in the order in which they were answered.
func (a *AWS) Journal() []Event {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	return slices.Clone(a.journal.events)
}
