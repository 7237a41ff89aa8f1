package sandbox

import (
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Protocols of listeners and target groups that Network Load Balancers have.
var networkProtocols = map[string]bool{"TCP": true, "TLS": true, "UDP": true, "TCP_UDP": true}

const attributeDelay = "deregistration_delay.timeout_seconds"

// groupExtras are the parameters of a target group that the model has no use for; they are given back as they came.
type groupExtras struct {
	Protocol, VpcID                   string
	HealthCheckProtocol, HealthPath   string
	HealthCheckPort, HealthCheckCodes string
	HealthCheckTimeoutSeconds         int
	Attributes                        map[string]string
}

type targetGroupInput struct {
	Name, Protocol, VpcId, TargetType                                                string
	Port, HealthCheckIntervalSeconds, HealthyThresholdCount, UnhealthyThresholdCount int
	HealthCheckProtocol, HealthCheckPath, HealthCheckPort                            string
	HealthCheckTimeoutSeconds                                                        int
	Matcher                                                                          struct{ HttpCode string }
}

func (s *Sandbox) createTargetGroup(c *call, in *targetGroupInput) (*targetGroupsOutput, error) {
	if in.TargetType != "ip" {
		return nil, refuse("ValidationError", "The sandbox knows the target type ip only, which is that of tasks on Fargate (got %s)", clip(orDefault(in.TargetType, "instance")))
	}
	kind := ecsim.ApplicationBalancer
	switch {
	case networkProtocols[in.Protocol]:
		kind = ecsim.NetworkBalancer
	case in.Protocol != "HTTP" && in.Protocol != "HTTPS":
		return nil, refuse("ValidationError", "Protocol '%s' must be one of HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP", clip(in.Protocol))
	}
	if in.Port == 0 {
		return nil, refuse("ValidationError", "A port must be specified")
	}
	g, err := s.world.CreateTargetGroup(c.region, ecsim.TargetGroupInput{Name: in.Name, Kind: kind, Port: in.Port,
		Interval: time.Duration(in.HealthCheckIntervalSeconds) * time.Second, HealthyThreshold: in.HealthyThresholdCount,
		UnhealthyThreshold: in.UnhealthyThresholdCount})
	if err != nil {
		return nil, err
	}
	if s.balancing.groups[g.ARN] == nil {
		s.balancing.groups[g.ARN] = &groupExtras{Protocol: in.Protocol, VpcID: in.VpcId, HealthCheckProtocol: orDefault(in.HealthCheckProtocol, defaultCheck(in.Protocol)),
			HealthPath: in.HealthCheckPath, HealthCheckPort: orDefault(in.HealthCheckPort, "traffic-port"), HealthCheckCodes: in.Matcher.HttpCode,
			HealthCheckTimeoutSeconds: in.HealthCheckTimeoutSeconds}
	}
	return &targetGroupsOutput{TargetGroups: []targetGroupXML{s.targetGroupXML(&g)}}, nil
}

// defaultCheck is the protocol of health checks of a group that names none.
func defaultCheck(protocol string) string {
	if networkProtocols[protocol] {
		return "TCP"
	}
	return "HTTP"
}

type describeTargetGroupsInput struct {
	LoadBalancerArn        string
	TargetGroupArns, Names []string
	elbPage
}

func (s *Sandbox) describeTargetGroups(c *call, in *describeTargetGroupsInput) (*targetGroupsOutput, error) {
	found, err := s.world.DescribeTargetGroups(c.region, in.TargetGroupArns)
	if err != nil {
		return nil, err
	}
	if in.LoadBalancerArn != "" {
		if _, err := s.world.DescribeLoadBalancers(c.region, []string{in.LoadBalancerArn}); err != nil {
			return nil, err
		}
	}
	out := &targetGroupsOutput{}
	named := 0
	for i := range found {
		g := &found[i]
		if len(in.Names) > 0 && !contains(in.Names, g.Name) || in.LoadBalancerArn != "" && !contains(g.LoadBalancers, in.LoadBalancerArn) {
			continue
		}
		named++
		out.TargetGroups = append(out.TargetGroups, s.targetGroupXML(g))
	}
	if named < len(in.Names) {
		return nil, refuse("TargetGroupNotFound", "One or more target groups not found")
	}
	out.TargetGroups, out.NextMarker, err = pageElb(out.TargetGroups, &in.elbPage)
	return out, err
}

func (s *Sandbox) deleteTargetGroup(c *call, in *struct{ TargetGroupArn string }) (*empty, error) {
	err := s.world.DeleteTargetGroup(c.region, in.TargetGroupArn)
	if err == nil {
		delete(s.balancing.groups, in.TargetGroupArn)
	}
	return &empty{}, err
}

type targetsInput struct {
	TargetGroupArn string
	Targets        []struct {
		Id   string
		Port int
	}
}

func (in *targetsInput) targets() []ecsim.Target {
	out := make([]ecsim.Target, len(in.Targets))
	for i, t := range in.Targets {
		out[i] = ecsim.Target{IP: t.Id, Port: t.Port}
	}
	return out
}

func (s *Sandbox) registerTargets(c *call, in *targetsInput) (*empty, error) {
	if len(in.Targets) == 0 {
		return nil, refuse("ValidationError", "At least one target must be specified")
	}
	return &empty{}, s.world.RegisterTargets(c.region, in.TargetGroupArn, in.targets())
}

func (s *Sandbox) deregisterTargets(c *call, in *targetsInput) (*empty, error) {
	if len(in.Targets) == 0 {
		return nil, refuse("ValidationError", "At least one target must be specified")
	}
	return &empty{}, s.world.DeregisterTargets(c.region, in.TargetGroupArn, in.targets())
}

func (s *Sandbox) describeTargetHealth(c *call, in *targetsInput) (*targetHealthOutput, error) {
	found, err := s.world.DescribeTargetHealth(c.region, in.TargetGroupArn, in.targets())
	if err != nil {
		return nil, err
	}
	out := &targetHealthOutput{}
	for _, h := range found {
		x := targetHealthXML{ID: h.IP, Port: h.Port, HealthCheckPort: strconv.Itoa(h.Port), State: h.State, Reason: h.Reason, Description: targetReasons[h.Reason]}
		if h.Reason == ecsim.ReasonNotRegistered {
			x.HealthCheckPort = ""
		}
		out.Descriptions = append(out.Descriptions, x)
	}
	return out, nil
}

// targetReasons are AWS's sentences for the reasons that a target's state has.
var targetReasons = map[string]string{
	ecsim.ReasonRegistering:    "Target registration is in progress",
	ecsim.ReasonInitialChecks:  "Initial health checks in progress",
	ecsim.ReasonFailedChecks:   "Health checks failed",
	ecsim.ReasonTargetTimeout:  "Request timed out",
	ecsim.ReasonNotInUse:       "Target group is not configured to receive traffic from the load balancer",
	ecsim.ReasonNotRegistered:  "Target is not registered to the target group",
	ecsim.ReasonDeregistration: "Target deregistration is in progress",
}

type attributesInput struct {
	TargetGroupArn string
	Attributes     map[string]string
}

func (s *Sandbox) modifyTargetGroupAttributes(c *call, in *attributesInput) (*attributesOutput, error) {
	if delay, ok := in.Attributes[attributeDelay]; ok {
		n, err := strconv.Atoi(delay)
		if err != nil || n < 0 || n > 3600 {
			return nil, refuse("ValidationError", "Target group attribute '%s' must be between 0 and 3600 (got %s)", attributeDelay, clip(delay))
		}
		if err := s.world.SetDeregistrationTime(c.region, in.TargetGroupArn, time.Duration(n)*time.Second); err != nil {
			return nil, err
		}
	}
	if len(in.Attributes) > attributesMax {
		return nil, refuse("ValidationError", "Target group attributes cannot have more than %d elements", attributesMax)
	}
	g, err := s.world.DescribeTargetGroups(c.region, []string{in.TargetGroupArn})
	if err != nil {
		return nil, err
	}
	x := s.groupExtras(&g[0])
	for name, value := range in.Attributes {
		if _, known := defaultAttributes[name]; !known {
			return nil, refuse("ValidationError", "Target group attribute key '%s' is not recognized", clip(name))
		}
		if x.Attributes == nil {
			x.Attributes = map[string]string{}
		}
		x.Attributes[name] = value
	}
	s.balancing.groups[g[0].ARN] = x
	return s.attributes(&g[0]), nil
}

// attributesMax bounds the attributes of one call; AWS has fewer kinds.
const attributesMax = 50

// defaultAttributes are those that a target group shows unless it says otherwise.
var defaultAttributes = map[string]string{
	"stickiness.enabled": "false", attributeDelay: "300", "stickiness.type": "lb_cookie", "stickiness.lb_cookie.duration_seconds": "86400",
	"slow_start.duration_seconds": "0", "load_balancing.algorithm.type": "round_robin", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
	"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
	"target_group_health.dns_failover.minimum_healthy_targets.count":            "1", "deregistration_delay.connection_termination.enabled": "false",
}

func (s *Sandbox) attributes(g *ecsim.TargetGroup) *attributesOutput {
	x := s.groupExtras(g)
	out := &attributesOutput{}
	for _, name := range sortedKeys(defaultAttributes) {
		value := orDefault(x.Attributes[name], defaultAttributes[name])
		if name == attributeDelay {
			value = strconv.Itoa(int(g.DeregistrationTime / time.Second))
		}
		out.Attributes = append(out.Attributes, attributeXML{name, value})
	}
	return out
}

func (s *Sandbox) describeTargetGroupAttributes(c *call, in *struct{ TargetGroupArn string }) (*attributesOutput, error) {
	g, err := s.world.DescribeTargetGroups(c.region, []string{in.TargetGroupArn})
	if err != nil {
		return nil, err
	}
	return s.attributes(&g[0]), nil
}

// groupExtras returns what the model does not keep of a target group, also of one that was made in the model.
func (s *Sandbox) groupExtras(g *ecsim.TargetGroup) *groupExtras {
	if x := s.balancing.groups[g.ARN]; x != nil {
		return x
	}
	x := &groupExtras{Protocol: "HTTP", HealthCheckPort: "traffic-port"}
	if g.Kind == ecsim.NetworkBalancer {
		x.Protocol = "TCP"
	}
	x.HealthCheckProtocol = defaultCheck(x.Protocol)
	return x
}

type limitXML struct{ Name, Max string }

type limitsOutput struct {
	Limits []limitXML `xml:"Limits>member"`
}

// targetLimits are AWS's standard limits on registered targets. The model holds nobody to them.
var targetLimits = []limitXML{
	{"targets-per-target-group", "1000"},
	{"targets-per-application-load-balancer", "1000"},
	{"targets-per-network-load-balancer", "3000"},
	{"targets-per-availability-zone-per-network-load-balancer", "500"},
	{"target-groups-per-application-load-balancer", "100"},
}

func (s *Sandbox) describeAccountLimits(*call, *elbPage) (*limitsOutput, error) {
	return &limitsOutput{targetLimits}, nil
}
