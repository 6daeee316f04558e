package repositories

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"
)

// Reference is an image that is run from one of the stack's own repositories.
type Reference struct {
	Name       string // of the image, without tag: its key in Repositories.URLs
	Repository string // <prefix>/<name>
	// Suffix is what follows the repository's URL: :<tag>, @<digest> or both.
	Suffix string
}

const (
	minName = 2   // characters of a repository's name ("CreateRepository", Amazon ECR API Reference)
	maxName = 256 // ditto
)

// ecrName is what ECR takes for a repository's name (ditto): less than an image's name may be elsewhere.
var ecrName = regexp.MustCompile(`^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$`)

// Resolve says where an image is run from. One whose name has no registry, such as gateway:002, is run from the stack's
// own repository <prefix>/gateway with the same tag or digest. For one with a registry, which is run from there, Resolve
// returns nil. It is an error if the text is no image, or if ECR can have no repository of that name.
//
// Without tag and digest every container runtime takes the tag latest, and so does Resolve.
func Resolve(prefix, image string) (*Reference, error) {
	// Parsed as written: the normal form would give a registry, docker.io, to an image that has none.
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

// hasRegistry says whether the name of an image begins with a registry's host, by the rule of every container runtime:
// the first of several parts is a host if it could not be a folder.
func hasRegistry(name string) bool {
	first, _, several := strings.Cut(name, "/")
	return several && (strings.ContainsAny(first, ".:") || first == "localhost" || first != strings.ToLower(first))
}
