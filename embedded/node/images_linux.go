package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Folders of a containerd root: its database, its overlay file systems and its blobs.
const (
	metadataFile  = "io.containerd.metadata.v1.bolt/meta.db"
	snapshotsFile = "io.containerd.snapshotter.v1.overlayfs/metadata.db"
	snapshotsDir  = "io.containerd.snapshotter.v1.overlayfs/snapshots"
	blobsDir      = "io.containerd.content.v1.content/blobs/sha256"
)

// containerdStop bounds the wait for containerd to end after SIGTERM.
const containerdStop = 10 * time.Second

// ImageStore is a containerd root with images, which nodes share: importing and unpacking an image takes many times as long
// as sharing it.
type ImageStore struct {
	Dir      string // absolute
	Work     string // absolute; the folder of the cluster, which contains Dir
	Bin      string // the folder with the pinned commands
	Archives []string
}

const importFile = "import.json"

// Import imports archives of images, as `docker save` or OCI tools write them, into the store.
func (s ImageStore) Import(archives []string) error {
	s.Archives = archives
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(s.Dir, importFile)
	if err := writeJSON(file, s); err != nil {
		return err
	}
	logFile := filepath.Join(s.Dir, "import.log")
	cmd, err := hidden(importCommand, file, logFile, syscall.CLONE_NEWNS|syscall.CLONE_NEWPID|syscall.CLONE_NEWNET)
	if err != nil {
		return err
	}
	defer cmd.Stdout.(*os.File).Close()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(logFile)
		return fmt.Errorf("importing the images: %w\n%s", err, log)
	}
	return nil
}

// runImport is process 1 of an import.
func runImport(file string) error {
	var s ImageStore
	if err := readJSON(file, &s); err != nil {
		return err
	}
	var archives []*os.File // opened before enterRoot, which does not show every folder of the machine
	for _, name := range s.Archives {
		archive, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("reading an image: %w", err)
		}
		defer archive.Close()
		archives = append(archives, archive)
	}
	if err := enterRoot(filepath.Join(s.Dir, "root"), s.Bin, s.Work, ""); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.Dir, "containerd.log"))
	if err != nil {
		return err
	}
	daemon := exec.Command(filepath.Join(s.Bin, "containerd"), "--root", filepath.Join(s.Dir, containerdRoot),
		"--state", "/run/containerd", "--address", containerdSocket)
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		return err
	}
	if err := awaitSocket(); err != nil {
		return err
	}
	for _, archive := range archives {
		if err := importImage(s.Bin, containerdSocket, archive); err != nil {
			return err
		}
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.AfterFunc(containerdStop, func() { _ = daemon.Process.Kill() })
	defer timer.Stop()
	_ = daemon.Wait()
	return nil
}

// importImage imports an archive into the namespace of Kubernetes' images.
func importImage(bin, socket string, archive *os.File) error {
	cmd := exec.Command(filepath.Join(bin, "ctr"), "-a", socket, "-n", "k8s.io", "images", "import", "--digests=false", "-")
	cmd.Stdin = archive
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("importing %s: %w\n%s", archive.Name(), err, out)
	}
	return nil
}

// ImportInto imports archives into a node that runs, by its process 1.
func (c Config) ImportInto(pid int, archives []string) error {
	for _, name := range archives {
		archive, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("reading an image: %w", err)
		}
		err = importImage(c.Bin, fmt.Sprintf("/proc/%d/root%s", pid, containerdSocket), archive)
		archive.Close()
		if err != nil {
			return fmt.Errorf("node %s: %w", c.Name(), err)
		}
	}
	return nil
}

// ShareImages gives a node that has none yet the images of the store: databases of its own, and links to the files.
func (c Config) ShareImages(s ImageStore) error {
	to, from := c.file(containerdRoot), filepath.Join(s.Dir, containerdRoot)
	if _, err := os.Stat(filepath.Join(to, metadataFile)); err == nil {
		return nil
	}
	for _, dir := range []string{filepath.Dir(metadataFile), snapshotsDir, blobsDir} {
		if err := os.MkdirAll(filepath.Join(to, dir), 0o711); err != nil {
			return err
		}
	}
	// A snapshot of an image is never written to. A node that deletes an image removes its links.
	for dir, link := range map[string]func(from, to string) error{snapshotsDir: os.Symlink, blobsDir: os.Link} {
		entries, err := os.ReadDir(filepath.Join(from, dir))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			name := filepath.Join(dir, entry.Name())
			if err := link(filepath.Join(from, name), filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	for _, name := range []string{snapshotsFile, metadataFile} { // the one by which a complete root is recognised is last
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
