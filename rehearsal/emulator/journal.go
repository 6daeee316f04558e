package emulator

import (
	"slices"
	"sync"
	"time"
)

// Event is an API call that the front received.
type Event struct {
	Time     time.Time
	Duration time.Duration
	Service  string            // in the signature: eks, ec2, autoscaling, …; eks-auth for tokens and pods' credentials
	Action   string            // in IAM's spelling: CreateCluster, SetDesiredCapacity, …
	Who      string            // ARN of the caller; the access key if it is unknown
	Status   int               // of HTTP
	Params   map[string]string // without secrets
	Error    string            // code and message, if the front or EKS refused the call
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

// Journal returns all calls so far, in the order of their answers.
func (a *AWS) Journal() []Event {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	return slices.Clone(a.journal.events)
}
