package repositories

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// Reference is an image that runs from one of the stack's own repositories.
type Reference struct {
	Name       string // of the image, without tag: its key in Repositories.URLs
	Repository string // <prefix>/<name>
	// Suffix follows the repository's URL in the image's full name: :<tag>, @<digest> or both.
	Suffix string
}

const (
	minName = 2   // characters of a repository's name ("CreateRepository", Amazon ECR API Reference)
	maxName = 256 // ditto
)

// ecrName is the form of ECR's repository names (ditto). Other registries allow more.
var ecrName = regexp.MustCompile(`^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$`)

// Resolve returns the stack's repository that an image runs from. An image whose name has no registry, such as
// gateway:002, runs from repository <prefix>/gateway with the same tag or digest. An image with neither gets the tag
// latest, as in every container runtime. For an image whose name has a registry Resolve returns nil: it runs from there.
// Resolve fails if the text is not an image's name, or if ECR allows no repository of that name.
func Resolve(prefix, image string) (*Reference, error) {
	// reference.ParseNormalizedNamed would add registry docker.io to a name that has no registry.
	parsed, err := reference.Parse(image)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", image, err)
	}
	named, ok := parsed.(reference.Named)
	if !ok {
		return nil, fmt.Errorf("image %q is a digest without a name", image)
	}
	if hasRegistry(named.Name()) {
		return nil, nil
	}
	ref := &Reference{Name: named.Name(), Repository: repositoryName(prefix, named.Name())}
	if n := len(ref.Repository); n < minName || n > maxName || !ecrName.MatchString(ref.Repository) {
		return nil, fmt.Errorf("image %q has no registry, so it belongs in ECR repository %s; ECR takes names of %d to %d characters, of lower-case letters and digits with a single . _ - or / between them",
			image, ref.Repository, minName, maxName)
	}
	if ref.Suffix = image[len(ref.Name):]; ref.Suffix == "" {
		ref.Suffix = ":latest"
	}
	return ref, nil
}

func repositoryName(prefix, image string) string { return prefix + "/" + image }

// hasRegistry returns whether an image's name begins with a registry's host. Container runtimes share the rule: of several
// parts, the first is a host if it has a dot, a colon or a capital letter, or is localhost.
func hasRegistry(name string) bool {
	first, _, several := strings.Cut(name, "/")
	return several && (strings.ContainsAny(first, ".:") || first == "localhost" || first != strings.ToLower(first))
}
