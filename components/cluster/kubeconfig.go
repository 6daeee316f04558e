package cluster

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api/v1"
)

// kubeconfig returns pulumi-eks's kubeconfig as a secret, with the region added. Without it `aws eks get-token` uses the
// region of the caller's environment, and fails if that has none.
func kubeconfig(control *eks.Cluster, region string) pulumi.StringOutput {
	text := control.KubeconfigJson.ApplyT(func(text string) (string, error) { return withRegion(text, region) })
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}

func withRegion(kubeconfig, region string) (string, error) {
	var config clientcmdapi.Config
	if err := json.Unmarshal([]byte(kubeconfig), &config); err != nil {
		return "", fmt.Errorf("reading pulumi-eks's kubeconfig: %w", err)
	}
	found := false
	for _, user := range config.AuthInfos {
		if exec := user.AuthInfo.Exec; exec != nil {
			exec.Args, found = append(exec.Args, "--region", region), true
		}
	}
	if !found {
		return "", errors.New("reading pulumi-eks's kubeconfig: it has no command to get tokens; `aws eks get-token` is expected")
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return string(text), nil
}
