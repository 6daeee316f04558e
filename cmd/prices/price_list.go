package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"tfserving/catalog"
	"tfserving/cost"
)

// query finds the product of an item in AWS's price list.
type query struct {
	item    string            // as in cost/prices.tsv
	service string            // its code
	match   map[string]string // attributes of the product
	usage   string            // its usage type, without the prefix for the region
}

var queries = []query{
	{"EKS control plane, standard support", "AmazonEKS", nil, "AmazonEKS-Hours:perCluster"},
	{"EKS control plane, extended support", "AmazonEKS", nil, "AmazonEKS-Hours:extendedSupport"},
	{"public IPv4 address", "AmazonVPC", nil, "PublicIPv4:InUseAddress"},
	{"KMS key", "awskms", nil, "KMS-Keys"},
	{"Prometheus samples", "AmazonPrometheus", nil, "AMP:MetricSampleCount"},
	{"CloudWatch alarm", "AmazonCloudWatch", nil, "CW:AlarmMonitorUsage"},
	{"ECR storage", "AmazonECR", nil, "TimedStorage-ByteHrs"},
	{"gp3 volume", "AmazonEC2", map[string]string{"productFamily": "Storage", "volumeApiName": "gp3"}, "EBS:VolumeUsage.gp3"},
	{"NAT gateway", "AmazonEC2", map[string]string{"productFamily": "NAT Gateway", "operation": "NatGateway"}, "NatGateway-Hours"},
	{"NAT gateway traffic", "AmazonEC2", map[string]string{"productFamily": "NAT Gateway", "operation": "NatGateway"}, "NatGateway-Bytes"},
	{"Application Load Balancer", "AWSELB", map[string]string{"productFamily": "Load Balancer-Application"}, "LoadBalancerUsage"},
	{"Application Load Balancer capacity unit", "AWSELB", map[string]string{"productFamily": "Load Balancer-Application"}, "LCUUsage"},
	{"Network Load Balancer", "AWSELB", map[string]string{"productFamily": "Load Balancer-Network"}, "LoadBalancerUsage"},
	{"Network Load Balancer capacity unit", "AWSELB", map[string]string{"productFamily": "Load Balancer-Network"}, "LCUUsage"},
	{"interface endpoint", "AmazonVPC", map[string]string{"productFamily": "VpcEndpoint"}, "VpcEndpoint-Hours"},
	{"log ingestion", "AmazonCloudWatch", map[string]string{"productFamily": "Data Payload"}, "DataProcessing-Bytes"},
	{"log storage", "AmazonCloudWatch", map[string]string{"productFamily": "Storage Snapshot"}, "TimedStorage-ByteHrs"},
}

// instances are the attributes of instances with Linux, on demand and on shared hardware.
var instances = map[string]string{"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used", "operation": "RunInstances"}

// units maps the units of AWS's price list to those of package cost.
var units = map[string]string{"hrs": "hour", "hours": "hour", "lcu-hrs": "hour", "nlcu-hrs": "hour", "gb": "GB", "gb-mo": "GB-month", "keys": "month", "alarms": "month", "metric datapoints": "sample"}

// priceList is AWS's price list for one region.
type priceList struct {
	client  *pricing.Client
	region  string
	explain func(error) error
}

// product is one entry of the price list, as far as it is read here.
type product struct {
	Product struct {
		Attributes struct{ UsageType, InstanceType, RegionCode string }
	}
	Terms struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]struct {
				Unit, BeginRange string
				PricePerUnit     map[string]string
			}
		}
	}
	PublicationDate time.Time
}

// one returns the price of an item. Of several usage types that differ in a prefix it takes the shortest: the others are variants,
// such as TS-LoadBalancerUsage for a load balancer's trust store.
func (l *priceList) one(ctx context.Context, q query) (found cost.ListPrice, err error) {
	usage := regexp.MustCompile(`^([A-Z0-9]+-|` + l.region + `-)?` + regexp.QuoteMeta(q.usage) + `$`)
	shortest := math.MaxInt
	err = l.each(ctx, q.service, q.match, func(p *product) error {
		name := p.Product.Attributes.UsageType
		if !usage.MatchString(name) || len(name) > shortest {
			return nil
		}
		price, err := p.price(q.item)
		if err != nil || price.USD == 0 { // free products stand beside those that are paid for
			return err
		}
		if len(name) == shortest && price.USD != found.USD {
			return fmt.Errorf("it has two prices of %s (%s): %g and %g USD", q.item, name, found.USD, price.USD)
		}
		shortest, found = len(name), price
		return nil
	})
	if err == nil && shortest == math.MaxInt {
		err = fmt.Errorf("AWS's price list has no price of %s in %s (service %s, usage type %s)", q.item, l.region, q.service, q.usage)
	}
	return found, err
}

// instanceTypes returns the prices of the instance types that settings may name.
func (l *priceList) instanceTypes(ctx context.Context) (all []cost.ListPrice, err error) {
	seen := map[string]float64{}
	err = l.each(ctx, "AmazonEC2", instances, func(p *product) error {
		name := p.Product.Attributes.InstanceType
		if _, err := catalog.Lookup(name); err != nil {
			return nil // a type without room for pods
		}
		price, err := p.price(cost.InstanceItem(name))
		if err != nil || price.USD == 0 {
			return err
		}
		if other, twice := seen[name]; twice {
			if other != price.USD {
				return fmt.Errorf("it has two prices of %s: %g and %g USD", name, other, price.USD)
			}
			return nil
		}
		seen[name] = price.USD
		all = append(all, price)
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("AWS's price list has no instance types in %s", l.region)
	}
	return all, err
}

// each calls a function for every product of a service in the region that has the attributes.
func (l *priceList) each(ctx context.Context, service string, match map[string]string, do func(*product) error) error {
	filter := func(field, value string) types.Filter {
		return types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field), Value: aws.String(value)}
	}
	input := pricing.GetProductsInput{ServiceCode: aws.String(service), FormatVersion: aws.String("aws_v1"), Filters: []types.Filter{filter("regionCode", l.region)}}
	for field, value := range match {
		input.Filters = append(input.Filters, filter(field, value))
	}
	for pages := pricing.NewGetProductsPaginator(l.client, &input); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return l.explain(err)
		}
		for _, text := range page.PriceList {
			var p product
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return fmt.Errorf("reading AWS's price list of %s: %w", service, err)
			}
			if got := p.Product.Attributes.RegionCode; got != l.region {
				return fmt.Errorf("reading AWS's price list of %s: asked for %s, it answers with %s", service, l.region, got)
			}
			if err := do(&p); err != nil {
				return fmt.Errorf("reading AWS's price list of %s: %w", service, err)
			}
		}
	}
	return nil
}

// price is the product's price on demand for small amounts: of prices by amount, the first that is not free.
func (p *product) price(item string) (cost.ListPrice, error) {
	found, first := cost.ListPrice{Item: item, Date: p.PublicationDate.Format(time.DateOnly)}, math.Inf(1)
	for _, term := range p.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			usd, err := strconv.ParseFloat(d.PricePerUnit["USD"], 64)
			if err != nil {
				return found, fmt.Errorf("the price of %s is %q USD", item, d.PricePerUnit["USD"])
			}
			begin, err := strconv.ParseFloat(d.BeginRange, 64)
			if err != nil && d.BeginRange != "" {
				return found, fmt.Errorf("the price of %s begins at an amount of %q", item, d.BeginRange)
			}
			if usd == 0 || begin >= first {
				continue
			}
			unit, known := units[strings.ToLower(d.Unit)]
			if !known {
				return found, fmt.Errorf("the price of %s is for a %q, a unit that is not known here", item, d.Unit)
			}
			found.USD, found.Unit, first = usd, unit, begin
		}
	}
	return found, nil
}
