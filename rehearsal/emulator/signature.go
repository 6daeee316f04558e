package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// This file checks signatures of AWS Signature Version 4 ("Create a signed AWS API request", IAM User Guide).

const (
	algorithm = "AWS4-HMAC-SHA256"
	amzTime   = "20060102T150405Z"
	// maxSkew is the maximum difference between a request's time and now.
	maxSkew = 15 * time.Minute
)

// signature is the signature of a request.
type signature struct {
	accessKey string
	scope     string // date/region/service/aws4_request
	headers   []string
	date      string
	token     string // session token, of temporary credentials
	value     string
	payload   string // hash of the body, as signed
	presigned bool
}

var errUnsigned = errors.New("the request is not signed")

// readSignature reads the signature of a header, or of the query of a presigned URL.
func readSignature(r *http.Request, body []byte) (*signature, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return headerSignature(r, header, body)
	}
	query := r.URL.Query()
	if query.Get("X-Amz-Signature") == "" {
		return nil, errUnsigned
	}
	return querySignature(query)
}

func headerSignature(r *http.Request, header string, body []byte) (*signature, error) {
	rest, found := strings.CutPrefix(header, algorithm+" ")
	if !found {
		return nil, fmt.Errorf("the signature is not of %s", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	s := &signature{
		headers: strings.Split(fields["SignedHeaders"], ";"), value: fields["Signature"],
		date: r.Header.Get("X-Amz-Date"), token: r.Header.Get("X-Amz-Security-Token"),
		payload: r.Header.Get("X-Amz-Content-Sha256"),
	}
	if s.payload == "" {
		s.payload = hash(body)
	} else if s.payload != hash(body) && !strings.HasPrefix(s.payload, "UNSIGNED-PAYLOAD") && !strings.HasPrefix(s.payload, "STREAMING-") {
		return nil, errors.New("the body is not the one that was signed")
	}
	return s, s.setCredential(fields["Credential"])
}

func querySignature(query url.Values) (*signature, error) {
	if query.Get("X-Amz-Algorithm") != algorithm {
		return nil, fmt.Errorf("the signature is not of %s", algorithm)
	}
	s := &signature{
		headers: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"), value: query.Get("X-Amz-Signature"),
		date: query.Get("X-Amz-Date"), token: query.Get("X-Amz-Security-Token"), payload: hash(nil), presigned: true,
	}
	return s, s.setCredential(query.Get("X-Amz-Credential"))
}

func (s *signature) setCredential(credential string) error {
	var found bool
	if s.accessKey, s.scope, found = strings.Cut(credential, "/"); !found {
		return fmt.Errorf("the credential %q has no scope", credential)
	}
	return nil
}

// signedAt is the time of the signature.
func (s *signature) signedAt() (time.Time, error) {
	t, err := time.Parse(amzTime, s.date)
	if err != nil || !strings.HasPrefix(s.scope, t.Format("20060102")+"/") {
		return t, fmt.Errorf("the date %q is not the signature's", s.date)
	}
	return t, nil
}

// matches says whether the signature was made with a key's secret. header returns the values of a header, including the host.
func (s *signature) matches(secret, method string, u *url.URL, header func(string) []string) bool {
	parts := strings.Split(s.scope, "/")
	if len(parts) != 4 {
		return false
	}
	var headers strings.Builder
	for _, name := range s.headers {
		values := slices.Clone(header(name))
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.Join(values, ","))
	}
	canonical := strings.Join([]string{
		method, canonicalPath(u, parts[2]), canonicalQuery(u.RawQuery), headers.String(), strings.Join(s.headers, ";"), s.payload,
	}, "\n")
	toSign := strings.Join([]string{algorithm, s.date, s.scope, hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range parts {
		key = mac(key, part)
	}
	return hmac.Equal([]byte(hex.EncodeToString(mac(key, toSign))), []byte(s.value))
}

// canonicalPath is the path as sent, with its segments encoded again. S3 does not encode them again.
func canonicalPath(u *url.URL, service string) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	if service == "s3" {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = encoded(segment)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(raw string) string {
	var pairs [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name, value = encoded(decoded(name)), encoded(decoded(value)); name != "" && name != "X-Amz-Signature" {
			pairs = append(pairs, [2]string{name, value})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	joined := make([]string, len(pairs))
	for i, p := range pairs {
		joined[i] = p[0] + "=" + p[1]
	}
	return strings.Join(joined, "&")
}

func decoded(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// encoded is AWS's way of URI encoding: all but unreserved characters, a space as %20.
func encoded(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
