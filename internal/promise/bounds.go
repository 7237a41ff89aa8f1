package promise

import (
	"math"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// owner is the index of the pool whose desired count is the demand, or -1.
func (c *checker) owner() int {
	if c.p.Demand > 0 {
		return -1
	}
	return max(0, c.index(c.p.Owner))
}

// ordered reports whether an operator's order or pin is in force, was until now, or is being undone.
func (c *checker) ordered() bool {
	if c.before.Pin != nil || c.after.Pin != nil {
		return true
	}
	for i := range c.p.Pools {
		name := c.p.Pools[i].Name
		if c.before.Pool(name).B.Mode != failover.Closed || c.after.Pool(name).B.Mode != failover.Closed {
			return true
		}
	}
	return false
}

// ownerIsNotWritten: without a breaker and without an order nothing sets the owner's count.
func (c *checker) ownerIsNotWritten() {
	k := c.owner()
	if k < 0 || c.p.Switch.On || c.ordered() || c.before.Pool(c.p.Pools[k].Name).Asked != nil || c.o.Pools[k].HeldDemand > 0 {
		return
	}
	for _, a := range c.d.Actions {
		if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == c.p.Pools[k].Name {
			c.fail("owner_is_not_written", "%s is set from %d to %d", set.Pool, set.From, set.Count)
		}
	}
}

// wanted is the most that the workload may be taken to want.
func (c *checker) wanted() int {
	n := max(c.d.Demand, c.before.Demand)
	if g := c.after.Gap; g != nil {
		n = max(n, g.Kept)
	}
	if g := c.before.Gap; g != nil {
		n = max(n, g.Kept)
	}
	return n
}

// raisesAreBounded: on-demand is never raised beyond twice what Spot does not have in service, or that and a surplus and two.
func (c *checker) raisesAreBounded() {
	short, asks, was, floor, raised := c.wanted(), 0, 0, 0, false
	for i := range c.pools {
		p, def := &c.pools[i], &c.p.Pools[i]
		switch {
		case def.Capacity == failover.OnDemand && c.d.Pools[i].Sight != failover.Fresh && c.d.Pools[i].Sight != failover.Told:
			// What a pool that counts as lost was asked for holds nothing.
		case def.Capacity == failover.OnDemand && c.refused(i), def.Capacity == failover.OnDemand && !p.read && c.unanswered(i):
			// What could not even be asked for does not use up the bound, nor a call without an answer where nothing can be read.
		case def.Capacity == failover.OnDemand:
			unplaced := 0
			if p.read && p.ask <= p.inForce && c.covers() > 1 {
				unplaced = max(0, p.ask-p.live-1) // nor what could not be placed
			}
			asks, was = asks+p.ask-unplaced, was+p.inForce-unplaced
			least := max(def.Min, c.d.Pools[i].Warm)
			floor += least
			raised = raised || p.ask > max(p.inForce, least) // what is kept in any case is bounded by the configuration
		case c.d.Pools[i].Breaker != failover.Closed, c.o.Pools[i].Draining:
		case !p.read:
			short -= c.d.Pools[i].InService.High
		case p.healthUnread:
			short -= min(p.may, p.ask)
		default:
			short -= min(p.serves, p.ask) // ECS stops the others
		}
	}
	short = max(0, short)
	surplus := int(math.Ceil(c.p.Overstart * max(float64(short), 2.5*math.Sqrt(float64(short)))))
	most := max(2*short, short+surplus+2) + floor
	for i := range c.pools { // a pool that cannot hold what it is asked for keeps one probe, and what still starts there
		if c.p.Pools[i].Capacity == failover.OnDemand && len(c.p.Pools) > 2 {
			most += 1 + c.pools[i].live
		}
	}
	if raised && asks > was && asks > most {
		c.fail("raises_are_bounded", "on-demand is raised from %d to %d; at most %d are missing on Spot, and %d may be asked for", was, asks, short, most)
	}
}

// covers is how many on-demand pools there are.
func (c *checker) covers() (n int) {
	for i := range c.p.Pools {
		if c.p.Pools[i].Capacity == failover.OnDemand {
			n++
		}
	}
	return n
}

// refused reports whether every call that would raise a pool has failed for some time.
func (c *checker) refused(i int) bool {
	return !c.before.Pool(c.p.Pools[i].Name).RefusedSince.IsZero()
}

// unanswered reports whether it is unknown if ECS has taken the last call for a pool.
func (c *checker) unanswered(i int) bool {
	a := c.before.Pool(c.p.Pools[i].Name).Asked
	return a != nil && !a.Done
}

// nothingLoweredBeforeItServes: a lowering never takes what is in service below what is wanted, whichever tasks ECS stops.
func (c *checker) nothingLoweredBeforeItServes() {
	if c.after.Pin != nil && c.after.Pin.Mode == failover.ModeSpot || c.unconfirmed() {
		return
	}
	left, threatened := 0, 0
	for i := range c.pools {
		p := &c.pools[i]
		now := max(0, p.serves-max(0, p.live-p.inForce)) // what a scale-in under way leaves
		then := max(0, p.serves-max(0, p.live-min(p.ask, p.inForce)))
		if c.after.Pool(c.p.Pools[i].Name).Failing != nil {
			continue // its tasks run for seconds each
		}
		left += then
		threatened += now - then
		if p.ask < p.inForce && p.healthUnread && c.d.Pools[i].InService.High > 0 {
			c.fail("nothing_lowered_before_it_serves", "%s is lowered and its readiness could not be read", c.p.Pools[i].Name)
		}
	}
	if c.p.OnBudget == failover.ReleaseBudget && c.p.OnDemandBudgetUSDMonthly > 0 && c.before.Seen.SpendUSD >= c.p.OnDemandBudgetUSDMonthly {
		return
	}
	if threatened > 0 && left < c.d.Demand {
		c.fail("nothing_lowered_before_it_serves", "%d of those in service may be stopped, %d would be left of %d wanted", threatened, left, c.d.Demand)
	}
}

// unconfirmed reports whether the cover of a deleted service goes because nobody has confirmed it within a day.
func (c *checker) unconfirmed() bool {
	k := c.owner()
	if k < 0 {
		return false
	}
	lost := c.after.Pool(c.p.Pools[k].Name).LostAt
	return !lost.IsZero() && c.o.At.Sub(lost) >= 24*time.Hour && c.after.ConfirmedAt.Before(c.after.Pool(c.p.Pools[k].Name).GoneSince)
}
