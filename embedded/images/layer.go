// Package images makes OCI images of folders, and reads and writes archives of images. It needs no container engine.
package images

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Layer returns the content of a folder as the layer of an image. The folder must stay as long as the layer is used. Equal
// content gives equal bytes: entries are sorted and belong to root, without times, and files are executable by everybody or by
// nobody. Layers are not compressed: they are read on the same machine.
func Layer(folder string) (v1.Layer, error) {
	layer, err := newPlainLayer(func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(writeLayer(w, folder)) }()
		return r, nil
	})
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", folder, err)
	}
	return layer, nil
}

func writeLayer(to io.Writer, folder string) error {
	w := tar.NewWriter(to)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		header, err := layerHeader(filepath.ToSlash(name), path, entry)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(header); err != nil || header.Typeflag != tar.TypeReg {
			return err
		}
		return copyFile(w, path)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

func layerHeader(name, path string, entry fs.DirEntry) (*tar.Header, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	h := &tar.Header{Name: name, Mode: 0o644, Format: tar.FormatGNU}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		if mode&0o111 != 0 {
			h.Mode = 0o755
		}
	case mode.IsDir():
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, name+"/", 0o755
		if mode&fs.ModeSticky != 0 { // a folder for everybody, such as /tmp
			h.Mode = 0o1777
		}
	case mode.Type() == fs.ModeSymlink:
		h.Typeflag, h.Mode = tar.TypeSymlink, 0o777
		h.Linkname, err = os.Readlink(path)
	default:
		err = fmt.Errorf("%s is neither a file, a folder nor a symbolic link", path)
	}
	return h, err
}

func copyFile(to io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(to, f)
	return err
}

// plainLayer is a layer without compression, so that its digest is also its DiffID.
type plainLayer struct {
	open   func() (io.ReadCloser, error)
	digest v1.Hash
	size   int64 // bytes
}

// newPlainLayer reads the layer once, for its digest and size.
func newPlainLayer(open func() (io.ReadCloser, error)) (v1.Layer, error) {
	content, err := open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, content)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToLayer(plainLayer{open, v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, size})
}

func (l plainLayer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l plainLayer) DiffID() (v1.Hash, error)            { return l.digest, nil }
func (l plainLayer) Compressed() (io.ReadCloser, error)  { return l.open() }
func (l plainLayer) Size() (int64, error)                { return l.size, nil }
func (l plainLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }
