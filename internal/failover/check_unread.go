package failover

// blindDoesOnlyWhatIsCertain: a pool that could not be read keeps its count. As long as it is not written off, the demand stays, and
// the counts of on-demand alone change: they are raised for tasks that are missing, and lowered as far as the pools that
// were read hold the demand by themselves. Where nothing could be read, or the workload was never seen, nothing is changed.
func (c *checker) blindDoesOnlyWhatIsCertain() {
	any, partial, all, lowered := false, false, true, false
	for i := range c.p.Pools {
		unread := c.unread(i)
		any = any || unread
		all = all && unread
		partial = partial || unread && (i >= len(c.d.Pools) || !c.d.Pools[i].Lost)
	}
	if !any {
		return
	}
	if !c.found(ReasonBlind) || partial && len(c.d.Actions) == 0 && c.d.Reason != ReasonBlind {
		c.fail("blind_says_so", "reason %s", c.d.Reason)
	}
	if partial && c.after.Demand != c.before.Demand {
		c.fail("blind_keeps_what_is_there", "demand %d became %d", c.before.Demand, c.after.Demand)
	}
	for _, a := range c.d.Actions {
		i := c.p.pool(ActionPool(a))
		if i < 0 {
			continue // action_names_a_pool
		}
		set, isCount := a.(SetDesiredCount)
		switch {
		case all || !c.before.DemandSet:
			c.fail("blind_keeps_what_is_there", "%T of %s, and nothing is known", a, c.p.Pools[i].Name)
		case c.unread(i):
			c.fail("unread_is_untouched", "%T of %s", a, c.p.Pools[i].Name)
		case partial && (!isCount || c.p.Pools[i].Capacity != OnDemand):
			c.fail("blind_keeps_what_is_there", "%T of %s: %+v", a, c.p.Pools[i].Name, a)
		case partial && set.Count < set.From:
			lowered = true
		case partial && c.nothingIsMissing(i):
			c.fail("blind_covers_only_losses", "%s is raised from %d to %d; %d run, demand %d", c.p.Pools[i].Name, set.From, set.Count, c.d.Running, c.d.Demand)
		}
	}
	if lowered {
		c.blindLowersOnlyTheSpare()
	}
}

// unread says whether a pool could not be read.
func (c *checker) unread(i int) bool {
	return i >= len(c.o.Pools) || c.o.Pools[i].Pool != c.p.Pools[i].Name || c.o.Pools[i].Err != ErrNone
}

// blindLowersOnlyTheSpare: what was read holds the demand by itself, whichever tasks ECS stops.
func (c *checker) blindLowersOnlyTheSpare() {
	left, threatened := 0, 0
	for i := range c.p.Pools {
		if !c.unread(i) {
			left += c.d.Pools[i].Running
		}
	}
	for _, a := range c.d.Actions {
		if set, ok := a.(SetDesiredCount); ok && c.p.pool(set.Pool) >= 0 {
			pd := &c.d.Pools[c.p.pool(set.Pool)]
			threatened += min(pd.Running, max(0, pd.Running+pd.Starting+pd.Stuck-set.Count))
		}
	}
	if threatened > 0 && left-threatened < c.d.Demand {
		c.fail("blind_lowers_only_the_spare", "%d run of what was read, %d may be stopped, demand %d", left, threatened, c.d.Demand)
	}
}

// nothingIsMissing says whether no rule but the want of tasks could raise on-demand pool i, and none are missing.
func (c *checker) nothingIsMissing(i int) bool {
	for k := range c.after.Pools {
		if c.after.Pools[k].B.Mode != Closed {
			return false
		}
	}
	a := c.before.Pool(c.p.Pools[i].Name).Asked
	return c.d.Shortfall == 0 && c.d.Pools[i].Warm == 0 && c.p.Extra == 0 && c.p.Pools[i].Min == 0 && c.after.Pin == nil && (a == nil || a.Seen)
}
