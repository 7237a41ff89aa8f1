package failover

import (
	"strings"
	"time"
)

// hold keeps the demand as a tag on the owner's service while its count is held below it.
func (in *planInput) hold(out *planned, l *lists, i int) {
	if i != in.p.owner() || in.known[i].Sight != Fresh {
		return
	}
	tag := in.o.Pools[i].HeldDemand
	if in.o.Pools[i].HeldBy != "" {
		tag = -1 // whoever confirmed holds it now
	}
	switch below := in.targets[i].Limited && out.asks[i] < in.goal.Demand; {
	case below && tag != in.goal.Demand:
		l.holds = append(l.holds, HoldDemand{Pool: in.p.Pools[i].Name, Demand: in.goal.Demand})
	case !below && tag != 0 && in.known[i].Desired >= in.goal.Demand:
		l.rest = append(l.rest, HoldDemand{Pool: in.p.Pools[i].Name})
	}
}

// scaling keeps a pool's scalable target from undoing what the breaker does. It reports whether the pool's count may be set.
func (in *planInput) scaling(out *planned, l *lists, i int) bool {
	sc, parked := in.o.Pools[i].Scaling, in.s.Pools[i].Parked
	held := in.p.ParkScaling && in.targets[i].Limited && in.pinned != ModeSpot
	if in.known[i].Sight != Fresh || !held && parked == nil {
		return true
	}
	if !sc.Known {
		out.notes.due(in.o.At)
		return out.asks[i] >= in.known[i].InForce.High
	}
	suspended := sc.SuspendedIn && sc.SuspendedOut
	parkedForm := sc.Present && sc.Min == 0 && suspended
	own := sc
	if parked != nil && suspended {
		// The suspension is ours; whoever changed the bounds meanwhile, or a scheduled action, did not ask for it to stay.
		own.SuspendedIn, own.SuspendedOut = parked.SuspendedIn, parked.SuspendedOut
		if parkedForm {
			own.Min = parked.Min
		}
	}
	keep := func(now *Scaling) {
		if out.acting {
			out.parked[i] = now
		}
	}
	name := in.p.Pools[i].Name
	switch {
	case held && !sc.Present:
	case held:
		out.notes.say(Finding{Reason: ReasonScalingParked, Pool: name, Count: own.Min, Limit: own.Max})
		if parkedForm && parked != nil && *parked == own {
			break
		}
		keep(&own)
		l.parks = append(l.parks, ParkScaling{Pool: name, Max: sc.Max, SuspendedScheduled: sc.SuspendedScheduled})
	case !sc.Present, sc == *parked, !suspended: // it is back, gone for good, or someone has set it meanwhile: theirs counts
		out.parked[i] = nil
	default:
		keep(&own)
		out.notes.say(Finding{Reason: ReasonScalingRestored, Pool: name, Count: own.Min, Limit: own.Max})
		l.restores = append(l.restores, RestoreScaling{Pool: name, Scaling: own})
	}
	return true
}

// patience is how many limits old a late task must be before it is stopped: two, and twice as many each time as many as are late have
// been stopped, so that starts which are only slow come into service one day.
func patience(stops, late int) time.Duration {
	return 2 << min(stops/max(1, late), 3)
}

// stopLate stops the task that has been late for longest, so that ECS tries another: one in start_limit. On-demand has others started
// in its place first, as long as more may be asked for; on Spot a task that never gets to RUNNING would be covered for ever.
func (in *planInput) stopLate(out *planned, l *lists) {
	for i := range in.known {
		k, t := &in.known[i], &in.targets[i]
		tries := patience(in.s.Pools[i].Stops, k.Late)
		due := k.OldestAt.Add(tries * k.StartLimit)
		switch onDemand := in.p.Pools[i].Capacity == OnDemand; {
		case k.OldestLate == "" || !in.may[i].Stop:
			continue
		case onDemand && !t.Bounded && !t.Failing, !onDemand && (k.LateWarming > 0 || in.o.Pools[i].Deploying):
			continue
		case k.LateWarming > 0:
			due = k.OldestAt.Add(tries * (k.StartLimit + k.ReadyLimit))
		}
		if stopped := in.s.Pools[i].StoppedAt; !stopped.IsZero() {
			due = later(due, stopped.Add(k.StartLimit))
		}
		if in.o.At.Before(due) {
			out.notes.due(due)
			continue
		}
		out.stopped = i
		l.rest = append(l.rest, StopTask{Pool: in.p.Pools[i].Name, Task: k.OldestLate})
		out.notes.say(Finding{Reason: ReasonLateStopped, Pool: in.p.Pools[i].Name, Count: 1})
		out.leads(ReasonLateStopped)
		return
	}
}

// drain takes warned tasks out of their target groups as late as it is safe: when tasks in service stand in their place, or shortly
// before they end; at once where the end is unknown; never the last that serves.
func (in *planInput) drain(l *lists, i int) {
	if len(in.known[i].Drains) == 0 || !in.may[i].Drain {
		return
	}
	serving := 0
	for j := range in.known {
		serving += in.known[j].InService.Low
	}
	if serving == 0 {
		return
	}
	for n := range in.known[i].Drains {
		t := &in.known[i].Drains[n]
		if n >= drainsMax {
			return
		}
		if serving >= in.goal.Demand || t.EndsAt.IsZero() || !in.o.At.Before(t.EndsAt.Add(-in.p.Pools[i].DrainBefore)) {
			l.drains = append(l.drains, DrainTask{Pool: in.p.Pools[i].Name, Task: t.ID})
		}
	}
}

// sync keeps the task definition of on-demand pools in step with the one of the owner that works: cover that runs another release is a
// silent roll-back, and cover that runs a broken one is none.
func (in *planInput) sync(out *planned, l *lists) {
	works := in.s.WorkingRevision
	if works == "" {
		return
	}
	for i := range in.known {
		po, k := &in.o.Pools[i], &in.known[i]
		if in.p.Pools[i].Capacity != OnDemand || k.Sight != Fresh || po.TaskDefinition == "" || po.TaskDefinition == works || elsewhere(po.TaskDefinition, works) {
			continue
		}
		out.drifted = true
		if in.p.SyncTaskDefinition && k.InForce.High == 0 && k.Live == 0 && out.asks[i] == 0 && !po.Deploying {
			out.notes.say(Finding{Reason: ReasonDriftSynced, Pool: in.p.Pools[i].Name, Detail: works})
			out.leads(ReasonDriftSynced)
			l.rest = append(l.rest, SyncTaskDefinition{Pool: in.p.Pools[i].Name, TaskDefinition: works})
			continue
		}
		out.notes.say(Finding{Reason: ReasonDrift, Pool: in.p.Pools[i].Name, Detail: po.TaskDefinition})
	}
}

// elsewhere reports whether two task definition ARNs are of different regions or accounts: revisions cannot be compared or shared there.
func elsewhere(a, b string) bool {
	homeA, _, fullA := strings.Cut(a, ":task-definition/")
	homeB, _, fullB := strings.Cut(b, ":task-definition/")
	return fullA && fullB && homeA != homeB
}
