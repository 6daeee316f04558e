package emulator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
)

// keyID matches the identifier of a KMS key. moto puts it in front of the data that it encrypts.
var keyID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// keyResource is the ARN of the key of a KMS call. The call names the key, an alias of it, or data that it encrypted.
func (a *AWS) keyResource(ctx context.Context, c *call) (string, error) {
	name := c.params["KeyId"]
	if name == "" {
		encrypted, err := base64.StdEncoding.DecodeString(c.params["CiphertextBlob"])
		if err != nil {
			return "", fmt.Errorf("reading the encrypted data: %w", err)
		}
		if name = string(keyID.Find(encrypted)); name == "" {
			return "*", nil // a call without a key, such as ListKeys
		}
	}
	body, err := json.Marshal(map[string]string{"KeyId": name})
	if err != nil {
		return "", err
	}
	var described struct{ KeyMetadata struct{ Arn string } }
	if err := a.callJSON(ctx, "kms", "TrentService.DescribeKey", string(body), &described); err != nil {
		return "", fmt.Errorf("looking up key %s: %w", name, err)
	}
	return described.KeyMetadata.Arn, nil
}
