package aws

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"tfserving/components/repositories"
)

// awsConfig is a way into the emulated account as the deployer, who may do anything.
func (r *rehearsal) awsConfig(t *testing.T) aws.Config {
	t.Helper()
	env := map[string]string{}
	for _, v := range r.aws.Env() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	return aws.Config{
		Region:       r.settings.Region,
		BaseEndpoint: aws.String(r.aws.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}

// push puts an image into the stack's repository, as `docker push` would.
func (r *rehearsal) push(t *testing.T, image string) {
	t.Helper()
	ref, err := repositories.Resolve(r.clusterName(), image)
	if err != nil || ref == nil {
		t.Fatalf("%s has no repository of the stack's own (%v)", image, err)
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":"sha256:%064d"},"layers":[]}`, len(image))
	_, err = ecr.NewFromConfig(r.awsConfig(t)).PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: aws.String(ref.Repository), ImageTag: aws.String(strings.TrimPrefix(ref.Suffix, ":")), ImageManifest: aws.String(manifest),
	})
	if err != nil {
		t.Fatalf("pushing %s: %v", image, err)
	}
}
