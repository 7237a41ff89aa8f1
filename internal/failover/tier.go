package failover

import "time"

// tier is the sharing out of what is wanted among the Spot pools of one tier.
type tier struct {
	in    *cascadeInput
	first int
	// raises is what each is asked for, full which of them cannot be had more of just now; next is when that changes by itself.
	raises []int
	full   []bool
	next   time.Time
}

// shareOut settles what the pools of one tier are asked for, and reports whether something was shared out. What they hold stays
// where it is; what is missing is shared out by how often each was reclaimed lately, with at most tier_share_max of the tier in one
// pool while others have room, and none for a pool whose last launch failed lately. Such a pool is full: it is asked for one task
// more than it has, so that it can show when it has room again.
func (t *tier) shareOut(need int) bool {
	most, placed, open := 0, 0, 0
	for i := range t.raises {
		most += t.bound(i)
		t.raises[i] = t.holding(i)
		placed += t.raises[i]
		if t.full[i] = t.isFull(i); !t.full[i] {
			open++
		}
	}
	need = min(need, most)
	for ; placed > need; placed-- {
		worst := t.worst()
		if worst < 0 {
			return false
		}
		t.raises[worst]--
	}
	switch {
	case placed == need:
		return false
	case t.sharedWell(need-placed, open):
		for i := range t.raises {
			t.raises[i] = t.in.known[t.first+i].InForce.High // asked for where it should be: do not stir
		}
		return false
	}
	share := int(t.in.p.TierShareMax*float64(need)) + 1
	for missing := need - placed; missing > 0; missing-- {
		best := t.best(share, open == 0)
		if best < 0 {
			best = t.best(ServiceTasksMax, open == 0)
		}
		if best < 0 {
			best = t.best(ServiceTasksMax, true)
		}
		if best < 0 {
			return false
		}
		t.raises[best]++
	}
	for i := range t.raises {
		if t.full[i] && t.raises[i] == t.holding(i) && t.raises[i] < t.bound(i) {
			t.raises[i]++
		}
	}
	return true
}

func (t *tier) bound(i int) int { return t.in.p.bound(t.first + i) }

// holding is what a pool has, and may keep; nothing where it does not count.
func (t *tier) holding(i int) int {
	k := &t.in.known[t.first+i]
	if !k.counts() {
		return 0
	}
	return clamp(k.Running+k.Placed+k.Provisioning, t.in.p.floor(t.first+i, t.in.goal.Demand), t.bound(i))
}

// isFull reports whether more cannot be had from the pool just now.
func (t *tier) isFull(i int) bool {
	in, k, ps := t.in, &t.in.known[t.first+i], &t.in.s.Pools[t.first+i]
	if ps.B.Mode == Open || !k.counts() {
		return true
	}
	if at := later(ps.FailedAt, in.tally[t.first+i].NoRoomAt); !at.IsZero() && in.now.Sub(at) < skipAfterFailure && !k.Newest.After(at) {
		t.next = sooner(t.next, at.Add(skipAfterFailure))
		return true
	}
	if k.Unplaced == 0 || ps.UnplacedSince.IsZero() {
		return false
	}
	due := ps.UnplacedSince.Add(placeFor)
	t.next = sooner(t.next, due)
	return !in.now.Before(due)
}

// sharedWell reports whether what is asked of the pools already is what shareOut would want: everything missing
// with pools that are not full where there are any, and one task with each that is.
func (t *tier) sharedWell(missing, open int) bool {
	sum := 0
	for i, raise := range t.raises {
		more := t.in.known[t.first+i].InForce.High - raise
		if more < 0 || (t.full[i] && more == 0 && raise < t.bound(i)) || (t.full[i] && open > 0 && more > 1) {
			return false
		}
		if !t.full[i] || open == 0 {
			sum += more
		}
	}
	if open == 0 {
		return sum >= missing && sum <= missing+len(t.raises)
	}
	return sum == missing
}

// burden is what one more task in the pool would be worth avoiding: its recent reclaims and what it holds.
func (t *tier) burden(i int) float64 {
	seen := &t.in.s.Seen.Pools[t.first+i]
	return float64(t.raises[i]+1) * (1 + decayed(seen.Reclaims, seen.ReclaimsAt, t.in.now, reclaimMemory))
}

// best is the pool that should take one more task within share, or -1. Full pools are taken only where full is set.
func (t *tier) best(share int, full bool) int {
	best, least := -1, 0.0
	for i, raise := range t.raises {
		if raise >= min(t.bound(i), share) || (!full && t.full[i]) {
			continue
		}
		if b := t.burden(i); best < 0 || b < least {
			best, least = i, b
		}
	}
	return best
}

// worst is the pool that should give one task back, or -1.
func (t *tier) worst() int {
	worst, most := -1, 0.0
	for i, raise := range t.raises {
		if raise <= t.in.p.floor(t.first+i, t.in.goal.Demand) {
			continue
		}
		if b := t.burden(i); worst < 0 || b > most {
			worst, most = i, b
		}
	}
	return worst
}
