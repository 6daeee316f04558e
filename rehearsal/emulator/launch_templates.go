package emulator

import "regexp"

// ownTags matches the tags of a launch template itself. moto lists them among the tags for instances and volumes, and EC2 does
// not. With them, every preview would show a tag specification that is not in the program.
var ownTags = regexp.MustCompile(`<item><resourceType>launch-template</resourceType><tagSet>(<item><key>[^<]*</key>(<value>[^<]*</value>|<value/>)</item>)*</tagSet></item>`)

// withoutOwnTags removes ownTags from an answer of EC2.
func withoutOwnTags(c *call, answer []byte) []byte {
	if c.service != "ec2" || c.action != "DescribeLaunchTemplateVersions" {
		return answer
	}
	return ownTags.ReplaceAll(answer, nil)
}
