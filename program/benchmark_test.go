package program

import (
	"fmt"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/components/workload"
	"tfserving/internal/mockengine"
)

// BenchmarkModels registers model servers on the mock engine. If the program's time grows linearly with their number, ns/model
// stays the same.
func BenchmarkModels(b *testing.B) {
	for _, models := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(models), func(b *testing.B) {
			for b.Loop() {
				engine := mockengine.New("")
				if err := engine.Run(func(ctx *pulumi.Context) error {
					for i := range models {
						if err := benchmarkModel(ctx, fmt.Sprintf("model-%d", i)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				const objects = 7 // component, account, policy, Service, Deployment, autoscaler, budget
				if len(engine.Resources) != objects*models {
					b.Fatalf("%d resources for %d models, want %d each", len(engine.Resources), models, objects)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*models), "ns/model")
		})
	}
}

func benchmarkModel(ctx *pulumi.Context, name string) error {
	step := workload.ScalingStep{Period: time.Minute, Percent: 100}
	_, err := modelserver.NewModelServer(ctx, name, &modelserver.Args{
		Namespace:        pulumi.String("tfserving"),
		Model:            name,
		Image:            pulumi.String("model:1"),
		Resources:        workload.Resources{CPU: "1", Memory: "1Gi"},
		Threads:          1,
		Scaling:          workload.Scaling{Min: 2, Max: 6, TargetCPU: 70, Up: step, Down: step},
		MaxConnectionAge: 30 * time.Second,
		StartupTimeout:   time.Minute,
		RunAsUser:        1000,
		Callers:          gateway.Identity(gatewayName).Selector(),
	})
	return err
}
