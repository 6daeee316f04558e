package preflight

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	repository = "tfserving-dev/gateway"
	digest     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// found answers that ECR has the image.
func found(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"imageDetails":[{"repositoryName":%q,"imageDigest":%q}]}`, repository, digest)
}

func TestAnImageIsFoundByTagOrDigest(t *testing.T) {
	setAccessKey(t)
	for suffix, want := range map[string]string{
		":002":                `{"imageTag":"002"}`,
		"@" + digest:          `{"imageDigest":"` + digest + `"}`,
		":002" + "@" + digest: `{"imageDigest":"` + digest + `"}`,
	} {
		aws := newFakeAWS(t, found)
		state, err := FindImage(t.Context(), region, repository, suffix)
		if state != ImageExists || err != nil {
			t.Errorf("%s: %s (%v)", suffix, state, err)
		}
		var query struct {
			RepositoryName string
			ImageIds       []json.RawMessage
		}
		if len(aws.requests) != 1 {
			t.Fatalf("%s: ECR got %d requests, want one", suffix, len(aws.requests))
		}
		if err := json.Unmarshal([]byte(aws.requests[0].body), &query); err != nil {
			t.Fatal(err)
		}
		if query.RepositoryName != repository || len(query.ImageIds) != 1 || string(query.ImageIds[0]) != want {
			t.Errorf("%s: the query is %s, want %s of %s", suffix, aws.requests[0].body, want, repository)
		}
		if signed := aws.requests[0].Header.Get("Authorization"); !strings.Contains(signed, "/"+region+"/ecr/") {
			t.Errorf("%s: the query is for another service or region: %s", suffix, signed)
		}
	}
}

// For an empty identifier ECR returns all images.
func TestAnImageWithoutTagAndDigestIsAnError(t *testing.T) {
	aws := newSignedInAWS(t, found)
	for _, suffix := range []string{"", ":", "@", "002"} {
		_, err := FindImage(t.Context(), region, repository, suffix)
		wantError(t, err, "looking for image "+repository+suffix, "neither a :tag nor a @digest")
	}
	if len(aws.requests) > 0 {
		t.Error("a query was sent to ECR")
	}
}

func TestAnImageIsMissingOnlyIfECRSaysSo(t *testing.T) {
	setAccessKey(t)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   ImageState
		error  string // empty for no error
	}{
		{"ECR has the image", found, ImageExists, ""},
		{"ECR does not have the image", refuseJSON(400, "ImageNotFoundException", "The image with imageId {imageTag:'002'} does not exist"), ImageMissing, ""},
		{"there is no repository", refuseJSON(400, "RepositoryNotFoundException", "The repository does not exist"), NoRepository, ""},
		{"no permission", refuseJSON(400, "AccessDeniedException", "not authorized to perform: ecr:DescribeImages"), ImageUnknown, ""},
		{"no permission, by another code", refuseJSON(403, "AccessDenied", ""), ImageUnknown, ""},
		{"expired", refuseJSON(400, "ExpiredTokenException", ""), ImageUnknown, "the credentials have expired"},
		{"unknown key", refuseJSON(400, "UnrecognizedClientException", ""), ImageUnknown, "AWS has no such access key"},
		{"wrong secret", refuseJSON(400, "InvalidSignatureException", ""), ImageUnknown, "secret key does not belong"},
		{"another refusal", refuseJSON(400, "InvalidParameterException", "odd tag"), ImageUnknown, "InvalidParameterException: odd tag"},
		{"an answer of another server", page(404), ImageUnknown, "without an AWS error code"},
		{"an error of another server", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Write([]byte(`{"detail":"no such path"}`))
		}, ImageUnknown, "HTTP 404 Not Found without an AWS error code"},
		{"an empty answer", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }, ImageUnknown, "no image and no error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newFakeAWS(t, c.answer)
			state, err := FindImage(t.Context(), region, repository, ":002")
			if state != c.want {
				t.Errorf("the image's state is %q, want %q", state, c.want)
			}
			if c.error == "" && err != nil {
				t.Error(err)
			} else if c.error != "" {
				wantError(t, err, "looking for image tfserving-dev/gateway:002 in ECR (access key of the environment, region eu-central-1, endpoint http://127.0.0.1:", c.error)
			}
		})
	}
}

func TestECRWithoutAnswerIsAnErrorWithinTheTimeout(t *testing.T) {
	newSignedInAWS(t, neverAnswer(t))
	const timeout = 200 * time.Millisecond
	err := within(t, timeout+time.Second, func() error {
		_, err := findImage(t.Context(), region, repository, ":002", timeout)
		return err
	})
	wantError(t, err, "looking for image "+repository+":002", "no answer within 200ms")
}

func TestLookingForAnImageNeedsCredentials(t *testing.T) {
	newFakeAWS(t, found)
	_, err := FindImage(t.Context(), region, repository, ":002")
	wantError(t, err, "there are no AWS credentials")
}
