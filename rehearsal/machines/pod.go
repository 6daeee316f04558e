package machines

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	systemNamespace = metav1.NamespaceSystem
	// tokenMount is the folder of a container with the pod's token for the Kubernetes API.
	tokenMount = "/var/run/secrets/kubernetes.io/serviceaccount"
	// podIdentityAudience is the audience of a pod's token for the Pod Identity agent.
	podIdentityAudience = "pods.eks.amazonaws.com"
	agentAddon          = "eks-pod-identity-agent"
	// tokenLife is the lifetime of tokens. It is longer than any rehearsal, so tokens are not renewed.
	tokenLife = 24 * time.Hour
)

// token is a new token of a pod's ServiceAccount. It is bound to the pod and ends with it. Without an audience, it is for the
// API server.
func (m *Machines) token(ctx context.Context, pod *corev1.Pod, audience ...string) (string, error) {
	life := int64(tokenLife / time.Second)
	out, err := m.kubernetes.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{
			Audiences: audience, ExpirationSeconds: &life,
			BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("creating a token of ServiceAccount %s for pod %s: %w", pod.Spec.ServiceAccountName, pod.Name, err)
	}
	return out.Status.Token, nil
}

// apiToken is the pod's token for the Kubernetes API. A container that mounts no token is an error.
func (m *Machines) apiToken(ctx context.Context, pod *corev1.Pod, container *corev1.Container) (string, error) {
	if !slices.ContainsFunc(container.VolumeMounts, func(v corev1.VolumeMount) bool { return path.Clean(v.MountPath) == tokenMount }) {
		return "", fmt.Errorf("container %s of pod %s has no ServiceAccount token mounted, so the Kubernetes API would refuse it", container.Name, pod.Name)
	}
	return m.token(ctx, pod)
}

// identityToken is the pod's token for the Pod Identity agent. EKS adds the token and the agent's address to a pod when the
// pod is created, so a pod that is older than its association never gets credentials.
func (m *Machines) identityToken(ctx context.Context, pod *corev1.Pod) (string, error) {
	api := eks.NewFromConfig(m.observer)
	addon, err := api.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: &m.cfg.ClusterName, AddonName: aws.String(agentAddon)})
	if err != nil {
		return "", fmt.Errorf("pod %s finds no Pod Identity agent: %w", pod.Name, err)
	}
	if addon.Addon.Status != ekstypes.AddonStatusActive {
		return "", fmt.Errorf("pod %s finds no Pod Identity agent: the add-on %s is %s", pod.Name, agentAddon, addon.Addon.Status)
	}
	account := pod.Spec.ServiceAccountName
	list, err := api.ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{
		ClusterName: &m.cfg.ClusterName, Namespace: &pod.Namespace, ServiceAccount: &account})
	if err != nil {
		return "", fmt.Errorf("finding the AWS role of ServiceAccount %s: %w", account, err)
	}
	if len(list.Associations) == 0 {
		return "", fmt.Errorf("pod %s gets no AWS credentials: ServiceAccount %s/%s has no Pod Identity association", pod.Name, pod.Namespace, account)
	}
	out, err := api.DescribePodIdentityAssociation(ctx, &eks.DescribePodIdentityAssociationInput{
		ClusterName: &m.cfg.ClusterName, AssociationId: list.Associations[0].AssociationId})
	if err != nil {
		return "", fmt.Errorf("finding the AWS role of ServiceAccount %s: %w", account, err)
	}
	if olderThan(pod, aws.ToTime(out.Association.CreatedAt)) {
		return "", fmt.Errorf("pod %s gets no AWS credentials: it was made at %s, before the Pod Identity association of its ServiceAccount at %s",
			pod.Name, pod.CreationTimestamp.UTC().Format(time.TimeOnly), out.Association.CreatedAt.UTC().Format(time.TimeOnly))
	}
	return m.token(ctx, pod, podIdentityAudience)
}

// olderThan says whether a pod is certainly older than an association. Kubernetes rounds a pod's time down to a second.
func olderThan(pod *corev1.Pod, association time.Time) bool {
	return !pod.CreationTimestamp.Add(time.Second).After(association)
}

// kubeconfig is the text of a kubeconfig for an API server and a token.
func kubeconfig(server *rest.Config, token string) ([]byte, error) {
	server = rest.CopyConfig(server)
	if err := rest.LoadTLSFiles(server); err != nil {
		return nil, fmt.Errorf("reading the control plane's certificate: %w", err)
	}
	const name = "pod"
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[name] = &clientcmdapi.Cluster{Server: server.Host, CertificateAuthorityData: server.CAData, TLSServerName: server.ServerName}
	cfg.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	cfg.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: systemNamespace}
	cfg.CurrentContext = name
	return clientcmd.Write(*cfg)
}

// arguments are the arguments of a container's program. The image's entry point is the program without arguments, so a
// command in the container begins with the program's name.
func arguments(container *corev1.Container) ([]string, error) {
	all := slices.Clone(container.Args)
	if len(container.Command) > 0 {
		all = slices.Concat(container.Command[1:], container.Args)
	}
	for _, a := range all {
		if strings.Contains(a, "$(") {
			return nil, fmt.Errorf("container %s: argument %s refers to a variable, which is not simulated", container.Name, a)
		}
	}
	return all, nil
}

// environment are the variables of a container's program.
func environment(pod *corev1.Pod, container *corev1.Container) (env []string, err error) {
	if len(container.EnvFrom) > 0 {
		return nil, fmt.Errorf("container %s has envFrom, which is not simulated", container.Name)
	}
	for _, e := range container.Env {
		value := e.Value
		if e.ValueFrom != nil {
			if value, err = referencedValue(pod, e.ValueFrom); err != nil {
				return nil, fmt.Errorf("container %s, variable %s: %w", container.Name, e.Name, err)
			}
		}
		env = append(env, e.Name+"="+value)
	}
	return env, nil
}

func referencedValue(pod *corev1.Pod, from *corev1.EnvVarSource) (string, error) {
	if from.FieldRef != nil {
		switch from.FieldRef.FieldPath {
		case "metadata.name":
			return pod.Name, nil
		case "metadata.namespace":
			return pod.Namespace, nil
		case "spec.nodeName":
			return pod.Spec.NodeName, nil
		case "spec.serviceAccountName":
			return pod.Spec.ServiceAccountName, nil
		}
	}
	return "", fmt.Errorf("the source of its value is not simulated: %s", from.String())
}

// flag is the value of a flag among arguments, given as --name=value or --name value. If there are several, the last counts.
func flag(args []string, name string) (value string, set bool) {
	for i, a := range args {
		given, v, joined := strings.Cut(a, "=")
		switch {
		case given != "--"+name:
		case joined:
			value, set = v, true
		case i+1 < len(args):
			value, set = args[i+1], true
		}
	}
	return value, set
}

// leader is the oldest running pod, or nil.
func leader(pods []corev1.Pod) (oldest *corev1.Pod) {
	for i := range pods {
		p := &pods[i]
		if p.Status.Phase != corev1.PodRunning || p.DeletionTimestamp != nil {
			continue
		}
		if oldest == nil || p.CreationTimestamp.Before(&oldest.CreationTimestamp) ||
			p.CreationTimestamp.Equal(&oldest.CreationTimestamp) && p.Name < oldest.Name {
			oldest = p
		}
	}
	return oldest
}

// mainContainer is the only container of a pod, or the one with the given name, with its arguments.
func mainContainer(pod *corev1.Pod, name string) (*corev1.Container, []string, error) {
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; len(pod.Spec.Containers) == 1 || c.Name == name {
			args, err := arguments(c)
			return c, args, err
		}
	}
	return nil, nil, fmt.Errorf("pod %s has %d containers and none named %s", pod.Name, len(pod.Spec.Containers), name)
}
