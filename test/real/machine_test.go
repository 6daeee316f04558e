//go:build linux

package real

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// state is what a cluster must leave on the machine as it was: for each kind of thing the things that there are.
type state map[string][]string

// volatile are settings of the kernel that change by themselves.
var volatile = []string{"kernel/random", "kernel/ns_last_pid", "kernel/pty/nr", "fs/dentry-state", "fs/file-nr", "fs/inode-nr", "fs/inode-state",
	"fs/aio-nr", "fs/quota", "fs/epoll", "net/netfilter/nf_conntrack_count", "kernel/perf_event_max_sample_rate", "kernel/hung_task_detect_count", "kernel/sched_domain", "net/ipv4/route/flush"}

// machine reads the state of the machine.
func machine(t *testing.T, checkout string) state {
	t.Helper()
	s := state{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	links, err := netlink.LinkList()
	must(err)
	for _, link := range links {
		addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		must(err)
		s["link"] = append(s["link"], fmt.Sprint(link.Type(), " ", link.Attrs().Name, " ", addresses))
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	must(err)
	for _, route := range routes {
		s["route"] = append(s["route"], route.String())
	}
	rules, err := netlink.RuleList(netlink.FAMILY_ALL)
	must(err)
	for _, rule := range rules {
		s["rule of routing"] = append(s["rule of routing"], rule.String())
	}
	s["table, chain or rule of nftables"] = nftables(t)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(err)
	for line := range strings.Lines(string(mounts)) {
		s["mount"] = append(s["mount"], strings.Join(strings.Fields(line)[3:], " ")) // without identifiers
	}
	for _, pattern := range []string{"/sys/fs/cgroup/tfserving*", "/sys/fs/cgroup/*/tfserving*"} {
		found, err := filepath.Glob(pattern)
		must(err)
		s["cgroup"] = append(s["cgroup"], found...)
	}
	must(filepath.WalkDir("/proc/sys", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // it may have gone, or be for nobody
		}
		name := strings.TrimPrefix(path, "/proc/sys/")
		if slices.ContainsFunc(volatile, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return nil
		}
		if value, err := os.ReadFile(path); err == nil {
			s["setting of the kernel"] = append(s["setting of the kernel"], name+" = "+strings.TrimSpace(string(value)))
		}
		return nil
	}))
	for _, p := range processesOf(t, checkout) {
		line, _ := p.Cmdline()
		s["process"] = append(s["process"], fmt.Sprint(p.Pid, " ", line))
	}
	return s
}

// changes lists the differences between two states.
func (s state) changes(after state) (all []string) {
	for kind := range after {
		if _, ok := s[kind]; !ok {
			s[kind] = nil
		}
	}
	for kind, before := range s {
		for _, thing := range after[kind] {
			if !slices.Contains(before, thing) {
				all = append(all, "new "+kind+": "+thing)
			}
		}
		for _, thing := range before {
			if !slices.Contains(after[kind], thing) {
				all = append(all, "missing "+kind+": "+thing)
			}
		}
	}
	return all
}

// nftables lists the machine's tables, chains and rules as the kernel describes them.
func nftables(t *testing.T) (all []string) {
	t.Helper()
	for _, dump := range []int{unix.NFT_MSG_GETTABLE, unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE} {
		request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|dump, unix.NLM_F_DUMP)
		request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_UNSPEC})
		messages, err := request.Execute(unix.NETLINK_NETFILTER, 0)
		if errors.Is(err, unix.EINVAL) { // a kernel without nftables
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range messages {
			all = append(all, fmt.Sprintf("%q", message[nl.SizeofNfgenmsg:]))
		}
	}
	return all
}

// processesOf returns the processes of a checkout's clusters, and those in the namespaces of these.
func processesOf(t *testing.T, checkout string) (all []*process.Process) {
	t.Helper()
	running, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, p := range running {
		if line, err := p.Cmdline(); err == nil && strings.Contains(line, filepath.Join(checkout, ".local")) {
			all = append(all, p)
			for _, kind := range []string{"net", "pid"} {
				own[namespaceOf(p.Pid, kind)] = true
			}
		}
	}
	for _, kind := range []string{"net", "pid"} {
		delete(own, namespaceOf(int32(os.Getpid()), kind))
	}
	for _, p := range running {
		if (own[namespaceOf(p.Pid, "net")] || own[namespaceOf(p.Pid, "pid")]) && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func namespaceOf(pid int32, kind string) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	return name
}
