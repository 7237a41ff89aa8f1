package failover

import (
	"math"
	"slices"
	"time"
)

// Goal is how many tasks are wanted in this pass.
type Goal struct {
	// Demand is the wanted number; Set is false while it is not known.
	Demand int
	Set    bool
	// Wanted is what a raise reckons with, Kept what a release does. They differ in a gap, while the demand moves.
	Wanted, Kept int
	// Changed is set when someone changed the demand since the last pass; From is what it was.
	Changed bool
	From    int
	// Asked is what is known of our own writes to the owner's count.
	Asked *Asked
	// Log are the recent changes of demand, Gap the gap with the demand's moves noted.
	Log []DemandChange
	Gap *Gap
	// Bounded is how many tasks of a rise are not covered yet; Next when the goal moves by itself.
	Bounded int
	Next    time.Time
}

// demandOf settles how many tasks are wanted. The owner's desired count says it, and whoever changes that count changes the
// demand; while a breaker holds the count away from the demand, the demand is kept in the state, and a count that is neither ours
// nor one that a stale read may still show is someone's change.
func demandOf(p *Policy, s *State, known []Known, o *Observation) Goal {
	g := Goal{Demand: s.Demand, Set: s.DemandSet, From: s.Demand, Log: s.DemandLog, Gap: s.Gap}
	switch k := p.owner(); {
	case k < 0:
		g.Demand, g.Set = p.Demand, true
		if s.DemandWanted > 0 {
			g.Demand = s.DemandWanted
		}
	default:
		g.Asked = s.Pools[k].Asked
		if known[k].Sight == Fresh && !o.Pools[k].Draining {
			r := reading{o.Pools[k].Desired, o.At, p.StaleFor}
			if parked := s.Pools[k].Parked; parked != nil && !o.Pools[k].Scaling.Known && r.count < g.Demand && g.Asked.theirs(r) {
				break // it may be what AWS lifted the count to: what became of the bounds is not known
			}
			g.Demand, g.Asked = bounded(g.Demand, g.Asked, &s.Pools[k], o.Pools[k].Scaling, r)
			g = g.read(&o.Pools[k], &s.Seen.Pools[k], r)
		}
	}
	g.Changed = s.DemandSet && g.Demand != g.From
	g.Log = logDemand(p, s, g, o.At)
	return g.inGap(s, known, p, o.At)
}

// unconfirmed reports whether a service has been gone for a day and nobody has confirmed that its cover is to stay.
func unconfirmed(s *State, ps *PoolState, now time.Time) bool {
	return !ps.LostAt.IsZero() && now.Sub(ps.LostAt) >= confirmFor && s.ConfirmedAt.Before(ps.GoneSince)
}

// read takes the owner's count as it was read.
func (g Goal) read(po *PoolObservation, seen *PoolSeen, r reading) Goal {
	switch {
	case po.HeldBy != "" && po.HeldDemand > po.Desired:
		// Another installation holds the count down: what is wanted is in its tag, whatever was seen here before.
		g.Demand = po.HeldDemand
		if g.Asked.theirs(r) {
			g.Asked = &Asked{Count: po.Desired, At: r.at, Done: true, Seen: true}
		}
	case g.Asked == nil && po.HeldDemand > po.Desired && (!g.Set || po.HeldDemand != seen.Held):
		// The state was lost while the count was held down, or is older: the tag says what was wanted, and the count is ours.
		g.Demand = po.HeldDemand
		g.Asked = &Asked{Count: po.Desired, At: r.at, Done: true, Seen: true}
	case g.Asked.theirs(r):
		g.Demand = po.Desired
		g.Asked = g.Asked.yield(r)
	}
	g.Set = true
	return g
}

// bounded follows bounds that a parked scalable target was given meanwhile, by a scheduled action or a person: the demand is moved
// inside them, as AWS would have done. The count that AWS lifted to the new minimum is not what is wanted, also when it shows only
// after the target was parked again.
func bounded(demand int, a *Asked, ps *PoolState, sc Scaling, r reading) (int, *Asked) {
	parked := ps.Parked
	if parked == nil || a == nil || !sc.Known || !sc.Present {
		return demand, a
	}
	lifted := func(low int) *Asked {
		if r.count == low && a.theirs(r) {
			return &Asked{Count: r.count, At: r.at, Done: true, Seen: true, Old: a.Old}
		}
		return a
	}
	if sc.Min == 0 && sc.Max == parked.Max {
		if r.count < demand && r.at.Sub(ps.ParkedAt) < liftedFor {
			a = lifted(parked.Min)
		}
		return demand, a
	}
	a = lifted(sc.Min)
	return clamp(demand, sc.Min, max(sc.Min, sc.Max)), a
}

// logDemand keeps the recent changes of demand for as long as they explain that tasks start.
func logDemand(p *Policy, s *State, g Goal, now time.Time) []DemandChange {
	if s.DemandSet && g.Demand != s.Demand {
		log := slices.Clone(s.DemandLog)
		if len(log) >= demandLogMax {
			log = log[1:]
		}
		return append(log, DemandChange{At: now, From: s.Demand, To: g.Demand})
	}
	if !slices.ContainsFunc(s.DemandLog, func(c DemandChange) bool { return now.Sub(c.At) < explainsFor(p, &c) }) {
		return nil
	}
	return s.DemandLog
}

// explainsFor is how long a change of the demand explains that tasks are missing or start: until ECS has launched so many, and
// for as long as a start may take.
func explainsFor(p *Policy, c *DemandChange) time.Duration {
	return p.StartLimit + placeFor + launching(max(0, c.To-c.From))
}

// inGap settles what cover is raised and kept for. Outside a gap both are the demand. In a gap a rise is covered at once, by at most
// as much again as the demand was at the gap's start for each start-up time; a fall lowers nothing for five minutes and then a
// quarter a minute, and a fall to what Spot runs, or less, is the scaler's echo of the loss: cover keeps the demand of before.
func (g Goal) inGap(s *State, known []Known, p *Policy, now time.Time) Goal {
	g.Wanted, g.Kept = g.Demand, g.Demand
	k := p.owner()
	if k >= 0 && known[k].Sight == Gone && unconfirmed(s, &s.Pools[k], now) {
		g.Wanted, g.Kept = 0, 0
		return g
	}
	if s.Gap == nil || !s.DemandSet || k < 0 {
		return g
	}
	gap := *s.Gap
	if g.Demand > gap.Demand && gap.RoseAt.IsZero() {
		gap.RoseAt = now
	}
	units := 1 + int(now.Sub(gap.RoseAt)/riseUnit)
	if most := max(gap.Demand*(1+units), gap.Demand+1); !gap.RoseAt.IsZero() && g.Demand > most {
		g.Bounded = g.Demand - most
		g.Wanted = most
		g.Next = gap.RoseAt.Add(time.Duration(units) * riseUnit)
	}
	switch {
	case g.Demand >= gap.Kept || !gap.FellAt.IsZero() && !s.ConfirmedAt.Before(gap.FellAt):
		gap.Kept, gap.FellAt, gap.Echo = g.Demand, zeroTime, false
	case gap.FellAt.IsZero() || g.Changed && g.Demand < g.From:
		gap.FellAt = now
		// At 0 tasks a scaler sees no metric and sets nothing, nor does one that is parked.
		gap.Echo = g.Demand > 0 && s.Pools[k].Parked == nil && g.Demand <= spotRunning(p, known)
	}
	if gap.Echo {
		g.Wanted, g.Kept = gap.Kept, gap.Kept
	} else if !gap.FellAt.IsZero() {
		kept, next := gap.following(g.Demand, now)
		g.Kept, g.Next = kept, sooner(g.Next, next)
	}
	if gap != *s.Gap {
		own := gap
		g.Gap = &own
	}
	return g
}

// following is what cover is kept for after the demand has fallen, and when that changes: all of it for five minutes, then a quarter
// of the fall less a minute.
func (gap *Gap) following(demand int, now time.Time) (kept int, next time.Time) {
	held := now.Sub(gap.FellAt) - FallHold
	if held < 0 {
		return gap.Kept, gap.FellAt.Add(FallHold)
	}
	steps := math.Floor(held.Minutes()) + 1
	kept = max(demand, gap.Kept-int(math.Ceil(float64(gap.Kept-demand)*fallPerMinute*steps)))
	return kept, gap.FellAt.Add(FallHold + time.Duration(steps)*time.Minute)
}

// spotRunning is how many tasks run on Spot.
func spotRunning(p *Policy, known []Known) (n int) {
	for i := range known {
		if p.Pools[i].Capacity == Spot {
			n += known[i].Running
		}
	}
	return n
}

// rise is how much the demand has grown within the time that explains missing tasks, and when it last did.
func (g *Goal) rise(p *Policy, now time.Time) (n int, at time.Time) {
	low := g.Demand
	for i := range g.Log {
		c := &g.Log[i]
		if now.Sub(c.At) >= placeFor+launching(max(0, c.To-c.From)) {
			continue
		}
		low = min(low, c.From)
		if c.To > c.From {
			at = later(at, c.At)
		}
	}
	return g.Demand - low, at
}

// gapAfter is the gap after this pass: it begins when on-demand has to stand in for Spot, and ends when Spot holds the demand and
// the cover is given back. After a fall that looked like the scaler's echo it ends when the demand is back, or is confirmed.
func gapAfter(g *Goal, need int, standing int, now time.Time) *Gap {
	switch {
	case g.Gap == nil && need > 0:
		return &Gap{Since: now, Demand: g.Demand, Kept: g.Demand}
	case g.Gap != nil && need == 0 && standing == 0 && !g.Gap.Echo:
		return nil
	case g.Gap != nil && g.Demand > g.Gap.Kept:
		grown := *g.Gap
		grown.Kept = g.Demand
		return &grown
	}
	return g.Gap
}
