package machines

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// surroundings are what the autoscaler finds around it in place of a pod's mounts and network.
type surroundings struct {
	home                           string // an empty one: nobody's own AWS credentials are found in it
	kubeconfig, cloudConfig, token string // files
	address                        string // where it serves health and metrics
}

func newSurroundings(dir string) (*surroundings, error) {
	home := filepath.Join(dir, "cluster-autoscaler")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("making the autoscaler's folder: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("finding a port for the autoscaler: %w", err)
	}
	defer listener.Close()
	return &surroundings{
		home:        home,
		kubeconfig:  filepath.Join(home, "kubeconfig"),
		cloudConfig: filepath.Join(home, "cloud-config"),
		token:       filepath.Join(home, "eks-pod-identity-token"),
		address:     listener.Addr().String(),
	}, nil
}

// argv is the command line: the container's own arguments, then those that stand for the surroundings.
func (s *surroundings) argv(binary string, args []string) []string {
	return slices.Concat([]string{binary}, args, []string{
		"--kubeconfig=" + s.kubeconfig,
		"--cloud-config=" + s.cloudConfig,
		"--address=" + s.address, // the default listens on every address
	})
}

// env is the container's own environment with the variables that EKS Pod Identity injects. Nothing of this machine's
// environment reaches the autoscaler.
func (s *surroundings) env(container []string, credentialsURL string) []string {
	return slices.Concat(container, []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + credentialsURL,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + s.token,
		"AWS_EC2_METADATA_DISABLED=true", // as hop limit 1 keeps pods from it
		"HOME=" + s.home,
	})
}

// cloudConfig sends the autoscaler's AWS calls to the emulator.
func cloudConfig(region, url string) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "[Global]\nzone = %sa\n", region)
	for i, service := range []string{"autoscaling", "ec2", "eks"} {
		fmt.Fprintf(&text, "\n[ServiceOverride \"%d\"]\nService = %s\nRegion = %s\nURL = %s\nSigningRegion = %s\n", i+1, service, region, url, region)
	}
	return []byte(text.String())
}
