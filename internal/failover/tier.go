package failover

// shareOut settles what the pools of one tier are asked for, and returns how much was to be shared out anew. What they hold stays
// where it is; what is missing is shared out by how often each was reclaimed lately, with at most tier_share_max of the tier in one
// pool while others have room, and none for a pool whose last launch failed lately. Such a pool is full: it is asked for one task
// more than it has, so that it can show when it has room again.
func (in *cascadeInput) shareOut(ts []Target, first, need int) (shared int) {
	most := 0
	for i := range ts {
		most += in.p.bound(first + i)
	}
	need = min(need, most)
	placed := in.holdings(ts, first)
	if placed >= need {
		for ; placed > need; placed-- {
			worst := in.worstPool(ts, first)
			if worst < 0 {
				return 0
			}
			ts[worst].Raise--
		}
		return 0
	}
	open := 0
	for i := range ts {
		ts[i].Full = in.isFull(first+i, &ts[i])
		if !ts[i].Full {
			open++
		}
	}
	if in.sharedWell(ts, first, need-placed, open) {
		for i := range ts {
			ts[i].Raise = in.known[first+i].InForce.High // asked for where it should be: do not stir
		}
		return 0
	}
	share := int(in.p.TierShareMax*float64(need)) + 1
	for missing := need - placed; missing > 0; missing-- {
		best := in.bestPool(ts, first, share, open == 0)
		if best < 0 {
			best = in.bestPool(ts, first, ServiceTasksMax, open == 0)
		}
		if best < 0 {
			best = in.bestPool(ts, first, ServiceTasksMax, true)
		}
		if best < 0 {
			return 0
		}
		ts[best].Raise++
	}
	for i := range ts {
		if t := &ts[i]; t.Full && t.Raise == in.holding(first+i) && t.Raise < in.p.bound(first+i) {
			t.Raise++
		}
	}
	return need
}

// holding is what a pool has, and may keep.
func (in *cascadeInput) holding(i int) int {
	k := &in.known[i]
	return clamp(k.Running+k.Placed+k.Provisioning, in.p.floor(i, in.goal.Demand), in.p.bound(i))
}

func (in *cascadeInput) holdings(ts []Target, first int) (sum int) {
	for i := range ts {
		if in.known[first+i].counts() {
			ts[i].Raise = in.holding(first + i)
		}
		sum += ts[i].Raise
	}
	return sum
}

// isFull reports whether more cannot be had from the pool just now.
func (in *cascadeInput) isFull(i int, t *Target) bool {
	k, ps := &in.known[i], &in.s.Pools[i]
	if ps.B.Mode == Open || !k.counts() {
		return true
	}
	if at := later(ps.FailedAt, in.tally[i].NoRoomAt); !at.IsZero() && in.now.Sub(at) < skipAfterFailure && !k.Newest.After(at) {
		return true
	}
	if k.Unplaced == 0 || ps.UnplacedSince.IsZero() {
		return false
	}
	due := ps.UnplacedSince.Add(placeFor)
	t.Next = sooner(t.Next, due)
	return !in.now.Before(due)
}

// sharedWell reports whether what is asked of the pools already is what shareOut would want: everything missing
// with pools that are not full where there are any, and one task with each that is.
func (in *cascadeInput) sharedWell(ts []Target, first, missing, open int) bool {
	sum := 0
	for i := range ts {
		t := &ts[i]
		more := in.known[first+i].InForce.High - t.Raise
		if more < 0 || (t.Full && more == 0 && t.Raise < in.p.bound(first+i)) || (t.Full && open > 0 && more > 1) {
			return false
		}
		if !t.Full || open == 0 {
			sum += more
		}
	}
	if open == 0 {
		return sum >= missing && sum <= missing+len(ts)
	}
	return sum == missing
}

// burden is what one more task in the pool would be worth avoiding: its recent reclaims and what it holds.
func (in *cascadeInput) burden(i int, t *Target) float64 {
	seen := &in.s.Seen.Pools[i]
	return float64(t.Raise+1) * (1 + decayed(seen.Reclaims, seen.ReclaimsAt, in.now, reclaimMemory))
}

// bestPool is the pool that should take one more task within share, or -1. Full pools are taken only where full is set.
func (in *cascadeInput) bestPool(ts []Target, first, share int, full bool) int {
	best, least := -1, 0.0
	for i := range ts {
		t := &ts[i]
		if t.Raise >= min(in.p.bound(first+i), share) || (!full && t.Full) {
			continue
		}
		if b := in.burden(first+i, t); best < 0 || b < least {
			best, least = i, b
		}
	}
	return best
}

// worstPool is the pool that should give one task back, or -1.
func (in *cascadeInput) worstPool(ts []Target, first int) int {
	worst, most := -1, 0.0
	for i := range ts {
		t := &ts[i]
		if t.Raise <= in.p.floor(first+i, in.goal.Demand) {
			continue
		}
		if b := in.burden(first+i, t); worst < 0 || b > most {
			worst, most = i, b
		}
	}
	return worst
}
