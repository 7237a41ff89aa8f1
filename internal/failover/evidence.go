package failover

import (
	"math"
	"strings"
	"time"
)

// counted says whether a signal is kept as evidence. The others only wake a pass.
func counted(k SignalKind) bool {
	switch k {
	case SignalInterruption, SignalPlacementFailure, SignalCapacityStop, SignalQuota,
		SignalApplicationStop, SignalStartImpaired, SignalConfiguration, SignalDeploymentFailed:
		return true
	}
	return false
}

// taskKey is the last part of a task's ARN, which is all that tells tasks apart.
func taskKey(id string) string {
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		return id[i+1:]
	}
	return id
}

// evidenceID is what makes two signals the same fact: the task for what happens to a task, else the event.
func evidenceID(sig *Signal) string {
	if sig.Task != "" {
		return taskKey(sig.Task)
	}
	return sig.ID
}

// window is how long evidence counts: as long as any rule looks back.
func (p *Policy) window() time.Duration {
	w := max(p.TripWindow, p.StartLimit, healthWindow, p.SkipAfterFailure)
	return max(w, p.StableFor)
}

// absorb adds the observation's signals to the window, drops what has expired, and keeps the pools' own
// statistics of interruptions. A duplicate, a replay and a late event change nothing. While nothing can be read
// nothing expires and no event is too new: a clock of our own that is minutes fast or slow must not cost evidence
// whose message is acknowledged after this pass.
func (w *pass) absorb() {
	var horizon time.Time
	if !w.dark {
		horizon = w.now.Add(-w.p.window())
	}
	w.expire(horizon)
	if len(w.o.Signals) == 0 {
		return
	}
	var known map[evidenceKey]int
	for i := range w.o.Signals {
		sig := &w.o.Signals[i]
		pi := w.p.pool(sig.Pool)
		if pi < 0 || !counted(sig.Kind) {
			continue
		}
		at := sig.At
		if at.IsZero() || (at.After(w.now) && !w.dark) {
			at = w.now // an event cannot be newer than AWS's own clock; a skewed one counts from now
		}
		if at.Before(horizon) {
			continue
		}
		if known == nil {
			known = make(map[evidenceKey]int, len(w.s.Window)+len(w.o.Signals))
			for j := range w.s.Window {
				e := &w.s.Window[j]
				known[evidenceKey{e.Kind, e.Pool, e.ID}] = j
			}
		}
		id := evidenceID(sig)
		key := evidenceKey{sig.Kind, sig.Pool, id}
		if _, dup := known[key]; dup || id == "" {
			continue
		}
		w.ownWindow()
		known[key] = len(w.s.Window)
		w.s.Window = append(w.s.Window, Evidence{
			Kind: sig.Kind, Pool: sig.Pool, At: at, ID: id, Zone: sig.Zone, StartedAt: sig.StartedAt,
		})
		w.learn(&w.s.Pools[pi], sig, at)
		if sig.Kind == SignalInterruption && w.p.Pools[pi].Capacity == Spot {
			w.watchLoss(at)
			if w.v[pi].unread && w.v[pi].ps.Present != nil {
				w.v[pi].ps.setPresent(w.v[pi].ps.present() - 1)
			}
		}
	}
	if over := len(w.s.Window) - EvidenceMax; over > 0 {
		w.s.Window = w.s.Window[over:]
	}
}

type evidenceKey struct {
	kind SignalKind
	pool string
	id   string
}

// expire drops evidence older than the horizon.
func (w *pass) expire(horizon time.Time) {
	for i := range w.s.Window {
		if w.s.Window[i].At.Before(horizon) {
			kept := make([]Evidence, 0, len(w.s.Window))
			for _, e := range w.s.Window {
				if !e.At.Before(horizon) {
					kept = append(kept, e)
				}
			}
			w.s.Window, w.windowOwned = kept, true
			return
		}
	}
}

// ownWindow makes the window a copy of our own before it is appended to: the caller's state is a value.
func (w *pass) ownWindow() {
	if !w.windowOwned {
		w.s.Window = append(make([]Evidence, 0, len(w.s.Window)+len(w.o.Signals)), w.s.Window...)
		w.windowOwned = true
	}
}

// learn keeps what outlives the window: how often a pool is reclaimed, how long its tasks live, and when a
// launch last failed there.
func (w *pass) learn(ps *PoolState, sig *Signal, at time.Time) {
	switch sig.Kind {
	case SignalInterruption:
		ps.Reclaims = decayed(ps.Reclaims, ps.ReclaimsAt, at, w.p.ReclaimMemory) + 1
		if at.After(ps.ReclaimsAt) {
			ps.ReclaimsAt = at
		}
		if !sig.StartedAt.IsZero() {
			const weight = 0.1 // a moving mean over about the last ten interruptions
			life := max(0, at.Sub(sig.StartedAt).Seconds())
			if ps.LifeSeconds == 0 {
				ps.LifeSeconds = life
			} else {
				ps.LifeSeconds += weight * (life - ps.LifeSeconds)
			}
		}
	case SignalPlacementFailure, SignalCapacityStop, SignalQuota:
		if at.After(ps.FailedAt) {
			ps.FailedAt = at
		}
	}
}

// decayed is a count that halves with every memory/4 that has passed since it was taken: after the memory a
// sixteenth is left.
func decayed(count float64, since, now time.Time, memory time.Duration) float64 {
	if count == 0 || memory <= 0 || !now.After(since) {
		return count
	}
	return count * math.Exp2(-4*now.Sub(since).Seconds()/memory.Seconds())
}

// horizons are the moments from which on evidence counts for something.
type horizons struct{ trip, start, stable, health time.Time }

// tally counts each pool's distinct evidence: since its breaker's last change within the trip window, within
// start_limit, and within the health window.
func (w *pass) tally() {
	from := horizons{trip: w.now.Add(-w.p.TripWindow), start: w.now.Add(-w.p.StartLimit), stable: w.now.Add(-w.p.StableFor),
		health: w.now.Add(-healthWindow)}
	var oldestStart, oldestStable time.Time // of the evidence within start_limit, and within stable_for of an open pool
	i := 0
	for k := range w.s.Window {
		e := &w.s.Window[k]
		if w.v[i].pool.Name != e.Pool {
			known := w.p.pool(e.Pool)
			if known < 0 {
				continue
			}
			i = known
		}
		v := &w.v[i]
		if e.At.After(from.start) {
			oldestStart = sooner(oldestStart, e.At)
		}
		if v.ps.B.Mode == Open && e.At.After(from.stable) {
			oldestStable = sooner(oldestStable, e.At)
		}
		w.count(v, e, &from)
	}
	w.look(after(oldestStart, w.p.StartLimit))
	w.look(after(oldestStable, w.p.StableFor))
}

// count adds one piece of evidence to its pool's counts.
func (w *pass) count(v *view, e *Evidence, from *horizons) {
	capacity := e.Kind == SignalPlacementFailure || e.Kind == SignalCapacityStop || e.Kind == SignalQuota
	old := e.At.Before(from.health)
	if e.Kind == SignalInterruption || capacity {
		if !old {
			v.healthErrors++
		}
		if !e.At.Before(from.stable) && e.At.After(v.ps.B.TrippedAt) {
			v.proofErrors++
		}
		if e.At.After(v.ps.B.StepAt) {
			v.stepErrors++
		}
	}
	trip := !e.At.Before(from.trip) && e.At.After(v.ps.B.Since)
	switch {
	case capacity:
		if trip {
			v.capacityFailures++
		}
		v.lastFailure = later(v.lastFailure, e.At)
		if e.Kind == SignalQuota {
			v.quota++
		}
	case e.Kind == SignalInterruption:
		if trip {
			v.interruptions++
			if !e.StartedAt.IsZero() && e.At.Sub(e.StartedAt) < w.p.ChurnAge {
				v.churned++
			}
		}
		if !e.At.Before(from.start) {
			v.lossesRecent++
		}
	case e.Kind == SignalApplicationStop:
		young := e.StartedAt.IsZero() || e.At.Sub(e.StartedAt) < w.p.StartLimit
		if young && !old {
			v.appYoung++
		}
		if !e.At.Before(from.start) {
			v.appRecent++
		}
		v.appAt = later(v.appAt, e.At)
	case e.Kind == SignalStartImpaired:
		v.impaired = v.impaired || !old
		v.appAt = later(v.appAt, e.At)
	case e.Kind == SignalConfiguration:
		if !old {
			v.configFailures++
		}
		v.appAt = later(v.appAt, e.At)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
