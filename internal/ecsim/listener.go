package ecsim

import (
	"slices"
	"strconv"
	"strings"
)

// Forward sends a share of a rule's traffic to a target group.
type Forward struct {
	TargetGroup string // ARN
	Weight      int    // 0..999: its share is this over the sum of the rule's
}

// LoadBalancer is a load balancer.
type LoadBalancer struct {
	ARN, Name string
	Kind      BalancerKind
}

// Listener is a listener of a load balancer. Its default action is the forwards of the rule that Default names.
type Listener struct {
	ARN, LoadBalancer, Protocol string
	Port                        int
	Default                     string // ARN of the rule
	Forwards                    []Forward
}

// Rule is a rule of a listener; the one with priority 0 is its default.
type Rule struct {
	ARN, Listener string
	Priority      int // 1..50,000, the lowest first; 0: the default
	Forwards      []Forward
	Raw           []byte // opaque to the model: the conditions

	test bool // of a service whose deployments shift traffic: what it forwards is not production traffic
}

// balancing is what a region has of elastic load balancing.
type balancing struct {
	groups    []*targetGroup
	balancers []*LoadBalancer
	listeners []*Listener
	rules     []*Rule
}

// CreateLoadBalancer makes a load balancer, or returns the one of that name. Error: ValidationError.
func (w *World) CreateLoadBalancer(regionName, name string, kind BalancerKind) (LoadBalancer, error) {
	if !validBalancingName(name) {
		return LoadBalancer{}, validation("The load balancer name '" + name + "' must be 1 to 32 letters, digits and hyphens, with no hyphen at its ends")
	}
	b := &w.region(regionName).balancing
	for _, old := range b.balancers {
		if old.Name == name {
			return *old, nil
		}
	}
	form := "app"
	if kind == NetworkBalancer {
		form = "net"
	}
	lb := &LoadBalancer{ARN: w.balancingARN(regionName, "loadbalancer/"+form+"/"+name+"/"+w.suffix()), Name: name, Kind: kind}
	b.balancers = append(b.balancers, lb)
	return *lb, nil
}

// CreateListener makes a listener with its default rule. Errors: LoadBalancerNotFound, TargetGroupNotFound, ValidationError,
// DuplicateListener.
func (w *World) CreateListener(regionName, loadBalancer string, port int, protocol string, forwards []Forward) (Listener, error) {
	b := &w.region(regionName).balancing
	lb := find(b.balancers, func(lb *LoadBalancer) bool { return lb.ARN == loadBalancer })
	if lb == nil {
		return Listener{}, clientError("LoadBalancerNotFound", "One or more load balancers not found")
	}
	if port < 1 || port > 65535 {
		return Listener{}, validation("Port must be between 1 and 65535")
	}
	for _, l := range b.listeners {
		if l.LoadBalancer == lb.ARN && l.Port == port {
			return Listener{}, clientError("DuplicateListener", "A listener already exists on this port for this load balancer '"+lb.ARN+"'")
		}
	}
	if err := w.checkForwards(regionName, forwards); err != nil {
		return Listener{}, err
	}
	arn := strings.Replace(lb.ARN, ":loadbalancer/", ":listener/", 1) + "/" + w.suffix()
	l := &Listener{ARN: arn, LoadBalancer: lb.ARN, Protocol: protocol, Port: port}
	l.Default = strings.Replace(arn, ":listener/", ":listener-rule/", 1) + "/" + w.suffix()
	b.listeners = append(b.listeners, l)
	b.rules = append(b.rules, &Rule{ARN: l.Default, Listener: l.ARN, Forwards: slices.Clone(forwards)})
	w.reroute(regionName)
	return b.listener(l), nil
}

// ModifyListener changes a listener's default action. Errors: ListenerNotFound, TargetGroupNotFound, ValidationError.
func (w *World) ModifyListener(regionName, arn string, forwards []Forward) (Listener, error) {
	b := &w.region(regionName).balancing
	l := find(b.listeners, func(l *Listener) bool { return l.ARN == arn })
	if l == nil {
		return Listener{}, listenerNotFound()
	}
	if _, err := w.ModifyRule(regionName, l.Default, forwards); err != nil {
		return Listener{}, err
	}
	return b.listener(l), nil
}

// CreateRule makes a rule of a listener; raw is opaque. Errors: ListenerNotFound, TargetGroupNotFound, PriorityInUse, ValidationError.
func (w *World) CreateRule(regionName, listener string, priority int, forwards []Forward, raw []byte) (Rule, error) {
	b := &w.region(regionName).balancing
	l := find(b.listeners, func(l *Listener) bool { return l.ARN == listener })
	if l == nil {
		return Rule{}, listenerNotFound()
	}
	if priority < 1 || priority > 50_000 {
		return Rule{}, validation("Priority must be between 1 and 50000")
	}
	for _, r := range b.rules {
		if r.Listener == l.ARN && r.Priority == priority {
			return Rule{}, clientError("PriorityInUse", "Priority '"+strconv.Itoa(priority)+"' is currently in use")
		}
	}
	if err := w.checkForwards(regionName, forwards); err != nil {
		return Rule{}, err
	}
	r := &Rule{ARN: strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/" + w.suffix(), Listener: l.ARN, Priority: priority,
		Forwards: slices.Clone(forwards), Raw: slices.Clone(raw)}
	b.rules = append(b.rules, r)
	w.reroute(regionName)
	return r.clone(), nil
}

// ModifyRule changes where a rule forwards to, a listener's default rule included: this is how traffic is shifted. It takes effect at
// once. Errors: RuleNotFound, TargetGroupNotFound, ValidationError.
func (w *World) ModifyRule(regionName, arn string, forwards []Forward) (Rule, error) {
	b := &w.region(regionName).balancing
	r := find(b.rules, func(r *Rule) bool { return r.ARN == arn })
	if r == nil {
		return Rule{}, ruleNotFound()
	}
	if err := w.checkForwards(regionName, forwards); err != nil {
		return Rule{}, err
	}
	r.Forwards = slices.Clone(forwards)
	w.reroute(regionName)
	return r.clone(), nil
}

// DeleteRule removes a rule. Errors: RuleNotFound, OperationNotPermitted (a default rule).
func (w *World) DeleteRule(regionName, arn string) error {
	b := &w.region(regionName).balancing
	r := find(b.rules, func(r *Rule) bool { return r.ARN == arn })
	if r == nil {
		return ruleNotFound()
	}
	if r.Priority == 0 {
		return clientError("OperationNotPermitted", "Default rule '"+arn+"' cannot be deleted")
	}
	b.rules = slices.DeleteFunc(b.rules, func(other *Rule) bool { return other == r })
	w.reroute(regionName)
	return nil
}

// DeleteListener removes a listener and its rules. Error: ListenerNotFound.
func (w *World) DeleteListener(regionName, arn string) error {
	b := &w.region(regionName).balancing
	if find(b.listeners, func(l *Listener) bool { return l.ARN == arn }) == nil {
		return listenerNotFound()
	}
	b.listeners = slices.DeleteFunc(b.listeners, func(l *Listener) bool { return l.ARN == arn })
	b.rules = slices.DeleteFunc(b.rules, func(r *Rule) bool { return r.Listener == arn })
	w.reroute(regionName)
	return nil
}

// DeleteLoadBalancer removes a load balancer with its listeners. One that is not there is no error, as on AWS.
func (w *World) DeleteLoadBalancer(regionName, arn string) {
	b := &w.region(regionName).balancing
	b.balancers = slices.DeleteFunc(b.balancers, func(lb *LoadBalancer) bool { return lb.ARN == arn })
	for _, l := range slices.Clone(b.listeners) {
		if l.LoadBalancer == arn {
			_ = w.DeleteListener(regionName, l.ARN) // it is there
		}
	}
}

// DescribeLoadBalancers returns load balancers by ARN, or (with none) all of a region. Error: LoadBalancerNotFound.
func (w *World) DescribeLoadBalancers(regionName string, arns []string) ([]LoadBalancer, error) {
	var found []LoadBalancer
	for _, lb := range w.region(regionName).balancing.balancers {
		if len(arns) == 0 || slices.Contains(arns, lb.ARN) {
			found = append(found, *lb)
		}
	}
	if len(found) < len(arns) {
		return nil, clientError("LoadBalancerNotFound", "One or more load balancers not found")
	}
	return found, nil
}

// DescribeListeners returns listeners by ARN, or (with none) those of a load balancer. Errors: ListenerNotFound, LoadBalancerNotFound.
func (w *World) DescribeListeners(regionName, loadBalancer string, arns []string) ([]Listener, error) {
	b := &w.region(regionName).balancing
	if len(arns) == 0 && find(b.balancers, func(lb *LoadBalancer) bool { return lb.ARN == loadBalancer }) == nil {
		return nil, clientError("LoadBalancerNotFound", "One or more load balancers not found")
	}
	var found []Listener
	for _, l := range b.listeners {
		if slices.Contains(arns, l.ARN) || len(arns) == 0 && l.LoadBalancer == loadBalancer {
			found = append(found, b.listener(l))
		}
	}
	if len(found) < len(arns) {
		return nil, listenerNotFound()
	}
	return found, nil
}

// DescribeRules returns rules by ARN, or (with none) those of a listener, the default rule last. Errors: RuleNotFound, ListenerNotFound.
func (w *World) DescribeRules(regionName, listener string, arns []string) ([]Rule, error) {
	b := &w.region(regionName).balancing
	if len(arns) == 0 && find(b.listeners, func(l *Listener) bool { return l.ARN == listener }) == nil {
		return nil, listenerNotFound()
	}
	var found []Rule
	for _, r := range b.rules {
		if slices.Contains(arns, r.ARN) || len(arns) == 0 && r.Listener == listener {
			found = append(found, r.clone())
		}
	}
	if len(found) < len(arns) {
		return nil, ruleNotFound()
	}
	slices.SortStableFunc(found, func(a, b Rule) int { return (a.Priority+50_000)%50_001 - (b.Priority+50_000)%50_001 })
	return found, nil
}
