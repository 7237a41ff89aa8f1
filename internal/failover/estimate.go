package failover

import (
	"fmt"
	"time"
)

// Range is what is known of a number: it is at least Low and at most High. They are equal when all was read.
type Range struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// Exactly is the range of a number that was read.
func Exactly(n int) Range { return Range{n, n} }

// Known reports whether the range is a single number.
func (r Range) Known() bool { return r.Low == r.High }

// String writes the range as people read it: "12", or "8 to 12".
func (r Range) String() string {
	if r.Known() {
		return fmt.Sprint(r.Low)
	}
	return fmt.Sprintf("%d to %d", r.Low, r.High)
}

func (r Range) plus(o Range) Range { return Range{r.Low + o.Low, r.High + o.High} }

// Sight says how a pool is known.
type Sight string

// Sights.
const (
	// Fresh: it was read in this pass.
	Fresh Sight = ""
	// Told: it could not be read; the last look and the events since say what it may hold.
	Told Sight = "not_read"
	// WrittenOff: AWS has given no answer for write_off_after; its tasks count as lost.
	WrittenOff Sight = "written_off"
	// Gone: AWS says definitely that the service does not exist; its tasks count as lost.
	Gone Sight = "gone"
)

// Known is what is known of one pool in this pass. Only estimate knows about errors, staleness and our own writes: whatever is
// decided is decided on these values.
type Known struct {
	Sight Sight
	// Desired is the service's desired count as it was read, or as it was last known.
	Desired int
	// InForce is the count the pool is asked for: the one that was read, or our own that a read need not show yet.
	InForce Range
	// InService counts the tasks that are in service (design.md 2), by revision and capped at the demand's share.
	InService Range
	// Running counts the tasks that are RUNNING and wanted, ready or not.
	Running int
	// Warming, Placed and Provisioning are on their way and not late; Late are past their limit, LateWarming of them RUNNING.
	Warming, Placed, Provisioning int
	Late, LateWarming             int
	// Arriving counts those on their way that belong to the revision of a deployment in progress.
	Arriving int
	// Unhealthy counts tasks that were in service and are not ready now.
	Unhealthy int
	// Unplaced is how many tasks the pool is asked for that do not exist; Live how many ECS could stop instead of others.
	Unplaced, Live int
	// Leaving counts tasks that go, Working those of them that still serve, Protected tasks that scale-in cannot stop.
	Leaving, Working, Protected int
	// HealthUnread is set where readiness counts and could not be read.
	HealthUnread bool
	// OutOfTraffic is set for a pool whose tasks no listener reaches.
	OutOfTraffic bool
	// Surviving counts the tasks in service that have run for a minute, FreshServing those of them that started after the breaker tripped.
	Surviving, FreshServing int
	// StartedRecently counts tasks that became RUNNING within the health window.
	StartedRecently int
	// Newest is when the newest task was created; OldestLate the task that has been late for longest, created OldestAt.
	Newest     time.Time
	OldestLate string
	OldestAt   time.Time
	// StartLimit and ReadyLimit are the limits in force; SlowLimit reports that they are above the configured ones.
	StartLimit, ReadyLimit time.Duration
	// NextLate and NextReady are the next moments at which a task becomes late, or is in service by its running time.
	NextLate, NextReady, NextProof time.Time
	// Drains are the warned tasks that still work, with their ends.
	Drains []Task
}

// whole reports whether nothing of the pool is missing.
func (k *Known) whole() bool {
	return k.Sight == Fresh && k.InService.Low >= k.Desired && k.Unplaced == 0
}

// counts reports whether the pool can be counted on at all.
func (k *Known) counts() bool { return k.Sight == Fresh || k.Sight == Told }

// reliable is what of an on-demand pool can be counted on: in service, or on its way and not late.
func (k *Known) reliable() int {
	if k.OutOfTraffic {
		return 0
	}
	return k.InService.High + k.Warming + k.Placed + k.Provisioning
}

// look is what estimate needs to know of one pool.
type look struct {
	p     *Policy
	pool  *Pool
	ps    *PoolState
	seen  *PoolSeen
	po    *PoolObservation
	tally *Tally
	gone  *index // the tasks under notice
	now   time.Time
	// owner is what is known of the pool whose tasks all others run copies of.
	owner *PoolSeen
}

// estimate turns the observation into what is known of a pool.
func estimate(l look) Known {
	k := Known{StartLimit: l.seen.Start.or(l.owner.Start).limit(l.p.StartLimit), ReadyLimit: l.seen.Warm.or(l.owner.Warm).limit(l.p.ReadyLimit)}
	switch {
	case !l.ps.LostAt.IsZero():
		k.Sight = Gone
	case l.ps.WrittenOff:
		k.Sight = WrittenOff
	case l.po.Err != ErrNone:
		k.Sight = Told
	}
	r := reading{l.po.Desired, l.now, l.p.StaleFor}
	switch k.Sight {
	case Gone, WrittenOff:
		if a := l.ps.Asked; a != nil {
			k.InForce.High = max(a.Count, l.seen.Desired) // it may run on, and costs money if so
		}
		return k
	case Told:
		k.Desired, k.InForce = l.seen.Desired, toldCount(l)
		k.InService.High = told(l)
		k.Running, k.Live = k.InService.High, k.InService.High
		return k
	}
	k.Desired = l.po.Desired
	k.InForce = Exactly(l.ps.Asked.inForce(r))
	k.Running, k.Placed = l.po.RunningCount, l.po.PendingCount
	k.InService, k.Surviving, k.Live = Exactly(k.Running), k.Running, k.Running+k.Placed
	if l.po.Listed {
		k = countTasks(l, k)
	}
	k.Unplaced = max(0, k.Desired-k.Live)
	k.OutOfTraffic = l.po.OutOfTraffic
	if k.OutOfTraffic {
		k.InService = Range{}
	}
	return k
}

// toldCount is the count in force of a pool that cannot be read: our last ask, or what the last look saw.
func toldCount(l look) Range {
	if a := l.ps.Asked; a != nil {
		return Range{min(a.Count, l.seen.Desired), max(a.Count, l.seen.Desired)}
	}
	return Exactly(l.seen.Desired)
}

// told is what a pool that cannot be read may have in service: what the last look saw in it, less the losses that events tell of
// since. None of it is certain.
func told(l look) int {
	there := l.seen.InService + l.seen.Coming
	if l.seen.Desired > 0 {
		there = min(there, max(l.seen.Desired, l.seen.InService))
	}
	return max(0, there-l.tally.ToldLost+min(l.tally.ToldStarted, l.tally.ToldLost))
}

// underNotice takes up the losses since a moment: of the tasks whose notice is that young.
func underNotice(x *index, window []Evidence, from time.Time) {
	x.over(window, len(window))
	for i := range window {
		if e := &window[i]; loses(e.Kind) && !e.At.Before(from) {
			x.add(i)
		}
	}
}

// knownOf estimates every pool.
func knownOf(r *Room, p *Policy, s *State, o *Observation, win []Evidence, tallies []Tally) []Known {
	out := of(r.known[:], len(p.Pools))
	underNotice(&r.noticed, win, o.At.Add(-noticedFor))
	owner := max(0, p.owner())
	for i := range out {
		out[i] = estimate(look{p: p, pool: &p.Pools[i], ps: &s.Pools[i], seen: &s.Seen.Pools[i], po: &o.Pools[i], tally: &tallies[i], gone: &r.noticed, now: o.At,
			owner: &s.Seen.Pools[owner]})
	}
	return out
}
