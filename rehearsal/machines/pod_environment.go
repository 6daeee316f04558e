package machines

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tfserving/embedded/child"
)

// podEnvironment replaces the mounts and the network of the autoscaler's pod.
type podEnvironment struct {
	home                           string // a folder without AWS credentials of the person at this machine
	kubeconfig, cloudConfig, token string // files
	address                        string // serves health and metrics
}

func newPodEnvironment(dir string) (*podEnvironment, error) {
	home := filepath.Join(dir, "cluster-autoscaler")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("making the autoscaler's folder: %w", err)
	}
	address, err := child.FreeAddress()
	if err != nil {
		return nil, err
	}
	return &podEnvironment{
		home:        home,
		kubeconfig:  filepath.Join(home, "kubeconfig"),
		cloudConfig: filepath.Join(home, "cloud-config"),
		token:       filepath.Join(home, "eks-pod-identity-token"),
		address:     address,
	}, nil
}

// argv is the command line: the container's own arguments, then those that replace the pod's mounts and network.
func (e *podEnvironment) argv(binary string, args []string) []string {
	return slices.Concat([]string{binary}, args, []string{
		"--kubeconfig=" + e.kubeconfig,
		"--cloud-config=" + e.cloudConfig,
		"--address=" + e.address, // the default listens on every address
	})
}

// env is the container's own environment with the variables that EKS Pod Identity adds. It has no variable of this machine's
// environment.
func (e *podEnvironment) env(container []string, credentialsURL string) []string {
	return slices.Concat(container, []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + credentialsURL,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + e.token,
		"AWS_EC2_METADATA_DISABLED=true", // hop limit 1 keeps real pods from the metadata
		"HOME=" + e.home,
	})
}

// cloudConfig is a configuration file of the AWS provider that sends the autoscaler's AWS calls to the emulator.
func cloudConfig(region, url string) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "[Global]\nzone = %sa\n", region)
	for i, service := range []string{"autoscaling", "ec2", "eks"} {
		fmt.Fprintf(&text, "\n[ServiceOverride \"%d\"]\nService = %s\nRegion = %s\nURL = %s\nSigningRegion = %s\n", i+1, service, region, url, region)
	}
	return []byte(text.String())
}
