package failover

import (
	"cmp"
	"time"
)

// outcome is everything a pass has settled, from which the state after it and the decision are made.
type outcome struct {
	p       *Policy
	before  *State
	o       *Observation
	known   []Known
	tallies []Tally
	goal    *Goal
	sw      *switched
	fails   []*Failing
	cas     *cascaded
	may     []May
	plan    *planned
	window  []Evidence
	pinned  Mode
	dark    bool
	next    time.Time
	note    *Finding
}

// state is what is kept after the pass.
func (x *outcome) state() State {
	s, now := *x.before, x.o.At
	s.Window = x.window
	s.Demand, s.DemandSet, s.DemandLog = x.goal.Demand, x.goal.Set, x.goal.Log
	s.Failovers = x.sw.failovers
	s.Gap = x.gap()
	if s.Gap != nil && x.p.Observe {
		s.Gap = nil // what is only observed has no asks, credits or gaps
	}
	s.MissingSince = since(s.MissingSince, x.missing().High > 0, now)
	s.DriftSince = since(s.DriftSince, x.plan.drifted, now)
	s.WorkingRevision = x.working()
	if mode := x.mode(); mode != s.Mode {
		s.Mode, s.ModeSince = mode, now
	}
	for i := range s.Pools { // they are this pass's own (prepared)
		x.pool(&s.Pools[i], i)
	}
	return x.seen(s)
}

// since is the moment from which something has held.
func since(was time.Time, holds bool, now time.Time) time.Time {
	if !holds {
		return zeroTime
	}
	return cmp.Or(was, now)
}

// pool is what is kept of one pool.
func (x *outcome) pool(ps *PoolState, i int) {
	k, now := &x.known[i], x.o.At
	ps.B, ps.Failing = x.sw.breakers[i], x.fails[i]
	if was, is := ps.Parked, x.plan.parked[i]; is != nil && (was == nil || *was != *is) {
		ps.ParkedAt = now
	}
	ps.Asked, ps.Parked = x.plan.asked[i], x.plan.parked[i]
	if k.Sight == Fresh {
		ps.UnplacedSince = since(ps.UnplacedSince, k.Unplaced > 0, now)
		ps.Warm = x.cas.targets[i].Warm
		if k.whole() {
			ps.Stops = 0
		}
	}
	if x.plan.asks[i] <= k.InForce.High {
		ps.RefusedSince = zeroTime // nothing is asked of it that could be refused
	}
	if x.plan.acting && x.plan.stopped == i {
		ps.StoppedAt = now
		ps.Stops++
	}
	if x.plan.acting && x.plan.lowered[i] {
		ps.ReleasedAt = now
	}
}

// seen is the state with what this look saw and what was learned from it.
func (x *outcome) seen(s State) State {
	now := x.o.At
	elapsed := time.Duration(0)
	if !s.Seen.At.IsZero() && now.After(s.Seen.At) {
		elapsed = min(now.Sub(s.Seen.At), spendGapMax)
	}
	pools := s.Seen.Pools // this pass's own (prepared)
	for i := range pools {
		k := &x.known[i]
		if x.p.Pools[i].Capacity == OnDemand {
			running := k.Running
			if k.Sight != Fresh {
				running = max(running, k.InForce.High)
			}
			s.Seen.SpendUSD += float64(running) * elapsed.Hours() * x.p.Pools[i].TaskHourUSD
		}
		if k.Sight == Fresh {
			pools[i] = learnPool(x.p, pools[i], &x.o.Pools[i], k, now, cmp.Or(x.before.Gap, s.Gap), s.Pools[i].FailedAt)
		}
	}
	if s.Seen.Forecast == nil && !x.dark {
		s.Seen.Forecast = &Forecast{Since: now}
	}
	if !x.dark && (now.After(s.Seen.At) || now.Before(s.Seen.At.Add(-clockBack))) {
		s.Seen.At = now
	}
	return s
}

// gap is the gap after this pass.
func (x *outcome) gap() *Gap {
	standing := 0
	for i := range x.plan.asks {
		if x.p.Pools[i].Capacity == OnDemand {
			standing += max(0, x.plan.asks[i]-max(x.cas.targets[i].Warm, x.p.floor(i, x.goal.Demand)))
		}
	}
	return gapAfter(x.goal, x.cas.need, standing, x.o.At)
}

// working is the owner's task definition that last had tasks in service.
func (x *outcome) working() string {
	k := max(0, x.p.owner())
	po := &x.o.Pools[k]
	if x.known[k].Sight == Fresh && !po.Deploying && !po.DeployFailed && po.TaskDefinition != "" && x.known[k].InService.Low > 0 {
		return po.TaskDefinition
	}
	return x.before.WorkingRevision
}

// mode is what the workload runs on.
func (x *outcome) mode() Mode {
	cover, open := 0, false
	for i := range x.plan.asks {
		if x.p.Pools[i].Capacity == OnDemand {
			cover += max(0, x.plan.asks[i]-max(0, x.cas.targets[i].Warm-x.cas.targets[i].Need))
		}
		open = open || x.sw.breakers[i].Mode == Open
	}
	switch {
	case cover > 0 && (open || x.pinned == ModeOnDemand):
		return ModeOnDemand
	case cover > 0:
		return ModeMixed
	}
	return ModeSpot
}

// total is what is in service in all pools, and working the leaving tasks that still serve.
func (x *outcome) total() (in Range, working int) {
	for i := range x.known {
		in = in.plus(x.known[i].InService)
		working += x.known[i].Working
	}
	return in, working
}

// missing is the demand less what serves.
func (x *outcome) missing() Range {
	in, working := x.total()
	return Range{max(0, x.goal.Demand-in.High-working), max(0, x.goal.Demand-in.Low-working)}
}

// decision is what is told of the pass.
func (x *outcome) decision(res *result, after *State) Decision {
	in, _ := x.total()
	d := Decision{At: x.o.At, Workload: after.Workload, Mode: after.Mode, Demand: after.Demand, InService: in, Missing: x.missing(), Need: x.cas.need}
	d.Pools = of(res.decision[:], len(x.known))
	spotAsked, spotServing, score := 0, 0, 100
	for i := range x.known {
		d.Pools[i] = x.poolDecision(i, after)
		if x.p.Pools[i].Capacity == Spot {
			k := &x.known[i]
			spotAsked += k.InForce.High
			spotServing += min(k.InService.Low, k.InForce.High)
			score += 2*k.StartedRecently - 10*x.tallies[i].HealthErrors - 5*(k.Placed+k.Provisioning+k.Late)
		}
	}
	if spotAsked > 0 {
		score = min(score, 100*spotServing/spotAsked)
	}
	d.Health = clamp(score, 0, 100)
	d.Findings = x.findings()
	if x.plan.acting {
		d.Actions = x.plan.actions
	} else {
		d.Withheld = x.plan.actions
	}
	d.Reason = x.leading(d.Findings, after)
	d.LookAgain = x.lookAgain(after)
	return d
}

func (x *outcome) poolDecision(i int, after *State) PoolDecision {
	k, t, n := &x.known[i], &x.cas.targets[i], &x.cas.needs[i]
	return PoolDecision{
		Pool: x.p.Pools[i].Name, Capacity: x.p.Pools[i].Capacity, Breaker: after.Pools[i].B.Mode, Sight: k.Sight, Desired: k.Desired,
		InForce: k.InForce.High, InService: k.InService, Running: k.Running, Warming: k.Warming, Placed: k.Placed + k.Provisioning, Late: k.Late,
		Unhealthy: k.Unhealthy, Unplaced: k.Unplaced, Leaving: k.Leaving, Working: k.Working, Live: k.Live,
		Coming: n.Coming, Excused: n.Excused, Owed: n.Owed, Need: t.Need, Surplus: t.Surplus, Warm: t.Warm,
		Raise: t.Raise, Release: t.Release, Ask: x.plan.asks[i], Reason: x.plan.reasons[i], ReadyBy: readyBy(k, &after.Seen.Pools[i], x.o.At), LeavingBy: leavingBy(k),
		CapacityFailures: x.tallies[i].CapacityFailures, Interruptions: x.tallies[i].Interruptions,
	}
}

// readyBy is when half of what is on its way is due, by what was learned.
func readyBy(k *Known, seen *PoolSeen, now time.Time) time.Time {
	if k.Warming+k.Placed+k.Provisioning == 0 || k.Newest.IsZero() {
		return zeroTime
	}
	serve, ok := seen.Serve.Quantile(0.5)
	if !ok {
		return zeroTime
	}
	return later(k.Newest.Add(serve), now)
}

// leavingBy is when the first of the warned tasks that still work is stopped.
func leavingBy(k *Known) time.Time {
	var first time.Time
	for i := range k.Drains {
		first = sooner(first, k.Drains[i].EndsAt)
	}
	return first
}

// lookAgain is the next moment at which a pass would decide differently though nothing else happens.
func (x *outcome) lookAgain(after *State) time.Time {
	next := time.Time{}
	consider := func(t time.Time) {
		if t.After(x.o.At) {
			next = sooner(next, t)
		}
	}
	for _, t := range [...]time.Time{x.next, x.cas.next, x.sw.next} {
		consider(t)
	}
	if t := x.plan.notes.next; !t.IsZero() {
		next = sooner(next, later(t, x.o.At))
	}
	for i := range x.known {
		k := &x.known[i]
		consider(k.NextLate)
		consider(k.NextReady)
		consider(k.NextProof)
		consider(x.cas.targets[i].Next)
		if x.o.Pools[i].HealthBased && k.Warming > 0 && after.Gap != nil {
			consider(x.o.At.Add(warmingLook)) // no event says that a task has become ready
		}
		if since := x.before.Pools[i].GoneSince; !since.IsZero() && x.before.Pools[i].LostAt.IsZero() {
			consider(since.Add(GoneAfter))
		}
		if k.Unplaced > 0 {
			consider(later(since(x.before.Pools[i].UnplacedSince, true, x.o.At), k.Newest).Add(k.StartLimit))
		}
	}
	return next
}
