package emulator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
)

// keyID is the identifier of a KMS key. moto writes the key's before what it encrypts with it.
var keyID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// keyResource is the ARN of the key that a call of KMS is about: named by itself or by an alias, or by what it encrypted.
func (a *AWS) keyResource(ctx context.Context, c *call) (string, error) {
	name := c.params["KeyId"]
	if name == "" {
		encrypted, err := base64.StdEncoding.DecodeString(c.params["CiphertextBlob"])
		if err != nil {
			return "", fmt.Errorf("reading what was encrypted: %w", err)
		}
		if name = string(keyID.Find(encrypted)); name == "" {
			return "*", nil // about no key, such as a list of them
		}
	}
	body, err := json.Marshal(map[string]string{"KeyId": name})
	if err != nil {
		return "", err
	}
	var described struct{ KeyMetadata struct{ Arn string } }
	if err := a.ask(ctx, "kms", "TrentService.DescribeKey", string(body), &described); err != nil {
		return "", fmt.Errorf("looking up key %s: %w", name, err)
	}
	return described.KeyMetadata.Arn, nil
}
