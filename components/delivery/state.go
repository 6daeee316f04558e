package delivery

import "strings"

// bucket is the ARN of the bucket, of the partition that the key's ARN names.
func (s *State) bucket() string {
	return "arn:" + strings.Split(s.KeyARN, ":")[1] + ":s3:::" + s.Bucket
}

// writes are what it takes to change the state of some stacks: their state itself, the copy that Pulumi keeps of the one
// before, their history and their lock.
func (s *State) writes(project, stacks string) []statement {
	if s == nil {
		return nil
	}
	var files []string
	for _, file := range []string{
		"stacks/" + project + "/" + stacks + ".json", "stacks/" + project + "/" + stacks + ".json.*",
		"history/" + project + "/" + stacks + "/*", "backups/" + project + "/" + stacks + "/*",
		"locks/organization/" + project + "/" + stacks + "/*",
	} {
		files = append(files, s.bucket()+"/.pulumi/"+file)
	}
	return []statement{
		{Sid: "WriteStates", Action: actions("s3", "PutObject", "DeleteObject"), Resource: files},
		{Sid: "WriteSecretsInStates", Action: actions("kms", "Encrypt"), Resource: []string{s.KeyARN}},
	}
}
