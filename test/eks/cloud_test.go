package eks

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"k8s.io/client-go/util/cert"

	"tfserving/components/repositories"
	"tfserving/test/emulated"
)

// pushImages pushes the stack's images into its repositories. Without the images the program refuses a preview.
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
		t.Fatalf("%s has no repository of the stack (%v)", image, err)
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":"sha256:%064d"},"layers":[]}`, len(image))
	_, err = ecr.NewFromConfig(emulated.Config(r.aws)).PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: aws.String(ref.Repository), ImageTag: aws.String(strings.TrimPrefix(ref.Suffix, ":")), ImageManifest: aws.String(manifest),
	})
	if err != nil {
		t.Fatalf("pushing %s: %v", image, err)
	}
}

// certify imports a certificate for the stack's host into the emulated account and puts its ARN into the settings, if the
// settings have a certificate: a listener accepts only certificates of its own account.
func (r *rehearsal) certify() {
	if r.settings.Ingress.CertificateARN == "" {
		return
	}
	chain, key, err := cert.GenerateSelfSignedCertKey(r.settings.Ingress.Host, nil, nil)
	if err != nil {
		r.T.Fatal(err)
	}
	args := []string{"acm", "import-certificate", "--region", r.settings.Region, "--query", "CertificateArn", "--output", "text"}
	const end = "-----END CERTIFICATE-----\n"
	leaf := chain[:bytes.Index(chain, []byte(end))+len(end)]
	for name, pem := range map[string][]byte{"certificate": leaf, "private-key": key} {
		file := filepath.Join(r.folder("home"), name+".pem")
		if err := os.WriteFile(file, pem, 0o600); err != nil {
			r.T.Fatal(err)
		}
		args = append(args, "--"+name, "fileb://"+file)
	}
	r.Edit(r.file(), "ingress.certificateArn", strings.TrimSpace(r.Run("aws", args...)))
	r.logf("the certificate for %s is in the emulated account", r.settings.Ingress.Host)
}
