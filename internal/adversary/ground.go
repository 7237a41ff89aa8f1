package adversary

import (
	"math"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// Readiness says what tells that a task of the workload is ready.
type Readiness int

// What tells readiness.
const (
	ByRunning   Readiness = iota // nothing: a task serves as soon as it is RUNNING
	ByTime                       // nothing either, and it warms up: ready_after stands for that
	ByTargets                    // target groups
	ByContainer                  // the container health check
)

// Ground is what kind of workload it is: what is there before anything goes wrong. The zero value is a workload without health
// checks whose deployments roll.
type Ground struct {
	Readiness Readiness
	// WarmUp is how long its tasks warm up after RUNNING.
	WarmUp ecsim.WarmUp
	// Strategy of the owner's deployments; empty: rolling.
	Strategy string
	Bake     time.Duration
	// Grace is how long health checks stop no task; 0: longer than any warm-up.
	Grace time.Duration
	// Hook makes deployments that shift traffic pause after the new revision is up.
	Hook bool
	// Minimum and Maximum are the percentages of its rolling deployments; 0 and 0: 100 and 200.
	Minimum, Maximum int
	// Early lets a rolling deployment complete with half of the tasks healthy.
	Early bool
	// Rebalance lets ECS rebalance the owner's tasks among zones.
	Rebalance bool
	// CircuitBreaker rolls deployments back that fail.
	CircuitBreaker bool
	// Astray puts the on-demand services into the first of the two groups of a strategy that shifts traffic only.
	Astray bool
}

// shifts reports whether deployments of the owner shift traffic between two target groups.
func (g *Ground) shifts() bool { return g.Strategy != "" && g.Strategy != ecsim.Rolling }

// healthBased reports whether readiness can be read.
func (g *Ground) healthBased() bool { return g.Readiness == ByTargets || g.Readiness == ByContainer }

// Health checks quick enough for an hour to show much, with a grace that no warm-up outlasts.
const (
	checkEvery  = 10 * time.Second
	checkPasses = 2
	drainFor    = 30 * time.Second
	graceMin    = 2 * time.Minute
	// noticedAfter is when health checks show at the latest that an application has ceased to answer: until then nothing can know.
	noticedAfter = 5 * checkEvery
)

// front is the target groups and the listener of one region.
type front struct {
	groups     []string // ARNs: one, or blue and green
	production string   // ARN of the rule
	test       string
}

// buildFront makes the load balancer of a region.
func (r *run) buildFront(region string) (*front, error) {
	names := []string{workloadName}
	if r.plan.Ground.shifts() {
		names = []string{workloadName + "-blue", workloadName + "-green"}
	}
	f := &front{}
	var forwards []ecsim.Forward
	for i, name := range names {
		g, err := r.w.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: name, Interval: checkEvery, HealthyThreshold: checkPasses, DeregistrationTime: drainFor})
		if err != nil {
			return nil, err
		}
		f.groups = append(f.groups, g.ARN)
		forwards = append(forwards, ecsim.Forward{TargetGroup: g.ARN, Weight: 1 - i})
	}
	lb, err := r.w.CreateLoadBalancer(region, workloadName, ecsim.ApplicationBalancer)
	if err != nil {
		return nil, err
	}
	l, err := r.w.CreateListener(region, lb.ARN, 80, "HTTP", forwards)
	if err != nil {
		return nil, err
	}
	f.production = l.Default
	if r.plan.Ground.shifts() {
		test, err := r.w.CreateRule(region, l.ARN, 1, forwards, []byte(`[{"Field":"path-pattern","Values":["/test/*"]}]`))
		if err != nil {
			return nil, err
		}
		f.test = test.ARN
	}
	return f, nil
}

// createService makes the service of pool i with a desired count.
func (r *run) createService(w *ecsim.World, i, n int) error {
	s, g := r.refs[i], &r.plan.Ground
	delete(r.held, ref(s)) // a service that is made anew has no tags
	in := ecsim.CreateServiceInput{Cluster: s.Cluster, Name: s.Service, TaskDefinition: workloadName, Desired: n,
		Strategy:    []ecsim.StrategyItem{{Provider: string(r.plan.Policy.Pools[i].Capacity), Weight: 1}},
		Rebalancing: g.Rebalance && i == 0}
	if g.Minimum > 0 || g.Maximum > 0 {
		in.Deployment.MinimumHealthyPercent, in.Deployment.MaximumPercent = &g.Minimum, &g.Maximum
	}
	in.Deployment.CircuitBreaker, in.Deployment.Rollback = g.CircuitBreaker, g.CircuitBreaker
	if g.Early && i == 0 {
		in.Deployment.Rollout = &ecsim.RolloutConfig{EarlySuccess: ecsim.EarlySuccess{Enabled: true, HealthyPercent: g.earlyPercent(), Deferred: false}}
	}
	if f := r.fronts[s.Region]; f != nil {
		in.TargetGroups, in.HealthGrace = f.groups, max(g.Grace, graceMin+2*g.WarmUp.P99)
		switch {
		case g.shifts() && i == 0:
			in.TargetGroups = f.groups[:1]
			in.Traffic = ecsim.TrafficConfig{Alternate: f.groups[1], ProductionRule: f.production, TestRule: f.test}
			in.Deployment.Rollout = &ecsim.RolloutConfig{Strategy: g.Strategy, Bake: g.Bake, Canary: ecsim.TrafficStep{Percent: 50, Bake: g.Bake},
				Linear: ecsim.TrafficStep{Percent: 25, Bake: g.Bake / 3}}
			if g.Hook {
				in.Deployment.Rollout.Hooks = []ecsim.LifecycleHook{{Stages: []string{ecsim.StagePostScaleUp}, Pause: true, Timeout: 6 * time.Hour}}
			}
		case g.shifts() && g.Astray && r.plan.Policy.Pools[i].Capacity == failover.OnDemand:
			in.TargetGroups = f.groups[:1]
		}
	}
	_, err := w.CreateService(s.Region, in)
	return err
}

// earlyPercent is how many of a hundred new tasks must be healthy for an early success.
func (g *Ground) earlyPercent() int { return max(50, g.Minimum) }

// revision registers a new revision of the workload's task definition in a region.
func (r *run) revision(w *ecsim.World, region string) (string, error) {
	in := ecsim.TaskDefinitionInput{Family: workloadName, Container: "app", Image: "app:1"}
	if r.plan.Ground.Readiness == ByContainer {
		in.HealthCheck = &ecsim.ContainerCheck{Interval: checkEvery, Retries: 3, StartPeriod: graceMin + 2*r.plan.Ground.WarmUp.P99}
		in.HealthCheck.StartPeriod = min(in.HealthCheck.StartPeriod, 5*time.Minute)
	}
	d, err := w.RegisterTaskDefinition(region, in)
	return d.ARN, err
}

// groupsOf are the target groups that a service's tasks may be in.
func (r *run) groupsOf(s control.ServiceRef) []string {
	f := r.fronts[s.Region]
	if f == nil {
		return nil
	}
	g := &r.plan.Ground
	if i := r.index(s); g.shifts() && g.Astray && i > 0 && r.plan.Policy.Pools[i].Capacity == failover.OnDemand {
		return f.groups[:1]
	}
	return f.groups
}

// index is the pool of a service.
func (r *run) index(s control.ServiceRef) int {
	for i := range r.refs {
		if r.refs[i] == s {
			return i
		}
	}
	return -1
}

// targetHealth reads the groups of a service: the state of each address in production groups, and in the others.
func (r *run) targetHealth(s control.ServiceRef) (production, other map[string]bool, weighted bool) {
	production, other = map[string]bool{}, map[string]bool{}
	groups, err := r.w.DescribeTargetGroups(s.Region, r.groupsOf(s))
	if err != nil {
		return production, other, false
	}
	for i := range groups {
		into := other
		if groups[i].Weight > 0 {
			into, weighted = production, true
		}
		found, err := r.w.DescribeTargetHealth(s.Region, groups[i].ARN, nil)
		if err != nil {
			continue
		}
		for k := range found {
			was, known := into[found[k].IP]
			into[found[k].IP] = found[k].State == ecsim.TargetHealthy && (was || !known)
		}
	}
	return production, other, weighted
}

// outOfTraffic reports whether none of a service's groups has listener weight now.
func (r *run) outOfTraffic(s control.ServiceRef) bool {
	if r.fronts[s.Region] == nil || !r.plan.Ground.shifts() {
		return false
	}
	groups, err := r.w.DescribeTargetGroups(s.Region, r.groupsOf(s))
	for i := range groups {
		if groups[i].Weight > 0 {
			return false
		}
	}
	return err == nil
}

// serving is how many tasks of a service are in service in truth, of each revision no more than its share of the traffic needs. The
// caller holds the mutex.
func (r *run) serving(s control.ServiceRef, g *ecsim.Glance) int {
	if g.Deployments < 2 || !r.plan.Ground.shifts() {
		return g.InService
	}
	n := 0
	for _, v := range r.w.Revisions(ref(s)) {
		n += min(v.InService, int(math.Ceil(v.Share*float64(g.TrueDesired)-1e-9)))
	}
	return min(n, g.InService)
}

// unnoticed reports whether applications have changed so lately whether they answer that no health check need show it yet. The caller
// holds the mutex.
func (r *run) unnoticed() bool {
	return !r.unwellAt.IsZero() && r.w.Now().Sub(r.unwellAt) < noticedAfter
}
