package images

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Read returns the only image of an archive that `docker save` or `podman save` wrote, packed with gzip or not: in Docker's
// layout or in OCI's. The image must be for Linux and this machine's architecture. Folder receives temporary files, which must
// stay as long as the image is used.
func Read(file, folder string) (v1.Image, error) {
	image, err := read(file, folder)
	if err == nil {
		image, err = plain(image)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the image in %s: %w; give a file that `docker save -o FILE IMAGE` wrote, with one image for linux/%s", file, err, runtime.GOARCH)
	}
	return image, nil
}

func read(file, folder string) (v1.Image, error) {
	open := func() (io.ReadCloser, error) { return openTar(file) }
	if _, err := entry(file, "manifest.json"); err == nil { // Docker's layout, which newer versions write beside OCI's
		manifest, err := tarball.LoadManifest(open)
		if err != nil {
			return nil, err
		}
		if len(manifest) != 1 {
			var names []string
			for _, m := range manifest {
				names = append(names, m.RepoTags...)
			}
			return nil, fmt.Errorf("it contains %d images (%s)", len(manifest), strings.Join(names, ", "))
		}
		return tarball.Image(open, nil)
	} else if !errors.Is(err, errNoEntry) {
		return nil, err
	}
	if _, err := entry(file, "index.json"); err != nil {
		if errors.Is(err, errNoEntry) {
			return nil, errors.New("it contains neither manifest.json nor index.json")
		}
		return nil, err
	}
	if err := extract(file, folder); err != nil {
		return nil, err
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	return only(index)
}

// only returns the only image of an index that fits this machine. An index of one image for several architectures is another
// index inside it.
func only(index v1.ImageIndex) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var found []v1.Image
	for _, m := range manifest.Manifests {
		switch {
		case m.Platform != nil && (m.Platform.OS != "linux" || m.Platform.Architecture != runtime.GOARCH):
		case m.MediaType.IsImage():
			image, err := index.Image(m.Digest)
			if err != nil {
				return nil, err
			}
			found = append(found, image)
		case m.MediaType.IsIndex():
			inner, err := index.ImageIndex(m.Digest)
			if err != nil {
				return nil, err
			}
			image, err := only(inner)
			if err != nil {
				return nil, err
			}
			found = append(found, image)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("it contains %d images for linux/%s", len(found), runtime.GOARCH)
	}
	return found[0], nil
}

// plain returns an OCI image with the layers of another one, uncompressed. It compares each layer with its checksum.
func plain(image v1.Image) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		return nil, fmt.Errorf("it is for %s/%s", config.OS, config.Architecture)
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	var all []v1.Layer
	for i, layer := range layers {
		l, err := newPlainLayer(layer.Uncompressed)
		if err != nil {
			return nil, fmt.Errorf("layer %d of %d: %w", i+1, len(layers), err)
		}
		if digest, _ := l.Digest(); i >= len(config.RootFS.DiffIDs) || digest != config.RootFS.DiffIDs[i] {
			return nil, fmt.Errorf("layer %d of %d has another checksum than the image says: the file is damaged", i+1, len(layers))
		}
		all = append(all, l)
	}
	result, err := mutate.AppendLayers(ociImage(), all...)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(result, config)
}

// openTar opens a tar file, and unpacks it if it is packed with gzip.
func openTar(file string) (io.ReadCloser, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(f)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return struct {
			io.Reader
			io.Closer
		}{buffered, f}, nil
	}
	unpacked, err := gzip.NewReader(buffered)
	if err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, f}, nil
}

var errNoEntry = errors.New("there is no such entry")

// entry returns the content of an entry of a tar file, or errNoEntry.
func entry(file, name string) (data []byte, err error) {
	errFound := errors.New("found")
	err = walkTar(file, func(h *tar.Header, content io.Reader) error {
		if filepath.Clean(h.Name) != name {
			return nil
		}
		if data, err = io.ReadAll(content); err != nil {
			return err
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return data, nil
	case err == nil:
		return nil, errNoEntry
	default:
		return nil, err
	}
}

func walkTar(file string, visit func(*tar.Header, io.Reader) error) error {
	f, err := openTar(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no tar file: %w", err)
		}
		if err := visit(h, r); err != nil {
			return err
		}
	}
}

// extract writes the files of a tar file below a folder.
func extract(file, folder string) error {
	root, err := os.OpenRoot(folder) // an entry such as ../../name cannot leave it
	if err != nil {
		return err
	}
	defer root.Close()
	return walkTar(file, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		if err := root.MkdirAll(filepath.Dir(filepath.Clean(h.Name)), 0o755); err != nil {
			return err
		}
		to, err := root.Create(filepath.Clean(h.Name))
		if err != nil {
			return err
		}
		defer to.Close()
		_, err = io.Copy(to, content)
		return err
	})
}
