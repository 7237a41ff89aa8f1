package failover

import "fmt"

// Violation is one broken invariant.
type Violation struct {
	// Rule is the invariant's name, as in docs/guarantees.md.
	Rule string
	Text string
}

func (v Violation) String() string { return v.Rule + ": " + v.Text }

// Check holds one step against what the product promises, whatever the policy and the world. It is called by
// every test and every simulation after every step, and returns nothing when all is well.
func Check(p Policy, before State, o Observation, after State, d Decision) []Violation {
	return CheckStep(&p, &before, &o, &after, &d)
}

// CheckStep is Check without copies, for simulations that take millions of steps.
func CheckStep(p *Policy, before *State, o *Observation, after *State, d *Decision) []Violation {
	c := checker{p: p, before: before, o: o, after: after, d: d}
	c.closedSets()
	c.quietWhenTold()
	c.blindDoesOnlyWhatIsCertain()
	c.stateIsBounded()
	if d.Reason == ReasonBlind {
		return c.out
	}
	c.askedIsBounded()
	if !d.Blind() {
		c.askedCoversDemand()
	}
	c.nothingLoweredBeforeItsCover()
	c.coverComesFirst()
	if !d.Blind() {
		c.probeStays()
	}
	c.tripsHaveEvidence()
	c.interruptedIsNotRunning()
	return c.out
}

type checker struct {
	p             *Policy
	before, after *State
	o             *Observation
	d             *Decision
	out           []Violation
}

func (c *checker) fail(rule, format string, args ...any) {
	c.out = append(c.out, Violation{Rule: rule, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) found(reasons ...Reason) bool {
	for i := range c.d.Findings {
		for _, r := range reasons {
			if c.d.Findings[i].Reason == r {
				return true
			}
		}
	}
	return false
}

// closedSets: every reason is of the closed set, every action names a known pool, and no pool's count is set
// twice.
func (c *checker) closedSets() {
	known := func(r Reason) bool {
		for _, doc := range reasonDocs {
			if doc.Reason == r {
				return true
			}
		}
		return false
	}
	if !known(c.d.Reason) {
		c.fail("reason_is_known", "reason %q is not of the closed set", c.d.Reason)
	}
	for _, f := range c.d.Findings {
		if !known(f.Reason) {
			c.fail("reason_is_known", "finding %q is not of the closed set", f.Reason)
		}
	}
	set := map[string]bool{}
	for _, a := range c.d.Actions {
		name := ActionPool(a)
		if c.p.pool(name) < 0 {
			c.fail("action_names_a_pool", "%T names %q", a, name)
		}
		if _, ok := a.(SetDesiredCount); ok {
			if set[name] {
				c.fail("one_count_per_pool", "the count of %s is set twice", name)
			}
			set[name] = true
		}
	}
}

// ActionPool returns the name of the pool an action is about.
func ActionPool(a Action) string {
	switch a := a.(type) {
	case SetDesiredCount:
		return a.Pool
	case ParkScaling:
		return a.Pool
	case RestoreScaling:
		return a.Pool
	case SyncTaskDefinition:
		return a.Pool
	case StopTask:
		return a.Pool
	}
	return ""
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

// stateIsBounded: the state does not grow without end, holds no fact twice, and is not given a generation by
// the core.
func (c *checker) stateIsBounded() {
	if n := len(c.after.Window); n > EvidenceMax {
		c.fail("window_is_bounded", "%d entries", n)
	}
	if len(c.after.Window) < 200 { // quadratic or a map: keep the check cheap on the large ones
		seen := make(map[evidenceKey]bool, len(c.after.Window))
		for i := range c.after.Window {
			e := &c.after.Window[i]
			k := evidenceKey{e.Kind, e.Pool, e.ID}
			if seen[k] {
				c.fail("evidence_counts_once", "%s %s of %s twice", e.Kind, e.ID, e.Pool)
			}
			seen[k] = true
		}
	}
	if c.after.Generation != c.before.Generation {
		c.fail("generation_is_the_callers", "%d became %d", c.before.Generation, c.after.Generation)
	}
	if f := c.after.Forecast; f != nil && (len(f.Sizes) > sizesMax || len(f.Hours)%hoursOfWeek != 0 || len(f.Hours) > hoursOfWeek) {
		c.fail("state_is_bounded", "forecast of %d hours and %d sizes", len(f.Hours), len(f.Sizes))
	}
	if len(c.after.DemandLog) > demandLogMax || len(c.after.Failovers) > failoversMax {
		c.fail("state_is_bounded", "demand log %d, failovers %d", len(c.after.DemandLog), len(c.after.Failovers))
	}
}

// asks returns what every pool is asked for once the actions are done.
func (c *checker) asks() []int {
	asks := c.asked()
	for _, list := range [][]Action{c.d.Actions, c.d.Withheld} {
		for _, a := range list {
			if set, ok := a.(SetDesiredCount); ok && c.p.pool(set.Pool) >= 0 {
				asks[c.p.pool(set.Pool)] = set.Count
			}
		}
	}
	return asks
}

// asked returns what every pool was asked for before.
func (c *checker) asked() []int {
	asks := make([]int, len(c.p.Pools))
	for i := range asks {
		a := c.after.Pool(c.p.Pools[i].Name).Asked
		if c.o.Pools[i].Err != ErrNone { // whatever it shows is meaningless
			if a != nil {
				asks[i] = a.Count
			}
			continue
		}
		asks[i] = c.o.Pools[i].Desired
		if a.awaited(asks[i], c.d.At, c.p.StaleFor) {
			asks[i] = a.Count // accepted by ECS, only not to be seen yet
		}
	}
	return asks
}

// askedIsBounded: no count is negative or above its bound, and on-demand is never raised above its limit.
func (c *checker) askedIsBounded() {
	cover, raised := 0, false
	asks := c.asks()
	for i := range asks {
		pool := &c.p.Pools[i]
		was := c.o.Pools[i].Desired
		if asks[i] < 0 || (asks[i] > ServiceTasksMax && asks[i] > was) {
			c.fail("count_in_range", "%s is asked for %d", pool.Name, asks[i])
		}
		if pool.Max > 0 && asks[i] > max(pool.Max, was) {
			c.fail("count_in_range", "%s is asked for %d, its max is %d", pool.Name, asks[i], pool.Max)
		}
		if pool.Capacity == OnDemand {
			cover += asks[i]
			raised = raised || asks[i] > max(was, c.inForce(i)) // a stale read may show less than is in force
		}
	}
	if limit := c.p.OnDemandMax; limit > 0 && raised && cover > limit {
		was := 0
		for i, n := range c.asked() {
			if c.p.Pools[i].Capacity == OnDemand {
				was += n
			}
		}
		if cover > max(limit, was) {
			c.fail("on_demand_max_holds", "cover is raised to %d, the limit is %d", cover, limit)
		}
	}
}

// askedCoversDemand: all pools together are asked for at least the demand, unless a guard says why not.
func (c *checker) askedCoversDemand() {
	sum, room := 0, 0
	for i, n := range c.asks() {
		if c.d.Pools[i].Lost {
			continue
		}
		sum += n
		if m := c.p.Pools[i].Max; m > 0 {
			room += m
		} else {
			room += ServiceTasksMax
		}
	}
	if sum >= min(c.d.Demand, room) || c.after.Pause != nil || c.p.Observe {
		return
	}
	if c.found(ReasonOnDemandMax, ReasonBudget, ReasonWaitingToFill, ReasonPinned, ReasonApplicationFailing, ReasonConfigurationError) {
		return
	}
	if !c.d.LookAgain.IsZero() && !c.d.LookAgain.After(c.d.At) {
		return // a scalable target is to be read first; the pass repeats at once
	}
	c.fail("asked_covers_demand", "%d asked of all pools, demand %d", sum, c.d.Demand)
}

// nothingLoweredBeforeItsCover: lowering counts never takes the running tasks below the demand, whichever tasks
// ECS picks to stop.
func (c *checker) nothingLoweredBeforeItsCover() {
	if c.after.Pin != nil && c.after.Pin.Mode == ModeSpot {
		return
	}
	total, threatened := 0, 0
	left := func(pd *PoolDecision, count int) int { // of the running ones, when ECS stops running ones first
		return max(0, pd.Running-max(0, pd.Running+pd.Starting+pd.Stuck-count))
	}
	for i := range c.d.Pools {
		total += left(&c.d.Pools[i], c.inForce(i))
	}
	for _, a := range c.d.Actions {
		if set, ok := a.(SetDesiredCount); ok {
			i := c.p.pool(set.Pool)
			threatened += max(0, left(&c.d.Pools[i], c.inForce(i))-left(&c.d.Pools[i], set.Count))
		}
	}
	if threatened > 0 && total-threatened < c.d.Demand {
		c.fail("nothing_lowered_before_its_cover", "%d run, %d may be stopped, demand %d", total, threatened, c.d.Demand)
	}
}

// inForce returns the count that a pool was asked for before this decision, as far as it is known.
func (c *checker) inForce(i int) int {
	read := c.o.Pools[i].Desired
	a := c.before.Pool(c.p.Pools[i].Name).Asked
	if a.awaited(read, c.d.At, c.p.StaleFor) {
		return a.Count
	}
	return read
}

// coverComesFirst: what raises a count is done before what lowers one, and a pool's scalable target is parked before its
// count is lowered: a crash between two actions leaves too much, never too little.
func (c *checker) coverComesFirst() {
	lowered := map[string]bool{}
	for _, a := range c.d.Actions {
		switch a := a.(type) {
		case SetDesiredCount:
			if a.Count < a.From {
				lowered[a.Pool] = true
			} else if len(lowered) > 0 {
				c.fail("cover_comes_first", "%s is raised after another was lowered", a.Pool)
			}
		case ParkScaling:
			if lowered[a.Pool] {
				c.fail("cover_comes_first", "%s is parked after it was lowered", a.Pool)
			}
		}
	}
}

// probeStays: a pool that is not trusted keeps being asked for its probe, or it could never show that it has
// recovered.
func (c *checker) probeStays() {
	if c.p.Observe || c.after.Pause != nil || (c.after.Pin != nil && c.after.Pin.Mode == ModeSpot) {
		return
	}
	asks := c.asks()
	for i := range c.p.Pools {
		if c.d.Pools[i].Unread {
			continue
		}
		b := c.after.Pool(c.p.Pools[i].Name).B
		least := ProbeOf(c.p, &c.p.Pools[i], c.d.Demand)
		if b.Mode != Closed && asks[i] < least && (c.d.LookAgain.IsZero() || c.d.LookAgain.After(c.d.At)) {
			c.fail("probe_stays", "%s is asked for %d while its breaker is %s", c.p.Pools[i].Name, asks[i], b.Mode)
		}
	}
}

// tripsHaveEvidence: a breaker opens only on evidence of Spot trouble or by an operator, never on failures of the
// application alone.
func (c *checker) tripsHaveEvidence() {
	for i := range c.p.Pools {
		name := c.p.Pools[i].Name
		was, is := c.before.Pool(name).B, c.after.Pool(name).B
		if is.Mode != Open || was.Mode == Open || is.Manual || is.Why == ReasonPinned {
			continue
		}
		pd := &c.d.Pools[i]
		stuck := pd.Stuck + max(0, pd.Desired-pd.Running-pd.Starting)
		if was.Mode == HalfOpen {
			stuck += pd.Starting // a step that was not reached in time
			for k := range c.after.Window {
				if e := &c.after.Window[k]; e.Pool == name && e.Kind != SignalApplicationStop && e.At.After(was.StepAt) {
					stuck++
				}
			}
		}
		if pd.CapacityFailures+pd.Interruptions+stuck == 0 {
			c.fail("trips_have_evidence", "%s opened (%s) without any", name, is.Why)
		}
		if c.after.Pool(name).Failing != nil && was.Mode == Closed {
			c.fail("no_failover_on_application_failure", "%s opened (%s) while its tasks fail for the application's reasons", name, is.Why)
		}
	}
}

// interruptedIsNotRunning: a task under notice does not count as running.
func (c *checker) interruptedIsNotRunning() {
	for i := range c.o.Pools {
		po := &c.o.Pools[i]
		if !po.Listed || len(c.after.Window) == 0 {
			continue
		}
		gone := map[string]bool{}
		for k := range c.after.Window {
			if e := &c.after.Window[k]; e.Kind == SignalInterruption && c.d.At.Sub(e.At) <= noticedFor {
				gone[e.ID] = true
			}
		}
		alive := po.Steady
		for k := range po.Tasks {
			if t := &po.Tasks[k]; t.Phase == Running && !gone[taskKey(t.ID)] {
				alive++
			}
		}
		if c.d.Pools[i].Running > alive {
			c.fail("interrupted_is_not_running", "%s counts %d running, %d are not under notice", po.Pool, c.d.Pools[i].Running, alive)
		}
	}
}
