package emulator

import "regexp"

// ownTags are the tags of a launch template itself, which moto keeps among those that the template gives to instances and
// volumes; EC2 keeps them apart. Left there, every preview finds a tag specification that nobody asked for.
var ownTags = regexp.MustCompile(`<item><resourceType>launch-template</resourceType><tagSet>(<item><key>[^<]*</key>(<value>[^<]*</value>|<value/>)</item>)*</tagSet></item>`)

// withoutOwnTags takes them out of an answer of EC2's.
func withoutOwnTags(c *call, answer []byte) []byte {
	if c.service != "ec2" || c.action != "DescribeLaunchTemplateVersions" {
		return answer
	}
	return ownTags.ReplaceAll(answer, nil)
}
