// Package preflight checks what a deployment needs before the program registers a resource: the AWS credentials, the images
// in the account, and access to an existing cluster. Each error is one line with the check, its input, the problem and the
// remedy.
package preflight

import "context"

// Checks are the queries that the program sends to AWS before it registers the first resource. Tests and dry runs replace
// them, to work without an account.
type Checks struct {
	Account func(ctx context.Context, region string, allowed []string) (*Identity, error)    // CheckAccount
	Image   func(ctx context.Context, region, repository, suffix string) (ImageState, error) // FindImage
}

// AWS are the checks that query AWS.
var AWS = Checks{Account: CheckAccount, Image: FindImage}
