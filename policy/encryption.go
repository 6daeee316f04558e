package policy

import (
	"fmt"
	"slices"

	"tfserving/resource"
)

func secretsEncrypted(_ *Stack, r resource.Resource, f *findings) {
	resources := resource.At(r.Inputs, "encryptionConfig", "resources")
	if !f.visible(resources, "whether the cluster's Secrets are encrypted") {
		return
	}
	if key := resource.At(r.Inputs, "encryptionConfig", "provider", "keyArn"); !slices.Contains(list(resources), any("secrets")) || key == nil || key == "" {
		f.brokenf("the cluster's Secrets are not encrypted with a KMS key of the stack: encryptionConfig lacks resources secrets or a key")
	}
}

func volumesEncrypted(_ *Stack, r resource.Resource, f *findings) {
	switch r.Type {
	case "aws:ebs/volume:Volume":
		f.encrypted("the volume", resource.At(r.Inputs, "encrypted"))
	case resource.LaunchTemplate:
		mappings := resource.At(r.Inputs, "blockDeviceMappings")
		if !f.visible(mappings, "which volumes instances have") {
			return
		}
		if len(list(mappings)) == 0 {
			f.brokenf("the launch template names no volume, and the image's own volume is not encrypted")
		}
		for _, m := range list(mappings) {
			if ebs := resource.At(m, "ebs"); ebs != nil {
				f.encrypted(fmt.Sprintf("volume %v", resource.At(m, "deviceName")), resource.At(ebs, "encrypted"))
			}
		}
	case instance, launchConfiguration:
		f.encrypted("the root volume", resource.At(r.Inputs, "rootBlockDevice", "encrypted"))
		devices := resource.At(r.Inputs, "ebsBlockDevices")
		if !f.visible(devices, "which further volumes the instance has") {
			return
		}
		for _, d := range list(devices) {
			f.encrypted(fmt.Sprintf("volume %v", resource.At(d, "deviceName")), resource.At(d, "encrypted"))
		}
	}
}

func (f *findings) encrypted(what string, v any) {
	if f.visible(v, "whether "+what+" is encrypted") && !isTrue(v) {
		f.brokenf("%s is not encrypted", what)
	}
}

func repositoriesEncrypted(_ *Stack, r resource.Resource, f *findings) {
	kind, key := resource.At(r.Inputs, "encryptionConfigurations", 0, "encryptionType"), resource.At(r.Inputs, "encryptionConfigurations", 0, "kmsKey")
	if !f.visible(kind, "how the repository's images are encrypted") {
		return
	}
	if kind != "KMS" || key == nil || key == "" {
		f.brokenf("the repository's images are not encrypted with a KMS key of the stack")
	}
}

// awsTopicKey is AWS's own key for topics.
const awsTopicKey = "alias/aws/sns"

func topicsEncrypted(_ *Stack, r resource.Resource, f *findings) {
	key := resource.At(r.Inputs, "kmsMasterKeyId")
	if f.visible(key, "which key encrypts the topic's messages") && (key == nil || key == "" || key == awsTopicKey) {
		f.brokenf("the topic's messages are not encrypted with a KMS key of the stack")
	}
}
