package eks

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"k8s.io/client-go/util/cert"

	"tfserving/components/repositories"
)

// awsConfig is a way into the emulated account as the deployer, who may do anything.
func (r *rehearsal) awsConfig(t testing.TB) aws.Config {
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

// pushImages puts the stack's images where the program looks for them; without them it refuses a preview.
func (r *rehearsal) pushImages(t testing.TB) {
	t.Helper()
	for _, image := range []string{r.settings.Model.Image, r.settings.Gateway.Image} {
		r.push(t, image)
	}
}

// push puts an image into the stack's repository, as `docker push` would.
func (r *rehearsal) push(t testing.TB, image string) {
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

// certify imports a certificate for the stack's host into the emulated account, and names it in the settings, where these
// name one: a listener takes none that its account does not have.
func (r *rehearsal) certify() {
	if r.settings.Ingress.CertificateARN == "" {
		return
	}
	chain, key, err := cert.GenerateSelfSignedCertKey(r.settings.Ingress.Host, nil, nil)
	if err != nil {
		r.T.Fatal(err)
	}
	args := []string{"acm", "import-certificate", "--region", r.settings.Region, "--query", "CertificateArn", "--output", "text"}
	for name, pem := range map[string][]byte{"certificate": chain[:bytes.Index(chain, []byte("-----END CERTIFICATE-----\n"))+len("-----END CERTIFICATE-----\n")], "private-key": key} {
		file := filepath.Join(r.folder("home"), name+".pem")
		if err := os.WriteFile(file, pem, 0o600); err != nil {
			r.T.Fatal(err)
		}
		args = append(args, "--"+name, "fileb://"+file)
	}
	arn, err := r.Start("aws", args...).Wait()
	if err != nil {
		r.T.Fatalf("importing a certificate: %v\n%s", err, arn)
	}
	r.Edit(r.file(), "ingress.certificateArn", strings.TrimSpace(arn))
	r.say("the certificate for %s is one of the emulated account's", r.settings.Ingress.Host)
}
