package delivery

import (
	"errors"
	"fmt"
	"regexp"
)

// Forms of what becomes part of a policy. None lets a * through where it is not said: a subject or a name with one would
// open a role to others.
var (
	repositoryForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
	branchForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	environmentForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	stacksForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\*?$`)
	providerForm    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:oidc-provider/` + regexp.QuoteMeta(issuer) + `$`)
	bucketForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]+[a-z0-9]$`)
	keyForm         = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-z0-9-]+$`)
)

// check says all that is wrong at once.
func (a *Args) check() error {
	var wrong []error
	must := func(form *regexp.Regexp, what, value, want string) {
		if !form.MatchString(value) {
			wrong = append(wrong, fmt.Errorf("%s is %q; it must be %s", what, value, want))
		}
	}
	must(repositoryForm, "the repository", a.Repository, "owner/name as GitHub spells it")
	must(branchForm, "the branch", a.Branch, "the name of one branch, such as main")
	if a.ProviderARN != "" {
		must(providerForm, "the identity provider", a.ProviderARN, "the ARN of the account's provider for "+issuer)
	}
	seen := map[string]bool{}
	for _, e := range a.Environments {
		must(environmentForm, "an environment's name", e.Name, "lower-case letters, digits and -")
		must(stacksForm, "the stacks of environment "+e.Name, e.Stacks, "a stack's name, or a prefix and *, such as review-*")
		if seen[e.Name] {
			wrong = append(wrong, fmt.Errorf("environment %s is there twice", e.Name))
		}
		seen[e.Name] = true
	}
	if a.State != nil {
		must(bucketForm, "the state's bucket", a.State.Bucket, "the name of an S3 bucket")
		must(keyForm, "the state's key", a.State.KeyARN, "the ARN of a KMS key (not of an alias)")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("delivery: %w", errors.Join(wrong...))
	}
	return nil
}
