package images

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// write makes a folder of files and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func layer(t *testing.T, folder string) v1.Layer {
	t.Helper()
	l, err := Layer(folder)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func image(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	im, err := New(v1.Config{Entrypoint: []string{"/run"}}, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestEqualContentMakesEqualArchives(t *testing.T) {
	files := map[string]string{"run": "#!/bin/sh\n", "etc/a": "1", "etc/b": "2"}
	first, second := write(t, files), write(t, files)
	// What differs between two machines and two days.
	if err := os.Chtimes(filepath.Join(second, "run"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(second, "etc", "a"), 0o600); err != nil {
		t.Fatal(err)
	}
	var archives []string
	for _, folder := range []string{first, second} {
		file := filepath.Join(t.TempDir(), "image.tar")
		im := image(t, layer(t, folder))
		if err := WriteArchive(file, Named{"example:1", im}, Named{"example:2", im}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, string(data))
	}
	if archives[0] != archives[1] {
		t.Error("two folders of equal content gave different archives")
	}
	if n := strings.Count(archives[0], "#!/bin/sh"); n != 1 {
		t.Errorf("the layer that both images share is %d times in the archive", n)
	}
	if err := os.Chmod(filepath.Join(second, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if digest(t, layer(t, first)) == digest(t, layer(t, second)) {
		t.Error("an executable file and another one gave equal layers")
	}
}

// save writes an archive as older versions of `docker save` do.
func save(t *testing.T, images map[string]v1.Image) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "saved.tar")
	tagged := map[name.Tag]v1.Image{}
	for n, im := range images {
		tag, err := name.NewTag(n)
		if err != nil {
			t.Fatal(err)
		}
		tagged[tag] = im
	}
	if err := tarball.MultiWriteToFile(file, tagged); err != nil {
		t.Fatal(err)
	}
	return file
}

// foreign returns an image with compressed layers, for an architecture.
func foreign(t *testing.T, architecture string) v1.Image {
	t.Helper()
	im, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := im.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", architecture, []string{"/tf_serving_entrypoint.sh"}
	if im, err = mutate.ConfigFile(im, config); err != nil {
		t.Fatal(err)
	}
	return im
}

func TestASavedImageGetsAnotherNameAndKeepsItsContent(t *testing.T) {
	im := foreign(t, thisMachine(t))
	docker := save(t, map[string]v1.Image{"mine:1": im})
	oci := filepath.Join(t.TempDir(), "oci.tar")
	if err := WriteArchive(oci, Named{"mine:1", im}); err != nil {
		t.Fatal(err)
	}
	for kind, file := range map[string]string{"docker": docker, "docker, gzip": pack(t, docker), "oci": oci, "oci, gzip": pack(t, oci)} {
		t.Run(kind, func(t *testing.T) {
			read, err := Read(file, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "model.tar")
			if err := WriteArchive(to, Named{"zoomcamp-10-model:xception-v4-001", read}); err != nil {
				t.Fatal(err)
			}
			names, err := Names(to)
			if want := []string{"docker.io/library/zoomcamp-10-model:xception-v4-001"}; err != nil || !slices.Equal(names, want) {
				t.Errorf("the archive contains %q (%v), want %q", names, err, want)
			}
			again, err := Read(to, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			want, _ := im.ConfigFile()
			got, err := again.ConfigFile()
			if err != nil || !slices.Equal(got.Config.Entrypoint, want.Config.Entrypoint) || !slices.Equal(got.RootFS.DiffIDs, want.RootFS.DiffIDs) {
				t.Errorf("the image is\n%+v\n(%v) want\n%+v", got, err, want)
			}
		})
	}
}

// pack compresses a file with gzip.
func pack(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Create(filepath.Join(t.TempDir(), "packed.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	w := gzip.NewWriter(packed)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Name()
}

func thisMachine(t *testing.T) string {
	t.Helper()
	config, err := image(t).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.Architecture
}

func TestAWrongArchiveIsOneErrorThatNamesTheFileAndTheCommand(t *testing.T) {
	good := save(t, map[string]v1.Image{"mine:1": foreign(t, thisMachine(t))})
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tar")
	if err := os.WriteFile(cut, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(write(t, map[string]string{"text": strings.Repeat("no archive\n", 100)}), "text")
	other := filepath.Join(t.TempDir(), "other.tar")
	f, err := os.Create(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeLayer(f, write(t, map[string]string{"etc/passwd": "root"})); err != nil {
		t.Fatal(err)
	}
	f.Close()
	damaged := filepath.Join(t.TempDir(), "damaged.tar")
	l := layer(t, write(t, map[string]string{"file": strings.Repeat("content", 10)}))
	if err := WriteArchive(damaged, Named{"mine:1", image(t, l)}); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(damaged); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, []byte(strings.Replace(string(data), "contentcontent", "contenTcontent", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, says string }{
		"missing":      {filepath.Join(t.TempDir(), "none.tar"), "no such file"},
		"no tar":       {text, "no tar file"},
		"another tar":  {other, "neither manifest.json nor index.json"},
		"cut off":      {cut, "unexpected EOF"},
		"damaged":      {damaged, "damaged"},
		"two images":   {save(t, map[string]v1.Image{"one:1": foreign(t, thisMachine(t)), "two:1": foreign(t, thisMachine(t))}), "contains 2 images"},
		"architecture": {save(t, map[string]v1.Image{"one:1": foreign(t, "s390x")}), "linux/s390x"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(c.file, t.TempDir())
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.file) || !strings.Contains(err.Error(), "docker save -o FILE IMAGE") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v, want one line that contains %q and %s", err, c.says, c.file)
			}
		})
	}
}

func TestALayerEndsWithAnErrorIfAFileCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(folder, "link")); err != nil { // a link needs no target
		t.Fatal(err)
	}
	content, err := layer(t, folder).Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(content); err != nil || !strings.Contains(string(data), "nowhere") {
		t.Errorf("the layer has %d bytes (%v), want the link in it", len(data), err)
	}
	if _, err := Layer(filepath.Join(folder, "missing")); err == nil {
		t.Error("a folder that does not exist became a layer")
	}
}
