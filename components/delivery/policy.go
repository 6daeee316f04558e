package delivery

import (
	"encoding/json"
	"fmt"
)

// Account is the account and region of the stacks, and their Pulumi project.
type Account struct{ Partition, ID, Region, Project string }

// arn is an ARN in the account and its region.
func (a Account) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", a.Partition, service, a.Region, a.ID, resource)
}

// globalARN is an ARN in the account of a service without regions, such as IAM.
func (a Account) globalARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", a.Partition, service, a.ID, resource)
}

type condition map[string]map[string]any

type statement struct {
	// Sid names the statement for readers of this code. The JSON leaves it out: IAM limits the characters of a role's
	// policies.
	Sid       string `json:"-"`
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  []string  `json:",omitempty"`
	Condition condition `json:",omitempty"`
}

// document returns the JSON of a policy with statements that allow. what names the policy in an error.
func document(what string, statements ...statement) (string, error) {
	for i := range statements {
		statements[i].Effect = "Allow"
	}
	text, err := json.Marshal(map[string]any{
		// The newest version of the policy language. AWS reads a document without a version as one of 2008.
		"Version": "2012-10-17", "Statement": statements,
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return string(text), nil
}

// TrustPolicy returns the JSON of a trust policy. It allows a workflow to take the role if its token has exactly one of the
// subjects. A subject names the repository and what the workflow runs for: a pull request, a branch or an environment.
func TrustPolicy(providerARN string, subjects []string) (string, error) {
	return document("trust policy", statement{
		Sid:       "WorkflowsOfOneRepository",
		Principal: map[string]string{"Federated": providerARN},
		Action:    []string{"sts:AssumeRoleWithWebIdentity"},
		Condition: condition{"StringEquals": {issuer + ":aud": audience, issuer + ":sub": subjects}},
	})
}

// actions are the full names of actions of one service, such as ec2:CreateTags.
func actions(service string, names ...string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = service + ":" + name
	}
	return all
}
