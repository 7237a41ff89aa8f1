package sandbox

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

var balancingOperations = map[string]operation{
	"DescribeAccountLimits":         op((*Sandbox).describeAccountLimits),
	"CreateTargetGroup":             op((*Sandbox).createTargetGroup),
	"DescribeTargetGroups":          op((*Sandbox).describeTargetGroups),
	"DeleteTargetGroup":             op((*Sandbox).deleteTargetGroup),
	"DescribeTargetGroupAttributes": op((*Sandbox).describeTargetGroupAttributes),
	"ModifyTargetGroupAttributes":   op((*Sandbox).modifyTargetGroupAttributes),
	"RegisterTargets":               op((*Sandbox).registerTargets),
	"DeregisterTargets":             op((*Sandbox).deregisterTargets),
	"DescribeTargetHealth":          op((*Sandbox).describeTargetHealth),
	"CreateLoadBalancer":            op((*Sandbox).createLoadBalancer),
	"DescribeLoadBalancers":         op((*Sandbox).describeLoadBalancers),
	"DeleteLoadBalancer":            op((*Sandbox).deleteLoadBalancer),
	"CreateListener":                op((*Sandbox).createListener),
	"ModifyListener":                op((*Sandbox).modifyListener),
	"DescribeListeners":             op((*Sandbox).describeListeners),
	"DeleteListener":                op((*Sandbox).deleteListener),
	"CreateRule":                    op((*Sandbox).createListenerRule),
	"ModifyRule":                    op((*Sandbox).modifyListenerRule),
	"DescribeRules":                 op((*Sandbox).describeListenerRules),
	"DeleteRule":                    op((*Sandbox).deleteListenerRule),
}

const (
	actionForward = "forward"
	elbPageMax    = 400
)

// elbPage is how a call asks for a page of its answer.
type elbPage struct {
	PageSize int
	Marker   string
}

// pageElb cuts a page out of an answer. A marker is the place of its first item.
func pageElb[T any](all []T, in *elbPage) (items []T, next string, err error) {
	size := in.PageSize
	if size == 0 {
		size = elbPageMax
	}
	from := 0
	if in.Marker != "" {
		if from, err = strconv.Atoi(in.Marker); err != nil || from < 0 {
			return nil, "", refuse("ValidationError", "The marker is not valid")
		}
	}
	if size < 1 || size > elbPageMax {
		return nil, "", refuse("ValidationError", "PageSize must be between 1 and %d", elbPageMax)
	}
	all = all[min(from, len(all)):]
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], strconv.Itoa(from + size), nil
}

func contains(all []string, one string) bool { return slices.Contains(all, one) }

type loadBalancerInput struct {
	Name, Type, Scheme      string
	IPAddressType           string `json:"IpAddressType"`
	Subnets, SecurityGroups []string
	SubnetMappings          []struct {
		SubnetID string `json:"SubnetId"`
	}
}

// kept is what a load balancer keeps of the call that makes it.
func (in *loadBalancerInput) kept(now time.Time) (balancerKept, error) {
	var v violations
	if a := in.IPAddressType; a != "" && !contains([]string{"ipv4", "dualstack", "dualstack-without-public-ipv4"}, a) {
		v.add("'"+clip(a)+"'", "ipAddressType", "satisfy enum value set: [ipv4, dualstack, dualstack-without-public-ipv4]")
	}
	if a := in.Scheme; a != "" && a != "internal" && a != "internet-facing" {
		v.add("'"+clip(a)+"'", "scheme", "satisfy enum value set: [internet-facing, internal]")
	}
	kept := balancerKept{made: now, scheme: in.Scheme, addresses: in.IPAddressType, groups: in.SecurityGroups, subnets: in.Subnets}
	for _, m := range in.SubnetMappings {
		kept.subnets = append(kept.subnets, m.SubnetID)
	}
	return kept, v.refusal("ValidationError")
}

func (s *Sandbox) createLoadBalancer(c *call, in *loadBalancerInput) (*loadBalancersOutput, error) {
	kind := ecsim.ApplicationBalancer
	switch in.Type {
	case "", "application":
	case "network":
		kind = ecsim.NetworkBalancer
	default:
		return nil, refuse("ValidationError", "The sandbox knows the load balancer types application and network only (got %s)", clip(in.Type))
	}
	kept, err := in.kept(s.world.Now())
	if err != nil {
		return nil, err
	}
	lb, err := s.world.CreateLoadBalancer(c.region, in.Name, kind)
	if err != nil {
		return nil, err
	}
	if s.balancing.balancers[lb.ARN].made.IsZero() {
		s.balancing.balancers[lb.ARN] = kept
	}
	made := s.loadBalancerXML(c.region, &lb)
	made.State = "provisioning"
	return &loadBalancersOutput{LoadBalancers: []loadBalancerXML{made}}, nil
}

func (s *Sandbox) describeLoadBalancers(c *call, in *struct {
	LoadBalancerArns, Names []string
	elbPage
}) (*loadBalancersOutput, error) {
	found, err := s.world.DescribeLoadBalancers(c.region, in.LoadBalancerArns)
	if err != nil {
		return nil, err
	}
	out := &loadBalancersOutput{}
	for i := range found {
		if len(in.Names) == 0 || contains(in.Names, found[i].Name) {
			out.LoadBalancers = append(out.LoadBalancers, s.loadBalancerXML(c.region, &found[i]))
		}
	}
	if len(out.LoadBalancers) < len(in.Names) {
		return nil, refuse("LoadBalancerNotFound", "One or more load balancers not found")
	}
	out.LoadBalancers, out.NextMarker, err = pageElb(out.LoadBalancers, &in.elbPage)
	return out, err
}

func (s *Sandbox) deleteLoadBalancer(c *call, in *struct{ LoadBalancerArn string }) (*empty, error) {
	s.world.DeleteLoadBalancer(c.region, in.LoadBalancerArn)
	delete(s.balancing.balancers, in.LoadBalancerArn)
	return &empty{}, nil
}

// actionJSON is an action of a listener or a rule.
type actionJSON struct {
	Type, TargetGroupArn string
	ForwardConfig        struct {
		TargetGroups []struct {
			TargetGroupArn string
			Weight         *int
		}
	}
}

// forwardsOf takes the target groups and their weights from actions.
func forwardsOf(actions []actionJSON) ([]ecsim.Forward, error) {
	if len(actions) != 1 || actions[0].Type != actionForward {
		return nil, refuse("ValidationError", "The sandbox knows listeners and rules with one action of the type forward only")
	}
	a := actions[0]
	var out []ecsim.Forward
	for _, g := range a.ForwardConfig.TargetGroups {
		f := ecsim.Forward{TargetGroup: g.TargetGroupArn, Weight: 1}
		if g.Weight != nil {
			f.Weight = *g.Weight
		}
		out = append(out, f)
	}
	switch {
	case len(out) == 0 && a.TargetGroupArn != "":
		out = []ecsim.Forward{{TargetGroup: a.TargetGroupArn, Weight: 1}}
	case a.TargetGroupArn != "" && (len(out) != 1 || out[0].TargetGroup != a.TargetGroupArn):
		return nil, refuse("InvalidLoadBalancerAction", "You cannot specify both a target group ARN and a forward configuration that differs from it")
	}
	return out, nil
}

type listenerInput struct {
	LoadBalancerArn, ListenerArn, Protocol string
	Port                                   int
	DefaultActions                         []actionJSON
}

func (s *Sandbox) createListener(c *call, in *listenerInput) (*listenersOutput, error) {
	forwards, err := forwardsOf(in.DefaultActions)
	if err != nil {
		return nil, err
	}
	l, err := s.world.CreateListener(c.region, in.LoadBalancerArn, in.Port, in.Protocol, forwards)
	if err != nil {
		return nil, err
	}
	return &listenersOutput{Listeners: []listenerXML{newListenerXML(&l)}}, nil
}

func newListenerXML(l *ecsim.Listener) listenerXML {
	return listenerXML{l.ARN, l.LoadBalancer, orDefault(l.Protocol, "HTTP"), l.Port, actionsXML(l.Forwards, 0)}
}

func (s *Sandbox) modifyListener(c *call, in *listenerInput) (*listenersOutput, error) {
	if in.Port != 0 || in.Protocol != "" {
		return nil, refuse("ValidationError", "The sandbox changes a listener's default actions only")
	}
	forwards, err := forwardsOf(in.DefaultActions)
	if err != nil {
		return nil, err
	}
	l, err := s.world.ModifyListener(c.region, in.ListenerArn, forwards)
	if err != nil {
		return nil, err
	}
	return &listenersOutput{Listeners: []listenerXML{newListenerXML(&l)}}, nil
}

func (s *Sandbox) describeListeners(c *call, in *struct {
	LoadBalancerArn string
	ListenerArns    []string
	elbPage
}) (*listenersOutput, error) {
	if in.LoadBalancerArn == "" && len(in.ListenerArns) == 0 {
		return nil, refuse("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	}
	found, err := s.world.DescribeListeners(c.region, in.LoadBalancerArn, in.ListenerArns)
	if err != nil {
		return nil, err
	}
	out := &listenersOutput{}
	for i := range found {
		out.Listeners = append(out.Listeners, newListenerXML(&found[i]))
	}
	out.Listeners, out.NextMarker, err = pageElb(out.Listeners, &in.elbPage)
	return out, err
}

func (s *Sandbox) deleteListener(c *call, in *struct{ ListenerArn string }) (*empty, error) {
	return &empty{}, s.world.DeleteListener(c.region, in.ListenerArn)
}

// conditionJSON is a condition of a rule, in the old form or in that of paths and hosts. The sandbox routes no requests: it keeps them.
type conditionJSON struct {
	Field             string
	Values            []string
	PathPatternConfig struct{ Values []string }
	HostHeaderConfig  struct{ Values []string }
	HttpHeaderConfig  struct{ Values []string }
}

func (c *conditionJSON) values() []string {
	return slices.Concat(c.Values, c.PathPatternConfig.Values, c.HostHeaderConfig.Values, c.HttpHeaderConfig.Values)
}

type listenerRuleInput struct {
	ListenerArn, RuleArn string
	Priority             int
	Conditions           []conditionJSON
	Actions              []actionJSON
}

func (s *Sandbox) createListenerRule(c *call, in *listenerRuleInput) (*rulesOutput, error) {
	if len(in.Conditions) == 0 {
		return nil, refuse("ValidationError", "At least one condition must be specified")
	}
	forwards, err := forwardsOf(in.Actions)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(in.Conditions)
	if err != nil {
		return nil, err
	}
	r, err := s.world.CreateRule(c.region, in.ListenerArn, in.Priority, forwards, raw)
	if err != nil {
		return nil, err
	}
	return &rulesOutput{Rules: []ruleXML{newRuleXML(&r)}}, nil
}

func newRuleXML(r *ecsim.Rule) ruleXML {
	out := ruleXML{RuleArn: r.ARN, Priority: strconv.Itoa(r.Priority), IsDefault: r.Priority == 0, Actions: actionsXML(r.Forwards, 1)}
	if out.IsDefault {
		out.Priority = "default"
	}
	var conditions []conditionJSON
	if len(r.Raw) > 0 && json.Unmarshal(r.Raw, &conditions) == nil {
		for i := range conditions {
			out.Conditions = append(out.Conditions, conditionXML{conditions[i].Field, conditions[i].values()})
		}
	}
	return out
}

func (s *Sandbox) modifyListenerRule(c *call, in *listenerRuleInput) (*rulesOutput, error) {
	if len(in.Conditions) > 0 {
		return nil, refuse("ValidationError", "The sandbox changes a rule's actions only")
	}
	forwards, err := forwardsOf(in.Actions)
	if err != nil {
		return nil, err
	}
	old, err := s.world.DescribeRules(c.region, "", []string{in.RuleArn})
	if err != nil {
		return nil, err
	}
	if old[0].Priority == 0 {
		return nil, refuse("OperationNotPermitted", "Default rule '%s' cannot be modified", in.RuleArn)
	}
	r, err := s.world.ModifyRule(c.region, in.RuleArn, forwards)
	if err != nil {
		return nil, err
	}
	return &rulesOutput{Rules: []ruleXML{newRuleXML(&r)}}, nil
}

func (s *Sandbox) describeListenerRules(c *call, in *struct {
	ListenerArn string
	RuleArns    []string
	elbPage
}) (*rulesOutput, error) {
	found, err := s.world.DescribeRules(c.region, in.ListenerArn, in.RuleArns)
	if err != nil {
		return nil, err
	}
	out := &rulesOutput{}
	for i := range found {
		out.Rules = append(out.Rules, newRuleXML(&found[i]))
	}
	out.Rules, out.NextMarker, err = pageElb(out.Rules, &in.elbPage)
	return out, err
}

func (s *Sandbox) deleteListenerRule(c *call, in *struct{ RuleArn string }) (*empty, error) {
	return &empty{}, s.world.DeleteRule(c.region, in.RuleArn)
}
