package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// MayAdminister returns whether the user or role of an ARN, as STS returns it, is one of a cluster's administrators. The
// deployer must be one, because the program makes objects in the cluster. A cluster without named administrators has its
// creator as administrator.
func MayAdminister(administrators []string, callerARN string) bool {
	isCaller := func(arn string) bool { return principal(arn) == principal(callerARN) }
	return len(administrators) == 0 || slices.ContainsFunc(administrators, isCaller)
}

// principal returns the account and name of a role, from the role's ARN or from the ARN of a session. STS leaves a role's
// path out of the session's ARN, so principal leaves it out too. Other ARNs stay unchanged.
func principal(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return arn
	}
	account, path := parts[4], strings.Split(parts[5], "/")
	switch {
	case parts[2] == "sts" && path[0] == "assumed-role" && len(path) == 3:
		return fmt.Sprintf("%s:role:%s", account, path[1])
	case parts[2] == "iam" && path[0] == "role":
		return fmt.Sprintf("%s:role:%s", account, path[len(path)-1])
	}
	return arn
}
