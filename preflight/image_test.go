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

func found(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `{"imageDetails":[{"repositoryName":%q,"imageDigest":%q}]}`, repository, digest)
}

func TestAnImageIsLookedUpByTagOrDigest(t *testing.T) {
	withKey(t)
	for suffix, want := range map[string]string{
		":002":                `{"imageTag":"002"}`,
		"@" + digest:          `{"imageDigest":"` + digest + `"}`,
		":002" + "@" + digest: `{"imageDigest":"` + digest + `"}`,
	} {
		aws := serve(t, found)
		state, err := FindImage(t.Context(), region, repository, suffix)
		if state != ImageExists || err != nil {
			t.Errorf("%s: %s (%v)", suffix, state, err)
		}
		var asked struct {
			RepositoryName string
			ImageIds       []json.RawMessage
		}
		if len(aws.requests) != 1 {
			t.Fatalf("%s: ECR was asked %d times", suffix, len(aws.requests))
		}
		if err := json.Unmarshal([]byte(aws.requests[0].body), &asked); err != nil {
			t.Fatal(err)
		}
		if asked.RepositoryName != repository || len(asked.ImageIds) != 1 || string(asked.ImageIds[0]) != want {
			t.Errorf("%s: ECR was asked %s, want %s of %s", suffix, aws.requests[0].body, want, repository)
		}
		if signed := aws.requests[0].Header.Get("Authorization"); !strings.Contains(signed, "/"+region+"/ecr/") {
			t.Errorf("%s: another service or region was asked: %s", suffix, signed)
		}
	}
}

// Asked for no image in particular, ECR would list them all, and any would do.
func TestAnImageThatIsNotNamedIsNotLookedFor(t *testing.T) {
	withKey(t)
	aws := serve(t, found)
	for _, suffix := range []string{"", ":", "@", "002"} {
		_, err := FindImage(t.Context(), region, repository, suffix)
		mentions(t, err, "looking for image "+repository+suffix, "neither a :tag nor a @digest")
	}
	if len(aws.requests) > 0 {
		t.Error("ECR was asked")
	}
}

func TestAnImageIsMissingOnlyIfAWSSaysSo(t *testing.T) {
	withKey(t)
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   ImageState
		says   string // the error; empty for none
	}{
		{"it is there", found, ImageExists, ""},
		{"it is not", refuseJSON(400, "ImageNotFoundException", "The image with imageId {imageTag:'002'} does not exist"), ImageMissing, ""},
		{"nor is its repository", refuseJSON(400, "RepositoryNotFoundException", "The repository does not exist"), NoRepository, ""},
		{"looking is not allowed", refuseJSON(400, "AccessDeniedException", "not authorized to perform: ecr:DescribeImages"), ImageUnknown, ""},
		{"looking is not allowed, in other words", refuseJSON(403, "AccessDenied", ""), ImageUnknown, ""},
		{"expired", refuseJSON(400, "ExpiredTokenException", ""), ImageUnknown, "the credentials have expired"},
		{"unknown key", refuseJSON(400, "UnrecognizedClientException", ""), ImageUnknown, "does not know the access key"},
		{"wrong secret", refuseJSON(400, "InvalidSignatureException", ""), ImageUnknown, "secret key does not belong"},
		{"another refusal", refuseJSON(400, "InvalidParameterException", "odd tag"), ImageUnknown, "InvalidParameterException: odd tag"},
		{"an answer of another server", page(404), ImageUnknown, "nothing that AWS would say"},
		{"an error of another server", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Write([]byte(`{"detail":"no such path"}`))
		}, ImageUnknown, "HTTP 404 Not Found, but nothing that AWS would say"},
		{"an empty answer", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }, ImageUnknown, "no image and no error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, c.answer)
			state, err := FindImage(t.Context(), region, repository, ":002")
			if state != c.want {
				t.Errorf("the image's state is %q, want %q", state, c.want)
			}
			if c.says == "" && err != nil {
				t.Error(err)
			} else if c.says != "" {
				mentions(t, err, "looking for image tfserving-dev/gateway:002 in ECR (access key of the environment, region eu-central-1, endpoint http://127.0.0.1:", c.says)
			}
		})
	}
}

func TestLookingForAnImageEndsInTime(t *testing.T) {
	withKey(t)
	serve(t, silent(t))
	const timeout = 200 * time.Millisecond
	done := within(t, timeout+time.Second)
	_, err := findImage(t.Context(), region, repository, ":002", timeout)
	done()
	mentions(t, err, "looking for image "+repository+":002", "no answer within 200ms")
}

func TestLookingForAnImageTakesCredentials(t *testing.T) {
	serve(t, found)
	_, err := FindImage(t.Context(), region, repository, ":002")
	mentions(t, err, "there are no AWS credentials")
}
