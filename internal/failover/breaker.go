package failover

import (
	"math"
	"time"
)

// rampShares are the steps of a return, as shares of what is wanted of the pool.
var rampShares = [...]float64{0.25, 0.5, 1}

// reopenMemory is how long a breaker must have stayed closed before a new trip starts its hold-off anew.
const reopenMemory = time.Hour

// runBreakers moves every preferred pool's breaker.
func (w *pass) runBreakers() {
	w.pruneFailovers()
	for i := range w.v {
		v := &w.v[i]
		if !v.breaker || w.pinned == ModeSpot || w.partial || v.lost {
			continue
		}
		if w.pinned == ModeOnDemand && v.ps.B.Mode != Open {
			w.open(v, ReasonPinned)
			continue
		}
		was := v.ps.B.Mode
		switch was {
		case Closed:
			if why := w.trips(v); why != "" {
				w.open(v, why)
			}
		case Open:
			w.prove(v)
		case HalfOpen:
			w.ramp(v)
		}
		if v.ps.B.Mode != was {
			w.recount(v) // what the tasks are worth depends on the mode
		}
	}
}

// trips says why a closed breaker must open; empty when it must not. Failures of the application and
// deployments are no reason (aws-facts 1.8): they veto.
func (w *pass) trips(v *view) Reason {
	if v.ps.Failing != nil || w.s.Demand == 0 {
		return ""
	}
	if w.now.Sub(v.ps.B.Since) < w.p.ClosedMin {
		w.look(v.ps.B.Since.Add(w.p.ClosedMin))
		return ""
	}
	enough := func(n, limit int) bool { return limit > 0 && n >= tripNeed(w.p, limit, w.s.Demand) }
	stuck := v.stuck
	if w.unplacedFor(v) >= w.p.StartLimit && v.appRecent == 0 && !v.obs.Deploying {
		stuck += v.unplaced // missing for as long as a start may take: no event need have said so
	}
	switch {
	case enough(v.capacityFailures, w.p.TripCapacityFailures) && v.unplaced+v.stuck+v.starting > 0:
		return ReasonTripCapacity
	case enough(v.interruptions, w.p.TripInterruptions):
		return ReasonTripInterruptions
	case enough(stuck, w.p.TripStuck) && !v.obs.Deploying && v.appYoung+v.configFailures == 0:
		return ReasonTripStuck
	case enough(v.churned, w.p.TripChurn):
		return ReasonTripChurn
	}
	return ""
}

// tripNeed is how much evidence opens a breaker: the limit, or for large workloads trip_share of the demand, but no more than
// half of what the window can hold.
func tripNeed(p *Policy, limit, demand int) int {
	return max(limit, int(math.Ceil(min(p.TripShare*float64(demand), EvidenceMax/2))))
}

// unplacedFrom is the moment from which missing tasks are missing for want of room: while ECS creates others it is only
// launching, so many a minute, for as long as it may take to launch all of the pool.
func (w *pass) unplacedFrom(v *view) time.Time {
	return sooner(later(v.ps.UnplacedSince, v.newest), v.ps.UnplacedSince.Add(launching(v.desired)))
}

// unplacedFor is for how long tasks have been missing for want of room.
func (w *pass) unplacedFor(v *view) time.Duration {
	if v.unplaced == 0 || v.ps.UnplacedSince.IsZero() {
		return 0
	}
	return w.now.Sub(w.unplacedFrom(v))
}

// launching is how long ECS may take to launch n tasks.
func launching(n int) time.Duration { return time.Duration(n) * time.Minute / launchRate }

// open opens a breaker, for the first time or again.
func (w *pass) open(v *view, why Reason) {
	b := v.ps.B
	reopened := 0
	if b.Mode == HalfOpen || (b.Mode == Closed && !b.Since.IsZero() && b.Reopened+1 > 0 && !b.TrippedAt.IsZero() &&
		w.now.Sub(b.Since) < reopenMemory) {
		reopened = b.Reopened + 1
	}
	v.ps.B = Breaker{Mode: Open, Since: w.now, TrippedAt: w.now, Why: why, Reopened: reopened,
		NotBefore: w.now.Add(w.holdOff(v.pool.Name, reopened))}
	if w.p.OnTrip == Evacuate && b.Mode == Closed && why != ReasonPinned {
		w.failover()
	}
	v.proofErrors, v.stepErrors = 0, 0
	w.find(Finding{Reason: why, Pool: v.pool.Name, Count: w.evidenceFor(v, why)})
	w.leads(why)
}

func (w *pass) evidenceFor(v *view, why Reason) int {
	switch why {
	case ReasonTripCapacity:
		return v.capacityFailures
	case ReasonTripInterruptions:
		return v.interruptions
	case ReasonTripStuck:
		return max(v.stuck, v.unplaced)
	case ReasonTripChurn:
		return v.churned
	}
	return 0
}

// failover counts one failover of the workload as a whole.
func (w *pass) failover() {
	if w.failedOver {
		return
	}
	w.failedOver = true
	n := len(w.s.Failovers)
	if n >= failoversMax {
		n = failoversMax - 1
	}
	log := make([]time.Time, 0, n+1)
	log = append(log, w.s.Failovers[len(w.s.Failovers)-n:]...)
	w.s.Failovers = append(log, w.now)
}

func (w *pass) pruneFailovers() {
	for len(w.s.Failovers) > 0 && w.now.Sub(w.s.Failovers[0]) >= 24*time.Hour {
		w.s.Failovers = w.s.Failovers[1:]
	}
}

// holdOff doubles with every fall back, up to its maximum, and is spread by a jitter that depends on nothing
// but the policy's seed, the workload, the pool and the count.
func (w *pass) holdOff(pool string, reopened int) time.Duration {
	d := w.p.HoldOff
	for range min(reopened, 16) {
		d = min(2*d, w.p.HoldOffMax)
	}
	if w.p.Jitter <= 0 {
		return d
	}
	h := w.p.JitterSeed ^ uint64(reopened)
	for _, s := range [...]string{w.s.Workload, pool} {
		for i := range len(s) {
			h = mix(h ^ uint64(s[i]))
		}
	}
	u := float64(mix(h)>>11) / (1 << 53)
	return d + time.Duration(w.p.Jitter*u*float64(d))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// samplesNeeded is how many distinct tasks must have shown themselves before a pool counts as stable: never
// more than the workload has, nor than the probe can show.
func (w *pass) samplesNeeded(v *view) int { return samplesNeeded(w.p, v.pool, w.s.Demand) }

func samplesNeeded(p *Policy, pool *Pool, demand int) int {
	return max(1, min(p.MinSamples, ProbeOf(p, pool, demand)))
}

// probe is how many tasks an open breaker keeps asking for where the pool's max allows it.
func (w *pass) probe() int { return ProbeOf(w.p, &Pool{}, w.s.Demand) }

// prove watches an open breaker: the pool must have been held off, have shown enough tasks, and nearly all of
// them well.
func (w *pass) prove(v *view) {
	b := &v.ps.B
	stable := w.stable(v)
	switch {
	case stable && b.StableSince.IsZero():
		b.StableSince = w.now
	case !stable:
		b.StableSince = time.Time{}
	}
	if b.Manual || w.pinned == ModeOnDemand {
		w.find(Finding{Reason: ReasonFailedOver, Pool: v.pool.Name, Until: b.Until, Detail: b.By})
		w.look(b.Until)
		return
	}
	if w.p.OnTrip == Evacuate && w.p.FailoversMaxPerDay > 0 && len(w.s.Failovers) >= w.p.FailoversMaxPerDay {
		until := w.s.Failovers[len(w.s.Failovers)-w.p.FailoversMaxPerDay].Add(24 * time.Hour)
		w.find(Finding{Reason: ReasonFailoverLimit, Pool: v.pool.Name, Count: len(w.s.Failovers),
			Limit: w.p.FailoversMaxPerDay, Until: until})
		w.look(until)
		return
	}
	earliest := later(b.NotBefore, later(b.Since.Add(w.p.OpenMin), b.TrippedAt.Add(w.p.StableFor)))
	if w.now.Before(earliest) {
		w.find(Finding{Reason: ReasonHoldOff, Pool: v.pool.Name, Until: earliest})
		w.look(earliest)
		return
	}
	if !stable || w.deployingNow() {
		w.find(Finding{Reason: ReasonProving, Pool: v.pool.Name, Count: v.successes, Limit: w.samplesNeeded(v)})
		return
	}
	b.Mode, b.Since, b.Step, b.StepAt = HalfOpen, w.now, 0, w.now
	v.stepErrors = 0
	w.find(Finding{Reason: ReasonRamping, Pool: v.pool.Name, Count: w.rampAsk(v), Limit: w.s.Demand})
	w.leads(ReasonRamping)
}

// stable is the article's test, made to work: enough distinct tasks, >= 80 % of them successes, <= 5 %
// errors, none stuck.
func (w *pass) stable(v *view) bool {
	good := v.successes
	if w.heldProves(v) {
		good += v.held
	}
	samples := good + v.proofErrors
	if samples < w.samplesNeeded(v) || v.stuck > 0 {
		return false
	}
	n := float64(samples)
	if !w.evacuates(v) && good == v.successes {
		n += float64(v.held) // they are what the errors are errors of
	}
	return (n-float64(v.proofErrors))/n >= w.p.SuccessShare && float64(v.proofErrors)/n <= w.p.ErrorShare
}

// heldProves says whether tasks from before the trip count as proof. They do not while fresh ones can be asked
// for; but a pool that runs all that is wanted, or that could not be taken down for want of cover, is asked
// for no fresh ones and would stay open for ever. So would one whose max leaves no room for fresh ones, and one that is
// only kept and whose probe has old tasks in it, while the pools before it leave nothing to it. They must have survived for as long as the proof takes.
func (w *pass) heldProves(v *view) bool {
	if v.held == 0 || w.now.Sub(v.ps.B.TrippedAt) < w.p.StableFor {
		return false
	}
	if v.held+ProbeOf(w.p, v.pool, w.s.Demand) > w.bound(v) {
		return true
	}
	if w.evacuates(v) {
		return v.running >= w.want(w.wanted) || v.held > w.probe() || w.uncovered(v) > w.probe()
	}
	return v.running >= w.want(w.wanted) || (v.running >= w.probe() && w.leftTo(v) <= v.held)
}

// uncovered is how many tasks of an open pool nothing else runs for.
func (w *pass) uncovered(v *view) int {
	left := w.want(w.wanted)
	for i := range w.v {
		if o := &w.v[i]; o != v && (!o.breaker || o.ps.B.Mode != Open) {
			left -= o.running
		}
	}
	return left
}

// leftTo is how many tasks the pools before one leave to it.
func (w *pass) leftTo(v *view) int {
	left := w.want(w.wanted)
	for i := range w.v {
		if &w.v[i] == v {
			break
		}
		left -= w.v[i].running
	}
	return left
}

// rampAsk is what a half-open pool is asked for at its present step.
func (w *pass) rampAsk(v *view) int {
	step := min(max(v.ps.B.Step, 0), len(rampShares)-1)
	return max(w.probe(), int(math.Ceil(rampShares[step]*float64(w.s.Demand+w.p.Extra))))
}

// ramp moves a half-open breaker up a step that has survived, or back when it has not.
func (w *pass) ramp(v *view) {
	b := &v.ps.B
	// A pool behind others may be asked for less than its step allows: then that is what it must show.
	asked := v.cur
	if a := v.ps.Asked; a != nil {
		if !a.Done && !a.Seen {
			b.StepAt = w.now // the step has not been asked of ECS yet: it begins when it has
		}
		asked = max(asked, a.Count)
	}
	ask := min(w.rampAsk(v), w.bound(v), asked)
	if v.cur < ask {
		b.StepAt = w.now // somebody took the count down: what is not asked of ECS cannot be late
	}
	tolerated := int(w.p.ErrorShare * float64(ask))
	base := b.StepAt.Add(w.p.StartLimit + w.p.RampDwell)
	lateAt := sooner(later(base, after(v.newest, w.p.StartLimit)), base.Add(launching(ask))) // not while ECS still launches
	// As many as are tolerated to be lost may be on their way anew; what is not placed has no room.
	short := v.running < ask-tolerated || (v.running < ask && v.unplaced > 0)
	late := short && !w.now.Before(lateAt)
	w.look(lateAt)
	if v.ps.Failing == nil && !w.deployingNow() && (v.stepErrors > tolerated || v.stuck > 0 || late) {
		w.find(Finding{Reason: ReasonRampFailed, Pool: v.pool.Name, Count: v.stepErrors, Limit: tolerated})
		w.open(v, ReasonRampFailed)
		return
	}
	done := b.StepAt.Add(w.p.RampDwell)
	if w.now.Before(done) || short || w.deployingNow() {
		w.find(Finding{Reason: ReasonRamping, Pool: v.pool.Name, Count: ask, Limit: w.s.Demand, Until: done})
		w.look(done)
		return
	}
	if b.Step+1 < len(rampShares) {
		b.Step, b.StepAt = b.Step+1, w.now
		v.stepErrors = 0
		w.find(Finding{Reason: ReasonRamping, Pool: v.pool.Name, Count: w.rampAsk(v), Limit: w.s.Demand})
		w.leads(ReasonRamping)
		return
	}
	v.ps.B = Breaker{Mode: Closed, Since: w.now, TrippedAt: b.TrippedAt, Reopened: b.Reopened}
	w.find(Finding{Reason: ReasonRestored, Pool: v.pool.Name, Count: v.running})
	w.leads(ReasonRestored)
}

// deployingNow says whether a deployment holds ramps and releases; one that hangs does so for
// deploy_hold_max only.
func (w *pass) deployingNow() bool {
	for i := range w.v {
		v := &w.v[i]
		if v.obs.Deploying && (v.obs.DeployingSince.IsZero() || w.now.Sub(v.obs.DeployingSince) < w.p.DeployHoldMax) {
			w.look(v.obs.DeployingSince.Add(w.p.DeployHoldMax))
			return true
		}
	}
	return false
}
