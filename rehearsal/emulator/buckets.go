package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// readBucketCall sets the action of S3 calls that read and write files. Bucket and key are in the path, because the endpoint
// is an IP address. Other calls have no action, so only a caller with all permissions may make them.
func (c *call) readBucketCall(r *http.Request) {
	if c.service != "s3" {
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.params["Bucket"], c.params["Key"] = bucket, key
	query := r.URL.Query()
	query.Del("x-id") // the AWS SDK for Go adds the action's name
	switch {
	case key == "" && r.Method == http.MethodGet && query.Has("list-type"):
		c.action = "ListBucket"
	case key == "" || len(query) > 0:
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		c.action = "GetObject"
	case r.Method == http.MethodPut:
		c.action = "PutObject"
		c.params["CopySource"], _, _ = strings.Cut(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/"), "?")
	case r.Method == http.MethodDelete:
		c.action = "DeleteObject"
	}
}

// bucketQuestions are the permissions that a call of S3 needs. A copy reads one file and writes another.
func bucketQuestions(c *call, action string) []question {
	const bucket = "arn:aws:s3:::"
	resource := bucket + strings.TrimSuffix(c.params["Bucket"]+"/"+c.params["Key"], "/")
	questions := []question{{action: action, resource: resource}}
	if source := c.params["CopySource"]; source != "" {
		if decoded, err := url.PathUnescape(source); err == nil {
			source = decoded
		}
		questions = append(questions, question{action: "s3:GetObject", resource: bucket + source})
	}
	return questions
}
