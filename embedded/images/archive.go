package images

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nameAnnotation is the annotation from which containerd takes the name of an image in an archive.
const nameAnnotation = "io.containerd.image.name"

// New returns an image for this machine's architecture. It has no date of creation, so equal layers and an equal
// configuration give an equal image.
func New(config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.AppendLayers(ociImage(), layers...)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config = "linux", runtime.GOARCH, config
	return mutate.ConfigFile(image, file)
}

func ociImage() v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// Named is an image and its name, such as gateway:002.
type Named struct {
	Name  string
	Image v1.Image
}

// WriteArchive writes images to one OCI archive, which `ctr images import` and `docker load` read. Layers that images share
// are in it once. The file appears whole or not at all.
func WriteArchive(file string, all ...Named) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	err = writeArchive(f, all)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

func writeArchive(to io.Writer, all []Named) error {
	w := tar.NewWriter(to)
	written := map[string]bool{}
	put := func(name string, size int64, content io.Reader) error {
		if written[name] {
			return nil
		}
		written[name] = true
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	}
	putBlob := func(digest v1.Hash, data []byte) error {
		return put("blobs/sha256/"+digest.Hex, int64(len(data)), bytes.NewReader(data))
	}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, named := range all {
		name, err := reference.ParseNormalizedNamed(named.Name)
		if err != nil {
			return fmt.Errorf("the image's name %q: %w", named.Name, err)
		}
		layers, err := named.Image.Layers()
		if err != nil {
			return err
		}
		for _, layer := range layers {
			if err := putLayer(put, layer); err != nil {
				return err
			}
		}
		manifest, err := named.Image.Manifest()
		if err != nil {
			return err
		}
		config, err := named.Image.RawConfigFile()
		if err != nil {
			return err
		}
		raw, err := named.Image.RawManifest()
		if err != nil {
			return err
		}
		digest, err := named.Image.Digest()
		if err != nil {
			return err
		}
		if err := putBlob(manifest.Config.Digest, config); err != nil {
			return err
		}
		if err := putBlob(digest, raw); err != nil {
			return err
		}
		index.Manifests = append(index.Manifests, v1.Descriptor{
			MediaType: manifest.MediaType, Size: int64(len(raw)), Digest: digest,
			Platform:    &v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
			Annotations: map[string]string{nameAnnotation: name.String()},
		})
	}
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := put("index.json", int64(len(data)), bytes.NewReader(data)); err != nil {
		return err
	}
	layout := []byte(`{"imageLayoutVersion":"1.0.0"}`)
	if err := put("oci-layout", int64(len(layout)), bytes.NewReader(layout)); err != nil {
		return err
	}
	return w.Close()
}

func putLayer(put func(string, int64, io.Reader) error, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	return put("blobs/sha256/"+digest.Hex, size, content)
}

// Names returns the names of the images in an archive that WriteArchive wrote.
func Names(file string) (all []string, err error) {
	data, err := entry(file, "index.json")
	if err != nil {
		return nil, err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("%s: index.json: %w", file, err)
	}
	for _, m := range index.Manifests {
		all = append(all, m.Annotations[nameAnnotation])
	}
	slices.Sort(all)
	return all, nil
}
