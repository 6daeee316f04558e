package delivery

import (
	"errors"
	"fmt"
	"regexp"
)

// Forms of the arguments that become part of a policy. Only Environment.Stacks may have a *, and only at its end: a * in
// any other argument would open a role to other repositories, branches or environments.
var (
	repositoryForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
	branchForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	environmentForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	stacksForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\*?$`)
	providerForm    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:oidc-provider/` + regexp.QuoteMeta(issuer) + `$`)
	bucketForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]+[a-z0-9]$`)
	keyForm         = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-z0-9-]+$`)
)

// check returns one error with all mistakes in the arguments.
func (a *Args) check() error {
	var mistakes []error
	must := func(form *regexp.Regexp, what, value, want string) {
		if !form.MatchString(value) {
			mistakes = append(mistakes, fmt.Errorf("%s is %q; it must be %s", what, value, want))
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
			mistakes = append(mistakes, fmt.Errorf("environment %s is listed twice", e.Name))
		}
		seen[e.Name] = true
	}
	if a.State != nil {
		must(bucketForm, "the state's bucket", a.State.Bucket, "the name of an S3 bucket")
		must(keyForm, "the state's key", a.State.KeyARN, "the ARN of a KMS key (not of an alias)")
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("delivery: %w", errors.Join(mistakes...))
	}
	return nil
}
