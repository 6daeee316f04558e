package emulator

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// key is an access key with its owner. The front reads the secrets of new keys from moto's answers.
type key struct {
	ID, Secret, Token string
	Expires           time.Time // zero: never
	ARN               string    // of the caller: arn:aws:iam::…:user/… or arn:aws:sts::…:assumed-role/…
	Principal         string    // ARN of the user, or of the role that was assumed
	UserID            string
	// unlimited keys belong to the emulator's own users. They have all permissions, which are not checked.
	unlimited bool
}

// name is the name of the user or role, without its path.
func (k *key) name() string { return k.Principal[strings.LastIndex(k.Principal, "/")+1:] }

func (k *key) isRole() bool { return strings.Contains(k.Principal, ":role/") }

// session is the name under which a role was assumed.
func (k *key) session() string { return k.ARN[strings.LastIndex(k.ARN, "/")+1:] }

// keys are the access keys by their identifiers.
type keys struct{ sync.Map }

func (k *keys) add(one *key) { k.Store(one.ID, one) }

// get is the key with an identifier, or nil.
func (k *keys) get(id string) *key {
	found, _ := k.Load(id)
	one, _ := found.(*key)
	return one
}

const (
	rootName     = "emulator"
	deployerName = "deployer"
	everything   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// makeUsers makes the emulator's own user and the deployer. moto does not check permissions yet.
func (a *AWS) makeUsers(ctx context.Context) (err error) {
	a.setClients(&key{ID: "AKIAEMULATOR", Secret: "none"})
	if a.root, err = a.makeUser(ctx, rootName, everything); err != nil {
		return err
	}
	if a.deployer, err = a.makeUser(ctx, deployerName, everything); err != nil {
		return err
	}
	a.root.unlimited, a.deployer.unlimited = true, true
	a.account = strings.Split(a.root.ARN, ":")[4]
	a.setClients(a.root)
	return nil
}

func (a *AWS) makeUser(ctx context.Context, name, policy string) (*key, error) {
	user, err := a.clients.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	if err != nil {
		return nil, fmt.Errorf("making user %s: %w", name, err)
	}
	if _, err := a.clients.iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{
		UserName: &name, PolicyName: aws.String("given"), PolicyDocument: &policy,
	}); err != nil {
		return nil, fmt.Errorf("giving user %s its policy: %w", name, err)
	}
	made, err := a.clients.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		return nil, fmt.Errorf("making an access key of user %s: %w", name, err)
	}
	arn := aws.ToString(user.User.Arn)
	k := &key{
		ID: aws.ToString(made.AccessKey.AccessKeyId), Secret: aws.ToString(made.AccessKey.SecretAccessKey),
		ARN: arn, Principal: arn, UserID: aws.ToString(user.User.UserId),
	}
	a.keys.add(k)
	return k, nil
}

// Env returns variables that give a process the deployer's permissions and hide other configuration of AWS.
func (a *AWS) Env() []string { return a.env(a.deployer) }

// NewUser makes an IAM user with one inline policy. It returns variables like Env's for the user, and the user's ARN.
func (a *AWS) NewUser(ctx context.Context, name, policyJSON string) (env []string, arn string, err error) {
	if _, err := parsePolicy("given", policyJSON); err != nil {
		return nil, "", fmt.Errorf("user %s: %w", name, err)
	}
	k, err := a.makeUser(ctx, name, policyJSON)
	if err != nil {
		return nil, "", err
	}
	return a.env(k), k.ARN, nil
}

// identify returns the signature of a request and the key that signed it.
func (a *AWS) identify(r *http.Request, body []byte) (*signature, *key, *refusal) {
	s, err := readSignature(r, body)
	switch {
	case errors.Is(err, errUnsigned):
		return nil, nil, &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	case err != nil:
		return nil, nil, &refusal{http.StatusForbidden, "IncompleteSignatureException", err.Error()}
	}
	k := a.keys.get(s.accessKey)
	if k == nil || k.Token != s.token {
		return s, nil, &refusal{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	now := time.Now()
	if !k.Expires.IsZero() && now.After(k.Expires) {
		return s, nil, &refusal{http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired"}
	}
	at, err := s.signedAt()
	if err != nil || at.Sub(now).Abs() > maxSkew {
		return s, nil, &refusal{http.StatusForbidden, "InvalidSignatureException", fmt.Sprintf("Signature expired or not yet valid: signed at %s, it is %s", s.date, now.UTC().Format(amzTime))}
	}
	header := func(name string) []string {
		switch name {
		case "host":
			return []string{r.Host}
		case "content-length":
			return []string{fmt.Sprint(r.ContentLength)}
		}
		return r.Header.Values(name)
	}
	if !s.matches(k.Secret, r.Method, r.URL, header) {
		return s, nil, &refusal{http.StatusForbidden, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."}
	}
	return s, k, nil
}

// trackKeys stores the keys in an answer of moto, and removes a key that a call deletes.
func (a *AWS) trackKeys(ctx context.Context, c *call, answer []byte) {
	switch c.service + ":" + c.action {
	case "iam:CreateAccessKey":
		var made struct {
			Key struct{ UserName, AccessKeyId, SecretAccessKey string } `xml:"CreateAccessKeyResult>AccessKey"`
		}
		if err := xml.Unmarshal(answer, &made); err != nil {
			a.logf("reading a new access key: %v", err)
			return
		}
		user, err := a.clients.iam.GetUser(ctx, &iam.GetUserInput{UserName: &made.Key.UserName})
		if err != nil {
			a.logf("reading the owner of access key %s: %v", made.Key.AccessKeyId, err)
			return
		}
		arn := aws.ToString(user.User.Arn)
		a.keys.add(&key{ID: made.Key.AccessKeyId, Secret: made.Key.SecretAccessKey, ARN: arn, Principal: arn, UserID: aws.ToString(user.User.UserId)})
	case "iam:DeleteAccessKey":
		a.keys.Delete(c.params["AccessKeyId"])
	case "sts:AssumeRole":
		var made struct {
			Credentials struct {
				AccessKeyId, SecretAccessKey, SessionToken string
				Expiration                                 time.Time
			} `xml:"AssumeRoleResult>Credentials"`
			User struct{ Arn, AssumedRoleId string } `xml:"AssumeRoleResult>AssumedRoleUser"`
		}
		if err := xml.Unmarshal(answer, &made); err != nil {
			a.logf("reading the credentials of a role: %v", err)
			return
		}
		a.keys.add(&key{
			ID: made.Credentials.AccessKeyId, Secret: made.Credentials.SecretAccessKey, Token: made.Credentials.SessionToken,
			Expires: made.Credentials.Expiration, ARN: made.User.Arn, Principal: c.params["RoleArn"], UserID: made.User.AssumedRoleId,
		})
	}
}

// loopback is a value of NO_PROXY that adds the emulator's addresses.
func loopback(existing string) string {
	return strings.TrimSuffix("127.0.0.1,localhost,"+existing, ",")
}

func validURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && u.Scheme != "" && u.Host != ""
}
