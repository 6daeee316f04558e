package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// containerd and docker find the image by these files, and check each blob by its name.
func TestAPackedImageIsAnOCIArchiveWithOneCommand(t *testing.T) {
	command := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(command, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "hello.tar")
	if err := PackImage(archive, "docker.io/example/hello:1", command); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	again := archive + ".again"
	if err := PackImage(again, "docker.io/example/hello:1", command); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(again); !bytes.Equal(data, second) {
		t.Error("the same command gives two archives")
	}
	entries := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		entries[h.Name], _ = io.ReadAll(r)
	}
	for name, content := range entries {
		if digest, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != digest {
				t.Errorf("blob %s has another digest", digest)
			}
		}
	}
	var index struct {
		Manifests []struct {
			Digest      string
			Annotations map[string]string
		}
	}
	if err := json.Unmarshal(entries["index.json"], &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("index.json is %s (%v)", entries["index.json"], err)
	}
	if got := index.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/example/hello:1" {
		t.Errorf("the image's name is %q", got)
	}
	manifest := string(entries["blobs/sha256/"+strings.TrimPrefix(index.Manifests[0].Digest, "sha256:")])
	if !strings.Contains(manifest, `"config"`) || !strings.Contains(manifest, `"layers"`) {
		t.Errorf("the manifest is %s", manifest)
	}
}

func TestNodesHaveAddressesAndPodsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{NetworkAddress: true, DNSAddress: true, PictureAddress: true}
	for number := 1; number <= MaxNodes; number++ {
		c := Config{Number: number}
		for _, address := range []string{c.Name(), c.Address(), c.PodCIDR()} {
			if seen[address] {
				t.Errorf("%s stands twice", address)
			}
			seen[address] = true
		}
	}
}
