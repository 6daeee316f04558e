package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
)

// ImageState says whether an image is in a repository.
type ImageState int

const (
	ImageUnknown ImageState = iota // the credentials may not look (ecr:DescribeImages), so it cannot be told
	ImageExists
	ImageMissing // the repository is there, the image is not
	NoRepository // there is no such repository yet
)

func (s ImageState) String() string {
	return [...]string{"unknown", "exists", "missing", "no repository"}[s]
}

// FindImage looks for an image in an ECR repository of the credentials' account. The suffix is what follows the
// repository in the image's name: :<tag>, @<digest> or both, of which the digest counts, as it does where images are
// pulled. Not being allowed to look is no error, as who may not look may well be allowed to deploy; not getting an answer
// within Timeout is one.
func FindImage(ctx context.Context, region, repository, suffix string) (ImageState, error) {
	return findImage(ctx, region, repository, suffix, Timeout)
}

func findImage(ctx context.Context, region, repository, suffix string, timeout time.Duration) (ImageState, error) {
	id, err := imageID(suffix)
	if err != nil {
		return ImageUnknown, fmt.Errorf("looking for image %s%s in ECR: %w", repository, suffix, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &question{asked: fmt.Sprintf("looking for image %s%s in ECR", repository, suffix), region: region, timeout: timeout}
	if err := q.signIn(ctx); err != nil {
		return ImageUnknown, err
	}
	client := ecr.NewFromConfig(q.config)
	q.endpoint = aws.ToString(client.Options().BaseEndpoint)
	answer, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: aws.String(repository),
		ImageIds:       []types.ImageIdentifier{*id},
	})
	var refusal smithy.APIError
	switch {
	case err == nil && len(answer.ImageDetails) > 0:
		return ImageExists, nil
	case err == nil:
		return ImageUnknown, q.says("the answer has no image and no error: " + notAWS)
	case !errors.As(err, &refusal):
	case refusal.ErrorCode() == "ImageNotFoundException":
		return ImageMissing, nil
	case refusal.ErrorCode() == "RepositoryNotFoundException":
		return NoRepository, nil
	case slices.Contains(denied, refusal.ErrorCode()):
		return ImageUnknown, nil
	}
	return ImageUnknown, q.failed(ctx, err)
}

// imageID is what ECR knows an image by. Asked for none in particular it would list them all, so that is an error.
func imageID(suffix string) (*types.ImageIdentifier, error) {
	tag, digest, _ := strings.Cut(suffix, "@")
	tag, tagged := strings.CutPrefix(tag, ":")
	switch {
	case digest != "":
		return &types.ImageIdentifier{ImageDigest: aws.String(digest)}, nil
	case tagged && tag != "":
		return &types.ImageIdentifier{ImageTag: aws.String(tag)}, nil
	}
	return nil, fmt.Errorf("%q is neither a :tag nor a @digest", suffix)
}
