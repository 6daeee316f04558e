package program

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/repositories"
	"tfserving/config"
	"tfserving/preflight"
)

// newImages makes an ECR repository for each image of the settings whose name has no registry. It returns the full name
// under which each of those images runs, and the repositories' URLs. It fails if a repository exists and lacks the image:
// the pods would wait for the image and `make up` would fail much later.
func newImages(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks, opts ...pulumi.ResourceOption) (images map[string]pulumi.StringInput, urls pulumi.StringMapOutput, err error) {
	prefix := config.ClusterName(ctx.Stack())
	var names []string
	references := map[string]*repositories.Reference{}
	for _, image := range []string{s.Model.Image, s.Gateway.Image} {
		ref, err := repositories.Resolve(prefix, image)
		if err != nil {
			return nil, urls, err
		}
		if ref == nil {
			continue
		}
		references[image] = ref
		if !slices.Contains(names, ref.Name) {
			names = append(names, ref.Name)
		}
		if err := requireImage(ctx, checks, s.Region, image, ref); err != nil {
			return nil, urls, err
		}
	}
	stackRepositories, err := repositories.NewRepositories(ctx, prefix, &repositories.Args{
		Prefix: prefix, Names: names, KeepImages: s.Repositories.KeepImages, Protect: s.AWS.Protect,
	}, opts...)
	if err != nil {
		return nil, urls, err
	}
	images = map[string]pulumi.StringInput{}
	for image, ref := range references {
		images[image] = pulumi.Sprintf("%s%s", stackRepositories.URLs.MapIndex(pulumi.String(ref.Name)), ref.Suffix)
	}
	return images, stackRepositories.URLs, nil
}

// requireImage fails if a repository exists and lacks the image. If the repository does not exist, it logs a warning: there
// is time to push the image while the cluster is made.
func requireImage(ctx *pulumi.Context, checks preflight.Checks, region, image string, ref *repositories.Reference) error {
	state, err := checks.Image(ctx.Context(), region, ref.Repository, ref.Suffix)
	if err != nil {
		return err
	}
	switch state {
	case preflight.ImageMissing:
		return fmt.Errorf("image %s is not in the stack's repository %s of %s: push it first (README, \"Your images\")", image, ref.Repository, region)
	case preflight.NoRepository:
		return ctx.Log.Warn(fmt.Sprintf("repository %s of image %s is yet to be made: push the image while the cluster is being made, which takes a quarter of an hour; its pods wait for it", ref.Repository, image), nil)
	default:
		return nil
	}
}
