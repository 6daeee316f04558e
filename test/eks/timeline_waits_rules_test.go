package eks

import (
	"strings"
	"testing"
	"time"

	"tfserving/rehearsal/emulator"
)

// journalOf is a first up in which everything comes as soon as it can; late makes one call come later, in seconds.
func journalOf(begin time.Time, t emulator.Times, late map[string]time.Duration) (journal []emulator.Event) {
	at := func(action string, after time.Duration, about ...string) {
		name := strings.Join(append([]string{action}, about...), " ")
		journal = append(journal, emulator.Event{Time: begin.Add(after + late[name]), Action: action, Status: 200, Params: map[string]string{"about": strings.Join(about, " ")}})
	}
	const asked = 3 * time.Second // from one thing being there to the call for the next
	for _, action := range []string{"CreateVpc", "CreateRepository", "CreateKey", "CreateLogGroup", "AllocateAddress", "CreateLaunchTemplate", "AttachInternetGateway"} {
		at(action, asked)
	}
	at("CreateRole", asked, ownRoles.about[0])
	at("CreateRole", asked, ownRoles.about[1])
	at("CreateSubnet", 2*asked)
	at("CreateRole", 3*asked, controlRole.about[0])
	at("CreateNatGateway", 3*asked)
	at("CreateCluster", 4*asked)
	active := 4*asked + t.Cluster
	at("CreatePodIdentityAssociation", active+asked)
	for _, name := range daemons.about {
		at("CreateAddon", active+asked, name)
	}
	at("CreateNodegroup", active+asked)
	for _, name := range deployments.about {
		at("CreateAddon", active+asked+t.NodeGroup+asked, name)
	}
	return journal
}

func TestWhatWaitsForWhatItDoesNotNeedIsFound(t *testing.T) {
	begin, times := time.Now(), awsTimes(1)
	for _, c := range []struct {
		name string
		late map[string]time.Duration
		says string // empty: nothing
	}{
		{"everything as soon as it can", nil, ""},
		{"repositories after the control plane", map[string]time.Duration{"CreateRepository": times.Cluster}, "CreateRepository came"},
		{"a role after the NAT gateway", map[string]time.Duration{"CreateRole in EKS cluster": times.NAT}, "CreateRole of EKS cluster, in EKS cluster came"},
		{"the control plane after the NAT gateway", map[string]time.Duration{"CreateCluster": times.NAT}, "CreateCluster came"},
		{"the NAT gateway after the control plane", map[string]time.Duration{"CreateNatGateway": times.Cluster}, "CreateNatGateway came"},
		{"node groups after add-ons", map[string]time.Duration{"CreateNodegroup": times.Addon}, "CreateNodegroup came"},
		{"an add-on of every node after the node groups", map[string]time.Duration{"CreateAddon kube-proxy": times.NodeGroup}, "CreateAddon vpc-cni, kube-proxy, eks-pod-identity-agent came"},
		{"an add-on after another", map[string]time.Duration{"CreateAddon coredns": times.Addon}, "CreateAddon coredns, metrics-server came"},
	} {
		t.Run(c.name, func(t *testing.T) {
			late := lateStarts(journalOf(begin, times, c.late), begin, times)
			if said := strings.Join(late, "\n"); c.says == "" && said != "" || !strings.Contains(said, c.says) {
				t.Errorf("found %q, want %q", said, c.says)
			}
		})
	}
	if late := lateStarts(nil, begin, times); len(late) != len(needs) {
		t.Errorf("of an empty journal it says only %q", late)
	}
}
