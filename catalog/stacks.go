package catalog

import "regexp"

// ReviewStack matches the name of a review stack, which runs the change of a pull request. Its group is the pull request's
// number.
var ReviewStack = regexp.MustCompile(`^review-([1-9][0-9]*)$`)
