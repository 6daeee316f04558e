package embedded

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tfserving/embedded/images"
	"tfserving/embedded/node"
)

// importedFile lists the archives that a store or a node has, one a line.
const importedFile = "imported"

// Imported says whether an image store has images.
func Imported(store string) bool {
	_, err := os.Stat(filepath.Join(store, importedFile))
	return err == nil
}

// archiveKey identifies the content of an archive without reading it.
func archiveKey(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("reading an image: %w", err)
	}
	return fmt.Sprintf("%s %d %d", name, info.Size(), info.ModTime().UnixNano()), nil
}

// missingFrom returns the archives that a folder's list does not have, and the new list.
func missingFrom(folder string, archives []string) (missing []string, list string, err error) {
	data, _ := os.ReadFile(filepath.Join(folder, importedFile))
	have := strings.Split(string(data), "\n")
	for _, archive := range archives {
		key, err := archiveKey(archive)
		if err != nil {
			return nil, "", err
		}
		if !slices.Contains(have, key) {
			missing = append(missing, archive)
		}
		list += key + "\n"
	}
	return missing, list, nil
}

// importImages packs the images of the system's pods and brings the store to the images of the configuration.
func (c *Cluster) importImages() (node.ImageStore, []string, error) {
	real := c.cfg.Real
	store := node.ImageStore{Dir: real.ImageStore, Work: filepath.Dir(c.cfg.Dir), Bin: c.cfg.Bin}
	archives := slices.Clone(real.Images)
	packed := filepath.Join(real.ImageStore, "system")
	if err := os.MkdirAll(packed, 0o755); err != nil {
		return store, nil, err
	}
	for image, command := range map[string]string{
		node.PauseImage:   real.Pause,
		node.CoreDNSImage: filepath.Join(c.cfg.Bin, "coredns"),
		node.SkipperImage: filepath.Join(c.cfg.Bin, "skipper"),
	} {
		archive, err := packCommand(packed, image, command)
		if err != nil {
			return store, nil, fmt.Errorf("packing %s: %w", image, err)
		}
		archives = append(archives, archive)
	}
	slices.Sort(archives)
	missing, list, err := missingFrom(store.Dir, archives)
	if err != nil || len(missing) == 0 {
		return store, archives, err
	}
	c.logf("importing %d images (once)", len(missing))
	begin := time.Now()
	if err := store.Import(missing); err != nil {
		return store, nil, err
	}
	c.logf("images imported in %.1f s", time.Since(begin).Seconds())
	return store, archives, os.WriteFile(filepath.Join(store.Dir, importedFile), []byte(list), 0o644)
}

// packCommand returns an archive of an image that contains one static command and starts it. The archive is named for the
// command's content, so it is written once.
func packCommand(folder, image, command string) (archive string, err error) {
	data, err := os.ReadFile(command)
	if err != nil {
		return "", err
	}
	name, sum := filepath.Base(command), sha256.Sum256(data)
	archive = filepath.Join(folder, fmt.Sprintf("%s-%x.tar", name, sum[:8]))
	if _, err := os.Stat(archive); err == nil {
		return archive, nil
	}
	root, err := os.MkdirTemp(folder, ".pack-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(root)
	if err := os.WriteFile(filepath.Join(root, name), data, 0o755); err != nil {
		return "", err
	}
	layer, err := images.Layer(root)
	if err != nil {
		return "", err
	}
	packed, err := images.New(v1.Config{Entrypoint: []string{"/" + name}}, layer)
	if err != nil {
		return "", err
	}
	return archive, images.WriteArchive(archive, images.Named{Name: image, Image: packed})
}

// importInto imports the archives that a running node lacks.
func (c *Cluster) importInto(n node.Config, pid int, archives []string) error {
	missing, _, err := missingFrom(n.Dir, archives)
	if err != nil || len(missing) == 0 {
		return err
	}
	c.logf("importing %d images into node %s", len(missing), n.Name())
	if err := n.ImportInto(pid, missing); err != nil {
		return err
	}
	return recordImages(n, archives)
}

func recordImages(n node.Config, archives []string) error {
	_, list, err := missingFrom(n.Dir, archives)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.Dir, importedFile), []byte(list), 0o644)
}
