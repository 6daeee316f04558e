package delivery

import "strings"

// bucket is the ARN of the bucket. Its partition is that of the key's ARN.
func (s *State) bucket() string {
	return "arn:" + strings.Split(s.KeyARN, ":")[1] + ":s3:::" + s.Bucket
}

// writes allow changing some stacks' files in the bucket: the state, Pulumi's copy of the previous state, the history and
// the lock.
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
