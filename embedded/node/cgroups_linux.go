package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cgroupMount = "/sys/fs/cgroup"
	// cgroupTimeout bounds the wait for cgroups to become empty after their processes are killed.
	cgroupTimeout = 5 * time.Second
)

// controllers of cgroup v2 that a kubelet needs.
var controllers = []string{"cpuset", "cpu", "io", "memory", "pids", "hugetlb"}

// hierarchies are the folders in which a cgroup is made: one with cgroup v2, one for each controller with
// v1.
func hierarchies() ([]string, error) {
	var root unix.Statfs_t
	if err := unix.Statfs(cgroupMount, &root); err != nil {
		return nil, fmt.Errorf("reading %s: %w", cgroupMount, err)
	}
	if root.Type == unix.CGROUP2_SUPER_MAGIC {
		return []string{cgroupMount}, nil
	}
	entries, err := os.ReadDir(cgroupMount)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		var mount unix.Statfs_t
		at := filepath.Join(cgroupMount, entry.Name())
		// Beside v1, a machine may have v2 without controllers. runc makes cgroups there, too.
		if entry.IsDir() && unix.Statfs(at, &mount) == nil && (mount.Type == unix.CGROUP_SUPER_MAGIC || mount.Type == unix.CGROUP2_SUPER_MAGIC) {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no cgroups are mounted at %s", cgroupMount)
	}
	return all, nil
}

// makeCgroups makes the cgroup in which a node's kubelet puts its pods.
func makeCgroups(path string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, at := range all {
		for part := range strings.SplitSeq(path, "/") {
			if err := enableControllers(at); err != nil {
				return err
			}
			parent := at
			at = filepath.Join(at, part)
			if err := os.Mkdir(at, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
				return fmt.Errorf("making a cgroup: %w", err)
			}
			// With v1 a new cgroup has no processors and no memory nodes.
			for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
				value, err := os.ReadFile(filepath.Join(parent, name))
				if err != nil || filepath.Base(all[0]) == filepath.Base(cgroupMount) {
					continue
				}
				if err := os.WriteFile(filepath.Join(at, name), value, 0o644); err != nil {
					return fmt.Errorf("setting %s of a cgroup: %w", name, err)
				}
			}
		}
		if err := enableControllers(at); err != nil {
			return err
		}
	}
	return nil
}

// enableControllers lets the children of a cgroup v2 have the controllers that it has itself. It does nothing with v1.
func enableControllers(at string) error {
	have, err := os.ReadFile(filepath.Join(at, "cgroup.controllers"))
	if err != nil {
		return nil // v1
	}
	for name := range strings.FieldsSeq(string(have)) {
		if !slices.Contains(controllers, name) {
			continue
		}
		if err := os.WriteFile(filepath.Join(at, "cgroup.subtree_control"), []byte("+"+name), 0o644); err != nil {
			return fmt.Errorf("giving the cgroups below %s the controller %s: %w", at, name, err)
		}
	}
	return nil
}

// RemoveCgroups removes a cgroup, such as that of all nodes, with all cgroups in it. It waits until killed processes are gone.
func RemoveCgroups(path string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(cgroupTimeout)
	for _, hierarchy := range all {
		at := filepath.Join(hierarchy, path)
		for {
			var folders []string
			_ = filepath.WalkDir(at, func(name string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					folders = append(folders, name)
				}
				return nil
			})
			if len(folders) == 0 {
				break
			}
			for _, folder := range slices.Backward(folders) {
				err = os.Remove(folder)
			}
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("removing the nodes' cgroup: %w", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}
