package cluster

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api/v1"
)

// kubeconfig is pulumi-eks's, which names no region, with the region: without it `aws eks get-token` takes the one of
// whoever runs it, and fails where there is none.
func kubeconfig(control *eks.Cluster, region string) pulumi.StringOutput {
	text := control.KubeconfigJson.ApplyT(func(text string) (string, error) { return withRegion(text, region) })
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}

func withRegion(kubeconfig, region string) (string, error) {
	var config clientcmdapi.Config
	if err := json.Unmarshal([]byte(kubeconfig), &config); err != nil {
		return "", fmt.Errorf("reading the kubeconfig that pulumi-eks made: %w", err)
	}
	found := false
	for _, user := range config.AuthInfos {
		if exec := user.AuthInfo.Exec; exec != nil {
			exec.Args, found = append(exec.Args, "--region", region), true
		}
	}
	if !found {
		return "", fmt.Errorf("the kubeconfig that pulumi-eks made runs no command for its tokens; one was expected")
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return string(text), nil
}
