package policy

import (
	"fmt"
	"slices"
)

func secretsEncrypted(_ *Stack, r Resource, f *findings) {
	if r.Type != typeCluster {
		return
	}
	resources := at(r.Inputs, "encryptionConfig", "resources")
	if !f.seen(resources, "whether the cluster's Secrets are encrypted") {
		return
	}
	if key := at(r.Inputs, "encryptionConfig", "provider", "keyArn"); !slices.Contains(list(resources), any("secrets")) || key == nil || key == "" {
		f.brokenf("the cluster's Secrets are not encrypted by a key of the stack: encryptionConfig lacks secrets or a key")
	}
}

func volumesEncrypted(_ *Stack, r Resource, f *findings) {
	switch r.Type {
	case "aws:ebs/volume:Volume":
		f.encrypted("the volume", at(r.Inputs, "encrypted"))
	case typeTemplate:
		mappings := at(r.Inputs, "blockDeviceMappings")
		if !f.seen(mappings, "which volumes instances get") {
			return
		}
		if len(list(mappings)) == 0 {
			f.brokenf("the launch template names no volume, and the image's own is not encrypted")
		}
		for _, m := range list(mappings) {
			if ebs := at(m, "ebs"); ebs != nil {
				f.encrypted(fmt.Sprintf("volume %v", at(m, "deviceName")), at(ebs, "encrypted"))
			}
		}
	case typeInstance, typeLaunch:
		f.encrypted("the root volume", at(r.Inputs, "rootBlockDevice", "encrypted"))
		devices := at(r.Inputs, "ebsBlockDevices")
		if !f.seen(devices, "which further volumes there are") {
			return
		}
		for _, d := range list(devices) {
			f.encrypted(fmt.Sprintf("volume %v", at(d, "deviceName")), at(d, "encrypted"))
		}
	}
}

func (f *findings) encrypted(what string, v any) {
	if f.seen(v, "whether "+what+" is encrypted") && !isTrue(v) {
		f.brokenf("%s is not encrypted", what)
	}
}

func repositoriesEncrypted(_ *Stack, r Resource, f *findings) {
	if r.Type != typeRepository {
		return
	}
	kind, key := at(r.Inputs, "encryptionConfigurations", 0, "encryptionType"), at(r.Inputs, "encryptionConfigurations", 0, "kmsKey")
	if !f.seen(kind, "how the repository's images are encrypted") {
		return
	}
	if kind != "KMS" || key == nil || key == "" {
		f.brokenf("the repository's images are not encrypted by a KMS key of the stack")
	}
}
