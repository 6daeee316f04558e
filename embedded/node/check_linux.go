package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// nodeMemoryMiB is what a node needs: 0.3 GiB for itself, and room for a model server and a gateway of the example.
	nodeMemoryMiB = 2 * 1024
	// controlPlaneMiB is what the control plane needs: 0.9 GiB, measured under load.
	controlPlaneMiB = 1024
	// imagesGiB is what images of the size of the example's take: 1.1 GiB as archives, as much again while they are made, and
	// 2.4 GiB imported and unpacked.
	imagesGiB = 5
	// nodesGiB is what the nodes write, above the 1 GiB below which a kubelet ends pods (files/kubelet.yaml).
	nodesGiB = 2
)

// Check lists everything for which this machine cannot run a number of real nodes, whose files are below a folder. Images that
// are imported already need no more space.
func Check(folder string, nodes int, imported bool) (missing []string) {
	fail := func(format string, args ...any) { missing = append(missing, fmt.Sprintf(format, args...)) }
	if os.Geteuid() != 0 {
		fail("root: run make as root, for namespaces and mounts")
	}
	systems, _ := os.ReadFile("/proc/filesystems")
	if !strings.Contains(string(systems), "\toverlay\n") && !moduleExists("overlay") {
		fail("a kernel with overlay file systems (CONFIG_OVERLAY_FS), for images")
	}
	if !nftables() {
		fail("a kernel with nftables (CONFIG_NF_TABLES), for Services and NetworkPolicies")
	}
	if err := cgroupsWritable(); err != nil {
		fail("cgroups that can be written, for the limits of containers: %v", err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		total, needed := info.Totalram*uint64(info.Unit)>>20, uint64(controlPlaneMiB+nodes*nodeMemoryMiB)
		if total < needed {
			fail("memory: %d nodes and the control plane need %d MiB, and this machine has %d MiB", nodes, needed, total)
		}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err == nil {
		needed := uint64(nodesGiB)
		if !imported {
			needed += imagesGiB
		}
		if free := disk.Bavail * uint64(disk.Bsize) >> 30; free < needed {
			fail("disk: images and containers need %d GiB, and %s has %d GiB free", needed, folder, free)
		}
	}
	return missing
}

// moduleExists says whether the kernel can load a module when it is first used.
func moduleExists(name string) bool {
	var kernel unix.Utsname
	if unix.Uname(&kernel) != nil {
		return false
	}
	list, err := os.ReadFile(filepath.Join("/lib/modules", unix.ByteSliceToString(kernel.Release[:]), "modules.dep"))
	return err == nil && strings.Contains(string(list), "/"+name+".ko")
}

// nftables says whether the kernel has nftables: it then accepts messages for it, or can load the module.
func nftables() bool {
	const subsystem = 12 // NETLINK_NETFILTER; its socket alone does not say whether nftables is there
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, subsystem)
	if err != nil {
		return false
	}
	defer unix.Close(socket)
	symbols, err := os.ReadFile("/proc/kallsyms")
	return err != nil || strings.Contains(string(symbols), "nft_") || moduleExists("nf_tables")
}

// cgroupsWritable makes a cgroup and removes it.
func cgroupsWritable() error {
	const probe = "tfserving-check"
	if err := makeCgroups(probe); err != nil {
		_ = RemoveCgroups(probe)
		return err
	}
	return RemoveCgroups(probe)
}
