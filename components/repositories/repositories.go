// Package repositories makes a stack's image repositories in ECR, and finds which images run from them.
package repositories

import (
	"errors"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args are the arguments of NewRepositories.
type Args struct {
	Prefix     string   // first part of the repositories' names, before a slash: <project>-<stack>
	Names      []string // of the images, without registry and tag (Reference.Name), each once
	KeepImages int      // tagged images that each repository keeps, at least 1
	// Protect makes Pulumi refuse to delete the repositories and their key. Without it, deleting a repository deletes the
	// images in it.
	Protect bool
}

// Repositories are a stack's image repositories.
type Repositories struct {
	pulumi.ResourceState

	// URLs are the addresses, without tag, to push images to and to pull them from, by the image's name.
	URLs pulumi.StringMapOutput
}

// keyDeletionDays is how long KMS can restore a deleted key, in days: the longest time that KMS allows. Without the key
// no image in the repositories can be pulled. A key that waits for its deletion costs nothing.
const keyDeletionDays = 30

// NewRepositories makes a repository for each name. It fails if KeepImages is below 1.
func NewRepositories(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Repositories, error) {
	if args.KeepImages < 1 {
		return nil, errors.New("a repository must keep at least one image: new pods pull the running one")
	}
	r := &Repositories{}
	if err := ctx.RegisterComponentResource("tfserving:repositories:Repositories", name, r, opts...); err != nil {
		return nil, err
	}
	urls := pulumi.StringMap{}
	if len(args.Names) > 0 {
		// The repositories share one key. A key costs 1 USD a month, and whoever may pull one of the stack's images may
		// pull the others.
		key, err := kms.NewKey(ctx, name+"-images", &kms.KeyArgs{
			Description:          pulumi.Sprintf("Images of %s", args.Prefix),
			EnableKeyRotation:    pulumi.Bool(true),
			DeletionWindowInDays: pulumi.Int(keyDeletionDays),
		}, pulumi.Parent(r), pulumi.Protect(args.Protect))
		if err != nil {
			return nil, err
		}
		for _, image := range args.Names {
			repository, err := newRepository(ctx, name+"-"+image, image, key, args, pulumi.Parent(r))
			if err != nil {
				return nil, err
			}
			urls[image] = repository.RepositoryUrl
		}
	}
	r.URLs = urls.ToStringMapOutput()
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{"urls": r.URLs})
}

func newRepository(ctx *pulumi.Context, name, image string, key *kms.Key, args *Args, parent pulumi.ResourceOption) (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(ctx, name, &ecr.RepositoryArgs{
		Name: pulumi.String(repositoryName(args.Prefix, image)),
		// A tag that can be pushed again would change what new pods run without a change of the stack.
		ImageTagMutability:         pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{ScanOnPush: pulumi.Bool(true)},
		EncryptionConfigurations: ecr.RepositoryEncryptionConfigurationArray{&ecr.RepositoryEncryptionConfigurationArgs{
			EncryptionType: pulumi.String("KMS"), KmsKey: key.Arn,
		}},
		// Images are pushed from outside the stack. Without force, `make down` would fail on a repository that has any.
		ForceDelete: pulumi.Bool(!args.Protect),
	}, parent, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}
	policy, err := lifecyclePolicy(args.KeepImages)
	if err != nil {
		return nil, err
	}
	_, err = ecr.NewLifecyclePolicy(ctx, name, &ecr.LifecyclePolicyArgs{Repository: repository.Name, Policy: pulumi.String(policy)}, parent)
	return repository, err
}
