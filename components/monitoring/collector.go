package monitoring

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/amp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	alerts "tfserving/monitoring"
)

//go:embed scrape.yaml
var scrapeTemplate string

// scrapeConfiguration returns the collector's configuration, in Prometheus' format. It keeps the metrics that a rule or a panel uses.
func scrapeConfiguration() (string, error) {
	names, err := alerts.Metrics()
	if err != nil {
		return "", err
	}
	// The configuration has templates of relabelling ($1) and none of Go's besides these.
	t, err := template.New("scrape.yaml").Delims("[[", "]]").Parse(scrapeTemplate)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Interval": catalog.ScrapeInterval, "Keep": strings.Join(names, "|"),
		"Monitoring": catalog.Monitoring, "StateMetrics": stateMetrics, "System": catalog.SystemNamespace,
	})
	return out.String(), err
}

// newCollector registers the collector, which AWS runs. In a cluster that admits by access entries, AWS makes the entry of the
// collector's role, with the access policy AmazonPrometheusScraperPolicy, and refuses one that anybody else makes. Without security
// groups in its arguments, the collector has the cluster's.
func newCollector(ctx *pulumi.Context, name string, args *Args, workspace *amp.Workspace, opts ...pulumi.ResourceOption) error {
	configuration, err := scrapeConfiguration()
	if err != nil {
		return fmt.Errorf("its configuration: %w", err)
	}
	_, err = amp.NewScraper(ctx, name, &amp.ScraperArgs{
		Alias:               pulumi.String(name),
		ScrapeConfiguration: pulumi.String(configuration),
		Source: &amp.ScraperSourceArgs{Eks: &amp.ScraperSourceEksArgs{
			ClusterArn: args.ClusterARN, SubnetIds: args.SubnetIDs,
		}},
		Destination: &amp.ScraperDestinationArgs{Amp: &amp.ScraperDestinationAmpArgs{WorkspaceArn: workspace.Arn}},
	}, opts...)
	return err
}
