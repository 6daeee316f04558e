package delivery

import (
	"encoding/json"
	"fmt"
)

// Account is where the stacks are, and what the names of theirs begin with.
type Account struct{ Partition, ID, Region, Project string }

// arn is an ARN in the account and its region.
func (a Account) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", a.Partition, service, a.Region, a.ID, resource)
}

// everywhere is an ARN of a service that has no regions.
func (a Account) everywhere(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", a.Partition, service, a.ID, resource)
}

type condition map[string]map[string]any

type statement struct {
	// Sid says what the statement is for, here. In the policy it would count towards the characters that a role may have.
	Sid       string `json:"-"`
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  []string  `json:",omitempty"`
	Condition condition `json:",omitempty"`
}

// document is a policy in JSON, of statements that allow.
func document(what string, statements ...statement) (string, error) {
	for i := range statements {
		statements[i].Effect = "Allow"
	}
	text, err := json.Marshal(map[string]any{
		// The newest version of the policy language; without it AWS reads a document as one of 2008.
		"Version": "2012-10-17", "Statement": statements,
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return string(text), nil
}

// TrustPolicy is the JSON of a trust policy under which workflows take a role whose token has one of the subjects, to the
// letter. A subject names the repository and what the workflow runs for: a pull request, a branch or an environment.
func TrustPolicy(providerARN string, subjects []string) (string, error) {
	return document("trust policy", statement{
		Sid:       "WorkflowsOfOneRepository",
		Principal: map[string]string{"Federated": providerARN},
		Action:    []string{"sts:AssumeRoleWithWebIdentity"},
		Condition: condition{"StringEquals": {issuer + ":aud": audience, issuer + ":sub": subjects}},
	})
}

// actions are actions of one service.
func actions(service string, names ...string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = service + ":" + name
	}
	return all
}
