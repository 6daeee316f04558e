package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// readBucketCall names the actions of S3 that reading and writing files takes. Bucket and key are in the path: clients of
// an endpoint that is an address put them there. Other calls stay without a name, and only who may do everything makes
// them.
func (c *call) readBucketCall(r *http.Request) {
	if c.service != "s3" {
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.params["Bucket"], c.params["Key"] = bucket, key
	query := r.URL.Query()
	query.Del("x-id") // with which the AWS SDK for Go repeats the call's name
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

// bucketQuestions are what a call of S3 asks permission for: a copy reads one file and writes another.
func bucketQuestions(c *call, action string) []question {
	const bucket = "arn:aws:s3:::"
	about := bucket + strings.TrimSuffix(c.params["Bucket"]+"/"+c.params["Key"], "/")
	asked := []question{{action: action, resource: about}}
	if from := c.params["CopySource"]; from != "" {
		if plain, err := url.PathUnescape(from); err == nil {
			from = plain
		}
		asked = append(asked, question{action: "s3:GetObject", resource: bucket + from})
	}
	return asked
}
