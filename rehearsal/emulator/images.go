package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// image is the identifier of EKS's machine image for a type and version. The image is registered in moto on first use. moto does
// not store an image's architecture; the name contains it.
func (a *AWS) image(ctx context.Context, imageType string, r *release) (string, error) {
	name := imageName(imageType, r)
	if id := a.eks.images[name]; id != "" {
		return id, nil
	}
	made, err := a.clients.ec2.RegisterImage(ctx, &ec2.RegisterImageInput{
		Name: &name, Description: aws.String("EKS-optimized Kubernetes node based on Amazon Linux 2023"),
		Architecture: ec2types.ArchitectureValues(imageArchitectures[imageType]), RootDeviceName: aws.String("/dev/xvda"),
		VirtualizationType: aws.String("hvm"),
	})
	if err != nil {
		return "", fmt.Errorf("registering machine image %s: %w", name, err)
	}
	a.eks.images[name] = aws.ToString(made.ImageId)
	return a.eks.images[name], nil
}

// imageParameter matches SSM's parameters of EKS's images ("Retrieve recommended Amazon Linux AMI IDs", EKS User Guide).
var imageParameter = regexp.MustCompile(`^/aws/service/eks/optimized-ami/(\d+\.\d+)/amazon-linux-2023/(x86_64|arm64)/standard/recommended(/image_id|/release_version|/image_name)?$`)

func answersParameter(c *call) bool {
	return c.action == "GetParameter" && strings.HasPrefix(c.params["Name"], "/aws/service/eks/")
}

func (a *AWS) serveParameter(w http.ResponseWriter, r *http.Request, c *call, who *key, event *Event) {
	text, err := a.parameter(r.Context(), c, who)
	var failure *refusal
	switch {
	case errors.As(err, &failure):
		refuse(w, event, c.protocol, failure)
	case err != nil:
		refuse(w, event, c.protocol, &refusal{http.StatusInternalServerError, "InternalServerError", err.Error()})
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write([]byte(text))
	}
}

func (a *AWS) parameter(ctx context.Context, c *call, who *key) (string, error) {
	name := c.params["Name"]
	arn := fmt.Sprintf("arn:aws:ssm:%s::parameter%s", c.region, name)
	d, err := a.allows(ctx, c, who, []question{{action: "ssm:GetParameter", resource: arn}})
	if err != nil {
		return "", err
	}
	if !d.allowed {
		return "", accessDenied(c.protocol, d.reason)
	}
	m := imageParameter.FindStringSubmatch(name)
	if m == nil || findRelease(m[1]) == nil {
		return "", &refusal{http.StatusBadRequest, "ParameterNotFound", ""}
	}
	release, imageType := findRelease(m[1]), "AL2023_"+map[string]string{"x86_64": "x86_64", "arm64": "ARM_64"}[m[2]]+"_STANDARD"
	a.eks.mu.Lock()
	id, err := a.image(ctx, imageType, release)
	a.eks.mu.Unlock()
	if err != nil {
		return "", err
	}
	value := map[string]string{
		"/image_id": id, "/release_version": release.imageRelease(), "/image_name": imageName(imageType, release),
		"": mustJSON(map[string]string{"schema_version": "2", "image_id": id, "image_name": imageName(imageType, release), "release_version": release.imageRelease()}),
	}[m[3]]
	return mustJSON(map[string]any{"Parameter": map[string]any{
		"Name": name, "Type": "String", "Value": value, "Version": 1, "ARN": arn, "DataType": "text", "LastModifiedDate": day(release.released).Unix(),
	}}), nil
}

// role is the role with an ARN, or nil.
func (a *AWS) role(ctx context.Context, arn string) (*iamtypes.Role, error) {
	found, err := a.clients.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
	var missing *iamtypes.NoSuchEntityException
	switch {
	case errors.As(err, &missing):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading role %s: %w", arn, err)
	case aws.ToString(found.Role.Arn) != arn:
		return nil, nil
	}
	return found.Role, nil
}
