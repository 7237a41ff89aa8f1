package pricelist

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// list answers GetProducts in AWS's form, two products to a page.
type list struct {
	products []string
	status   int
	regions  []string
}

func (l *list) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		ServiceCode, NextToken string
		Filters                []struct{ Field, Value string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	if in.ServiceCode != "AmazonECS" || len(in.Filters) != 1 || in.Filters[0].Field != "regionCode" {
		return nil, fmt.Errorf("asked for %+v", in)
	}
	l.regions = append(l.regions, in.Filters[0].Value)
	from := 0
	if in.NextToken != "" {
		from = int(in.NextToken[0] - '0')
	}
	to := min(from+2, len(l.products))
	out := map[string]any{"FormatVersion": "aws_v1", "PriceList": l.products[from:to]}
	if to < len(l.products) {
		out["NextToken"] = fmt.Sprint(to)
	}
	if l.status != 0 {
		out = map[string]any{"__type": "AccessDeniedException", "message": "no"}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	status := max(l.status, http.StatusOK)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
}

func item(usageType, usd string) string {
	return fmt.Sprintf(`{"product":{"attributes":{"servicecode":"AmazonECS","usagetype":%q,"regionCode":"ap-northeast-1"}},"serviceCode":"AmazonECS",
"terms":{"OnDemand":{"A.B":{"priceDimensions":{"A.B.C":{"unit":"hours","pricePerUnit":{"USD":%q}}}}}}}`, usageType, usd)
}

func config(l *list) aws.Config {
	return aws.Config{Region: "ap-northeast-1", HTTPClient: l, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), RetryMaxAttempts: 1}
}

func TestOnDemandPricesAreReadOffTheUsageTypes(t *testing.T) {
	l := &list{products: []string{item("APN1-Fargate-vCPU-Hours:perCPU", "0.0505600000"), item("APN1-Fargate-GB-Hours", "0.0055300000"),
		item("APN1-Fargate-ARM-vCPU-Hours:perCPU", "0.0404500000"), item("APN1-Fargate-ARM-GB-Hours", "0.0044200000"),
		item("APN1-Fargate-EphemeralStorage-GB-Hours", "0.0001330000"), item("APN1-Fargate-Windows-vCPU-Hours:perCPU", "0.1"), item("APN1-ECS-Anywhere-Instance-hours", "0.01")}}
	got, err := OnDemand(t.Context(), config(l), "ap-northeast-1")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[cost.X86] != (cost.Rate{VCPUHour: 0.05056, GBHour: 0.00553}) || got[cost.ARM64] != (cost.Rate{VCPUHour: 0.04045, GBHour: 0.00442}) {
		t.Errorf("%+v", got)
	}
}

func TestUsageTypesOfUSEast1HaveNoPrefix(t *testing.T) {
	l := &list{products: []string{item("Fargate-vCPU-Hours:perCPU", "0.04"), item("Fargate-GB-Hours", "0.004")}}
	if got, err := OnDemand(t.Context(), config(l), "us-east-1"); err != nil || got[cost.X86].VCPUHour != 0.04 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestHalfAPriceIsNone(t *testing.T) {
	l := &list{products: []string{item("APN1-Fargate-vCPU-Hours:perCPU", "0.05")}}
	if got, err := OnDemand(t.Context(), config(l), "ap-northeast-1"); err == nil || !strings.Contains(err.Error(), "no price of Fargate") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatCannotBeReadStaysTheTables(t *testing.T) {
	k := cost.Key{Region: "ap-northeast-1", Arch: cost.X86, Capacity: failover.OnDemand}
	table, err := Over(t.Context(), config(&list{status: http.StatusBadRequest}), cost.Table{}, "2026-12-01", []string{"ap-northeast-1"})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error %v", err)
	}
	if date, own := table.Date(k); own || date != cost.TableDate {
		t.Errorf("%s %t", date, own)
	}
	l := &list{products: []string{item("APN1-Fargate-vCPU-Hours:perCPU", "0.06"), item("APN1-Fargate-GB-Hours", "0.006")}}
	table, err = Over(t.Context(), config(l), cost.Table{}, "2026-12-01", []string{"ap-northeast-1"})
	if r, _ := table.Rate(k); err != nil || r.VCPUHour != 0.06 {
		t.Errorf("%+v, %v", r, err)
	}
	if date, _ := table.Date(k); date != "2026-12-01" {
		t.Errorf("the live price is dated %s", date)
	}
	if r, _ := table.Rate(cost.Key{Region: "ap-northeast-1", Arch: cost.X86, Capacity: failover.Spot}); r.VCPUHour != 0.01563522 {
		t.Errorf("Spot became %v", r)
	}
}
