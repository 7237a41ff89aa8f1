package control_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// wireCase is one case of trouble, played over the wire: the production loop with the real adapters, on a sandbox whose time is a
// bubble's. What it promises is measured on the world's truth.
type wireCase struct {
	// id is its number in the list of cases, title what happens.
	id, title string
	preset    string // empty: fill
	count     int    // tasks on Spot; 0: 20
	policy    func(p *failover.Policy)
	world     func(c *ecsim.Config)
	tick      time.Duration // of the loop; 0: its default
	// before happens before the daemon is started.
	before func(s *scene)
	only   []string // the variants that it makes sense in; nil: all
	raced  bool     // it is played in all of them under the race detector too
	// awaited are the variants whose defect is known and not repaired yet, with what it is.
	awaited map[string]string
	play    func(s *scene)
}

// variant is how readiness comes about, and whether it can be read.
type variant struct {
	name   string
	group  bool          // both services are in a target group
	denied bool          // and may not be read
	warm   time.Duration // from RUNNING until the application answers
	after  time.Duration // ready_after
}

var variants = []variant{
	{name: "plain"},
	{name: "group", group: true, warm: time.Minute},
	{name: "denied", group: true, denied: true, warm: time.Minute},
}

// scene is a case that is being played.
type scene struct {
	*daemon
	v    variant
	want int
	low  lows

	mu     sync.Mutex
	saidAt map[failover.Reason]time.Time
	last   control.Report
	since  time.Time
}

// lows are the extremes that were seen since the last call of fresh.
type lows struct {
	inService, owner int // the least
	cover            int // the most that on-demand was asked for
}

// coverSoon is how soon after a loss that was told its cover must be asked for.
const coverSoon = 20 * time.Second

var twins = []ecsim.Ref{{Region: region, Cluster: cluster, Service: "api-spot"}, {Region: region, Cluster: cluster, Service: "api-standard"}}

var spotSupply = ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}

// playOverTheWire plays cases in all their variants, in the short run the first one: under the race detector, which takes ten times as long, the first one in the first
// of them, as the goroutines are the same in all.
func playOverTheWire(t *testing.T, cases []wireCase) {
	for i := range cases {
		c := &cases[i]
		for _, v := range variants {
			if !c.plays(v.name) || testing.Short() && i > 0 || racetest.Enabled && !c.raced && (i > 0 || v.name != variants[0].name) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", c.id, c.title, v.name), func(t *testing.T) {
				if why := c.awaited[v.name]; why != "" {
					t.Skip(why)
				}
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { playCase(t, c, v) })
			})
		}
	}
}

func (c *wireCase) plays(variant string) bool {
	for _, name := range c.only {
		if name == variant {
			return true
		}
	}
	return c.only == nil
}

func playCase(t *testing.T, c *wireCase, v variant) {
	count := c.count
	if count == 0 {
		count = 20
	}
	config := ecsim.Config{Seed: 1, ReadLag: -1, StopTimeout: 2 * time.Minute, FailingRetry: ecsim.Backoff{First: time.Minute, Max: 5 * time.Minute, Factor: 2}}
	if c.world != nil {
		c.world(&config)
	}
	w := &world{t: t, box: sandbox.New(sandbox.Options{World: config}), path: filepath.Join(t.TempDir(), "state.db")}
	if err := w.box.Setup(sandbox.Twins{Cluster: cluster, Name: "api", Count: count, TargetGroup: v.group, WarmUp: v.warm}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	drove := make(chan struct{})
	go func() {
		defer close(drove)
		w.box.Drive(ctx)
	}()
	defer func() {
		stop()
		<-drove
	}()
	store, done := w.open()
	defer done()
	s := &scene{v: v, want: count, saidAt: map[failover.Reason]time.Time{}, since: time.Now()}
	if v.denied {
		w.fault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "elasticloadbalancing:*"})
	}
	s.fresh()
	s.daemon = &daemon{world: w}
	if c.before != nil {
		c.before(s)
	}
	s.daemon = w.start("a", store, func(l *control.Loop) {
		l.Tick = c.tick
		s.guard(l, c.policyOf(v))
	})
	s.wait(3 * time.Minute) // the first look, and some that it is not
	c.play(s)
	s.finish()
}

func (c *wireCase) policyOf(v variant) failover.Policy {
	name := c.preset
	if name == "" {
		name = failover.PresetFill
	}
	p := presetOf(name)
	p.ReadyAfter = v.after
	if c.policy != nil {
		c.policy(&p)
	}
	return p
}

// presetOf is a preset with the two pools of the twins.
func presetOf(name string) failover.Policy {
	p, _ := failover.Preset(name)
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot, TaskHourUSD: 0.02}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1, TaskHourUSD: 0.05}}
	return p
}

// guard gives a loop its policy, and hears what it says.
func (s *scene) guard(l *control.Loop, p failover.Policy) {
	l.Workloads = []control.Workload{workload("api", p)}
	tell := l.Tell
	l.Tell = func(ctx context.Context, r control.Report) {
		s.hear(&r)
		tell(ctx, r)
	}
}

func (s *scene) hear(r *control.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = *r
	s.saidAt[r.Decision.Reason] = r.Started
	for _, f := range r.Decision.Findings {
		s.saidAt[f.Reason] = r.Started
	}
	for _, n := range r.Decision.Notices {
		s.saidAt[n.Reason] = r.Started
	}
}

// report is the last one.
func (s *scene) report() control.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// restart ends the daemon and starts one with another policy, on the same state.
func (s *scene) restart(p failover.Policy) {
	s.finish()
	store, done := s.open()
	s.t.Cleanup(done)
	s.daemon = s.start("a", store, func(l *control.Loop) { s.guard(l, p) })
}

func (w *world) fault(f sandbox.Fault) int {
	w.t.Helper()
	id, err := w.box.AddFault(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (s *scene) fresh() {
	s.low = lows{inService: math.MaxInt, owner: math.MaxInt}
}

// hush begins the telling anew.
func (s *scene) hush() { s.since = time.Now() }

// wait lets time pass, and looks every second.
func (s *scene) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.look()
		sleep(s.t, time.Second)
	}
	s.look()
}

// until waits for something, at most d, and reports whether it came.
func (s *scene) until(d time.Duration, f func() bool) bool {
	for end := time.Now().Add(d); ; sleep(s.t, time.Second) {
		s.look()
		if f() {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
	}
}

// look takes the extremes of the world's truth.
func (s *scene) look() {
	now := lows{}
	s.box.World(func(e *ecsim.World) {
		for i, ref := range twins {
			g, _ := e.Glance(ref)
			now.inService += g.InService
			if i == 0 {
				now.owner = g.TrueDesired
				continue
			}
			now.cover = g.TrueDesired
		}
	})
	s.low = lows{min(s.low.inService, now.inService), min(s.low.owner, now.owner), max(s.low.cover, now.cover)}
}
