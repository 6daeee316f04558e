package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// systemFolder is a folder beside the pinned commands with commands and libraries of the machine's distribution that the
// machine lacks. tools/system.go makes it.
const systemFolder = "system"

// kubeletRoot is the kubelet's folder, as the node sees it. The kubelet makes sockets in it, whose paths Linux limits to 107
// bytes (unix(7)): below a checkout they may be longer.
const kubeletRoot = "/var/lib/kubelet"

// enterRoot gives this process, which is process 1 of its namespaces, a view of the machine's files in which it can write
// only to work, to /sys (cgroups), /dev, and to empty folders in place of /tmp, /run and /var. Programs with fixed paths,
// such as the kubelet's in /var/lib and /var/log, so leave nothing on the machine. The view is mounted at root. The folder
// kubelet is at kubeletRoot in it, unless it is empty.
func enterRoot(root, bin, work, kubelet string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("separating the node's mounts from the machine's: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("node", root, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mounting the node's root: %w", err)
	}
	// The folder of the mount is shown in it, too, without what is mounted there.
	if err := unix.Mount("", root, "", unix.MS_UNBINDABLE, ""); err != nil {
		return fmt.Errorf("mounting the node's root: %w", err)
	}
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		at := filepath.Join(root, name)
		switch {
		case entry.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink("/" + name)
			if err == nil {
				err = os.Symlink(target, at)
			}
			if err != nil {
				return err
			}
		case !entry.IsDir() || slices.Contains([]string{"proc", "tmp", "run", "var", "lost+found"}, name):
		case name == "sys" || name == "dev":
			if err := bind("/"+name, at, false); err != nil {
				return err
			}
		default:
			if err := bind("/"+name, at, true); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"proc", "tmp", "run/lock", "var/lib", "var/log", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(root+"/tmp", 0o1777), os.Symlink("/run", root+"/var/run")); err != nil {
		return err
	}
	// What lies in a folder that is not shown, or is shown for reading: the commands, and what the node writes.
	system, _ := filepath.EvalSymlinks(filepath.Join(bin, systemFolder))
	for _, path := range append([]string{bin, system}, linkTargets(bin)...) {
		if path == "" {
			continue
		}
		if _, err := os.Stat(root + path); err == nil {
			continue
		}
		if err := bind(path, root+path, true); err != nil {
			return err
		}
	}
	if err := bind(work, root+work, false); err != nil {
		return err
	}
	if kubelet != "" {
		if err := errors.Join(os.MkdirAll(kubelet, 0o755), bind(kubelet, root+kubeletRoot, false)); err != nil {
			return err
		}
	}
	if system != "" {
		options := fmt.Sprintf("lowerdir=%s/usr:/usr", system)
		if err := unix.Mount("system", root+"/usr", "overlay", unix.MS_RDONLY, options); err != nil {
			return fmt.Errorf("laying the distribution's commands over /usr: %w", err)
		}
	}
	if err := unix.Mount("proc", root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	old := root + "/.machine"
	if err := os.Mkdir(old, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.machine", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the machine's root: %w", err)
	}
	// Mounts of containers reach the kubelet, and those of the kubelet containers. All stay in this namespace.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the node's mounts with its containers: %w", err)
	}
	return keepSysctls()
}

// bind shows a folder of the machine, with all that is mounted in it, at another place.
func bind(from, to string, readOnly bool) error {
	if err := os.MkdirAll(to, 0o755); err != nil && !errors.Is(err, unix.EROFS) {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("showing %s to the node: %w", from, err)
	}
	if !readOnly {
		return nil
	}
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	err := unix.MountSetattr(unix.AT_FDCWD, to, unix.AT_RECURSIVE, attr)
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.12
		err = unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	if err != nil {
		return fmt.Errorf("showing %s to the node for reading: %w", from, err)
	}
	return nil
}

// linkTargets are the folders that contain the commands to which the links in bin lead.
func linkTargets(bin string) (all []string) {
	entries, _ := os.ReadDir(bin)
	for _, entry := range entries {
		if target, err := filepath.EvalSymlinks(filepath.Join(bin, entry.Name())); err == nil && entry.Type()&os.ModeSymlink != 0 {
			all = append(all, filepath.Dir(target))
		}
	}
	return all
}

// sysctls are settings of the whole machine that a kubelet writes, with the values that it wants (kubelet, flag
// protect-kernel-defaults). It reads and writes files of the node in their place.
var sysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

func keepSysctls() error {
	for name, value := range sysctls {
		at := "/proc/sys/" + name
		if _, err := os.Stat(at); err != nil {
			continue
		}
		file := "/run/sysctl-" + strings.ReplaceAll(name, "/", ".")
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("keeping the node from setting %s of the machine: %w", name, err)
		}
	}
	return nil
}
