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
	w.shareOut(vs, need)
	for i := range vs {
		v := &vs[i]
		v.release = v.raise
		counts := w.breakerAsk(v, want)
		if counts {
			v.counts(missing, unproven)
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

// shareOut sets every pool's raise so that they sum to need, as far as their bounds allow.
func (w *pass) shareOut(vs []view, need int) {
	sum, move := 0, false
	for i := range vs {
		v := &vs[i]
		sum += v.cur
		if v.unplaced > 0 && w.skipped(v) {
			move = true
		}
		if v.cur > w.bound(v) || v.cur < w.floor(v) || (v.breaker && v.ps.B.Mode != Closed) {
			move = true
		}
	}
	if sum == need && !move {
		for i := range vs {
			vs[i].raise = vs[i].cur // asked for already: do not stir
		}
		return
	}
	// Start from what each pool has, then hand out or take back the difference one task at a time to the
	// pool that is best, or worst, by weight. need is at most a few thousand and pools are few.
	placed := 0
	for i := range vs {
		v := &vs[i]
		v.raise = clamp(v.running+v.starting, w.floor(v), w.bound(v))
		placed += v.raise
	}
	share := int(w.p.TierShareMax*float64(need)) + 1
	for placed < need {
		best := w.bestPool(vs, share, false)
		if best < 0 {
			best = w.bestPool(vs, ServiceTasksMax, false)
		}
		if best < 0 {
			best = w.bestPool(vs, ServiceTasksMax, true)
		}
		if best < 0 {
			return
		}
		vs[best].raise++
		placed++
	}
	for placed > need {
		worst := w.worstPool(vs)
		if worst < 0 {
			return
		}
		vs[worst].raise--
		placed--
	}
	w.find(Finding{Reason: ReasonTierShared, Pool: vs[0].pool.Name, Count: need, Limit: len(vs)})
}

// skipped says whether the pool's last launch failed too recently to try it again.
func (w *pass) skipped(v *view) bool {
	at := v.ps.FailedAt
	return !at.IsZero() && w.now.Sub(at) < w.p.SkipAfterFailure
}

// burden is what one more task in the pool would be worth avoiding: its recent reclaims and what it holds.
func (w *pass) burden(v *view) float64 {
	r := decayed(v.ps.Reclaims, v.ps.ReclaimsAt, w.now, w.p.ReclaimMemory)
	return float64(v.raise+1) * (1 + r)
}

// bestPool is the pool that should take one more task within share, or -1. Pools that are skipped, or whose
// breaker is not closed, are taken only if any is true.
func (w *pass) bestPool(vs []view, share int, any bool) int {
	best, least := -1, 0.0
	for i := range vs {
		v := &vs[i]
		if v.raise >= min(w.bound(v), share) || (!any && (w.skipped(v) || (v.breaker && v.ps.B.Mode == Open))) {
			continue
		}
		if b := w.burden(v); best < 0 || b < least {
			best, least = i, b
		}
	}
	return best
}

// worstPool is the pool that should give one task back, or -1: first one that has tasks which are not placed.
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
