package recordings

import (
	"strings"
	"testing"
	"time"

	"tfserving/rehearsal/emulator"
)

// journalOf is the journal of a first up in which every call comes as soon as it can. A call in late comes that much later.
func journalOf(begin time.Time, t emulator.Times, late map[string]time.Duration) (journal []emulator.Event) {
	at := func(action string, after time.Duration, parameters ...string) {
		name := strings.Join(append([]string{action}, parameters...), " ")
		journal = append(journal, emulator.Event{
			Time: begin.Add(after + late[name]), Action: action, Status: 200, Params: map[string]string{"any": strings.Join(parameters, " ")},
		})
	}
	const step = 3 * time.Second // from the end of one step to the call that begins the next
	for _, action := range []string{"CreateVpc", "CreateRepository", "CreateKey", "CreateLogGroup", "AllocateAddress", "CreateLaunchTemplate", "AttachInternetGateway"} {
		at(action, step)
	}
	at("CreateRole", step, ownRoles.parameters[0])
	at("CreateRole", step, ownRoles.parameters[1])
	at("CreateSubnet", 2*step)
	at("CreateRole", 3*step, controlRole.parameters[0])
	at("CreateNatGateway", 3*step)
	at("CreateCluster", 4*step)
	active := 4*step + t.Cluster
	at("CreatePodIdentityAssociation", active+step)
	for _, name := range daemonAddons {
		at("CreateAddon", active+step, name)
	}
	at("CreateNodegroup", active+step)
	for _, name := range deploymentAddons {
		at("CreateAddon", active+step+t.NodeGroup+step, name)
	}
	return journal
}

func TestACallThatComesLaterThanItNeedsToIsNamed(t *testing.T) {
	begin, times := time.Now(), AWSTimes(1)
	for _, c := range []struct {
		name string
		late map[string]time.Duration
		want string // in the report; empty: there must be no report
	}{
		{"every call as soon as it can", nil, ""},
		{"repositories after the control plane", map[string]time.Duration{"CreateRepository": times.Cluster}, "CreateRepository came"},
		{"a role after the NAT gateway", map[string]time.Duration{"CreateRole in EKS cluster": times.NAT}, "CreateRole of EKS cluster, in EKS cluster came"},
		{"the control plane after the NAT gateway", map[string]time.Duration{"CreateCluster": times.NAT}, "CreateCluster came"},
		{"the NAT gateway after the control plane", map[string]time.Duration{"CreateNatGateway": times.Cluster}, "CreateNatGateway came"},
		{"node groups after add-ons", map[string]time.Duration{"CreateNodegroup": times.Addon}, "CreateNodegroup came"},
		{"an add-on of every node after the node groups", map[string]time.Duration{"CreateAddon kube-proxy": times.NodeGroup}, "CreateAddon vpc-cni, kube-proxy, eks-pod-identity-agent came"},
		{"an add-on after another", map[string]time.Duration{"CreateAddon coredns": times.Addon}, "CreateAddon coredns, metrics-server came"},
	} {
		t.Run(c.name, func(t *testing.T) {
			late := LateCalls(journalOf(begin, times, c.late), begin, times)
			if got := strings.Join(late, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("the report is %q, want %q", got, c.want)
			}
		})
	}
	if late := LateCalls(nil, begin, times); len(late) != len(needs) {
		t.Errorf("the report on an empty journal names only %q", late)
	}
}
