package failover

// shareTier settles the pools of one tier together. What they hold stays where it is; what is missing is
// shared out by how often each was reclaimed lately, with at most tier_share_max of the tier in one pool
// while others have room, and none for a pool whose last launch failed within skip_after_failure.
func (w *pass) shareTier(vs []view, want int, missing, unproven *int) {
	need := clamp(*missing, 0, w.tierBound(vs))
	if vs[0].pool.Capacity == OnDemand {
		for i := range vs {
			w.cover(&vs[i], missing, unproven)
		}
		return
	}
	if w.partial {
		for i := range vs {
			w.asItIs(&vs[i], missing, unproven)
		}
		return
	}
	w.shareOut(vs, need)
	for i := range vs {
		v := &vs[i]
		v.release = v.raise
		if v.lost {
			continue
		}
		if w.breakerAsk(v, want) {
			w.counts(v, missing, unproven)
		}
	}
}

func (w *pass) tierBound(vs []view) int {
	sum := 0
	for i := range vs {
		sum += w.bound(&vs[i])
	}
	return sum
}

// shareOut sets every pool's raise so that what is missing is asked for where it can be had. A pool whose
// last launch failed, or whose missing tasks have not come, is full: it is asked for one task more than it has,
// so that it can show when it has room again, and the others are asked for the rest.
func (w *pass) shareOut(vs []view, need int) {
	placed := 0
	for i := range vs {
		v := &vs[i]
		v.raise = clamp(v.running+v.starting, w.floor(v), w.bound(v))
		placed += v.raise
	}
	if placed >= need {
		for ; placed > need; placed-- {
			worst := w.worstPool(vs)
			if worst < 0 {
				return
			}
			vs[worst].raise--
		}
		return
	}
	open := 0
	for i := range vs {
		v := &vs[i]
		v.full = w.isFull(v)
		if !v.full {
			open++
		}
		if v.unplaced > 0 {
			w.look(v.ps.UnplacedSince.Add(fullAfter))
		}
	}
	if w.sharedWell(vs, need-placed, open) {
		for i := range vs {
			vs[i].raise = vs[i].cur // asked for where it should be: do not stir
		}
		return
	}
	share := int(w.p.TierShareMax*float64(need)) + 1
	for missing := need - placed; missing > 0; missing-- {
		best := w.bestPool(vs, share, open == 0)
		if best < 0 {
			best = w.bestPool(vs, ServiceTasksMax, open == 0)
		}
		if best < 0 {
			best = w.bestPool(vs, ServiceTasksMax, true)
		}
		if best < 0 {
			return
		}
		vs[best].raise++
	}
	for i := range vs {
		if v := &vs[i]; v.full && v.raise == v.running+v.starting && v.raise < w.bound(v) {
			v.raise++
		}
	}
	w.find(Finding{Reason: ReasonTierShared, Pool: vs[0].pool.Name, Count: need, Limit: len(vs)})
}

// isFull says whether more cannot be had from the pool just now.
func (w *pass) isFull(v *view) bool {
	if v.breaker && v.ps.B.Mode == Open {
		return true
	}
	if at := v.ps.FailedAt; !at.IsZero() && w.now.Sub(at) < w.p.SkipAfterFailure && !v.newest.After(at) {
		return true
	}
	return v.unplaced > 0 && !v.ps.UnplacedSince.IsZero() && w.now.Sub(v.ps.UnplacedSince) >= fullAfter
}

// sharedWell says whether what is asked of the pools already is what shareOut would want: everything missing
// with pools that are not full where there are any, and one task with each that is.
func (w *pass) sharedWell(vs []view, missing, open int) bool {
	sum := 0
	for i := range vs {
		v := &vs[i]
		more := v.cur - v.raise
		if more < 0 || (v.full && more == 0 && v.raise < w.bound(v)) || (v.full && open > 0 && more > 1) {
			return false
		}
		if !v.full || open == 0 {
			sum += more
		}
	}
	if open == 0 {
		return sum >= missing && sum <= missing+len(vs)
	}
	return sum == missing
}

// burden is what one more task in the pool would be worth avoiding: its recent reclaims and what it holds.
func (w *pass) burden(v *view) float64 {
	r := decayed(v.ps.Reclaims, v.ps.ReclaimsAt, w.now, w.p.ReclaimMemory)
	return float64(v.raise+1) * (1 + r)
}

// bestPool is the pool that should take one more task within share, or -1. Full pools are taken only if any is
// true.
func (w *pass) bestPool(vs []view, share int, any bool) int {
	best, least := -1, 0.0
	for i := range vs {
		v := &vs[i]
		if v.raise >= min(w.bound(v), share) || (!any && v.full) {
			continue
		}
		if b := w.burden(v); best < 0 || b < least {
			best, least = i, b
		}
	}
	return best
}

// worstPool is the pool that should give one task back, or -1.
func (w *pass) worstPool(vs []view) int {
	worst, most := -1, 0.0
	for i := range vs {
		v := &vs[i]
		if v.raise <= w.floor(v) {
			continue
		}
		if b := w.burden(v); worst < 0 || b > most {
			worst, most = i, b
		}
	}
	return worst
}
