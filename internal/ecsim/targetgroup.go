package ecsim

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// BalancerKind is the kind of load balancer that a target group is for.
type BalancerKind uint8

// The kinds of load balancer.
const (
	ApplicationBalancer BalancerKind = iota // ALB: HTTP, HTTPS
	NetworkBalancer                         // NLB: TCP, TLS, UDP; a new target is looked at only after Config.NLBRegistration
)

// States of a target, and the reasons that AWS gives for them.
const (
	TargetInitial   = "initial"
	TargetHealthy   = "healthy"
	TargetUnhealthy = "unhealthy"
	TargetUnused    = "unused"
	TargetDraining  = "draining"

	ReasonRegistering    = "Elb.RegistrationInProgress"
	ReasonInitialChecks  = "Elb.InitialHealthChecking"
	ReasonFailedChecks   = "Target.FailedHealthChecks"
	ReasonTargetTimeout  = "Target.Timeout"
	ReasonNotInUse       = "Target.NotInUse"
	ReasonNotRegistered  = "Target.NotRegistered"
	ReasonDeregistration = "Target.DeregistrationInProgress"
)

// TargetGroupInput is a CreateTargetGroup call. Zero fields take AWS's defaults.
type TargetGroupInput struct {
	Name               string // up to 32 letters, digits and hyphens
	Kind               BalancerKind
	Port               int           // of targets that name none, 1..65535; default 80
	Interval           time.Duration // between health checks, 5..300 s; default 30 s
	HealthyThreshold   int           // checks in a row that make a target healthy, 2..10; default 5
	UnhealthyThreshold int           // checks in a row that make it unhealthy, 2..10; default 2
	DeregistrationTime time.Duration // how long a deregistered target drains, up to an hour; default 300 s, negative: none
}

// TargetGroup is a snapshot of a target group.
type TargetGroup struct {
	ARN, Name          string
	Kind               BalancerKind
	Port               int
	Interval           time.Duration
	HealthyThreshold   int
	UnhealthyThreshold int
	DeregistrationTime time.Duration
	LoadBalancers      []string // ARNs of those whose listeners name it
	Weight             int      // the sum of its weights in all rules: 0 gets no traffic
}

// Target names a target: an IPv4 address, and a port (0: the group's; in DeregisterTargets: every port).
type Target struct {
	IP   string
	Port int
}

// TargetHealth is one target of DescribeTargetHealth.
type TargetHealth struct {
	Target
	State  string
	Reason string // empty when healthy
}

// targetGroup is one target group. Its targets are in the order of their registration, those that drain included.
type targetGroup struct {
	TargetGroup
	region  *region
	targets []*target
	uses    int    // rules that name it, those with weight 0 too
	usedBy  moment // since when a rule names it
	deleted bool
}

// target is one registered target. Its state is not kept: it follows from these times.
type target struct {
	group   *targetGroup
	ip      uint32
	port    int
	app     *readiness // of the task behind it; nil for an address without a task
	from    moment     // when health checks begin; never while its task does not run
	drains  moment     // stamp of its deregistration; 0: registered
	drained moment     // when it will be gone
}

// CreateTargetGroup makes a target group of the target type ip, or returns the one of that name with the same settings, as AWS does.
// Errors: ValidationError, DuplicateTargetGroupName.
func (w *World) CreateTargetGroup(regionName string, in TargetGroupInput) (TargetGroup, error) {
	g := &targetGroup{region: w.region(regionName)}
	g.TargetGroup = TargetGroup{
		Name: in.Name, Kind: in.Kind, Port: cmp.Or(in.Port, 80), Interval: cmp.Or(in.Interval, 30*time.Second),
		HealthyThreshold: cmp.Or(in.HealthyThreshold, 5), UnhealthyThreshold: cmp.Or(in.UnhealthyThreshold, 2),
		DeregistrationTime: orDefault(in.DeregistrationTime, 300*time.Second),
	}
	if err := g.check(); err != nil {
		return TargetGroup{}, err
	}
	for _, old := range g.region.balancing.groups {
		if old.Name != in.Name {
			continue
		}
		if old.Kind != g.Kind || old.Port != g.Port || old.Interval != g.Interval {
			return TargetGroup{}, clientError("DuplicateTargetGroupName", "A target group with the same name '"+in.Name+"' exists, but with different settings")
		}
		return g.region.balancing.view(old), nil
	}
	g.ARN = w.balancingARN(regionName, "targetgroup/"+in.Name+"/"+w.suffix())
	g.region.balancing.groups = append(g.region.balancing.groups, g)
	return g.region.balancing.view(g), nil
}

func (g *targetGroup) check() error {
	switch {
	case !validBalancingName(g.Name):
		return validation("Target group name '" + g.Name + "' must be 1 to 32 letters, digits and hyphens, with no hyphen at its ends")
	case g.Port < 1 || g.Port > 65535:
		return validation("Port must be between 1 and 65535")
	case g.Interval < 5*time.Second || g.Interval > 300*time.Second:
		return validation("Health check interval must be between 5 and 300 seconds")
	case g.HealthyThreshold < 2 || g.HealthyThreshold > 10 || g.UnhealthyThreshold < 2 || g.UnhealthyThreshold > 10:
		return validation("Health check thresholds must be between 2 and 10")
	case g.DeregistrationTime > time.Hour:
		return validation("deregistration_delay.timeout_seconds must be between 0 and 3600")
	}
	return nil
}

// SetDeregistrationTime is ModifyTargetGroupAttributes for how long a deregistered target drains, 0 to an hour. Targets that drain
// already keep their end. Errors: TargetGroupNotFound, ValidationError.
func (w *World) SetDeregistrationTime(regionName, arn string, d time.Duration) error {
	g, err := w.targetGroup(regionName, arn)
	if err != nil {
		return err
	}
	if d < 0 || d > time.Hour {
		return validation("deregistration_delay.timeout_seconds must be between 0 and 3600")
	}
	g.DeregistrationTime = d
	return nil
}

// DescribeTargetGroups returns target groups by ARN, or (with none) all of a region, in the order of their making. Error: TargetGroupNotFound.
func (w *World) DescribeTargetGroups(regionName string, arns []string) ([]TargetGroup, error) {
	b := &w.region(regionName).balancing
	var found []TargetGroup
	if len(arns) == 0 {
		for _, g := range b.groups {
			found = append(found, b.view(g))
		}
		return found, nil
	}
	for _, arn := range arns {
		g, err := w.targetGroup(regionName, arn)
		if err != nil {
			return nil, err
		}
		found = append(found, b.view(g))
	}
	return found, nil
}

// DeleteTargetGroup removes a target group that no rule names. Services that name it register their tasks nowhere from then on.
// Errors: TargetGroupNotFound, ResourceInUse.
func (w *World) DeleteTargetGroup(regionName, arn string) error {
	g, err := w.targetGroup(regionName, arn)
	if err != nil {
		return err
	}
	if g.uses > 0 {
		return clientError("ResourceInUse", "Target group '"+arn+"' is currently in use by a listener or a rule")
	}
	g.deleted = true
	b := &g.region.balancing
	b.groups = slices.DeleteFunc(b.groups, func(other *targetGroup) bool { return other == g })
	for _, t := range slices.Clone(g.targets) {
		g.drop(t)
	}
	return nil
}

// RegisterTargets registers targets, or takes back the deregistration of ones that drain: they are looked at as new ones are. An
// address that belongs to no task is registered and never healthy. Errors: TargetGroupNotFound, InvalidTarget.
func (w *World) RegisterTargets(regionName, arn string, targets []Target) error {
	g, err := w.targetGroup(regionName, arn)
	if err != nil {
		return err
	}
	if err := checkTargets(targets); err != nil {
		return err
	}
	g.live(w.now)
	for _, in := range targets {
		ip, _ := parseIP(in.IP)
		t := g.find(ip, cmp.Or(in.Port, g.Port))
		if t != nil && t.drains == 0 {
			continue
		}
		if t == nil {
			t = g.add(ip, cmp.Or(in.Port, g.Port), w.appAt(g.region, ip))
		}
		t.drains, t.drained = 0, 0
		t.from = w.now + w.registration(g)
		if a := t.app; a != nil && (a.task != nil && a.task.status < running || a.out && !w.cfg.PutBackServes) {
			t.from = never
		}
		w.turned(t)
	}
	return nil
}

// DeregisterTargets takes targets out of service: they drain for the group's deregistration time and are gone. Errors:
// TargetGroupNotFound, InvalidTarget (one that is not registered).
func (w *World) DeregisterTargets(regionName, arn string, targets []Target) error {
	g, err := w.targetGroup(regionName, arn)
	if err != nil {
		return err
	}
	if err := checkTargets(targets); err != nil {
		return err
	}
	var found []*target
	for _, in := range targets {
		ip, _ := parseIP(in.IP)
		n := len(found)
		for _, t := range g.live(w.now) {
			if t.ip == ip && (in.Port == 0 || in.Port == t.port) {
				found = append(found, t)
			}
		}
		if len(found) == n {
			return clientError("InvalidTarget", "The following targets are not registered: '"+in.IP+"'")
		}
	}
	for _, t := range found {
		w.deregister(t)
		if again := w.cfg.RegistersAgain; again > 0 && t.app != nil && t.app.task != nil {
			w.q.push(w.now+moment(again), taskPutBack, t.app.task.slot, t.app.task.life)
		}
	}
	return nil
}

// DescribeTargetHealth returns the health of the targets named, or (with none) of all, in the order of their registration. A
// target named that is not there is unused, for Target.NotRegistered. Errors: TargetGroupNotFound, InvalidTarget.
func (w *World) DescribeTargetHealth(regionName, arn string, targets []Target) ([]TargetHealth, error) {
	g, err := w.targetGroup(regionName, arn)
	if err != nil {
		return nil, err
	}
	live := g.live(w.now)
	var out []TargetHealth
	if len(targets) == 0 {
		for _, t := range live {
			out = append(out, t.health(w.now))
		}
		return out, nil
	}
	if err := checkTargets(targets); err != nil {
		return nil, err
	}
	for _, in := range targets {
		ip, _ := parseIP(in.IP)
		if t := g.find(ip, cmp.Or(in.Port, g.Port)); t != nil {
			out = append(out, t.health(w.now))
			continue
		}
		out = append(out, TargetHealth{Target{in.IP, cmp.Or(in.Port, g.Port)}, TargetUnused, ReasonNotRegistered})
	}
	return out, nil
}

func checkTargets(targets []Target) error {
	for _, t := range targets {
		if _, ok := parseIP(t.IP); !ok {
			return clientError("InvalidTarget", "The IP address '"+t.IP+"' is not a valid IPv4 address")
		}
		if t.Port < 0 || t.Port > 65535 {
			return clientError("InvalidTarget", "The port "+strconv.Itoa(t.Port)+" is not valid")
		}
	}
	return nil
}

// live drops the targets that have drained and returns the others.
func (g *targetGroup) live(now moment) []*target {
	for i := 0; i < len(g.targets); {
		if t := g.targets[i]; t.drains != 0 && t.drained <= now {
			g.drop(t)
			continue
		}
		i++
	}
	return g.targets
}

func (g *targetGroup) find(ip uint32, port int) *target {
	for _, t := range g.targets {
		if t.ip == ip && t.port == port {
			return t
		}
	}
	return nil
}

func (g *targetGroup) add(ip uint32, port int, app *readiness) *target {
	t := &target{group: g, ip: ip, port: port, app: app, from: never}
	g.targets = append(g.targets, t)
	if app != nil {
		app.targets = append(app.targets, t)
	}
	return t
}

// drop removes a target from its group and from its task.
func (g *targetGroup) drop(t *target) {
	same := func(other *target) bool { return other == t }
	g.targets = slices.DeleteFunc(g.targets, same)
	if t.app != nil {
		t.app.targets = slices.DeleteFunc(t.app.targets, same)
	}
}
