// Package preflight holds what is asked before anything is made: whose AWS credentials these are, which images are in the
// account, and whether a cluster that exists answers. Each error is one line that says what was asked, with which input,
// what is wrong and what to do.
package preflight

import "context"

// Checks are the questions that the program asks AWS before it registers the first resource. Tests and dry runs answer
// them without an account.
type Checks struct {
	// Account returns whose the credentials are; CheckAccount has its contract.
	Account func(ctx context.Context, region string, allowed []string) (*Identity, error)
	// Image returns whether an image is in a repository; FindImage has its contract.
	Image func(ctx context.Context, region, repository, suffix string) (ImageState, error)
}

// AWS asks AWS itself.
var AWS = Checks{Account: CheckAccount, Image: FindImage}
