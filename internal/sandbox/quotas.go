package sandbox

import (
	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// The quotas of Fargate that decide whether a failover can work, by their codes.
const (
	QuotaOnDemandVCPU = "L-3032A538"
	QuotaSpotVCPU     = "L-36FBB829"
)

var quotaOperations = map[string]operation{
	"GetServiceQuota":             op((*Sandbox).getServiceQuota),
	"GetAWSDefaultServiceQuota":   op((*Sandbox).getDefaultQuota),
	"ListServiceQuotas":           op((*Sandbox).listServiceQuotas),
	"ListAWSDefaultServiceQuotas": op((*Sandbox).listDefaultQuotas),
}

// quotaKind is one quota as Service Quotas lists it.
type quotaKind struct {
	code, name string
	provider   string // whose vCPU quota in the model; empty: a launch rate
	sustained  bool   // of a launch rate: the refill, not the burst
	standard   float64
	adjustable bool
	class      string // of the usage metric
}

// fargateQuotas in the order of their codes.
var fargateQuotas = []quotaKind{
	{code: QuotaOnDemandVCPU, name: "Fargate On-Demand vCPU resource count", provider: ecsim.Fargate, standard: 6, adjustable: true, class: "Standard/OnDemand"},
	{code: QuotaSpotVCPU, name: "Fargate Spot vCPU resource count", provider: ecsim.FargateSpot, standard: 6, adjustable: true, class: "Standard/Spot"},
	{code: "L-551A4E9D", name: "Fargate On-Demand launch rate, sustained", sustained: true, standard: 20},
	{code: "L-6BAD92DD", name: "Fargate On-Demand launch rate, burst", standard: 100},
	{code: "L-F6E37E82", name: "Fargate Spot launch rate, burst", standard: 100},
	{code: "L-FAA52651", name: "Fargate Spot launch rate, sustained", sustained: true, standard: 20},
}

type usageMetric struct {
	MetricNamespace               string
	MetricName                    string
	MetricDimensions              map[string]string
	MetricStatisticRecommendation string
}

type serviceQuota struct {
	ServiceCode, ServiceName, QuotaArn, QuotaCode, QuotaName string
	Value                                                    float64
	Unit                                                     string
	Adjustable, GlobalQuota                                  bool
	UsageMetric                                              *usageMetric `json:",omitempty"`
	QuotaAppliedAtLevel                                      string
}

type quotaInput struct{ ServiceCode, QuotaCode string }

type quotaOutput struct{ Quota serviceQuota }

func (s *Sandbox) quota(c *call, kind quotaKind, standard bool) serviceQuota {
	q := serviceQuota{ServiceCode: "fargate", ServiceName: "AWS Fargate", QuotaArn: "arn:aws:servicequotas:" + c.region + ":" + s.account() + ":fargate/" + kind.code,
		QuotaCode: kind.code, QuotaName: kind.name, Value: kind.standard, Unit: "None", Adjustable: kind.adjustable, QuotaAppliedAtLevel: "ACCOUNT"}
	if kind.provider != "" {
		q.UsageMetric = &usageMetric{MetricNamespace: "AWS/Usage", MetricName: "ResourceCount", MetricStatisticRecommendation: "Maximum",
			MetricDimensions: map[string]string{"Class": kind.class, "Resource": "vCPU", "Service": "Fargate", "Type": "Resource"}}
	}
	if standard {
		return q
	}
	rate := s.world.Config().LaunchRate
	switch {
	case kind.provider != "":
		q.Value, _ = s.world.Quota(c.region, kind.provider)
	case kind.sustained && rate.PerSecond > 0:
		q.Value = rate.PerSecond
	case !kind.sustained && rate.Burst > 0:
		q.Value = rate.Burst
	}
	return q
}

func (s *Sandbox) findQuota(c *call, in *quotaInput, standard bool) (*quotaOutput, error) {
	for _, kind := range fargateQuotas {
		if in.ServiceCode == "fargate" && in.QuotaCode == kind.code {
			return &quotaOutput{s.quota(c, kind, standard)}, nil
		}
	}
	return nil, refuse("NoSuchResourceException", "The request failed because the specified service (%s) or quota (%s) does not exist.", clip(in.ServiceCode), clip(in.QuotaCode))
}

func (s *Sandbox) getServiceQuota(c *call, in *quotaInput) (*quotaOutput, error) {
	return s.findQuota(c, in, false)
}

func (s *Sandbox) getDefaultQuota(c *call, in *quotaInput) (*quotaOutput, error) {
	return s.findQuota(c, in, true)
}

type quotasOutput struct{ Quotas []serviceQuota }

func (s *Sandbox) quotaList(c *call, in *quotaInput, standard bool) (*quotasOutput, error) {
	if in.ServiceCode != "fargate" {
		return nil, refuse("NoSuchResourceException", "The sandbox has no quotas of the service %s", clip(in.ServiceCode))
	}
	out := &quotasOutput{}
	for _, kind := range fargateQuotas {
		if in.QuotaCode == "" || in.QuotaCode == kind.code {
			out.Quotas = append(out.Quotas, s.quota(c, kind, standard))
		}
	}
	return out, nil
}

func (s *Sandbox) listServiceQuotas(c *call, in *quotaInput) (*quotasOutput, error) {
	return s.quotaList(c, in, false)
}

func (s *Sandbox) listDefaultQuotas(c *call, in *quotaInput) (*quotasOutput, error) {
	return s.quotaList(c, in, true)
}
