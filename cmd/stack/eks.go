package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"tfserving/catalog"
)

// clusterTimeout bounds what is asked of a stack's cluster before it goes: it may be out of reach, and gone in part.
const clusterTimeout = 15 * time.Second

// othersBalancers returns an error if the cluster of a stack on EKS has load balancers that the stack did not ask for.
// Nothing in the stack would delete them: their network interfaces would hold the subnets, and the destroy would end half
// way, without the controller that could still take them down. A cluster that is not there or does not answer has none
// that can be told.
func (s *stack) othersBalancers(ctx context.Context) error {
	text, err := s.command(ctx, "pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", s.name).Output()
	if err != nil || len(text) == 0 {
		return nil
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		return nil
	}
	if _, err := exec.LookPath("aws"); err != nil {
		return fmt.Errorf("the aws command is not on PATH; it gets the tokens with which pulumi talks to the cluster: install the AWS CLI")
	}
	cfg.Timeout = clusterTimeout
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil
	}
	var found []string
	ingresses, err := client.NetworkingV1().Ingresses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		fmt.Printf("the cluster does not answer, so load balancers that others made there cannot be told: %v\n", err)
		return nil
	}
	for _, i := range ingresses.Items {
		if i.Namespace != s.settings.Namespace && i.Spec.IngressClassName != nil && *i.Spec.IngressClassName == catalog.IngressClassALB {
			found = append(found, "Ingress "+i.Namespace+"/"+i.Name)
		}
	}
	services, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the Services of the cluster: %w", err)
	}
	for _, v := range services.Items {
		if v.Namespace != s.settings.Namespace && v.Spec.Type == corev1.ServiceTypeLoadBalancer {
			found = append(found, "Service "+v.Namespace+"/"+v.Name)
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("the cluster has load balancers that are not the stack's, and they would keep its network: delete %s first; nothing has been changed", strings.Join(found, ", "))
	}
	return nil
}
