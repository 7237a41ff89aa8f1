package control

import "github.com/backstop-ecs/backstop/internal/failover"

// Urgency orders what waits for an account's budget of calls.
type Urgency int

// Urgencies, the least first.
const (
	// Quiet: nothing is missing and nothing is to be given back.
	Quiet Urgency = iota
	// Releasing: on-demand runs that may be given back.
	Releasing
	// Short: tasks are missing, or what a workload has is not known.
	Short
	// Warned: tasks are under notice, or have just been lost.
	Warned
)

// Worth says what goes first where calls have to wait: the more urgent, then what more tasks depend on.
type Worth struct {
	Urgency Urgency
	Tasks   int
}

// Over reports whether w goes before other.
func (w Worth) Over(other Worth) bool {
	if w.Urgency != other.Urgency {
		return w.Urgency > other.Urgency
	}
	return w.Tasks > other.Tasks
}

// worthOf says what a workload's reads are worth, by what is known of it before it is looked at: an unknown one may be short.
func worthOf(j *job) Worth {
	warned := 0
	for i := range j.signals {
		if k := j.signals[i].Kind; k == failover.SignalInterruption || k == failover.SignalInfrastructure {
			warned++
		}
	}
	state := &j.record.State
	serves, standby := 0, 0
	for i := range state.Seen.Pools {
		serves += state.Seen.Pools[i].InService
		if p := &j.w.Policy; i < len(p.Pools) && p.Pools[i].Capacity == failover.OnDemand {
			standby += state.Seen.Pools[i].Desired
		}
	}
	switch {
	case warned > 0:
		return Worth{Urgency: Warned, Tasks: warned}
	case state.Generation == 0 || state.Gap != nil || !state.MissingSince.IsZero() || !state.BlindSince.IsZero():
		return Worth{Urgency: Short, Tasks: max(0, state.Demand-serves)}
	case standby > 0:
		return Worth{Urgency: Releasing, Tasks: standby}
	}
	return Worth{}
}
