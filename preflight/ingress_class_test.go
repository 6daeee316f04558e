package preflight

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnIngressClassThatTheClusterLacksIsAnErrorThatNamesThoseItHas(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		classes []string
		want    []string // what the error contains; none if the class passes
	}{
		"the cluster has it":             {200, []string{"nginx", "traefik"}, nil},
		"the cluster has others":         {200, []string{"traefik", "contour"}, []string{`no IngressClass "nginx"; it has contour, traefik`, "ingress.class"}},
		"the cluster has none":           {200, nil, nil},
		"the credentials may not list":   {403, nil, nil},
		"the cluster answers with error": {500, nil, []string{"listing the IngressClasses"}},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/apis/networking.k8s.io/v1/ingressclasses" {
					t.Errorf("the request is for %s", r.URL)
				}
				w.WriteHeader(c.status)
				var items []string
				for _, class := range c.classes {
					items = append(items, fmt.Sprintf(`{"metadata":{"name":%q}}`, class))
				}
				fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
			})
			err := CheckIngressClass(t.Context(), kubeconfigOf(url), "nginx", time.Minute)
			if len(c.want) == 0 && err != nil {
				t.Error(err)
			}
			if len(c.want) > 0 {
				wantError(t, err, c.want...)
			}
		})
	}
}
