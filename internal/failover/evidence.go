package failover

import (
	"strings"
	"time"
)

// counted reports whether a signal is kept as evidence. The others only wake a pass.
func counted(k SignalKind) bool {
	switch k {
	case SignalInterruption, SignalInfrastructure, SignalPlacementFailure, SignalCapacityStop, SignalQuota,
		SignalApplicationStop, SignalUnhealthyStop, SignalStartImpaired, SignalConfiguration, SignalDeploymentFailed:
		return true
	}
	return false
}

// explains reports whether a signal is kept as evidence only where tasks are missing, to say why.
func explains(k SignalKind) bool { return k == SignalScaleIn || k == SignalOperatorStop }

// loses reports whether a stop of this kind is a loss that is owed.
func loses(k SignalKind) bool { return k == SignalInterruption || k == SignalInfrastructure }

// noRoom reports whether evidence of this kind says that tasks could not be placed.
func noRoom(k SignalKind) bool {
	return k == SignalPlacementFailure || k == SignalCapacityStop || k == SignalQuota
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
	return max(p.Switch.Window, p.Switch.StableFor, limitGrowth*p.StartLimit, evidenceFor)
}

// absorbed is the evidence after the observation's signals were added to it.
type absorbed struct {
	window []Evidence
	// fresh is the number of entries, at the window's end, that came with this observation.
	fresh int
	// ended holds, of interruptions that are known, the time the task worked on after its warning.
	ended []endedTask
}

type endedTask struct {
	pool   int
	worked time.Duration
}

// absorb adds the observation's signals to the window and drops what has expired. A duplicate, a replay and a late event change
// nothing. While nothing can be read (dark) nothing expires and no event is too new: a clock of our own that is minutes fast or
// slow must not cost evidence whose message is acknowledged after this pass. The given window is not modified.
func absorb(known *index, p *Policy, window []Evidence, o *Observation, dark bool) absorbed {
	var horizon time.Time
	if !dark {
		horizon = o.At.Add(-p.window())
	}
	out := absorbed{window: expired(window, horizon, o.At)}
	if len(o.Signals) == 0 {
		return out
	}
	ready := false
	for i := range o.Signals {
		sig := &o.Signals[i]
		pi := p.pool(sig.Pool)
		if pi < 0 || !keeps(o, pi, sig.Kind) {
			continue
		}
		at := sig.At
		if at.IsZero() || (at.After(o.At) && !dark) {
			at = o.At // an event cannot be newer than AWS's own clock; a skewed one counts from now
		}
		id := evidenceID(sig)
		if at.Before(horizon) || id == "" {
			continue
		}
		if !ready {
			known.over(out.window, len(out.window)+len(o.Signals))
			for j := range out.window {
				known.add(j)
			}
			ready = true
		}
		if j := known.find(id, sig.Kind, sig.Pool); j >= 0 {
			if sig.Kind == SignalInterruption && !sig.ExitedAt.IsZero() {
				out.ended = append(out.ended, endedTask{pi, sig.ExitedAt.Sub(out.window[j].At)})
			}
			continue
		}
		if sig.Kind == SignalInterruption && !sig.ExitedAt.IsZero() && !sig.StartedAt.IsZero() && at.Sub(sig.ExitedAt) >= 0 {
			out.ended = append(out.ended, endedTask{pi, 0}) // it ended without a warning that was heard
		}
		if out.fresh == 0 {
			out.window = append(make([]Evidence, 0, len(out.window)+len(o.Signals)-i), out.window...)
		}
		out.window = append(out.window, Evidence{Kind: sig.Kind, Pool: sig.Pool, At: at, ID: id, CreatedAt: sig.CreatedAt,
			StartedAt: sig.StartedAt, Revision: sig.Deployment})
		known.window = out.window
		known.add(len(out.window) - 1)
		out.fresh++
	}
	if over := len(out.window) - EvidenceMax; over > 0 {
		out.window = out.window[over:]
		out.fresh = min(out.fresh, EvidenceMax)
	}
	return out
}

// markServed notes of the fresh stops for failed health checks whether the task had been in service, which the looks before tell.
func markServed(p *Policy, s *State, ev absorbed) {
	for i := len(ev.window) - ev.fresh; i < len(ev.window); i++ {
		e := &ev.window[i]
		if e.Kind != SignalUnhealthyStop || e.StartedAt.IsZero() {
			continue
		}
		seen := &s.Seen.Pools[p.pool(e.Pool)]
		e.Served = !seen.ServedTo.IsZero() && !e.StartedAt.After(seen.ServedTo)
		for k := range seen.NotYet {
			if taskKey(seen.NotYet[k].ID) == e.ID {
				e.Served = false
			}
		}
	}
}

// keeps reports whether a signal of a pool is evidence at this look.
func keeps(o *Observation, pool int, k SignalKind) bool {
	if counted(k) {
		return true
	}
	if pool >= len(o.Pools) {
		return false
	}
	po := &o.Pools[pool]
	if k == SignalRunning {
		return po.Err != ErrNone // it cannot be seen, so it is told
	}
	return explains(k) && po.Err == ErrNone && wantedTasks(po) < po.Desired
}

// wantedTasks is how many tasks of a pool are wanted as far as was read: ECS counts those that stop as running until they have.
func wantedTasks(po *PoolObservation) int {
	if !po.Listed {
		return po.RunningCount + po.PendingCount
	}
	n := po.Steady
	for i := range po.Tasks {
		if po.Tasks[i].Phase != Leaving {
			n++
		}
	}
	return n
}

// expired is the window without what is older than the horizon; stops that only explain a hole count for as long as ECS may take to
// fill it.
func expired(window []Evidence, horizon, now time.Time) []Evidence {
	old := func(e *Evidence) bool {
		if e.Kind == SignalApplicationStop && e.StartedAt.IsZero() && now.Sub(e.At) < failingFor {
			return false // ECS backs off from tasks that never run for longer than anything else is remembered
		}
		return e.At.Before(horizon) || (explains(e.Kind) && !horizon.IsZero() && now.Sub(e.At) > evidenceFor/3)
	}
	for len(window) > 0 && old(&window[0]) {
		window = window[1:]
	}
	for i := range window {
		if !old(&window[i]) {
			continue
		}
		kept := append(make([]Evidence, 0, len(window)-1), window[:i]...)
		for k := i + 1; k < len(window); k++ {
			if !old(&window[k]) {
				kept = append(kept, window[k])
			}
		}
		return kept
	}
	return window
}

// Tally is what the evidence says of one pool.
type Tally struct {
	// CapacityFailures and Interruptions were seen within the switch's window and since its breaker last changed.
	CapacityFailures, Interruptions int
	// Errors since the trip and within stable_for, StepErrors since the ramp's step.
	Errors, StepErrors int
	// Lost counts the stops that are owed, since the pool was last whole and within start_limit; LostAt is the newest,
	// LostFirst the oldest of those that are younger than proofAfter.
	Lost, LostDue, LostNew int
	LostAt                 time.Time
	// Spent counts the placements that ended before they were in service, since the pool was last whole.
	Spent int
	// Failures are stops for the application's reasons within the health window; AppAt is the newest, Impaired that ECS
	// says so itself.
	// Unwell counts tasks that had served and were stopped for failed health checks.
	Failures, ConfigFailures, Unwell int
	Impaired                         bool
	AppAt                            time.Time
	// NoRoomAt is the newest failure to place a task, Quota how many name a quota.
	NoRoomAt time.Time
	Quota    int
	// HealthErrors are capacity errors within the health window, for the article's score.
	HealthErrors int
	// ToldLost and ToldStarted count what events say since the last look at a pool that cannot be read now.
	ToldLost, ToldStarted int
	// Next is when the oldest evidence that counts for something stops counting.
	Next time.Time
}

// tally counts the evidence of every pool.
func tally(r *Room, p *Policy, s *State, window []Evidence, pools []PoolObservation, now time.Time) []Tally {
	out := of(r.tallies[:], len(p.Pools))
	i := 0
	for k := range window {
		e := &window[k]
		if i >= len(out) || p.Pools[i].Name != e.Pool {
			if i = p.pool(e.Pool); i < 0 {
				i = 0
				continue
			}
		}
		out[i].count(p, &s.Pools[i], &s.Seen.Pools[i], e, pools[i].Current, now)
	}
	return out
}

// count adds one piece of evidence.
func (t *Tally) count(p *Policy, ps *PoolState, seen *PoolSeen, e *Evidence, current string, now time.Time) {
	age := now.Sub(e.At)
	recent := age <= healthWindow
	another := current != "" && e.Revision != "" && e.Revision != current // the failures of another release say nothing of this one
	trouble := e.Kind == SignalInterruption || noRoom(e.Kind)
	if trouble {
		t.breaker(p, ps, e, age)
		if recent {
			t.HealthErrors++
		}
	}
	since := !e.At.Before(seen.WholeAt)
	switch {
	case noRoom(e.Kind):
		t.NoRoomAt = later(t.NoRoomAt, e.At)
		if e.Kind == SignalQuota {
			t.Quota++
		}
		if e.Kind == SignalCapacityStop && since {
			t.Spent++
		}
	case loses(e.Kind):
		if !e.At.Before(seen.At) { // both are whole seconds on AWS: what came in the look's own counts as after it
			t.ToldLost++
		}
		if !since {
			break
		}
		if e.StartedAt.IsZero() && !e.CreatedAt.IsZero() {
			t.Spent++
		}
		t.lost(p, e, age)
	case e.Kind == SignalApplicationStop, e.Kind == SignalUnhealthyStop:
		young := !e.Served && (e.StartedAt.IsZero() || e.At.Sub(e.StartedAt) < p.ReadyLimit)
		if !another {
			t.AppAt = later(t.AppAt, e.At)
		}
		if recent && young && !another {
			t.Failures++
		}
		if recent && !young && e.Kind == SignalUnhealthyStop {
			t.Unwell++
		}
		if young && since && e.Kind == SignalUnhealthyStop {
			t.Spent++ // it stood for a loss, and never served
		}
	case e.Kind == SignalConfiguration:
		if another {
			break
		}
		t.AppAt = later(t.AppAt, e.At)
		if recent {
			t.ConfigFailures++
		}
	case e.Kind == SignalStartImpaired:
		t.AppAt = later(t.AppAt, e.At)
		t.Impaired = t.Impaired || recent
	case e.Kind == SignalRunning:
		if e.At.After(seen.At) {
			t.ToldStarted++
		}
	}
}

// lost counts one owed loss by its age.
func (t *Tally) lost(p *Policy, e *Evidence, age time.Duration) {
	if age > p.StartLimit {
		return
	}
	t.Lost++
	t.LostAt = later(t.LostAt, e.At)
	switch {
	case age >= proofAfter:
		t.LostDue++
	case age >= placedAfter:
		t.Next = sooner(t.Next, e.At.Add(proofAfter))
	default:
		t.LostNew++
		t.Next = sooner(t.Next, e.At.Add(placedAfter))
	}
}

// breaker counts what a breaker judges by.
func (t *Tally) breaker(p *Policy, ps *PoolState, e *Evidence, age time.Duration) {
	if age <= p.Switch.Window && e.At.After(ps.B.Since) {
		if e.Kind == SignalInterruption {
			t.Interruptions++
		} else {
			t.CapacityFailures++
		}
	}
	if ps.B.Mode == Closed {
		return
	}
	if age <= p.Switch.StableFor && e.At.After(ps.B.TrippedAt) {
		t.Errors++
	}
	if e.At.After(ps.B.StepAt) {
		t.StepErrors++
	}
}
