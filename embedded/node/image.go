package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Images that this package packs: one static command each.
const (
	PauseImage   = "docker.io/tfserving/pause:1"
	CoreDNSImage = "docker.io/tfserving/coredns:1"
	SkipperImage = "docker.io/tfserving/skipper:1"
)

// PackImage writes an OCI archive of an image that contains one static command at /<name of its file> and starts it. The
// same command gives the same archive.
func PackImage(archive, image, command string) error {
	data, err := os.ReadFile(command)
	if err != nil {
		return err
	}
	name := filepath.Base(command)
	layer, err := tarOf([]file{{name, 0o755, data}})
	if err != nil {
		return err
	}
	blobs := []file{}
	put := func(mediaType string, data []byte) map[string]any {
		sum := sha256.Sum256(data)
		digest := hex.EncodeToString(sum[:])
		blobs = append(blobs, file{"blobs/sha256/" + digest, 0o644, data})
		return map[string]any{"mediaType": mediaType, "digest": "sha256:" + digest, "size": len(data)}
	}
	putJSON := func(mediaType string, value any) map[string]any {
		data, _ := json.Marshal(value) // maps of strings and numbers
		return put(mediaType, data)
	}
	const media = "application/vnd.oci.image."
	layerBlob := put(media+"layer.v1.tar", layer)
	config := putJSON(media+"config.v1+json", map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/" + name}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []any{layerBlob["digest"]}},
	})
	manifest := putJSON(media+"manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": media + "manifest.v1+json", "config": config, "layers": []any{layerBlob},
	})
	manifest["annotations"] = map[string]string{"io.containerd.image.name": image}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{manifest}})
	if err != nil {
		return err
	}
	all, err := tarOf(append([]file{
		{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {"index.json", 0o644, index},
	}, blobs...))
	if err != nil {
		return err
	}
	if err := os.WriteFile(archive, all, 0o644); err != nil {
		return fmt.Errorf("packing the image of %s: %w", name, err)
	}
	return nil
}

// file is an entry of an archive.
type file struct {
	name string
	mode int64
	data []byte
}

func tarOf(files []file) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
