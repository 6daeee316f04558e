package program

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"tfserving/internal/mockengine"
)

func TestTheSameSettingsGiveTheSameObjects(t *testing.T) {
	objectsByURN := func(g *graph) map[string]any {
		all := map[string]any{}
		for _, r := range g.kubernetesObjects() {
			all[r.urn] = r.object
		}
		return all
	}
	for _, v := range applicationVariations {
		again, err := v.build()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(objectsByURN(v.graph(t).application()), objectsByURN(again.application())) {
			t.Errorf("%s: two runs differ, so `pulumi up` would find changes where there are none", v.name)
		}
	}
}

func TestApplicationHasExactlyTheExpectedObjects(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		got := map[string]int{}
		for _, r := range g.resources {
			if r.object != nil {
				got[r.object.GetObjectKind().GroupVersionKind().Kind]++
			} else if !r.Custom {
				got[r.TypeToken]++
			}
		}
		servers := 1 + len(g.moreModels)
		want := map[string]int{
			"tfserving:namespace:Namespace": 1, "tfserving:gateway:Gateway": 1, "tfserving:modelserver:ModelServer": servers,
			"Namespace": 1, "ResourceQuota": 1, "LimitRange": 1,
			"Deployment": 1 + servers, "Service": 1 + servers, "ServiceAccount": 1 + servers, "PodDisruptionBudget": 1 + servers,
			"HorizontalPodAutoscaler": 1 + servers,
			"NetworkPolicy":           2 + 1 + servers, // default-deny and allow-dns, then one for each component
		}
		if g.settings.Schedule.On() {
			want["tfserving:schedule:Schedule"], want["CronJob"], want["Role"], want["RoleBinding"] = 1, 2, 1, 1
			want["ServiceAccount"]++
			want["NetworkPolicy"]++
		}
		if g.settings.Model.Batching.MaxBatchSize > 0 {
			want["ConfigMap"] = servers
		}
		if g.settings.Gateway.Service == "ClusterIP" {
			want["Ingress"] = 1
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the objects are %v, want %v", got, want)
		}
	})
}

func TestGatewayURLHasTheSchemeAndHostOfTheSettings(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		in := g.settings.Ingress
		scheme, host := "http", mockengine.LoadBalancerHost
		if g.settings.Gateway.Service == "ClusterIP" {
			if in.CertificateARN != "" || in.TLSSecret != "" {
				scheme = "https"
			}
			if in.Host != "" {
				host = in.Host
			}
		}
		if want := scheme + "://" + host; g.url != want {
			t.Errorf("gatewayUrl is %q, want %q", g.url, want)
		}
	})
}

func TestEveryObjectBelongsToAComponent(t *testing.T) {
	token := regexp.MustCompile(`^tfserving:([a-z]+):([A-Z][A-Za-z]+)$`)
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			parent := presource.URN(r.RegisterRPC.GetParent())
			switch {
			case r.object != nil:
				component := g.parent(r)
				if component == nil || component.Custom {
					t.Errorf("%s has parent %q, want a component", r, parent)
				}
			case !r.Custom:
				m := token.FindStringSubmatch(r.TypeToken)
				if m == nil || !strings.EqualFold(m[1], m[2]) {
					t.Errorf("component type is %s, want tfserving:<package>:<Thing>", r.TypeToken)
				}
				if parent.QualifiedType() != presource.RootStackType {
					t.Errorf("%s has parent %q, want the stack: components do not contain each other", r, parent)
				}
			case r.TypeToken != "pulumi:providers:kubernetes":
				t.Errorf("%s is neither a component, a Kubernetes object nor a provider", r)
			}
		}
	})
}

func TestObjectsUseTheProviderOfTheStacksCluster(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		want := g.single(t, "pulumi:providers:kubernetes").providerReference()
		for _, r := range g.kubernetesObjects() {
			if r.Provider != want {
				t.Errorf("%s uses provider %q, want %q", r, r.Provider, want)
			}
		}
	})
}
