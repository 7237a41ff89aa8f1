package adversary

import (
	"math/rand/v2"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// never is a warm-up that no run sees the end of.
const never = 20000 * time.Hour

// sicken makes the troubles of capacity that runs and does not serve.
func (o *weather) sicken(t Trouble) {
	r := o.r
	c := failover.Spot
	if o.rand.IntN(2) == 0 {
		c = failover.OnDemand
	}
	i := o.pool(c)
	n := 1 + o.rand.IntN(max(1, r.plan.Demand))
	switch t {
	case SlowStarts:
		p50 := o.minutes(3, 10)
		o.on(func(w *ecsim.World) { w.SetStartUp(string(c), ecsim.StartUp{P50: p50, P95: p50, P99: p50}) })
		o.later(o.minutes(10, 90), func() { o.on(func(w *ecsim.World) { w.SetStartUp(string(c), ecsim.StartUp{}) }) })
	case HungStarts:
		share := 0.1 + 0.9*o.rand.Float64()
		o.on(func(w *ecsim.World) { w.SetHungStarts(string(c), share) })
		o.later(o.minutes(5, 40), func() { o.on(func(w *ecsim.World) { w.SetHungStarts(string(c), 0) }) })
	case NeverReady:
		o.on(func(w *ecsim.World) { w.SetWarmUp(string(c), ecsim.WarmUp{P50: never}) })
		o.later(o.minutes(5, 60), func() { o.on(func(w *ecsim.World) { w.SetWarmUp(string(c), r.plan.Ground.WarmUp) }) })
	case Unwell:
		o.answering(i, n, false)
		o.later(o.minutes(1, 15), func() { o.answering(i, 10*r.plan.Demand+100, true) })
	case HealthUnread:
		kind := []failover.ErrorKind{failover.ErrThrottled, failover.ErrDenied}[o.rand.IntN(2)]
		o.on(func(*ecsim.World) { r.healthErr = kind })
		o.later(o.minutes(1, 40), func() { o.on(func(*ecsim.World) { r.healthErr = failover.ErrNone }) })
	case Retired:
		o.on(func(w *ecsim.World) {
			w.KillTasks(ref(r.refs[i]), n, ecsim.StopInfrastructure, "Your task has been stopped: the host is to be retired.")
		})
	case Guarded:
		o.on(func(w *ecsim.World) { r.protect(w, i, n, o.minutes(5, 60)) })
	case LoadMoved:
		factor := 0.3 + 2*o.rand.Float64()
		o.on(func(w *ecsim.World) {
			if r.forces != nil {
				r.forces.factor = factor
				r.forces.load(willing{w, r})
			}
		})
	}
}

// answering makes applications of a pool stop answering, or answer again.
func (o *weather) answering(i, n int, yes bool) {
	o.on(func(w *ecsim.World) {
		o.r.unwellAt = w.Now()
		w.SetAnswering(ref(o.r.refs[i]), n, yes)
	})
}

// protect protects up to n running tasks of a pool from scale-in.
func (r *run) protect(w *ecsim.World, i, n int, d time.Duration) {
	s := r.refs[i]
	var ids []string
	r.scratch = w.AppendTasks(r.scratch[:0], ref(s), ecsim.Running)
	for k := range r.scratch {
		if t := &r.scratch[k]; t.LastStatus == ecsim.Running && len(ids) < min(n, 10) {
			ids = append(ids, t.ID)
		}
	}
	if len(ids) > 0 {
		_, _, _ = w.UpdateTaskProtection(s.Region, s.Cluster, ids, true, d)
	}
}

// drawGround draws what kind of workload it is. It has a stream of its own, so that the other draws stay what they were.
func (p *Plan) drawGround(r *rand.Rand) {
	g := &p.Ground
	g.Readiness = []Readiness{ByRunning, ByTime, ByTargets, ByContainer}[pick(r, 4, 1, 4, 2)]
	if g.Readiness != ByRunning {
		p50 := time.Duration(r.IntN(90)) * time.Second
		g.WarmUp = ecsim.WarmUp{P50: p50, P95: p50 * 5 / 4, P99: p50 * 4 / 3}
	}
	if g.Readiness == ByTime {
		p.Policy.ReadyAfter = 2 * g.WarmUp.P50
	}
	switch {
	case g.Readiness == ByTargets && r.IntN(3) == 0:
		g.Strategy = []string{ecsim.BlueGreen, ecsim.Canary, ecsim.Linear}[r.IntN(3)]
		g.Bake = time.Duration(r.IntN(30)) * time.Minute
	case r.IntN(3) == 0:
		g.Minimum, g.Maximum = []int{50, 75, 100}[r.IntN(3)], []int{150, 200}[r.IntN(2)]
		g.Early = r.IntN(3) == 0
	}
	g.CircuitBreaker = r.IntN(4) == 0
	if g.Rebalance = r.IntN(5) == 0; g.Rebalance {
		g.Maximum = max(g.Maximum, 150)
		g.Minimum = max(g.Minimum, 50)
		p.World.Rebalance.FailureShare = 0.2
	}
	if p.Policy.Preset == failover.PresetFill && p.Shares[CountChanged] == 0 && p.Shares[Recreated] == 0 && p.Shares[StateLost] == 0 && r.IntN(5) == 0 {
		p.Drive, p.Scaling = ByLoad, true
		p.Shares[LoadMoved] = 0.5
	}
	for t := SlowStarts; t <= Guarded; t++ {
		if r.Float64() < 0.12 {
			p.Shares[t] = 0.1 + 0.5*r.Float64()
		}
	}
	if !g.healthBased() {
		p.Shares[Unwell], p.Shares[NeverReady], p.Shares[HealthUnread] = 0, 0, 0
	}
	p.World.ScaleIn = []ecsim.ScaleInPick{ecsim.PickServingFirst, ecsim.PickRunningFirst, ecsim.PickRandom, ecsim.PickStartingFirst}[pick(r, 4, 1, 1, 1)]
}
