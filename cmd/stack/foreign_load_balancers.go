package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/catalog"
)

// clusterTimeout bounds each request to a cluster, which may be unreachable or half deleted.
const clusterTimeout = 15 * time.Second

// refuseForeignLoadBalancers returns an error if the cluster of a stack on EKS has load balancers that the stack did not
// create. A destroy deletes the load balancer controller, which alone can delete them. Then it fails at the subnets, which
// the load balancers' network interfaces still use. A cluster that does not exist or does not answer passes.
func (s *pulumiStack) refuseForeignLoadBalancers(ctx context.Context) error {
	if _, err := exec.LookPath("aws"); err != nil {
		return errors.New("the aws command is not on PATH, and pulumi needs it to get tokens for the cluster: install the AWS CLI")
	}
	client, err := s.clusterOfOutputs(ctx)
	if err != nil {
		return nil
	}
	var found []string
	ingresses, err := client.NetworkingV1().Ingresses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		fmt.Printf("the cluster does not answer, so its load balancers are not checked: %v\n", err)
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
		return fmt.Errorf("the cluster has load balancers that the stack did not create, and its network cannot be deleted before them: delete %s first; nothing has been changed", strings.Join(found, ", "))
	}
	return nil
}
