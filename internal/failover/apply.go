package failover

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover/breaker"
)

// Apply changes the state as an operator's intent asks. Nothing is done in the world: the next pass decides
// and acts. The error says why the intent is refused; the state is then returned as it was.
func Apply(p Policy, s State, in Intent) (State, error) {
	if in.At.IsZero() {
		return s, errors.New("apply intent: it has no time")
	}
	if !in.Until.IsZero() && !in.Until.After(in.At) {
		return s, fmt.Errorf("apply %s: its end %s is not after its start", in.Kind, in.Until.UTC().Format(time.RFC3339))
	}
	next := s
	next.Version = StateVersion
	switch in.Kind {
	case IntentConfirm:
		next.ConfirmedAt = later(in.At, s.Seen.At) // it answers what the state says, whatever the clock of whoever gives it
	case IntentSilence:
		if in.Until.IsZero() {
			return s, errors.New("silence: it must have an end")
		}
		next.Silence = &Pause{By: in.By, Note: in.Note, Since: in.At, Until: in.Until}
	case IntentUnsilence:
		if s.Silence == nil {
			return s, errors.New("unsilence: the workload is not silenced")
		}
		next.Silence = nil
	case IntentAck:
		next.AckedAt = later(in.At, s.Seen.At)
	case IntentPause:
		next.Pause = &Pause{By: in.By, Note: in.Note, Since: in.At, Until: in.Until}
	case IntentResume:
		if s.Pause == nil {
			return s, errors.New("resume: the workload is not paused")
		}
		next.Pause = nil
	case IntentPin:
		if in.Mode != ModeSpot && in.Mode != ModeOnDemand {
			return s, fmt.Errorf("pin: mode %q is not one of spot, on_demand", in.Mode)
		}
		next.Pin = &Pin{Mode: in.Mode, By: in.By, Note: in.Note, Since: in.At, Until: in.Until}
	case IntentUnpin:
		if s.Pin == nil {
			return s, errors.New("unpin: the workload is not pinned")
		}
		next.Pin = nil
	case IntentDemand:
		return applyDemand(p, next, in)
	case IntentFailover, IntentRestore:
		return applyBreakers(p, next, in)
	default:
		return s, fmt.Errorf("apply intent: unknown kind %q", in.Kind)
	}
	return next, nil
}

func applyDemand(p Policy, s State, in Intent) (State, error) {
	if in.Demand < 0 || in.Demand > ServiceTasksMax*len(p.Pools) {
		return s, fmt.Errorf("set demand: %d is not within 0..%d", in.Demand, ServiceTasksMax*len(p.Pools))
	}
	k := p.owner()
	if k >= 0 && !s.DemandSet {
		return s, errors.New("set demand: the workload was never observed; its owner's desired count is the demand")
	}
	s.ConfirmedAt = later(in.At, s.Seen.At)
	if k < 0 {
		s.DemandWanted = in.Demand
		return s, nil
	}
	s.Pools = ownPools(p, s)
	// The owner's count is the demand: ask for the new one, and know the old one when it is seen.
	s.Pools[k].Asked = s.Pools[k].Asked.ask(in.Demand, reading{s.Demand, in.At, p.StaleFor})
	s.Demand = in.Demand
	return s, nil
}

func applyBreakers(p Policy, before State, in Intent) (State, error) {
	s := before
	s.Pools = ownPools(p, s)
	touched, returning := 0, false
	for i := range p.Pools {
		if (in.Pool != "" && p.Pools[i].Name != in.Pool) || !p.covered(i) {
			continue
		}
		b := &s.Pools[i].B
		switch in.Kind {
		case IntentFailover:
			if b.Mode == Closed {
				s.Failovers = append(slices.Clone(s.Failovers[max(0, len(s.Failovers)-failoversMax+1):]), in.At)
			}
			*b = Breaker{Mode: Open, Since: in.At, TrippedAt: in.At, Why: breaker.FailedOver, Manual: true, Until: in.Until, By: in.By, Note: in.Note}
			touched++
		case IntentRestore:
			if b.Mode != Open { // a second order would begin the ramp again
				returning = returning || b.Mode == HalfOpen
				continue
			}
			*b = breaker.Return(p.Switch, *b, in.At)
			touched++
		}
	}
	switch {
	case touched > 0:
		return s, nil
	case in.Kind == IntentRestore && returning:
		return before, errors.New("restore: it is on its way back already")
	case in.Kind == IntentRestore:
		return before, errors.New("restore: no pool is failed over")
	}
	return before, errors.New("failover: there is no Spot pool with on-demand behind it to fail over from")
}

// ownPools returns the state's pools in the policy's order, as a copy.
func ownPools(p Policy, s State) []PoolState {
	out := make([]PoolState, len(p.Pools))
	for i := range out {
		out[i] = s.Pool(p.Pools[i].Name)
	}
	return out
}

// Acted marks the counts of the given actions as accepted by ECS, so that they are not asked for again while
// reads may still be stale. The caller stores the result with the outcome.
func Acted(s State, done []Action) State {
	return withCounts(s, done, func(ps *PoolState, set SetDesiredCount) {
		ps.RefusedSince = zeroTime
		if ps.Asked != nil && ps.Asked.Count == set.Count && !ps.Asked.Done {
			asked := *ps.Asked
			asked.Done = true
			ps.Asked = &asked
		}
	})
}

// Refused notes of every pool that a call which would have raised it has failed: as long as they do, the pool gets
// nothing by being asked. The caller stores the result with the outcome.
func Refused(s State, failed []Action, at time.Time) State {
	return withCounts(s, failed, func(ps *PoolState, set SetDesiredCount) {
		if set.Count > set.From && ps.RefusedSince.IsZero() {
			ps.RefusedSince = at
		}
	})
}

// withCounts returns the state with what change makes of the pools whose counts the actions set.
func withCounts(s State, actions []Action, change func(*PoolState, SetDesiredCount)) State {
	s.Pools = slices.Clone(s.Pools)
	for _, a := range actions {
		set, ok := a.(SetDesiredCount)
		for i := range s.Pools {
			if ok && s.Pools[i].Name == set.Pool {
				change(&s.Pools[i], set)
			}
		}
	}
	return s
}
