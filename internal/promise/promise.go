// Package promise holds every step against what the product promises, whatever the policy and the world: what may be asked, written,
// given back and told, and what must be. It works out what serves from the observation, by itself: a wrong estimate of the law does
// not make a promise true.
//
// It is pure, and it is asked by every test and every simulation after every step. It is not a part of deciding.
package promise

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Violation is one broken promise.
type Violation struct {
	// Rule is the promise's name, as in docs/guarantees.md.
	Rule string
	Text string
}

func (v Violation) String() string { return v.Rule + ": " + v.Text }

// Check holds one step against what the product promises. It returns nothing when all is well.
func Check(p *failover.Policy, before *failover.State, o *failover.Observation, after *failover.State, d *failover.Decision) []Violation {
	c := checker{p: p, before: before, o: o, after: after, d: d}
	c.closedSets()
	c.quietWhenTold()
	c.stateIsBounded()
	if !c.complete() {
		return c.out
	}
	c.pools = make([]pool, len(p.Pools))
	for i := range c.pools {
		c.pools[i] = c.poolOf(i)
	}
	c.countsInRange()
	c.ownerIsNotWritten()
	c.raisesAreBounded()
	c.nothingLoweredBeforeItServes()
	c.askedCoversDemand()
	c.coverComesFirst()
	c.unreadIsNotLowered()
	c.tripsHaveEvidence()
	c.knownIsWhatIsThere()
	c.scoreIsWithinShare()
	return c.out
}

type checker struct {
	p             *failover.Policy
	before, after *failover.State
	o             *failover.Observation
	d             *failover.Decision
	pools         []pool
	out           []Violation
}

// pool is what the observation shows of one pool, counted anew.
type pool struct {
	read bool
	// serves counts the tasks in service, may those that would be if all that run were ready, live those that ECS could stop.
	serves, may, live int
	// inForce is what the pool was asked for before this decision, ask after it.
	inForce, ask int
	healthUnread bool
}

func (c *checker) fail(rule, format string, args ...any) {
	c.out = append(c.out, Violation{Rule: rule, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) found(reasons ...failover.Reason) bool {
	return slices.ContainsFunc(c.d.Findings, func(f failover.Finding) bool { return slices.Contains(reasons, f.Reason) })
}

// complete reports whether observation and decision have every pool in the policy's order.
func (c *checker) complete() bool {
	if len(c.o.Pools) != len(c.p.Pools) || len(c.d.Pools) != len(c.p.Pools) {
		return false
	}
	for i := range c.p.Pools {
		if c.o.Pools[i].Pool != c.p.Pools[i].Name {
			return false
		}
	}
	return true
}

func (c *checker) index(name string) int {
	return slices.IndexFunc(c.p.Pools, func(p failover.Pool) bool { return p.Name == name })
}

// poolOf counts one pool.
func (c *checker) poolOf(i int) pool {
	po, pd := &c.o.Pools[i], &c.d.Pools[i]
	out := pool{read: po.Err == failover.ErrNone && pd.Sight == failover.Fresh, inForce: pd.InForce, ask: pd.InForce}
	for _, a := range c.actions() {
		if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == po.Pool {
			out.ask = set.Count
		}
	}
	if !out.read {
		return out
	}
	if !po.Listed {
		out.serves, out.may, out.live = po.RunningCount, po.RunningCount, po.RunningCount+po.PendingCount
	} else {
		c.countTasks(i, &out)
	}
	if po.OutOfTraffic || out.healthUnread {
		out.serves = 0
	}
	return out
}

// countTasks counts a listing, task by task.
func (c *checker) countTasks(i int, out *pool) {
	po := &c.o.Pools[i]
	gone := c.gone()
	serving, running := map[string]int{}, map[string]int{} // by revision
	denied := !c.after.Pool(po.Pool).HealthErrSince.IsZero() && c.o.At.Sub(c.after.Pool(po.Pool).HealthErrSince) >= 15*time.Minute
	out.healthUnread = po.HealthBased && po.HealthErr != failover.ErrNone && !denied
	for k := range po.Tasks {
		t := &po.Tasks[k]
		if t.Phase == failover.Leaving || gone[t.ID] {
			continue
		}
		out.live++
		ready := c.o.At.Sub(t.StartedAt) >= c.p.ReadyAfter
		if po.HealthBased {
			ready = t.Health == failover.HealthReady || denied && c.o.At.Sub(t.StartedAt) >= 10*time.Minute
		}
		if t.Phase != failover.Running {
			continue
		}
		running[t.Revision]++
		if ready {
			serving[t.Revision]++
		}
	}
	out.serves, out.may = po.Steady+inTraffic(po, serving), po.Steady+inTraffic(po, running)
	out.live += po.Steady
}

// inTraffic is how many of a pool's tasks, counted by revision, serve: of each revision no more than its share of the traffic needs.
func inTraffic(po *failover.PoolObservation, tasks map[string]int) (n int) {
	if len(po.Revisions) == 0 {
		for _, k := range tasks {
			n += k
		}
		return n
	}
	whole := max(1, po.Desired) // one that is about to be stopped serves until then
	for _, r := range po.Revisions {
		if !r.Unread {
			n += min(tasks[r.ID], int(math.Ceil(r.Share*float64(whole)-1e-9)))
		}
	}
	return min(n, whole)
}

// gone are the tasks that evidence says are under notice or stopped by AWS.
func (c *checker) gone() map[string]bool {
	out := map[string]bool{}
	for k := range c.after.Window {
		e := &c.after.Window[k]
		if (e.Kind == failover.SignalInterruption || e.Kind == failover.SignalInfrastructure) && c.o.At.Sub(e.At) <= 3*time.Minute {
			out[e.ID] = true
		}
	}
	return out
}

func (c *checker) actions() []failover.Action {
	if len(c.d.Withheld) > 0 {
		return c.d.Withheld
	}
	return c.d.Actions
}

// closedSets: every reason is of the closed set, every action names a known pool, and no pool's count is set twice.
func (c *checker) closedSets() {
	known := func(r failover.Reason) bool { return slices.Contains(failover.Reasons(), r) }
	if !known(c.d.Reason) {
		c.fail("reason_is_known", "reason %q is not of the closed set", c.d.Reason)
	}
	for i := range c.d.Findings {
		if !known(c.d.Findings[i].Reason) {
			c.fail("reason_is_known", "finding %q is not of the closed set", c.d.Findings[i].Reason)
		}
	}
	set := map[string]bool{}
	for _, a := range c.d.Actions {
		name := failover.ActionPool(a)
		if c.index(name) < 0 {
			c.fail("action_names_a_pool", "%T names %q", a, name)
		}
		if _, ok := a.(failover.SetDesiredCount); ok {
			if set[name] {
				c.fail("one_count_per_pool", "the count of %s is set twice", name)
			}
			set[name] = true
		}
	}
}

// quietWhenTold: an observing or paused workload is not touched.
func (c *checker) quietWhenTold() {
	if len(c.d.Actions) > 0 && c.p.Observe {
		c.fail("observe_changes_nothing", "%d actions", len(c.d.Actions))
	}
	if len(c.d.Actions) > 0 && c.after.Pause != nil {
		c.fail("pause_changes_nothing", "%d actions", len(c.d.Actions))
	}
}

// stateIsBounded: the state does not grow without end, holds no fact twice, and is not given a generation by the law.
func (c *checker) stateIsBounded() {
	s := c.after
	if len(s.Window) > failover.EvidenceMax || len(s.DemandLog) > 32 || len(s.Failovers) > 64 {
		c.fail("state_is_bounded", "window %d, demand log %d, failovers %d", len(s.Window), len(s.DemandLog), len(s.Failovers))
	}
	for i := range s.Seen.Pools {
		if n := len(s.Seen.Pools[i].NotYet); n > 600 {
			c.fail("state_is_bounded", "%d tasks are remembered as not yet in service", n)
		}
	}
	if len(s.Window) < 200 { // the check stays cheap on large ones
		type key struct {
			kind     failover.SignalKind
			pool, id string
		}
		seen := make(map[key]bool, len(s.Window))
		for i := range s.Window {
			e := &s.Window[i]
			k := key{e.Kind, e.Pool, e.ID}
			if seen[k] {
				c.fail("evidence_counts_once", "%s %s of %s twice", e.Kind, e.ID, e.Pool)
			}
			seen[k] = true
		}
	}
	if s.Generation != c.before.Generation {
		c.fail("generation_is_the_callers", "%d became %d", c.before.Generation, s.Generation)
	}
}

// countsInRange: no count is negative or above its bound, and on-demand is never raised above its limit.
func (c *checker) countsInRange() {
	cover, was, raised := 0, 0, false
	for i := range c.pools {
		p, def := &c.pools[i], &c.p.Pools[i]
		most := failover.ServiceTasksMax
		if def.Max > 0 {
			most = min(most, def.Max)
		}
		if p.ask < 0 || p.ask > max(most, p.inForce) {
			c.fail("count_in_range", "%s is asked for %d, at most %d are allowed", def.Name, p.ask, most)
		}
		if def.Capacity == failover.OnDemand {
			cover, was = cover+p.ask, was+p.inForce
			raised = raised || p.ask > p.inForce
		}
	}
	if limit := c.p.OnDemandMax; limit > 0 && raised && cover > max(limit, was) {
		c.fail("on_demand_max_holds", "cover is raised to %d, the limit is %d", cover, limit)
	}
}

// askedCoversDemand: all pools together are asked for at least the demand, unless a finding says why not.
func (c *checker) askedCoversDemand() {
	if c.d.Blind() || c.after.Pause != nil || c.p.Observe || !c.after.DemandSet {
		return
	}
	sum, room := 0, 0
	for i := range c.pools {
		if c.d.Pools[i].Sight != failover.Fresh {
			continue
		}
		sum += c.pools[i].ask
		if m := c.p.Pools[i].Max; m > 0 {
			room += m
		} else {
			room += failover.ServiceTasksMax
		}
	}
	if sum >= min(c.d.Demand, room) || !c.d.LookAgain.IsZero() && !c.d.LookAgain.After(c.d.At) {
		return
	}
	if c.found(failover.ReasonOnDemandMax, failover.ReasonBudget, failover.ReasonPinned, failover.ReasonApplicationFailing, failover.ReasonConfigurationError,
		failover.ReasonCoverFailing, failover.ReasonRiseBounded, failover.ReasonNoTraffic, failover.ReasonServiceGone, failover.ReasonBudgetUsed, failover.ReasonGuardedElsewhere, failover.ReasonMixedStrategy) {
		return
	}
	c.fail("asked_covers_demand", "%d asked of all pools, demand %d", sum, c.d.Demand)
}

// coverComesFirst: what raises a count is done before what lowers one, the demand is noted and a scalable target is parked before a
// count is lowered: a crash between two actions leaves too much, never too little.
func (c *checker) coverComesFirst() {
	lowered := map[string]bool{}
	for _, a := range c.d.Actions {
		switch a := a.(type) {
		case failover.SetDesiredCount:
			if a.Count < a.From {
				lowered[a.Pool] = true
			} else if len(lowered) > 0 {
				c.fail("cover_comes_first", "%s is raised after another was lowered", a.Pool)
			}
		case failover.ParkScaling:
			if lowered[a.Pool] {
				c.fail("cover_comes_first", "%s is parked after it was lowered", a.Pool)
			}
		case failover.HoldDemand:
			if a.Demand > 0 && lowered[a.Pool] {
				c.fail("cover_comes_first", "the demand is noted on %s after it was lowered", a.Pool)
			}
		}
	}
}

// unreadIsNotLowered: a pool that could not be read is never lowered, and nothing but on-demand is raised there; nothing at all is
// changed of a workload that was never seen.
func (c *checker) unreadIsNotLowered() {
	for _, a := range c.d.Actions {
		i := c.index(failover.ActionPool(a))
		if i < 0 || c.pools[i].read {
			continue
		}
		set, ok := a.(failover.SetDesiredCount)
		switch {
		case !ok || c.p.Pools[i].Capacity != failover.OnDemand:
			c.fail("unread_is_untouched", "%T of %s", a, c.p.Pools[i].Name)
		case set.Count < max(c.before.PoolSeen(set.Pool).Desired, askedOf(c.before.Pool(set.Pool))):
			c.fail("unread_is_untouched", "%s is set to %d, %d may be in force", set.Pool, set.Count, max(c.before.PoolSeen(set.Pool).Desired, askedOf(c.before.Pool(set.Pool))))
		case !c.before.DemandSet:
			c.fail("unread_is_untouched", "%s is raised, and nothing is known", set.Pool)
		}
	}
}

func askedOf(ps failover.PoolState) int {
	if ps.Asked == nil {
		return 0
	}
	return ps.Asked.Count
}

// tripsHaveEvidence: a breaker opens by an operator, or on evidence of Spot trouble while tasks are missing; never for the
// application alone.
func (c *checker) tripsHaveEvidence() {
	for i := range c.p.Pools {
		name := c.p.Pools[i].Name
		was, is := c.before.Pool(name).B, c.after.Pool(name).B
		if is.Mode != failover.Open || was.Mode != failover.Closed || is.Manual || failover.Reason(is.Why) == failover.ReasonPinned {
			continue
		}
		pd := &c.d.Pools[i]
		if pd.CapacityFailures+pd.Interruptions+pd.Late+pd.Unplaced == 0 {
			c.fail("trips_have_evidence", "%s opened (%s) without any", name, is.Why)
		}
		if p := &c.pools[i]; p.read && p.serves >= p.inForce {
			c.fail("trips_have_evidence", "%s opened (%s) with %d of %d in service", name, is.Why, p.serves, p.inForce)
		}
	}
}

// knownIsWhatIsThere: what the law takes to be certainly in service is there.
func (c *checker) knownIsWhatIsThere() {
	for i := range c.pools {
		if p, pd := &c.pools[i], &c.d.Pools[i]; p.read && pd.InService.Low > p.serves {
			c.fail("in_service_is_there", "%s counts %d in service, %d are", pd.Pool, pd.InService.Low, p.serves)
		}
	}
}

// scoreIsWithinShare: a pool that is asked for twenty and has none is not healthy, whatever events say.
func (c *checker) scoreIsWithinShare() {
	serves, asked := 0, 0
	for i, p := range c.pools {
		if c.p.Pools[i].Capacity != failover.Spot {
			continue
		}
		if !p.read {
			return
		}
		serves, asked = serves+min(p.serves, p.inForce), asked+p.inForce
	}
	if asked > 0 && c.d.Health*asked > 100*serves {
		c.fail("score_within_share", "the Spot health score is %d with %d of %d in service", c.d.Health, serves, asked)
	}
}
