package failover

import "strings"

// act turns what every pool is asked for into actions, in the order in which they must be carried out: cover
// first, then what else rises, then scaling, then what falls, then the rest.
func (w *pass) act() {
	if !w.partial {
		w.nudge()
	}
	var raises, parks, restores, lowers []Action
	for i := range w.v {
		v := &w.v[i]
		if w.untouched(v) {
			continue
		}
		park, ok := w.scaling(v)
		if park != nil {
			if _, restoring := park.(RestoreScaling); restoring {
				restores = append(restores, park)
			} else {
				parks = append(parks, park)
			}
		}
		if !ok {
			v.ask = v.cur // not before its scalable target is known: it would be lifted again
		}
		if w.partial {
			if v.ask == v.cur {
				continue
			}
			if a := v.ps.Asked; v.ask > v.cur && a != nil && w.unseen(a) {
				v.ask = max(v.ask, a.Count) // it may be in force
			}
		}
		was := v.desired
		if a := v.ps.Asked; a != nil && w.unseen(a) && a.Count != v.ask {
			was = a.Count // it may be in force though this read does not show it: say what is wanted now
		}
		if v.ask == was || w.pendingAsk(v) {
			if a := v.ps.Asked; a != nil && a.Count != v.ask && w.acting() {
				// What was asked for is not wanted any more. Should it show again, it is ours and nobody's will.
				w.askFor(v, v.ask)
			}
			continue
		}
		a := SetDesiredCount{Pool: v.pool.Name, Count: v.ask, From: was}
		if v.ask > was {
			w.leads(w.raiseReason(v))
			if v.pool.Capacity == OnDemand {
				raises = append([]Action{a}, raises...)
			} else {
				raises = append(raises, a)
			}
		} else {
			w.leads(w.lowerReason(v))
			lowers = append(lowers, a)
		}
		if w.acting() {
			w.askFor(v, v.ask)
		}
	}
	actions := append(raises, restores...)
	actions = append(actions, parks...)
	actions = append(actions, lowers...)
	if !w.partial {
		actions = append(actions, w.stuckStops()...)
		actions = append(actions, w.drift()...)
	}
	if w.acting() {
		w.d.Actions = actions
		return
	}
	w.d.Withheld = actions
	if w.s.Pause != nil {
		w.find(Finding{Reason: ReasonPaused, Until: w.s.Pause.Until, Count: len(actions), Detail: w.s.Pause.By})
	} else {
		w.find(Finding{Reason: ReasonObserving, Count: len(actions)})
	}
}

// acting says whether actions are carried out at all.
func (w *pass) acting() bool { return !w.p.Observe && w.s.Pause == nil }

// unseen says whether a count was asked for so lately that a read need not show it yet.
func (w *pass) unseen(a *Asked) bool { return !a.Seen && w.now.Sub(a.At) < w.p.StaleFor }

// pendingAsk says whether the same count was asked for, was accepted, and is only not to be seen yet.
func (w *pass) pendingAsk(v *view) bool {
	return w.awaited(v) && v.ps.Asked.Count == v.ask
}

// raiseReason says why a pool is asked for more.
func (w *pass) raiseReason(v *view) Reason {
	r := ReasonSpotShort
	switch a := v.ps.Asked; {
	case v.reason == ReasonNudge:
		r = ReasonNudge
	case a != nil && a.Count == v.ask:
		r = ReasonReasserted
	case v.pool.Capacity == Spot && v.ps.B.Mode == HalfOpen:
		r = ReasonRamping
	case v.pool.Capacity == Spot && v.ps.B.Mode == Open:
		r = ReasonProving
	case v.pool.Capacity == Spot && v.pool.Tier == 0:
		r = ReasonDemandChanged
	case v.idle > 0 && v.raise-v.idle <= v.cur:
		r = ReasonForesight
	default:
		for i := range w.v {
			switch o := &w.v[i]; {
			case o.lost:
				r = ReasonWrittenOff
			case o.ps.B.Mode == Open && w.evacuates(o):
				r = ReasonEvacuating
			case o.lossesRecent > 0 && r == ReasonSpotShort:
				r = ReasonInterruption
			}
		}
	}
	v.reason = r
	return r
}

// lowerReason says why a pool is asked for less.
func (w *pass) lowerReason(v *view) Reason {
	r := v.reason
	switch {
	case v.pool.Capacity == OnDemand && w.pinned == ModeSpot:
		r = ReasonPinned
	case v.cooled:
		r = ReasonForesight
	case v.pool.Capacity == OnDemand && v.need > 0 && v.need >= v.ps.Need:
		r = ReasonSurplus
	case v.pool.Capacity == OnDemand || (v.pool.Tier > 0 && r == ""):
		r = ReasonSpotReturned
	case r == "":
		r = ReasonDemandChanged
	}
	v.reason = r
	return r
}

// scaling keeps a pool's scalable target from undoing what the breaker does. It returns the action needed and
// whether the pool's count may be lowered.
func (w *pass) scaling(v *view) (Action, bool) {
	if w.partial {
		return nil, true
	}
	sc := v.obs.Scaling
	held := w.p.ParkScaling && v.breaker && v.ps.B.Mode != Closed && w.pinned != ModeSpot
	if !held && v.ps.Parked == nil {
		return nil, true
	}
	if !sc.Known {
		w.d.LookAgain = sooner(w.d.LookAgain, w.now)
		return nil, v.ask >= v.cur
	}
	suspended := sc.SuspendedIn && sc.SuspendedOut && sc.SuspendedScheduled
	parkedForm := sc.Present && sc.Min == 0 && suspended
	own := sc
	if parked := v.ps.Parked; parked != nil && suspended {
		// The suspension is ours; whoever changed the bounds meanwhile did not ask for it to stay.
		own.SuspendedIn, own.SuspendedOut, own.SuspendedScheduled = parked.SuspendedIn, parked.SuspendedOut, parked.SuspendedScheduled
		if parkedForm {
			own.Min = parked.Min
		}
	}
	if held {
		if !sc.Present || (parkedForm && v.ps.Parked != nil && *v.ps.Parked == own) {
			return nil, true
		}
		if w.acting() {
			v.ps.Parked = &own
		}
		w.find(Finding{Reason: ReasonScalingParked, Pool: v.pool.Name, Count: sc.Min, Limit: sc.Max})
		return ParkScaling{Pool: v.pool.Name, Max: sc.Max}, true
	}
	if !sc.Present || sc == *v.ps.Parked {
		v.ps.Parked = nil // it is back, or gone for good
		return nil, true
	}
	if !suspended {
		v.ps.Parked = nil // somebody set it meanwhile: theirs counts
		return nil, true
	}
	if w.acting() {
		v.ps.Parked = &own
	}
	w.find(Finding{Reason: ReasonScalingRestored, Pool: v.pool.Name, Count: own.Min, Limit: own.Max})
	return RestoreScaling{Pool: v.pool.Name, Scaling: own}, true
}

// nudge moves a trusted pool's count up by one when ECS may have backed off from it; the next pass moves it
// back, because the pool is then asked for one more than is wanted.
func (w *pass) nudge() {
	if w.p.Nudge != NudgeDesiredCount || w.p.RetryEvery <= 0 {
		return
	}
	for i := range w.v {
		v := &w.v[i]
		if v.pool.Capacity != Spot || v.ps.B.Mode != Closed || v.unplaced == 0 || v.ask != v.cur || v.ask >= w.bound(v) ||
			v.starting > 0 || v.ps.Failing != nil || w.deployingNow() {
			continue
		}
		from := later(v.ps.UnplacedSince, v.ps.NudgedAt)
		if due := from.Add(w.p.RetryEvery); w.now.Before(due) {
			w.look(due)
			continue
		}
		v.ask++
		v.reason = ReasonNudge
		v.ps.NudgedAt = w.now
		w.find(Finding{Reason: ReasonNudge, Pool: v.pool.Name, Count: v.unplaced})
		w.leads(ReasonNudge)
	}
}

// stuckStops stops tasks that never got started, so that ECS tries others.
func (w *pass) stuckStops() []Action {
	if !w.p.StopStuck {
		return nil
	}
	var out []Action
	for i := range w.v {
		v := &w.v[i]
		if v.stuck == 0 || v.ps.Failing != nil || v.obs.Deploying {
			continue
		}
		for k := range v.obs.Tasks {
			t := &v.obs.Tasks[k]
			if len(out) >= stuckStopsMax {
				break
			}
			if t.Phase == Starting && w.now.Sub(t.CreatedAt) >= w.p.StartLimit {
				out = append(out, StopTask{Pool: v.pool.Name, Task: t.ID})
			}
		}
	}
	if len(out) > 0 {
		w.find(Finding{Reason: ReasonStuckStopped, Count: len(out)})
		w.leads(ReasonStuckStopped)
	}
	return out
}

// drift compares the pools' task definitions with the owner's: cover that runs another release is a silent
// roll-back.
func (w *pass) drift() []Action {
	own := &w.v[max(0, w.p.owner())]
	if own.obs.TaskDefinition == "" || own.obs.Deploying {
		return nil
	}
	var out []Action
	drifted := false
	for i := range w.v {
		v := &w.v[i]
		if v == own || v.obs.TaskDefinition == "" || v.obs.TaskDefinition == own.obs.TaskDefinition {
			continue
		}
		if elsewhere(v.obs.TaskDefinition, own.obs.TaskDefinition) {
			continue // another region or account has revisions of its own: neither to compare nor to use there
		}
		drifted = true
		if w.p.SyncTaskDefinition && !v.obs.Deploying {
			w.find(Finding{Reason: ReasonDriftSynced, Pool: v.pool.Name, Detail: own.obs.TaskDefinition})
			w.leads(ReasonDriftSynced)
			out = append(out, SyncTaskDefinition{Pool: v.pool.Name, TaskDefinition: own.obs.TaskDefinition})
			continue
		}
		w.find(Finding{Reason: ReasonDrift, Pool: v.pool.Name, Detail: v.obs.TaskDefinition})
	}
	switch {
	case !drifted:
		w.s.DriftSince = zeroTime
	case w.s.DriftSince.IsZero():
		w.s.DriftSince = w.now
	}
	return out
}

// elsewhere says whether two task definition ARNs are of different regions or accounts.
func elsewhere(a, b string) bool {
	homeA, _, fullA := strings.Cut(a, ":task-definition/")
	homeB, _, fullB := strings.Cut(b, ":task-definition/")
	return fullA && fullB && homeA != homeB
}

// leads names the reason of the whole decision; the first one that calls it wins.
func (w *pass) leads(r Reason) {
	if w.lead == "" {
		w.lead = r
	}
}

// leading is the decision's reason: what was done, else what kept it from being done, else how things stand.
func (w *pass) leading() Reason {
	if w.partial && (w.lead == "" || !w.acting()) {
		return ReasonBlind
	}
	if !w.acting() {
		if w.s.Pause != nil {
			return ReasonPaused
		}
		if w.lead == "" {
			return w.standing()
		}
		return ReasonObserving
	}
	if w.lead != "" {
		return w.lead
	}
	for _, r := range [...]Reason{ReasonOnDemandShort, ReasonWrittenOff, ReasonApplicationFailing, ReasonConfigurationError, ReasonOnDemandMax,
		ReasonBudget, ReasonWaitingToFill, ReasonFailoverLimit, ReasonPinned, ReasonFailedOver, ReasonRamping, ReasonHoldOff,
		ReasonProving} {
		for i := range w.d.Findings {
			if w.d.Findings[i].Reason == r {
				return r
			}
		}
	}
	return w.standing()
}

// standing says how things stand when nothing is done and nothing is in the way.
func (w *pass) standing() Reason {
	if w.s.Demand == 0 {
		return ReasonIdle
	}
	for i := range w.v {
		if v := &w.v[i]; v.pool.Capacity == OnDemand && v.ask > 0 && v.reason != "" {
			return v.reason
		}
	}
	if w.short {
		return ReasonStarting
	}
	return ReasonSteady
}
