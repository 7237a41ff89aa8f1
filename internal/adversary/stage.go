package adversary

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// Scene is one case of trouble, staged in a workload that nothing else happens to, and the promises that its user has in it. They
// are measured on the world's truth: what serves, what was asked for, what was written, what it cost and what was told.
type Scene struct {
	// Case is its number in the list of cases, Name what happens.
	Case, Name string
	// prepare makes the plan, play what happens.
	prepare func(p *Plan)
	play    func(s *stage)
	// back is how long after the scene the workload may take to be back at the cheapest state; 0: an hour, negative: it need not be.
	back time.Duration
}

// Scenes are all cases.
func Scenes() []Scene {
	var out []Scene
	for _, part := range [][]Scene{servingScenes(), releaseScenes(), healthScenes(), hiddenScenes(), goneScenes(), excessScenes(), moneyScenes(), countScenes(), laterScenes(), lastScenes()} {
		out = append(out, part...)
	}
	return out
}

// Plan is the plan of a scene with a seed.
func (c *Scene) Plan(seed uint64) Plan {
	p := Plan{Seed: seed, Writers: 1, Tick: time.Minute, Sparse: 1, Demand: 20, scene: c,
		Regions: []string{homeRegion, homeRegion},
		World: ecsim.Config{Seed: seed, LeaveOut: ecsim.APICallEvents | ecsim.StartingEvents | ecsim.StoppingEvents, StopTimeout: 120 * time.Second,
			ReadLag: -1, KeepStopped: stoppedFor + time.Minute, FailingRetry: ecsim.Backoff{First: time.Minute, Max: 5 * time.Minute, Factor: 2}}}
	p.preset(failover.PresetFill)
	if c.prepare != nil {
		c.prepare(&p)
	}
	return p
}

// preset gives the plan a preset's policy with two pools.
func (p *Plan) preset(name string) {
	p.Policy, _ = failover.Preset(name)
	p.Policy.Switch.PerDay = 0
	p.Policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot, TaskHourUSD: 0.02},
		{Name: "standard", Capacity: failover.OnDemand, Tier: 1, TaskHourUSD: 0.05}}
}

// spare adds a second on-demand pool, in another region.
func (p *Plan) spare() {
	p.Policy.Pools = append(p.Policy.Pools, failover.Pool{Name: "standard-far", Capacity: failover.OnDemand, Tier: 2, TaskHourUSD: 0.05})
	p.Regions = append(p.Regions, farRegion)
}

// warm makes readiness come from target groups, so long after RUNNING.
func (p *Plan) warm(d time.Duration) {
	p.Ground.Readiness, p.Ground.WarmUp = ByTargets, ecsim.WarmUp{P50: d, P95: d * 9 / 8, P99: d * 5 / 4}
}

// stage is a scene that is being played.
type stage struct {
	r     *run
	o     *weather
	began time.Time
	// want is what must be in service, extremes what was seen since the last call of fresh.
	want int
	seen extremes
}

// extremes are the least and the most that was seen.
type extremes struct {
	serving, owner int // the least
	cover          int // the most that on-demand was asked for
	tasks          int // the most tasks on demand that existed
}

// playScene plays the plan's scene.
func (r *run) playScene() {
	c := r.plan.scene
	s := &stage{r: r, o: &weather{r: r, rand: rand.New(rand.NewPCG(r.plan.Seed, 0x57a6e)), used: map[int]bool{}}, began: time.Now(), want: r.plan.Demand}
	s.fresh()
	r.watch.mu.Lock()
	r.watch.checked[scenes]++
	r.watch.mu.Unlock()
	c.play(s)
	if c.back < 0 {
		return
	}
	limit := time.Hour
	if c.back > 0 {
		limit = c.back
	}
	if _, err := r.converge(time.Now().Add(limit)); err != nil {
		r.watch.breach("nothing_outlives_its_need", "%v %s after the end of it", err, limit)
	}
}

func (s *stage) breach(rule, format string, args ...any) {
	s.r.watch.breach(rule, "%s", fmt.Sprintf(format, args...))
}

// on calls f with the model.
func (s *stage) on(f func(w *ecsim.World)) { s.o.on(f) }

// pool names the service of pool i.
func (s *stage) pool(i int) ecsim.Ref { return ref(s.r.refs[i]) }

// fresh forgets what was seen.
func (s *stage) fresh() { s.seen = extremes{serving: math.MaxInt, owner: math.MaxInt} }

// wait lets time pass, and looks every few seconds.
func (s *stage) wait(d time.Duration) {
	for end := time.Now().Add(d); ; {
		s.look()
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, 3*time.Second))
	}
}

// until waits for something, at most d, and reports whether it came.
func (s *stage) until(d time.Duration, f func() bool) bool {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.look()
		if f() {
			return true
		}
		time.Sleep(2 * time.Second)
	}
	return f()
}

// look takes the extremes.
func (s *stage) look() {
	serving, cover, tasks, owner := 0, 0, 0, 0
	s.on(func(w *ecsim.World) {
		for i, service := range s.r.refs {
			g, _ := w.Glance(ref(service))
			serving += s.r.serving(service, &g)
			switch {
			case i == 0:
				owner = g.TrueDesired
			case s.r.plan.Policy.Pools[i].Capacity == failover.OnDemand:
				cover += g.TrueDesired
				tasks += g.Unthreatened + g.Pending
			}
		}
	})
	s.seen.serving, s.seen.owner = min(s.seen.serving, serving), min(s.seen.owner, owner)
	s.seen.cover, s.seen.tasks = max(s.seen.cover, cover), max(s.seen.tasks, tasks)
}

// serving is what is in service in truth.
func (s *stage) serving() (n int) {
	s.on(func(w *ecsim.World) {
		for _, service := range s.r.refs {
			g, _ := w.Glance(ref(service))
			n += s.r.serving(service, &g)
		}
	})
	return n
}

// in is what is in service in pool i.
func (s *stage) in(i int) (n int) {
	s.on(func(w *ecsim.World) {
		g, _ := w.Glance(s.pool(i))
		n = s.r.serving(s.r.refs[i], &g)
	})
	return n
}

// asked is the desired count of pool i.
func (s *stage) asked(i int) (n int) {
	s.on(func(w *ecsim.World) {
		g, _ := w.Glance(s.pool(i))
		n = g.TrueDesired
	})
	return n
}

// cover is what on-demand is asked for.
func (s *stage) cover() (n int) {
	for i := range s.r.refs {
		if s.r.plan.Policy.Pools[i].Capacity == failover.OnDemand {
			n += s.asked(i)
		}
	}
	return n
}

// spot says how many tasks Spot can hold from now on; negative: any number. Fewer than there are are taken back, with a warning.
func (s *stage) spot(n int) {
	s.on(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, n) })
}

// interrupt takes n Spot tasks back; with left their places can be had again.
func (s *stage) interrupt(n int, left bool) {
	s.on(func(w *ecsim.World) {
		if !left {
			limit, held := w.Supply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot})
			if limit < 0 || limit > held {
				w.SetSupply(ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.FargateSpot}, held)
			}
		}
		w.Interrupt(s.pool(0), n, "", !left)
	})
}

// desire sets the owner's desired count, as a person does.
func (s *stage) desire(n int) {
	s.on(func(w *ecsim.World) {
		if w.SetDesired(s.pool(0), n) == nil {
			s.r.watch.willed(n)
			s.want = n
		}
	})
}

// order is an operator's command.
func (s *stage) order(kind failover.IntentKind) { s.r.order(failover.Intent{Kind: kind}) }

// policy restarts the writers with a changed policy.
func (s *stage) policy(change func(p *failover.Policy)) {
	s.r.mu.Lock()
	next := s.r.policy
	change(&next)
	s.r.policy = next
	s.r.mu.Unlock()
	for i := range s.r.restarts {
		s.r.restart(i)
	}
}

// trouble makes a share of events or calls go wrong.
func (s *stage) trouble(t Trouble, share float64) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.plan.Shares[t] = share
	s.r.troubled = share > 0
}

// learns lets the law see that warned tasks work on: a small loss that Spot makes up for.
func (s *stage) learns() {
	s.interrupt(max(1, s.want/5), true)
	s.wait(15 * time.Minute)
}

// coverSoon is how soon after a loss that was told its cover must be asked for.
const coverSoon = 20 * time.Second

// covered holds that what is missing is asked of on-demand, or on its way there, within a time.
func (s *stage) covered(within time.Duration) {
	ok := s.until(within, func() bool { return s.in(0)+s.cover() >= s.want })
	if !ok {
		s.breach("losses_are_covered", "after %s %d serve on Spot and %d are asked of on-demand, %d are wanted", within, s.in(0), s.cover(), s.want)
	}
}

// whole holds that all that is wanted is in service within a time.
func (s *stage) whole(within time.Duration) {
	if !s.until(within, func() bool { return s.serving() >= s.want }) {
		s.breach("capacity_is_back", "after %s %d of %d are in service", within, s.serving(), s.want)
	}
}

// keeps holds that no fewer than n were in service since fresh.
func (s *stage) keeps(n int) {
	if s.seen.serving < n {
		s.breach("nothing_lowered_before_it_serves", "%d were in service at the least, AWS left %d", s.seen.serving, n)
	}
}

// atMost holds that on-demand was asked for no more than n since fresh.
func (s *stage) atMost(n int) {
	if s.seen.cover > n {
		s.breach("cover_is_bounded", "on-demand was asked for %d, %d at most are right", s.seen.cover, n)
	}
}

// bound is the most that may be asked for to cover a need.
func (s *stage) bound(need int) int {
	surplus := int(math.Ceil(s.r.policyNow().Overstart * max(float64(need), 2.5*math.Sqrt(float64(need)))))
	return max(2*need, need+surplus+2)
}

// untouched holds that nobody but people set the owner's count.
func (s *stage) untouched() {
	if s.seen.owner < s.want {
		s.breach("owner_is_not_written", "the owner's count went down to %d, %d were wanted", s.seen.owner, s.want)
	}
}

// gone holds that on-demand is given back within a time.
func (s *stage) gone(within time.Duration) {
	if !s.until(within, func() bool { return s.cover() == 0 }) {
		s.breach("nothing_outlives_its_need", "after %s on-demand is still asked for %d", within, s.cover())
	}
}

// told holds that one of some reasons was named since the scene, or the last call of hush, began.
func (s *stage) told(within time.Duration, reasons ...failover.Reason) {
	ok := s.until(within, func() bool { return s.said(reasons...) })
	if !ok {
		s.breach("trouble_is_told", "%v was not said within %s", reasons, within)
	}
}

func (s *stage) said(reasons ...failover.Reason) bool {
	s.r.watch.mu.Lock()
	defer s.r.watch.mu.Unlock()
	for _, r := range reasons {
		if s.r.watch.said[r].After(s.began) {
			return true
		}
	}
	return false
}

// untold holds that a reason was not named since the scene, or the last call of hush, began.
func (s *stage) untold(r failover.Reason) {
	if s.said(r) {
		s.breach("trouble_is_told", "%s was said, and is not so", r)
	}
}

// hush begins the telling anew.
func (s *stage) hush() { s.began = time.Now() }

// cost are the task-minutes of on-demand so far.
func (s *stage) cost() (minutes float64) {
	s.on(func(w *ecsim.World) { minutes = w.Usage(ecsim.Fargate).TaskSeconds / 60 })
	return minutes
}

// started is how many on-demand tasks were created so far.
func (s *stage) started() (n int) {
	s.on(func(w *ecsim.World) { n = w.Usage(ecsim.Fargate).Created })
	return n
}

// roll rolls a revision out, on the owner or on all; broken says how its tasks fail.
func (s *stage) roll(all bool, broken ecsim.FailMode) {
	s.on(func(w *ecsim.World) {
		for i, service := range s.r.refs {
			if i > 0 && !all {
				continue
			}
			arn, err := s.r.revision(w, service.Region)
			if err != nil {
				continue
			}
			_ = w.SetTaskDefinitionBroken(service.Region, arn, broken)
			_, _ = w.UpdateService(ref(service), ecsim.UpdateServiceInput{TaskDefinition: arn})
		}
	})
}
