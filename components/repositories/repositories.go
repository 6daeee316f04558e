// Package repositories makes the stack's own image repositories in ECR, and says which images are run from them.
package repositories

import (
	"errors"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args shape the repositories.
type Args struct {
	Prefix     string   // what the repositories' names begin with, before a slash: <project>-<stack>
	Names      []string // of images, without registry and tag (Reference.Name), each once
	KeepImages int      // how many tagged images each repository keeps, at least 1
	// Protect keeps the repositories and their key from being deleted. Without it, a repository is deleted with the
	// images in it.
	Protect bool
}

// Repositories are a stack's image repositories.
type Repositories struct {
	pulumi.ResourceState

	// URLs are where the images are pushed to and pulled from, without tag, by the image's name.
	URLs pulumi.StringMapOutput
}

// keyDeletionDays is how long a deleted key can still be brought back, in days: the longest that KMS allows. Without the
// key no image in the repositories can be pulled, and a key that waits for its deletion costs nothing.
const keyDeletionDays = 30

// NewRepositories makes a repository for each name. It is an error to ask for none of its images to be kept.
func NewRepositories(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Repositories, error) {
	if args.KeepImages < 1 {
		return nil, errors.New("a repository must keep an image: new pods pull the one that runs")
	}
	r := &Repositories{}
	if err := ctx.RegisterComponentResource("tfserving:repositories:Repositories", name, r, opts...); err != nil {
		return nil, err
	}
	urls := pulumi.StringMap{}
	if len(args.Names) > 0 {
		// One key for all of them: a key costs 1 USD a month, and who may pull one image of the stack may pull the others.
		key, err := kms.NewKey(ctx, name+"-images", &kms.KeyArgs{
			Description:          pulumi.Sprintf("Images of %s", args.Prefix),
			EnableKeyRotation:    pulumi.Bool(true),
			DeletionWindowInDays: pulumi.Int(keyDeletionDays),
		}, pulumi.Parent(r), pulumi.Protect(args.Protect))
		if err != nil {
			return nil, err
		}
		for _, image := range args.Names {
			made, err := newRepository(ctx, name+"-"+image, image, key, args, pulumi.Parent(r))
			if err != nil {
				return nil, err
			}
			urls[image] = made.RepositoryUrl
		}
	}
	r.URLs = urls.ToStringMapOutput()
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{"urls": r.URLs})
}

func newRepository(ctx *pulumi.Context, name, image string, key *kms.Key, args *Args, within pulumi.ResourceOption) (*ecr.Repository, error) {
	made, err := ecr.NewRepository(ctx, name, &ecr.RepositoryArgs{
		Name: pulumi.String(repositoryName(args.Prefix, image)),
		// A tag that could be pushed again would change what new pods run without anybody changing the stack.
		ImageTagMutability: pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{
			ScanOnPush: pulumi.Bool(true),
		},
		EncryptionConfigurations: ecr.RepositoryEncryptionConfigurationArray{&ecr.RepositoryEncryptionConfigurationArgs{
			EncryptionType: pulumi.String("KMS"), KmsKey: key.Arn,
		}},
		// The images were pushed by hand: without force, `make down` would stop at a repository that has any.
		ForceDelete: pulumi.Bool(!args.Protect),
	}, within, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}
	policy, err := lifecyclePolicy(args.KeepImages)
	if err != nil {
		return nil, err
	}
	_, err = ecr.NewLifecyclePolicy(ctx, name, &ecr.LifecyclePolicyArgs{Repository: made.Name, Policy: pulumi.String(policy)}, within)
	return made, err
}
