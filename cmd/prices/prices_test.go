package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tfserving/cost"
)

const region = "eu-north-1"

// entry is a product of the price list of the test's server.
type entry struct {
	service    string
	attributes map[string]string
	unit       string
	prices     [][2]string // where each begins, and USD
}

// priced returns a product with one price.
func priced(service, family, usage, unit, usd string, attributes ...string) entry {
	all := map[string]string{"usagetype": usage, "regionCode": region}
	if family != "" {
		all["productFamily"] = family
	}
	for i := 0; i < len(attributes); i += 2 {
		all[attributes[i]] = attributes[i+1]
	}
	return entry{service, all, unit, [][2]string{{"0", usd}}}
}

func instance(name, usd string) entry {
	return priced("AmazonEC2", "Compute Instance", "EUN1-BoxUsage:"+name, "Hrs", usd, "instanceType", name,
		"operatingSystem", "Linux", "tenancy", "Shared", "preInstalledSw", "NA", "capacitystatus", "Used", "operation", "RunInstances")
}

// listed are the products that the server has: those asked for, and beside them what must not be taken for these.
func listed() []entry {
	tiered := priced("AmazonCloudWatch", "Data Payload", "EUN1-DataProcessing-Bytes", "GB", "")
	tiered.prices = [][2]string{{"10240", "0.25"}, {"5", "0.535"}, {"0", "0.0000000000"}} // the first 5 GB are free
	windows := instance("m6i.large", "0.194")
	windows.attributes["operatingSystem"] = "Windows"
	elsewhere := instance("m6i.large", "0.096")
	elsewhere.attributes["regionCode"] = "us-east-1"
	return []entry{
		priced("AmazonEKS", "Compute", "EUN1-AmazonEKS-Hours:perCluster", "Hours", "0.1000000000"),
		priced("AmazonEKS", "Compute", "EUN1-AmazonEKS-Hours:extendedSupport", "Hours", "0.6"),
		priced("AmazonVPC", "", "EUN1-PublicIPv4:InUseAddress", "Hrs", "0.005"),
		priced("AmazonVPC", "", "EUN1-PublicIPv4:IdleAddress", "Hrs", "0.005"),
		priced("awskms", "Encryption Key", "eu-north-1-KMS-Keys", "Keys", "1.00"),
		priced("AmazonPrometheus", "", "EUN1-AMP:MetricSampleCount", "Metric Datapoints", "0.00000009"),
		priced("AmazonPrometheus", "", "AMP:QuerySamplesProcessed", "Metric Datapoints", "0.0000000001"),
		priced("AmazonCloudWatch", "Alarm", "EUN1-CW:AlarmMonitorUsage", "Alarms", "0.1"),
		priced("AmazonCloudWatch", "Alarm", "EUN1-CW:HighResAlarmMonitorUsage", "Alarms", "0.3"),
		priced("AmazonECR", "EC2 Container Registry", "EUN1-TimedStorage-ByteHrs", "GB-Mo", "0.10"),
		priced("AmazonEC2", "Storage", "EUN1-EBS:VolumeUsage.gp3", "GB-Mo", "0.0836", "volumeApiName", "gp3"),
		priced("AmazonEC2", "Storage", "EUN1-EBS:VolumeUsage.gp2", "GB-Mo", "0.1045", "volumeApiName", "gp2"),
		priced("AmazonEC2", "NAT Gateway", "EUN1-NatGateway-Prvd-Bytes", "GB", "0.0", "operation", "NatGateway"),
		priced("AmazonEC2", "NAT Gateway", "EUN1-NatGateway-Hours", "Hrs", "0.046", "operation", "NatGateway"),
		priced("AmazonEC2", "NAT Gateway", "EUN1-NatGateway-Hours", "Hrs", "0.092", "operation", "RegionalNatGateway"),
		priced("AmazonEC2", "NAT Gateway", "EUN1-NatGateway-Bytes", "GB", "0.047", "operation", "NatGateway"),
		priced("AWSELB", "Load Balancer-Application", "EUN1-TS-LoadBalancerUsage", "Hrs", "0.0056"),
		priced("AWSELB", "Load Balancer-Application", "EUN1-LoadBalancerUsage", "Hrs", "0.02394"),
		priced("AWSELB", "Load Balancer-Application", "EUN1-LCUUsage", "LCU-Hrs", "0.0076"),
		priced("AWSELB", "Load Balancer-Application", "EUN1-ReservedLCUUsage", "LCU-Hrs", "0.0075"),
		priced("AWSELB", "Load Balancer-Network", "LoadBalancerUsage", "Hrs", "0.0239"), // the form of us-east-1
		priced("AWSELB", "Load Balancer-Network", "TS-LoadBalancerUsage", "Hrs", "0.0055"),
		priced("AWSELB", "Load Balancer-Network", "EUN1-LCUUsage", "LCU-Hrs", "0.0057"),
		priced("AmazonVPC", "VpcEndpoint", "EUN1-VpcEndpoint-Hours", "Hrs", "0.011"),
		tiered,
		priced("AmazonCloudWatch", "Data Payload", "EUN1-LogInfrequentAccess-DataProcessing-Bytes", "GB", "0.27"),
		priced("AmazonCloudWatch", "Storage Snapshot", "EUN1-TimedStorage-ByteHrs", "GB-Mo", "0.0315"),
		instance("m6i.large", "0.1020000000"), windows, elsewhere, instance("t3.medium", "0.0432"),
		instance("m6i.large", "0"), instance("x99.huge", "9.99"), // free in a capacity block, and unknown to this project
	}
}

const want = `# Prices of eu-north-1, USD before tax, from AWS's price list. ` + "`make prices REGION=eu-north-1`" + ` writes this file.
# region	item	unit	USD	as of	source
eu-north-1	EKS control plane, standard support	hour	0.1	2026-11-20	AWS Price List API
eu-north-1	EKS control plane, extended support	hour	0.6	2026-11-20	AWS Price List API
eu-north-1	public IPv4 address	hour	0.005	2026-11-20	AWS Price List API
eu-north-1	KMS key	month	1	2026-11-20	AWS Price List API
eu-north-1	Prometheus samples	sample	0.00000009	2026-11-20	AWS Price List API
eu-north-1	CloudWatch alarm	month	0.1	2026-11-20	AWS Price List API
eu-north-1	ECR storage	GB-month	0.1	2026-11-20	AWS Price List API
eu-north-1	gp3 volume	GB-month	0.0836	2026-11-20	AWS Price List API
eu-north-1	NAT gateway	hour	0.046	2026-11-20	AWS Price List API
eu-north-1	NAT gateway traffic	GB	0.047	2026-11-20	AWS Price List API
eu-north-1	Application Load Balancer	hour	0.02394	2026-11-20	AWS Price List API
eu-north-1	Application Load Balancer capacity unit	hour	0.0076	2026-11-20	AWS Price List API
eu-north-1	Network Load Balancer	hour	0.0239	2026-11-20	AWS Price List API
eu-north-1	Network Load Balancer capacity unit	hour	0.0057	2026-11-20	AWS Price List API
eu-north-1	interface endpoint	hour	0.011	2026-11-20	AWS Price List API
eu-north-1	log ingestion	GB	0.535	2026-11-20	AWS Price List API
eu-north-1	log storage	GB-month	0.0315	2026-11-20	AWS Price List API
eu-north-1	EC2 m6i.large	hour	0.102	2026-11-20	AWS Price List API
eu-north-1	EC2 t3.medium	hour	0.0432	2026-11-20	AWS Price List API
`

// serve answers as the Price List API does: the products that have each attribute of the filters, some at a time.
func serve(t *testing.T, all []entry) {
	t.Helper()
	const pageSize = 2
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			ServiceCode, NextToken string
			Filters                []struct{ Type, Field, Value string }
		}
		if target := r.Header.Get("X-Amz-Target"); target != "AWSPriceListService.GetProducts" {
			t.Errorf("the request is a %q", target)
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		var found []string
		for i, e := range all {
			matches := e.service == in.ServiceCode
			for _, f := range in.Filters {
				matches = matches && f.Type == "TERM_MATCH" && e.attributes[f.Field] == f.Value
			}
			if matches {
				found = append(found, productJSON(t, fmt.Sprint("SKU", i), e))
			}
		}
		first, _ := strconv.Atoi(in.NextToken)
		out := map[string]any{"FormatVersion": "aws_v1", "PriceList": found[first:min(first+pageSize, len(found))]}
		if first+pageSize < len(found) {
			out["NextToken"] = strconv.Itoa(first + pageSize)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	setAWS(t, server.URL)
}

// setAWS lets AWS's SDK use an endpoint and a key, and nothing of the machine.
func setAWS(t *testing.T, endpoint string) {
	t.Helper()
	nothing := filepath.Join(t.TempDir(), "nothing")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing, "AWS_EC2_METADATA_DISABLED": "true", "HTTP_PROXY": "", "HTTPS_PROXY": "",
	} {
		t.Setenv(name, value)
	}
}

func productJSON(t *testing.T, sku string, e entry) string {
	t.Helper()
	dimensions := map[string]any{}
	for i, p := range e.prices {
		dimensions[fmt.Sprint(sku, ".", i)] = map[string]any{"unit": e.unit, "beginRange": p[0], "endRange": "Inf", "pricePerUnit": map[string]string{"USD": p[1]}}
	}
	attributes := map[string]string{}
	for name, value := range e.attributes {
		if name != "productFamily" { // stands beside the attributes
			attributes[name] = value
		}
	}
	text, err := json.Marshal(map[string]any{
		"product":     map[string]any{"productFamily": e.attributes["productFamily"], "attributes": attributes, "sku": sku},
		"serviceCode": e.service, "publicationDate": "2026-11-20T11:22:33Z",
		"terms": map[string]any{"OnDemand": map[string]any{sku + ".term": map[string]any{"priceDimensions": dimensions, "effectiveDate": "2026-09-01T00:00:00Z"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestARegionsPricesAreWritten(t *testing.T) {
	serve(t, listed())
	folder := t.TempDir()
	var out strings.Builder
	if err := run(t.Context(), []string{region}, folder, &out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(folder, "price_list_eu-north-1.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the file is\n%s", got)
	}
	if !strings.Contains(out.String(), " 9 of 18: NAT gateway in eu-north-1\n") || !strings.Contains(out.String(), ": 19 prices, 2 of them of instance types.") {
		t.Errorf("it says\n%s", &out)
	}
}

// make cost knows every item in a region whose prices were fetched.
func TestEveryItemIsFetched(t *testing.T) {
	var fetched []string
	for _, q := range queries {
		fetched = append(fetched, q.item)
	}
	slices.Sort(fetched)
	if all := cost.Items(); !reflect.DeepEqual(fetched, all) {
		t.Errorf("make prices fetches %q, cost/prices.tsv has %q", fetched, all)
	}
}

func TestWhatIsWrongIsSaidAndNothingIsWritten(t *testing.T) {
	without := func(usage string) []entry {
		return slices.DeleteFunc(listed(), func(e entry) bool { return strings.Contains(e.attributes["usagetype"], usage) })
	}
	unit := listed()
	unit[0].unit = "Fortnights"
	for name, c := range map[string]struct {
		args []string
		list []entry
		want string
	}{
		"no region":        {nil, listed(), "REGION is missing"},
		"no such region":   {[]string{"eu-north-9"}, listed(), `AWS has no region "eu-north-9"`},
		"two words":        {[]string{"eu-north-1", "eu-west-1"}, listed(), `AWS has no region "eu-north-1 eu-west-1"`},
		"China":            {[]string{"cn-north-1"}, listed(), "does not have prices of cn-north-1"},
		"no such price":    {[]string{region}, without("EUN1-LCUUsage"), "no price of Application Load Balancer capacity unit in eu-north-1"},
		"no instances":     {[]string{region}, without("BoxUsage:"), "no instance types in eu-north-1"},
		"two prices":       {[]string{region}, append(listed(), instance("t3.medium", "0.05")), "two prices of t3.medium: 0.0432 and 0.05 USD"},
		"two usage prices": {[]string{region}, append(listed(), priced("AmazonVPC", "", "EUN1-PublicIPv4:InUseAddress", "Hrs", "0.006")), "two prices of public IPv4 address"},
		"another unit":     {[]string{region}, unit, `for a "Fortnights"`},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, c.list)
			folder := t.TempDir()
			if err := run(t.Context(), c.args, folder, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("it wrote %v", left)
			}
		})
	}
	t.Run("no server", func(t *testing.T) {
		server := httptest.NewServer(nil)
		server.Close()
		setAWS(t, server.URL)
		if err := run(t.Context(), []string{region}, t.TempDir(), io.Discard); err == nil || !strings.Contains(err.Error(), "reading AWS's price list") || !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("the error is %v", err)
		}
	})
}
