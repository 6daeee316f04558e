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

// ImageState is whether an image is in a repository.
type ImageState int

const (
	ImageUnknown ImageState = iota // the credentials lack the permission ecr:DescribeImages
	ImageExists
	ImageMissing // the repository exists, but does not have the image
	NoRepository // the repository does not exist
)

func (s ImageState) String() string {
	return [...]string{"unknown", "exists", "missing", "no repository"}[s]
}

// FindImage looks for an image in an ECR repository of the credentials' account. The suffix follows the repository in the
// image's name: :<tag>, @<digest> or both. With both, the digest decides, as for a pull. A lack of permission is no error,
// because the same credentials may be able to deploy. FindImage fails if AWS does not answer within awsTimeout.
func FindImage(ctx context.Context, region, repository, suffix string) (ImageState, error) {
	return findImage(ctx, region, repository, suffix, awsTimeout)
}

func findImage(ctx context.Context, region, repository, suffix string, timeout time.Duration) (ImageState, error) {
	action := fmt.Sprintf("looking for image %s%s in ECR", repository, suffix)
	id, err := imageID(suffix)
	if err != nil {
		return ImageUnknown, fmt.Errorf("%s: %w", action, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &awsQuery{action: action, region: region, timeout: timeout}
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
		return ImageUnknown, q.errorf("the answer has no image and no error: %s", notAWS)
	case !errors.As(err, &refusal):
	case refusal.ErrorCode() == "ImageNotFoundException":
		return ImageMissing, nil
	case refusal.ErrorCode() == "RepositoryNotFoundException":
		return NoRepository, nil
	case slices.Contains(accessDeniedCodes, refusal.ErrorCode()):
		return ImageUnknown, nil
	}
	return ImageUnknown, q.explain(ctx, err)
}

// imageID returns the identifier of an image in ECR. A suffix without tag and digest is an error: for an empty identifier ECR
// returns all images.
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
