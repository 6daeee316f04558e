package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// spotRole is the role with which EC2 launches spot instances. An account has it once somebody has made it, and an Auto Scaling
// group cannot make it (EC2 User Guide, "Service-linked role for Spot Instance requests").
const spotRole = "AWSServiceRoleForEC2Spot"

// CheckSpotRole fails if the account cannot launch spot instances because it lacks their role. Credentials without permission to
// look pass. It fails if AWS does not answer within awsTimeout.
func CheckSpotRole(ctx context.Context, region string) error {
	return checkSpotRole(ctx, region, awsTimeout)
}

func checkSpotRole(ctx context.Context, region string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &awsQuery{action: "looking for the role of spot instances", region: region, timeout: timeout}
	if err := q.signIn(ctx); err != nil {
		return err
	}
	client := iam.NewFromConfig(q.config)
	q.endpoint = aws.ToString(client.Options().BaseEndpoint)
	_, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(spotRole)})
	var missing *types.NoSuchEntityException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return fmt.Errorf("%s: the account has no role %s, and without it EC2 launches no spot instance: make it once, with `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`", q.action, spotRole)
	}
	return q.unlessAbsent(ctx, err)
}
