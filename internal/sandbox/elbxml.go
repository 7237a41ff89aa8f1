package sandbox

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// balancingExtras are the parameters of load balancing that the model has no use for.
type balancingExtras struct {
	groups    map[string]*groupExtras // by ARN
	balancers map[string]balancerKept // by ARN
}

type targetGroupsOutput struct {
	TargetGroups []targetGroupXML `xml:"TargetGroups>member"`
	NextMarker   string           `xml:",omitempty"`
}

type targetGroupXML struct {
	TargetGroupArn, TargetGroupName, Protocol string
	ProtocolVersion                           string `xml:",omitempty"`
	Port                                      int
	VpcID                                     string `xml:"VpcId,omitempty"`
	HealthCheckProtocol, HealthCheckPort      string
	HealthCheckEnabled                        bool
	HealthCheckIntervalSeconds                int
	HealthCheckTimeoutSeconds                 int
	HealthyThresholdCount                     int
	UnhealthyThresholdCount                   int
	HealthCheckPath                           string   `xml:",omitempty"`
	HTTPCode                                  string   `xml:"Matcher>HttpCode,omitempty"`
	LoadBalancerArns                          []string `xml:"LoadBalancerArns>member"`
	TargetType, IPAddressType                 string
}

func (s *Sandbox) targetGroupXML(g *ecsim.TargetGroup) targetGroupXML {
	x := s.groupExtras(g)
	out := targetGroupXML{TargetGroupArn: g.ARN, TargetGroupName: g.Name, Protocol: x.Protocol, Port: g.Port, VpcID: orDefault(x.VpcID, "vpc-sandbox"),
		HealthCheckProtocol: x.HealthCheckProtocol, HealthCheckPort: x.HealthCheckPort, HealthCheckEnabled: true,
		HealthCheckIntervalSeconds: int(g.Interval / time.Second), HealthCheckTimeoutSeconds: x.HealthCheckTimeoutSeconds,
		HealthyThresholdCount: g.HealthyThreshold, UnhealthyThresholdCount: g.UnhealthyThreshold, LoadBalancerArns: g.LoadBalancers,
		TargetType: "ip", IPAddressType: "ipv4"}
	if out.HealthCheckTimeoutSeconds == 0 {
		out.HealthCheckTimeoutSeconds = 5
	}
	if g.Kind == ecsim.ApplicationBalancer {
		out.ProtocolVersion, out.HealthCheckPath, out.HTTPCode = "HTTP1", orDefault(x.HealthPath, "/"), orDefault(x.HealthCheckCodes, "200")
	}
	return out
}

type targetHealthOutput struct {
	Descriptions []targetHealthXML `xml:"TargetHealthDescriptions>member"`
}

type targetHealthXML struct {
	ID              string `xml:"Target>Id"`
	Port            int    `xml:"Target>Port"`
	HealthCheckPort string `xml:",omitempty"`
	State           string `xml:"TargetHealth>State"`
	Reason          string `xml:"TargetHealth>Reason,omitempty"`
	Description     string `xml:"TargetHealth>Description,omitempty"`
}

type attributesOutput struct {
	Attributes []attributeXML `xml:"Attributes>member"`
}

type attributeXML struct{ Key, Value string }

type loadBalancersOutput struct {
	LoadBalancers []loadBalancerXML `xml:"LoadBalancers>member"`
	NextMarker    string            `xml:",omitempty"`
}

// balancerKept is what a load balancer keeps and shows though nothing in the sandbox depends on it.
type balancerKept struct {
	made              time.Time
	scheme, addresses string
	subnets, groups   []string
}

type loadBalancerXML struct {
	LoadBalancerArn, LoadBalancerName, DNSName string
	CanonicalHostedZoneID                      string `xml:"CanonicalHostedZoneId"`
	CreatedTime, Type, Scheme                  string
	VpcID                                      string    `xml:"VpcId"`
	IPAddressType                              string    `xml:"IpAddressType"`
	State                                      string    `xml:"State>Code"`
	AvailabilityZones                          []zoneXML `xml:"AvailabilityZones>member,omitempty"`
	SecurityGroups                             []string  `xml:"SecurityGroups>member,omitempty"`
}

type zoneXML struct {
	SubnetID string `xml:"SubnetId"`
	ZoneName string
}

func (s *Sandbox) loadBalancerXML(region string, lb *ecsim.LoadBalancer) loadBalancerXML {
	kept := s.balancing.balancers[lb.ARN]
	if kept.made.IsZero() {
		kept.made = s.world.Config().Start
	}
	kind := "application"
	if lb.Kind == ecsim.NetworkBalancer {
		kind = "network"
	}
	out := loadBalancerXML{LoadBalancerArn: lb.ARN, LoadBalancerName: lb.Name, DNSName: lb.Name + "-0123456789." + region + ".elb.amazonaws.com",
		CanonicalHostedZoneID: "Z35SXDOTRQ7X7K", CreatedTime: isoTime(kept.made), Type: kind, Scheme: orDefault(kept.scheme, "internet-facing"), VpcID: "vpc-sandbox",
		IPAddressType: orDefault(kept.addresses, "ipv4"), State: "active", SecurityGroups: kept.groups}
	for i, subnet := range kept.subnets {
		out.AvailabilityZones = append(out.AvailabilityZones, zoneXML{subnet, zoneOf(region, subnet, i)})
	}
	return out
}

type listenersOutput struct {
	Listeners  []listenerXML `xml:"Listeners>member"`
	NextMarker string        `xml:",omitempty"`
}

type listenerXML struct {
	ListenerArn, LoadBalancerArn, Protocol string
	Port                                   int
	DefaultActions                         []actionXML `xml:"DefaultActions>member"`
}

type rulesOutput struct {
	Rules      []ruleXML `xml:"Rules>member"`
	NextMarker string    `xml:",omitempty"`
}

type ruleXML struct {
	RuleArn, Priority string
	IsDefault         bool
	Conditions        []conditionXML `xml:"Conditions>member"`
	Actions           []actionXML    `xml:"Actions>member"`
}

type conditionXML struct {
	Field  string
	Values []string `xml:"Values>member"`
}

type actionXML struct {
	Type           string
	TargetGroupArn string `xml:",omitempty"`
	Order          int    `xml:",omitempty"`
	ForwardConfig  struct {
		TargetGroups []weightXML `xml:"TargetGroups>member"`
		Stickiness   bool        `xml:"TargetGroupStickinessConfig>Enabled"`
	}
}

type weightXML struct {
	TargetGroupArn string
	Weight         int
}

// actionsXML shows where traffic is forwarded to: with one group the action names it as well, as AWS does.
func actionsXML(forwards []ecsim.Forward, order int) []actionXML {
	out := actionXML{Type: actionForward, Order: order}
	for _, f := range forwards {
		out.ForwardConfig.TargetGroups = append(out.ForwardConfig.TargetGroups, weightXML{f.TargetGroup, f.Weight})
	}
	if len(forwards) == 1 {
		out.TargetGroupArn = forwards[0].TargetGroup
	}
	return []actionXML{out}
}
