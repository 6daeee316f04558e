package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tfserving/config"
	"tfserving/embedded"
)

// settleTimeout bounds the wait for the autoscalers' first readings, which takes 30-40 s.
const settleTimeout = 3 * time.Minute

func (s *pulumiStack) up(ctx context.Context, _ []string) error {
	if err := s.refuseForgottenCluster(); err != nil {
		return err
	}
	if s.embedded() {
		return s.upEmbedded(ctx)
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if s.settings.Platform == config.PlatformEKS {
		// Pulumi reports wrong credentials and a group in its way.
		if err := s.removeLateLogs(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "warning: not looking for the log group of a deleted cluster: %v\n", err)
		}
	}
	return s.pulumiUp(ctx, s.clusterOfOutputs, s.withConfirmation("up")...)
}

// pulumiUp runs `pulumi up`, until a rollout fails. The program waits for its own rollouts. Changes beside it, such as of the
// number of nodes, may move pods after that, so pulumiUp waits once more. Its error also says which Deployments are not rolled
// out, and why.
//
// The refresh makes the cluster what the settings say. Without it, pulumi compares the settings with its state alone: it
// misses a change that an interrupted run had sent and not recorded, and changes that anything else made. On EKS it also
// reads the number of nodes that the autoscaler has set, which a change of a node group's bounds sends along.
func (s *pulumiStack) pulumiUp(ctx context.Context, connect func(context.Context) (*kubernetes.Clientset, error), args ...string) error {
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	if client, err := connect(ctx); err == nil { // before the first `up` there may be no cluster
		go endAtFailedRollout(running, client, s.settings.Namespace, os.Stderr, end)
	}
	upErr := s.pulumi(running, append(args, "--refresh")...)
	end(nil)
	if ctx.Err() != nil {
		return upErr
	}
	client, err := connect(ctx)
	if err != nil {
		return cmp.Or(upErr, err) // after a failed `up` there may be no cluster
	}
	if upErr == nil {
		upErr = awaitRollouts(ctx, client, s.settings.Namespace, s.settings.Schedule.On(), os.Stdout)
	}
	if upErr == nil || ctx.Err() != nil {
		return upErr
	}
	if err := explainUnfinished(ctx, client, s.settings.Namespace); err != nil {
		return fmt.Errorf("%w\n%w", upErr, err)
	}
	return upErr
}

// clusterOfOutputs connects to the cluster of the stack's output kubeconfig.
func (s *pulumiStack) clusterOfOutputs(ctx context.Context) (*kubernetes.Clientset, error) {
	text, err := s.command(ctx, "pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", s.name).Output()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of stack %s: %w", s.name, err)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of stack %s: %w", s.name, err)
	}
	cfg.Timeout = clusterTimeout
	return kubernetes.NewForConfig(cfg)
}

func (s *pulumiStack) upEmbedded(ctx context.Context) error {
	if err := s.deployEmbedded(ctx); err != nil {
		return err
	}
	return s.summary(ctx)
}

// deployEmbedded starts the embedded cluster, deploys the stack on it, and waits until the autoscalers work.
func (s *pulumiStack) deployEmbedded(ctx context.Context) error {
	if err := s.prepareRealNodes(ctx); err != nil {
		return err
	}
	cluster := s.cluster()
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	if err := s.compile(ctx); err != nil {
		return err
	}
	if err := s.selectLocal(ctx); err != nil {
		return err
	}
	connect := func(context.Context) (*kubernetes.Clientset, error) { return cluster.Client() }
	args := []string{"up", "--stack", s.name, "--yes", "--skip-preview"}
	if s.configFile != "" {
		args = append(args, "--config-file", s.configFile)
	}
	if err := s.pulumiUp(ctx, connect, args...); err != nil {
		return err
	}
	if s.realNodes() {
		return cluster.AwaitSystemPods(ctx)
	}
	client, err := cluster.Client()
	if err != nil {
		return err
	}
	settle, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	fmt.Println("waiting for the autoscalers' first readings (30-40 s after the first deployment)")
	return embedded.AwaitReadings(settle, client, s.settings.Namespace)
}

// prepare prints the warnings of the settings, compiles the program and, unless the stack is embedded, makes the stack in
// the backend that the person is logged in to.
func (s *pulumiStack) prepare(ctx context.Context) error {
	for _, text := range s.settings.Warnings(time.Now()) {
		fmt.Fprintln(os.Stderr, "warning: "+text)
	}
	if err := s.compile(ctx); err != nil {
		return err
	}
	if s.embedded() {
		return nil
	}
	// pulumi-eks runs kubectl against the new cluster. The kubeconfig gets its tokens from the AWS CLI.
	for _, tool := range []string{"aws", "kubectl"} {
		if _, err := s.lookPath(tool); err != nil && s.settings.Platform == config.PlatformEKS {
			return fmt.Errorf("%s is not on PATH, and platform eks needs it: %w", tool, err)
		}
	}
	// Pulumi itself reads the secrets provider only from the file of a stack that exists.
	file, err := config.ReadFile(s.file())
	if err != nil {
		return err
	}
	if out, err := s.command(ctx, "pulumi", "stack", "select", "--create", s.name, "--secrets-provider", cmp.Or(file.SecretsProvider, "default")).CombinedOutput(); err != nil {
		return fmt.Errorf("selecting stack %s: %w (are you logged in to a backend? `pulumi login`, or `pulumi login --local`)\n%s", s.name, err, out)
	}
	return nil
}

// withConfirmation are the arguments of a pulumi command that asks before it changes anything, unless YES=1 is given.
func (s *pulumiStack) withConfirmation(command string) []string {
	args := []string{command, "--stack", s.name}
	if s.yes {
		args = append(args, "--yes")
	}
	return args
}

func (s *pulumiStack) preview(ctx context.Context, _ []string) error {
	if err := s.preparePreview(ctx); err != nil {
		return err
	}
	return s.pulumi(ctx, "preview", "--stack", s.name, "--diff")
}

// preparePreview prepares what a preview needs.
func (s *pulumiStack) preparePreview(ctx context.Context) error {
	if err := s.refuseForgottenCluster(); err != nil {
		return err
	}
	if s.embedded() {
		if _, err := os.Stat(s.stateDir()); err != nil {
			return fmt.Errorf("stack %s is not up, so there is nothing to compare with: `make up` starts it", s.name)
		}
	}
	return s.prepare(ctx)
}

func (s *pulumiStack) down(ctx context.Context, _ []string) error {
	if s.embedded() {
		if err := s.endDrill(); err != nil { // of a make drill that was killed
			return err
		}
		s.endOrphans()
		// The state is in the cluster's folder, so nothing is left for `pulumi destroy` to delete.
		if err := s.cluster().Stop(); err != nil {
			return err
		}
	} else {
		if err := s.prepare(ctx); err != nil {
			return err
		}
		if s.settings.Platform == config.PlatformEKS {
			if err := s.refuseForeignLoadBalancers(ctx); err != nil {
				return err
			}
		}
		if err := s.pulumi(ctx, s.withConfirmation("destroy")...); err != nil {
			return err
		}
		if s.settings.Platform == config.PlatformEKS {
			if err := s.removeLateLogs(ctx); err != nil {
				return err
			}
		}
	}
	if err := s.removeRecord(); err != nil {
		return err
	}
	if s.embedded() {
		fmt.Printf("stack %s is down: its processes have ended and its state is deleted\n", s.name)
	}
	return nil
}

// outputs are the stack's outputs, without secrets.
func (s *pulumiStack) outputs(ctx context.Context) (map[string]any, error) {
	out, err := s.command(ctx, "pulumi", "stack", "output", "--stack", s.name, "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w", s.name, err)
	}
	all := map[string]any{}
	return all, json.Unmarshal(out, &all)
}

// summary prints the outputs and the status of a stack with an embedded cluster, and what to do next.
func (s *pulumiStack) summary(ctx context.Context) error {
	all, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	fmt.Println()
	for _, key := range []string{"namespace", "gatewayUrl", "modelEndpoint"} {
		fmt.Printf("  %-14s %v\n", key, all[key])
	}
	fmt.Printf("  %-14s %s (as a secret output, too)\n\n", "kubeconfig", s.settings.Kubernetes.Kubeconfig)
	if err := s.status(ctx, nil); err != nil {
		return err
	}
	if s.realNodes() {
		if err := awaitPrediction(ctx, s.cluster()); err != nil {
			return err
		}
		fmt.Printf(nextWithRealNodes, s.name)
		return nil
	}
	fmt.Print(`
The pods are simulated: the control plane, its decisions and these figures are real, but nothing answers at the URL.
Next:
  make load CPU=8      put 8 cores of demand on the gateway, and watch pods and nodes follow
  make status          the table above, again
  make preview         what an edit of Pulumi.local.yaml would change
  eval "$(make env)"   then pulumi and kubectl work here as they are
  make down            end it all
`)
	return nil
}
