package machines

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func TestAPodsKubeconfigHasItsTokenAndNoAdministratorCredentials(t *testing.T) {
	server := &rest.Config{Host: "https://127.0.0.1:6443", BearerToken: "administrator", Username: "administrator", Password: "administrator",
		TLSClientConfig: rest.TLSClientConfig{CAData: []byte("authority"), CertData: []byte("administrator"), KeyData: []byte("administrator")}}
	text, err := kubeconfig(server, "of-the-pod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "administrator") {
		t.Errorf("the administrator's credentials are in it:\n%s", text)
	}
	got, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != server.Host || got.BearerToken != "of-the-pod" || string(got.CAData) != "authority" || len(got.CertData) > 0 {
		t.Errorf("the kubeconfig names %s with token %q", got.Host, got.BearerToken)
	}
}

func TestTheAutoscalerRunsWithItsContainersArgumentsAndThreeMore(t *testing.T) {
	container := &corev1.Container{Command: []string{"/cluster-autoscaler", "--v=4"}, Args: []string{"--cloud-provider=aws", "--expander=least-waste"}}
	args, err := arguments(container)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newPodEnvironment(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	argv := e.argv("/bin/autoscaler", args)
	want := []string{"/bin/autoscaler", "--v=4", "--cloud-provider=aws", "--expander=least-waste"}
	if !slices.Equal(argv[:4], want) {
		t.Errorf("it starts with %v, want %v", argv[:4], want)
	}
	var names []string
	for _, a := range argv[4:] {
		name, _, _ := strings.Cut(a, "=")
		names = append(names, name)
	}
	if !slices.Equal(names, []string{"--kubeconfig", "--cloud-config", "--address"}) {
		t.Errorf("the additional arguments are %v", argv[4:])
	}
	if address, _ := flag(argv, "address"); !strings.HasPrefix(address, "127.0.0.1:") {
		t.Errorf("it listens on %s", address)
	}
}

func TestTheAutoscalerHasNoVariableOfThisMachinesEnvironment(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "of this machine")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "autoscaler-1", Namespace: "kube-system"}}
	container := &corev1.Container{Env: []corev1.EnvVar{{Name: "AWS_REGION", Value: "eu-west-1"},
		{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}}
	own, err := environment(pod, container)
	if err != nil {
		t.Fatal(err)
	}
	e := &podEnvironment{home: "/h", token: "/h/token"}
	want := []string{"AWS_REGION=eu-west-1", "POD=autoscaler-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/h/token", "AWS_EC2_METADATA_DISABLED=true", "HOME=/h"}
	if got := e.env(own, "http://127.0.0.1:1/"); !slices.Equal(got, want) {
		t.Errorf("the environment is\n%v, want\n%v", got, want)
	}
}

func TestVariableReferencesThatAreNotSimulatedAreRefused(t *testing.T) {
	pod := &corev1.Pod{}
	if _, err := arguments(&corev1.Container{Args: []string{"--namespace=$(POD_NAMESPACE)"}}); err == nil {
		t.Error("an argument with a variable is accepted")
	}
	for rule, c := range map[string]*corev1.Container{
		"variables from a ConfigMap": {EnvFrom: []corev1.EnvFromSource{{}}},
		"a variable from a Secret":   {Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{}}}}},
	} {
		if env, err := environment(pod, c); err == nil {
			t.Errorf("%s: %v", rule, env)
		}
	}
}

func TestAPodWithoutAMountedTokenHasNoAPIToken(t *testing.T) {
	m := &Machines{}
	if _, err := m.apiToken(t.Context(), &corev1.Pod{}, &corev1.Container{}); err == nil {
		t.Error("it gets a token")
	}
}

func TestTheAutoscalersAWSCallsGoToTheEmulator(t *testing.T) {
	got := string(cloudConfig("eu-west-1", "http://127.0.0.1:4566"))
	want := `[Global]
zone = eu-west-1a

[ServiceOverride "1"]
Service = autoscaling
Region = eu-west-1
URL = http://127.0.0.1:4566
SigningRegion = eu-west-1

[ServiceOverride "2"]
Service = ec2
Region = eu-west-1
URL = http://127.0.0.1:4566
SigningRegion = eu-west-1

[ServiceOverride "3"]
Service = eks
Region = eu-west-1
URL = http://127.0.0.1:4566
SigningRegion = eu-west-1
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestAPodThatIsOlderThanItsAssociationGetsNoCredentials(t *testing.T) {
	made := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // Kubernetes keeps whole seconds
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(made)}}
	for after, want := range map[time.Duration]bool{-time.Minute: false, 0: false, 900 * time.Millisecond: false, time.Second: true, time.Minute: true} {
		if got := olderThan(pod, made.Add(after)); got != want {
			t.Errorf("an association %s after the pod: older is %t", after, got)
		}
	}
}

func TestTheOldestRunningPodIsTheLeader(t *testing.T) {
	now := time.Now()
	pod := func(name string, age time.Duration, phase corev1.PodPhase) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(now.Add(-age))}, Status: corev1.PodStatus{Phase: phase}}
	}
	ends := pod("ends", time.Hour, corev1.PodRunning)
	ends.DeletionTimestamp = &metav1.Time{Time: now}
	got := leader([]corev1.Pod{pod("new", time.Second, corev1.PodRunning), pod("old", time.Minute, corev1.PodRunning),
		pod("pending", time.Hour, corev1.PodPending), ends})
	if got == nil || got.Name != "old" {
		t.Errorf("got %v", got)
	}
	if got := leader([]corev1.Pod{ends}); got != nil {
		t.Errorf("a pod that is being deleted is the leader: %s", got.Name)
	}
}

func TestTheLoadBalancerControllerNeedsItsClusterVPCAndRegion(t *testing.T) {
	args := []string{"--cluster-name=dev", "--aws-vpc-id", "vpc-1", "--aws-region=eu-west-1", "--default-tags=owner=me,stack=dev"}
	s, err := controllerSettings(args)
	if err != nil || s.cluster != "dev" || s.vpc != "vpc-1" || s.region != "eu-west-1" || s.tags["owner"] != "me" || s.tags["stack"] != "dev" {
		t.Errorf("got %+v, %v", s, err)
	}
	for i, lacking := range []string{"cluster-name", "aws-vpc-id", "", "aws-region"} {
		if lacking == "" {
			continue
		}
		without := slices.Delete(slices.Clone(args), i, i+1)
		if lacking == "aws-vpc-id" {
			without = slices.Delete(slices.Clone(args), i, i+2)
		}
		if _, err := controllerSettings(without); err == nil || !strings.Contains(err.Error(), lacking) {
			t.Errorf("without --%s: %v", lacking, err)
		}
	}
}
