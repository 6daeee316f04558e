// Package examples builds the images of the example: an HTTP gateway, and a server of a TensorFlow model that stands in for
// TensorFlow Serving. It needs Python 3.10 or newer with pip, and no container engine.
package examples

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"tfserving/embedded/images"
)

//go:embed gateway/gateway.py gateway/requirements.txt model/server.py model/make_model.py model/requirements.txt python.py picture.png
var sources embed.FS

// Picture is a small picture in PNG format, 13 pixels wide and high. Nearest-neighbour scaling to the model's 299 pixels repeats
// each pixel 23 times, so every implementation of it gives the same input.
//
//go:embed picture.png
var Picture []byte

// Tags of the example's images. Each image exists under two tags, so that a rollout of a new image can be shown: the content
// is the same, and each says which it is.
var (
	GatewayTags = []string{"zoomcamp-10-gateway:002", "zoomcamp-10-gateway:003"}
	ModelTags   = []string{"zoomcamp-10-model:xception-v4-001", "zoomcamp-10-model:xception-v4-002"}
)

// Names of an image's files.
const (
	Gateway = "gateway"
	Model   = "model"
)

// predictionFile is the file with the prediction for Picture, computed without a server.
const predictionFile = "prediction.json"

// recipe is raised when the way of building changes and the other parts of the key stay the same.
const recipe = "1"

const standIn = "stand-in for TensorFlow Serving, example of tfserving"

// image describes how one of the images is made.
type image struct {
	name   string
	tags   []string
	config v1.Config // without what every image's Python needs
	// program adds the files besides Python and the packages to the image's folder.
	program func(ctx context.Context, b *builder, packages, root string) error
}

var all = map[string]image{
	Gateway: {
		name: Gateway, tags: GatewayTags,
		config: v1.Config{
			// As in the image of the course. gunicorn's own default is one worker, which answers one request at a time.
			Entrypoint:   []string{pythonCommand, "-m", "gunicorn", "--bind=0.0.0.0:9696", "gateway:app"},
			ExposedPorts: map[string]struct{}{"9696/tcp": {}},
			Labels:       map[string]string{"org.opencontainers.image.description": "gateway, example of tfserving"},
		},
		program: func(_ context.Context, _ *builder, _, root string) error {
			return writeSource(filepath.Join(root, exampleFolder), "gateway/gateway.py")
		},
	},
	Model: {
		name: Model, tags: ModelTags,
		config: v1.Config{
			Env:          []string{"MODEL_BASE_PATH=/models", "MODEL_NAME=" + modelName, "TF_CPP_MIN_LOG_LEVEL=1"},
			Entrypoint:   []string{pythonCommand, "/" + exampleFolder + "/server.py"},
			ExposedPorts: map[string]struct{}{"8500/tcp": {}, "8501/tcp": {}},
			Labels:       map[string]string{"org.opencontainers.image.description": standIn},
		},
		program: func(ctx context.Context, b *builder, packages, root string) error {
			if err := writeSource(filepath.Join(root, exampleFolder), "model/server.py"); err != nil {
				return err
			}
			return b.makeModel(ctx, packages, filepath.Join(root, "models", modelName, "1"))
		},
	},
}

// modelName is the name of the example's model, which is that of the course.
const modelName = "clothing-model"

// Build returns the archive of one of the images, Gateway or Model, and builds it if the user's cache lacks it. The images have
// the tags of the example and those in more. Equal sources, Python and packages give an equal archive. Say gets a line for each
// step. Two processes must not build the same image at once.
func Build(ctx context.Context, name string, more []string, say func(string)) (archive string, err error) {
	b, err := newBuilder(ctx, say)
	if err != nil {
		return "", err
	}
	tags := append([]string(nil), all[name].tags...)
	for _, tag := range more {
		if tag != tags[0] && tag != tags[1] {
			tags = append(tags, tag)
		}
	}
	folder, err := b.folder(name, tags)
	if err != nil {
		return "", err
	}
	archive = filepath.Join(folder, name+".tar")
	if _, err := os.Stat(archive); err == nil { // appears last, and whole
		return archive, nil
	}
	if err := b.build(ctx, all[name], tags, folder); err != nil {
		return "", fmt.Errorf("building the image of the example's %s: %w", name, err)
	}
	return archive, nil
}

// Prediction returns the scores of the model in an archive of Build for Picture. TensorFlow computed them on the model's
// files, without a server.
func Prediction(archive string) (scores []float64, err error) {
	if archive, err = filepath.EvalSymlinks(archive); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(archive), predictionFile))
	if err != nil {
		return nil, err
	}
	return scores, json.Unmarshal(data, &scores)
}

// folder returns the folder of the user's cache for an image. Its name depends on everything that the image is made of.
func (b *builder) folder(name string, tags []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, recipe, name, tags, b.python)
	err = fs.WalkDir(sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if dir, _, inFolder := strings.Cut(path, "/"); inFolder && dir != name {
			return nil
		}
		data, err := sources.ReadFile(path)
		fmt.Fprintf(sum, "%s %d %s", path, len(data), data)
		return err
	})
	if err != nil {
		return "", err
	}
	const digits = 16 // enough to tell the few images of a user apart
	folder := filepath.Join(cache, "tfserving", "images", name, fmt.Sprintf("%x", sum.Sum(nil))[:digits])
	return folder, os.MkdirAll(folder, 0o755)
}

func (b *builder) build(ctx context.Context, im image, tags []string, folder string) error {
	work, err := os.MkdirTemp(folder, "build-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	base, packages, program := filepath.Join(work, "python"), filepath.Join(work, "packages"), filepath.Join(work, im.name)
	if err := b.step(im.name+": Python "+b.python.Version+" of this machine", func() error { return b.python.copyTo(base) }); err != nil {
		return err
	}
	site := filepath.Join(packages, packagesFolder)
	if err := b.step(im.name+": packages from PyPI", func() error { return b.install(ctx, im.name, site) }); err != nil {
		return err
	}
	if err := b.step(im.name+": the program", func() error { return im.program(ctx, b, site, program) }); err != nil {
		return err
	}
	err = b.step(im.name+": compiling Python", func() error {
		for _, root := range []string{base, packages, program} {
			if err := b.compile(ctx, root); err != nil {
				return err
			}
		}
		if err := checkLibraries(base, packages); err != nil {
			return err
		}
		return walkLibraries(trim, packages)
	})
	if err != nil {
		return err
	}
	if b.prediction != nil {
		data, err := json.Marshal(b.prediction)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, predictionFile), data, 0o644); err != nil {
			return err
		}
	}
	return b.step(im.name+": packing", func() error {
		var layers []v1.Layer
		for _, root := range []string{base, packages, program} {
			layer, err := images.Layer(root)
			if err != nil {
				return err
			}
			layers = append(layers, layer)
		}
		var named []images.Named
		for _, tag := range tags {
			config := im.config
			config.WorkingDir = "/" + exampleFolder
			config.Env = append(append(append([]string(nil), pythonEnvironment...), config.Env...), "EXAMPLE_IMAGE="+tag)
			one, err := images.New(config, layers...)
			if err != nil {
				return err
			}
			named = append(named, images.Named{Name: tag, Image: one})
		}
		return images.WriteArchive(filepath.Join(folder, im.name+".tar"), named...)
	})
}

// writeSource writes an embedded file into a folder.
func writeSource(folder, source string) error {
	data, err := sources.ReadFile(source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, filepath.Base(source)), data, 0o644)
}
