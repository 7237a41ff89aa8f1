// Package pricelist reads the on-demand prices of Fargate from AWS's Price List. Fargate Spot's prices are not in
// it: those stay the table's, or the operator's own.
package pricelist

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// home is where the Price List is served; it has the prices of every region.
	home = "us-east-1"
	// pagesMax bounds the answer: Amazon ECS has some tens of products in a region.
	pagesMax = 20
)

// product is the part of a product that is read.
type product struct {
	Product struct {
		Attributes struct {
			UsageType  string `json:"usagetype"`
			RegionCode string `json:"regionCode"`
		} `json:"attributes"`
	} `json:"product"`
	Terms struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]struct {
				PricePerUnit map[string]string `json:"pricePerUnit"`
			} `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

// OnDemand returns the on-demand rates of a region by architecture. An architecture that is not sold there is
// absent.
func OnDemand(ctx context.Context, cfg aws.Config, region string) (map[cost.Arch]cost.Rate, error) {
	own := cfg.Copy()
	own.Region = home
	client := pricing.NewFromConfig(own)
	in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonECS"), FormatVersion: aws.String("aws_v1"),
		Filters: []types.Filter{{Type: types.FilterTypeTermMatch, Field: aws.String("regionCode"), Value: &region}}}
	found := map[cost.Arch]cost.Rate{}
	for range pagesMax {
		out, err := client.GetProducts(ctx, in)
		if err != nil {
			return nil, failure.Wrap("pricing:GetProducts", "read AWS's price list of "+region, err)
		}
		for _, text := range out.PriceList {
			if err := take(found, text); err != nil {
				return nil, fmt.Errorf("read AWS's price list of %s: %w", region, err)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	for arch, r := range found {
		if r.VCPUHour == 0 || r.GBHour == 0 {
			delete(found, arch) // half a price is none
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("read AWS's price list of %s: it has no price of Fargate", region)
	}
	return found, nil
}

// take keeps one product's price if it is one of Fargate's vCPUs or memory. Its usage type ends in
// Fargate-vCPU-Hours:perCPU or Fargate-GB-Hours, with ARM- or Windows- in between, after the region's prefix.
func take(found map[cost.Arch]cost.Rate, text string) error {
	var p product
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	_, kind, ok := strings.Cut("-"+p.Product.Attributes.UsageType, "-Fargate-")
	if !ok {
		return nil
	}
	arch := cost.X86
	if rest, isARM := strings.CutPrefix(kind, "ARM-"); isARM {
		arch, kind = cost.ARM64, rest
	}
	if kind != "vCPU-Hours:perCPU" && kind != "GB-Hours" {
		return nil
	}
	for _, term := range p.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			usd, err := strconv.ParseFloat(d.PricePerUnit["USD"], 64)
			if err != nil || usd <= 0 {
				continue
			}
			r := found[arch]
			if kind == "GB-Hours" {
				r.GBHour = usd
			} else {
				r.VCPUHour = usd
			}
			found[arch] = r
		}
	}
	return nil
}

// Over puts the live on-demand prices of regions over a table; date is today. What could not be read stays the
// table's, and is named in the error.
func Over(ctx context.Context, cfg aws.Config, t cost.Table, date string, regions []string) (cost.Table, error) {
	var first error
	for _, region := range regions {
		rates, err := OnDemand(ctx, cfg, region)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		for arch, r := range rates {
			t = t.With(date, cost.Key{Region: region, Arch: arch, Capacity: failover.OnDemand}, r)
		}
	}
	return t, first
}
