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
	// tokenMount is where a pod finds its token for the Kubernetes API, unless it was told to have none.
	tokenMount = "/var/run/secrets/kubernetes.io/serviceaccount"
	// podIdentityAudience is whom the token is for that a pod shows to the Pod Identity agent.
	podIdentityAudience = "pods.eks.amazonaws.com"
	agentAddon          = "eks-pod-identity-agent"
	// tokenLife is longer than any rehearsal, so that no token need be renewed.
	tokenLife = 24 * time.Hour
)

// token is one of a pod's ServiceAccount, bound to the pod: it ends with it. Without an audience it is for the API server.
func (m *Machines) token(ctx context.Context, pod *corev1.Pod, audience ...string) (string, error) {
	life := int64(tokenLife / time.Second)
	out, err := m.kubernetes.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{
			Audiences: audience, ExpirationSeconds: &life,
			BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("a token for ServiceAccount %s of pod %s: %w", pod.Spec.ServiceAccountName, pod.Name, err)
	}
	return out.Status.Token, nil
}

// apiToken is the pod's token for the Kubernetes API, if the container would find one.
func (m *Machines) apiToken(ctx context.Context, pod *corev1.Pod, container *corev1.Container) (string, error) {
	if !slices.ContainsFunc(container.VolumeMounts, func(v corev1.VolumeMount) bool { return path.Clean(v.MountPath) == tokenMount }) {
		return "", fmt.Errorf("container %s of pod %s has no ServiceAccount token mounted, so the Kubernetes API would refuse it", container.Name, pod.Name)
	}
	return m.token(ctx, pod)
}

// identityToken is the token by which the Pod Identity agent knows the pod. EKS gives it, and the variables that lead to
// the agent, to a pod when the pod is made: one that is older than its association never gets credentials.
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
		return "", fmt.Errorf("looking for the AWS role of ServiceAccount %s: %w", account, err)
	}
	if len(list.Associations) == 0 {
		return "", fmt.Errorf("pod %s gets no AWS credentials: ServiceAccount %s/%s has no Pod Identity association", pod.Name, pod.Namespace, account)
	}
	out, err := api.DescribePodIdentityAssociation(ctx, &eks.DescribePodIdentityAssociationInput{
		ClusterName: &m.cfg.ClusterName, AssociationId: list.Associations[0].AssociationId})
	if err != nil {
		return "", fmt.Errorf("looking for the AWS role of ServiceAccount %s: %w", account, err)
	}
	if olderThan(pod, aws.ToTime(out.Association.CreatedAt)) {
		return "", fmt.Errorf("pod %s gets no AWS credentials: it was made at %s, before the Pod Identity association of its ServiceAccount at %s",
			pod.Name, pod.CreationTimestamp.UTC().Format(time.TimeOnly), out.Association.CreatedAt.UTC().Format(time.TimeOnly))
	}
	return m.token(ctx, pod, podIdentityAudience)
}

// olderThan leaves a pod the benefit of the second to which Kubernetes rounds down.
func olderThan(pod *corev1.Pod, association time.Time) bool {
	return !pod.CreationTimestamp.Add(time.Second).After(association)
}

// kubeconfig is the way to an API server with a token, as a file.
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

// arguments are what a container's program is started with. The image's own entry point is the program alone, so the
// command, where there is one, starts with its name.
func arguments(container *corev1.Container) ([]string, error) {
	all := slices.Clone(container.Args)
	if len(container.Command) > 0 {
		all = slices.Concat(container.Command[1:], container.Args)
	}
	for _, a := range all {
		if strings.Contains(a, "$(") {
			return nil, fmt.Errorf("container %s: argument %s refers to a variable, which is not rehearsed here", container.Name, a)
		}
	}
	return all, nil
}

// environment is what a container's program finds set.
func environment(pod *corev1.Pod, container *corev1.Container) (env []string, err error) {
	if len(container.EnvFrom) > 0 {
		return nil, fmt.Errorf("container %s takes variables from elsewhere (envFrom), which is not rehearsed here", container.Name)
	}
	for _, e := range container.Env {
		value := e.Value
		if e.ValueFrom != nil {
			if value, err = reference(pod, e.ValueFrom); err != nil {
				return nil, fmt.Errorf("container %s, variable %s: %w", container.Name, e.Name, err)
			}
		}
		env = append(env, e.Name+"="+value)
	}
	return env, nil
}

func reference(pod *corev1.Pod, from *corev1.EnvVarSource) (string, error) {
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
	return "", fmt.Errorf("its value comes from where it is not rehearsed: %s", from.String())
}

// flag is the value of a flag among arguments, as --name=value or --name value; the last one counts.
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

// running is the oldest pod that runs, or nil: where there are several, it is the one that leads.
func running(pods []corev1.Pod) (oldest *corev1.Pod) {
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

// program is the container of a pod that runs what the pod is for: its only one, or the one of that name.
func program(pod *corev1.Pod, name string) (*corev1.Container, error) {
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; len(pod.Spec.Containers) == 1 || c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("pod %s has %d containers and none named %s", pod.Name, len(pod.Spec.Containers), name)
}
