package emulator

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// The role with which EC2 launches spot instances. A new account does not have it.
const (
	spotService  = "spot.amazonaws.com"
	spotRoleName = "AWSServiceRoleForEC2Spot"
	spotRolePath = "/aws-service-role/" + spotService + "/"
)

// spotRole is the ARN of the role.
func (a *AWS) spotRole() string {
	return fmt.Sprintf("arn:aws:iam::%s:role%s%s", a.account, spotRolePath, spotRoleName)
}

// nameSpotRole makes the role under AWS's name after a call of CreateServiceLinkedRole. moto makes it under another name.
func (a *AWS) nameSpotRole(ctx context.Context, c *call) {
	if c.service != "iam" || c.action != "CreateServiceLinkedRole" || c.params["AWSServiceName"] != spotService {
		return
	}
	_, err := a.clients.iam.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String(spotRoleName), Path: aws.String(spotRolePath),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + spotService + `"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		a.logf("making role %s: %v", spotRoleName, err)
	}
}
