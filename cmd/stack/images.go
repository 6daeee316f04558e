package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tfserving/embedded"
	"tfserving/embedded/images"
	"tfserving/examples"
)

// archivesFolder receives the archives of images for an embedded cluster with real nodes: a file for each of the two, with all
// its tags.
const archivesFolder = workFolder + "/images"

// images leaves an archive for the gateway and one for the model server in archivesFolder. Each is the example's, or an archive
// that a person names, under the tag that the stack's settings have.
func (s *pulumiStack) images(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set MODEL and GATEWAY of the Makefile, not these flags
	model := flags.String("model", "", "an archive of the model server's image, as docker save writes it")
	gateway := flags.String("gateway", "", "an archive of the gateway's image")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, image := range []struct{ name, own string }{{examples.Gateway, *gateway}, {examples.Model, *model}} {
		if err := s.makeArchive(ctx, image.name, image.own); err != nil {
			return err
		}
	}
	return nil
}

// archive is the archive of an image by its name.
func (s *pulumiStack) archive(name string) string {
	return filepath.Join(s.root, archivesFolder, name+".tar")
}

// ensureImages makes the archives that are missing, with the example's images.
func (s *pulumiStack) ensureImages(ctx context.Context) error {
	for _, name := range s.missingImages() {
		if err := s.makeArchive(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// makeArchive makes the archive of an image from a person's own archive or, if own is empty, of the example.
func (s *pulumiStack) makeArchive(ctx context.Context, name, own string) error {
	to := s.archive(name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("making the folder of the images: %w", err)
	}
	tag := map[string]string{examples.Gateway: s.settings.Gateway.Image, examples.Model: s.settings.Model.Image}[name]
	var err error
	if own != "" {
		err = takeArchive(own, tag, to)
	} else {
		err = linkExample(ctx, name, tag, to)
	}
	if err != nil {
		return err
	}
	all, err := images.Names(to)
	if err != nil {
		return err
	}
	for _, image := range all {
		fmt.Printf("images: %s in %s\n", image, filepath.Join(archivesFolder, name+".tar"))
	}
	return nil
}

// takeArchive writes the image of a person's archive to a file, under a tag.
func takeArchive(own, tag, to string) error {
	fmt.Printf("images: reading %s\n", own)
	work, err := os.MkdirTemp(filepath.Dir(to), ".read-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	image, err := images.Read(own, work)
	if err != nil {
		return err
	}
	return images.WriteArchive(to, images.Named{Name: tag, Image: image})
}

// linkExample builds an image of the example if the user's cache lacks it, and links its archive.
func linkExample(ctx context.Context, name, tag, to string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("finding the user's cache folder: %w (set HOME or XDG_CACHE_HOME)", err)
	}
	announced := false
	unlock, err := embedded.LockFile(ctx, filepath.Join(cache, "tfserving", "images.lock"), func(holder string) error {
		if !announced {
			fmt.Printf("images: waiting for process %s, which builds images\n", holder)
			announced = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer unlock()
	archive, err := examples.Build(ctx, name, []string{tag}, func(line string) { fmt.Println("images: " + line) })
	if err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("replacing %s: %w", to, err)
	}
	return os.Symlink(archive, to)
}
