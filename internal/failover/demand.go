package failover

import (
	"slices"
	"time"
)

// readDemand settles how many tasks are wanted. The owner's desired count says it, and whoever changes that
// count changes the demand; while we hold the count away from the demand ourselves, the demand is kept in the
// state, and a count that is neither ours nor one that a stale read may still show is somebody's change.
func (w *pass) readDemand() {
	k := w.p.owner()
	if w.partial || k >= 0 && w.v[k].lost {
		w.keepDemand()
		return
	}
	before := w.s.Demand
	switch {
	case k >= 0 && w.assume(k):
	case k < 0:
		w.s.Demand = w.p.Demand
		if w.s.DemandWanted > 0 {
			w.s.Demand = w.s.DemandWanted
		}
	default:
		if count, changed := w.outsideCount(k); w.outdated(k, count, changed) {
			break
		} else if changed {
			w.s.Demand = count
			w.s.Pools[k].Asked = w.overruled(w.s.Pools[k].Asked, count)
			w.v[k].cur = count
			if w.s.DemandSet && count != before {
				w.find(Finding{Reason: ReasonDemandChanged, Pool: w.p.Pools[k].Name, Count: count, Limit: before})
			}
		}
	}
	if !w.s.DemandSet {
		// What already runs, or was just lost, has not grown: only what starts at the first look has.
		before = 0
		for i := range w.v {
			before += w.v[i].running + w.v[i].lossesRecent
		}
		before = min(before, w.s.Demand)
	}
	if w.s.Demand != before || !w.s.DemandSet {
		log := slices.Clone(w.s.DemandLog)
		if len(log) >= demandLogMax {
			log = log[1:]
		}
		w.s.DemandLog = append(log, DemandChange{At: w.now, From: before, To: w.s.Demand})
	} else if !slices.ContainsFunc(w.s.DemandLog, func(c DemandChange) bool { return w.now.Sub(c.At) < w.p.explains(&c) }) {
		w.s.DemandLog = nil
	}
	w.s.DemandSet, w.s.Owner = true, ""
	if k >= 0 {
		w.s.Owner = w.p.Pools[k].Name
	}
	w.wanted, w.kept = w.s.Demand, w.s.Demand
}

// assume settles the demand where the owner's count cannot be somebody's will, and says so. There are two such looks.
// At the first one of all, the other pools hold more than the owner is asked for: nobody who wants few tasks of an
// untouched service has that; the state of a workload that is failed over was lost, or the service was moved here from
// on-demand. What they hold is wanted then, or all that runs, where the owner is asked for more than a probe (see held).
// And when the configuration names another owner, the count of the new one is what we asked it for, or that of a service
// just made. To take either for the demand would stop what runs.
func (w *pass) assume(k int) bool {
	v := &w.v[k]
	demand := w.s.Demand
	switch {
	case !w.s.DemandSet:
		if demand = w.held(k); demand <= v.desired {
			return false
		}
	case w.s.Owner == "" || w.s.Owner == v.pool.Name:
		return false
	}
	w.assumed(k, demand, v.ps.Asked == nil)
	return true
}

// assumed makes a number the demand that nobody gave, and says so. With ours the owner's count is noted as ours: only a
// later change of it is somebody's will.
func (w *pass) assumed(k, demand int, ours bool) {
	v := &w.v[k]
	w.s.Demand = demand
	if ours {
		v.ps.Asked = &Asked{Count: v.desired, At: w.now, Done: true, Seen: true}
	}
	if demand != v.desired {
		w.find(Finding{Reason: ReasonDemandAssumed, Pool: v.pool.Name, Count: demand, Limit: v.desired})
		w.leads(ReasonDemandAssumed)
	}
}

// outdated settles the demand where the state is older than what the pools show: a copy of before a failover was put back,
// or somebody moves the workload by hand, both services between two looks. The sign of either is cover that the state has
// not asked for. To take the owner's count for somebody's will would stop it, and what runs with it.
func (w *pass) outdated(k, count int, changed bool) bool {
	if !w.s.DemandSet {
		return false
	}
	foreign := w.foreign(k)
	if foreign == 0 {
		return false
	}
	known := w.s.Demand
	if changed {
		if fall := w.s.Demand - count; fall > 0 && foreign >= fall {
			w.assumed(k, max(w.s.Demand, w.held(k)), true)
			return true
		}
		known = count
	}
	if held := w.held(k); w.now.Sub(w.s.At) > outdatedAfter && held > known && foreign >= held-known {
		w.assumed(k, held, changed)
		return true
	}
	return false
}

// foreign returns how many tasks the pools other than k are asked for beyond what the state knows to have asked for.
func (w *pass) foreign(k int) int {
	n := 0
	for i := range w.v {
		if i != k {
			n += w.v[i].foreign()
		}
	}
	return n
}

// foreign returns how many tasks the pool is asked for beyond what the state knows to have asked for.
func (v *view) foreign() int {
	known := 0
	if a := v.ps.Asked; a != nil {
		if superseded(a.Old, v.desired) {
			return 0 // a stale read, or a late call of ours
		}
		known = a.Count
	}
	return max(0, v.desired-known)
}

// held returns how many tasks are wanted by what the pools other than k hold, when k's own count does not say it; less
// than that count where it does.
func (w *pass) held(k int) int {
	v := &w.v[k]
	held, running := w.heldBy(k)
	if held > v.desired && v.desired > max(1, w.p.Probe) {
		// Not more than runs: while a pool is evacuated its cover is asked for as a whole, and comes in its place.
		held = max(held, running+min(w.proven(v), v.desired))
	}
	return held
}

// heldBy returns how many tasks the pools other than k hold of the demand, on-demand what it is asked for, for that comes,
// and Spot what runs there; and how many of them run.
func (w *pass) heldBy(k int) (held, running int) {
	held, running = -w.p.Extra, -w.p.Extra // the standing spare is no demand
	for i := range w.v {
		v := &w.v[i]
		if i == k {
			continue
		}
		n := min(v.running, v.desired)
		running += n
		if v.pool.Capacity == OnDemand {
			n = v.desired
		}
		held += n
	}
	return held, running
}

// proven returns how many of a pool's tasks have run for so long that no cover is kept for them, whatever its breaker was.
func (w *pass) proven(v *view) int {
	if !v.obs.Listed {
		return v.running
	}
	n, before := v.obs.Steady, w.now.Add(-max(v.settle, w.p.Survive))
	for k := range v.obs.Tasks {
		if t := &v.obs.Tasks[k]; t.Phase == Running && !t.StartedAt.After(before) && !w.noticed(t.ID) {
			n++
		}
	}
	return n
}

// outsideCount returns the owner's desired count and whether it is somebody else's will rather than ours.
func (w *pass) outsideCount(k int) (int, bool) {
	v := &w.v[k]
	a := v.ps.Asked
	if a == nil {
		return v.desired, true
	}
	if v.desired == a.Count {
		return 0, false
	}
	for _, old := range a.Old {
		if old.Count == v.desired && (!a.Seen || w.now.Sub(old.At) < w.p.StaleFor) {
			return 0, false
		}
	}
	return v.desired, true
}

// noteSeen marks our own counts that the observation shows, and forgets those that no longer differ from
// what the pool would be asked for without us.
func (w *pass) noteSeen() {
	for i := range w.v {
		v := &w.v[i]
		a := v.ps.Asked
		if v.unread || a == nil || v.desired != a.Count {
			continue
		}
		if w.unseen(a) && superseded(a.Old, a.Count) {
			continue // a stale read of an older, equal count looks the same
		}
		old := a.Old
		for len(old) > 0 && w.now.Sub(old[0].At) >= w.p.StaleFor {
			old = old[1:]
		}
		if !a.Seen || len(old) != len(a.Old) {
			v.ps.Asked = &Asked{Count: a.Count, At: a.At, Done: true, Seen: true, Old: old}
		}
	}
}

// ask records a count that is about to be asked for, with every count that a stale read may show meanwhile.
func (w *pass) askFor(v *view, count int) {
	var old []OldCount
	if a := v.ps.Asked; a != nil {
		if a.Count == count && v.desired != count {
			// The same count again: it was not done, is not seen yet, or somebody has overruled it.
			old = a.Old
			if !superseded(old, v.desired) {
				old = append(old[:len(old):len(old)], OldCount{Count: v.desired, At: w.now})
			}
			v.ps.Asked = &Asked{Count: count, At: w.now, Old: newest(old)}
			return
		}
		for _, o := range a.Old {
			// One entry a count: two that take turns must not push a third out that a read may still show.
			if w.now.Sub(o.At) < w.p.StaleFor && (o.Count != a.Count || a.Count == count) {
				old = append(old, o)
			}
		}
		if a.Count != count {
			old = append(old, OldCount{Count: a.Count, At: w.now})
		}
	}
	if !superseded(old, v.desired) {
		old = append(old, OldCount{Count: v.desired, At: w.now})
	}
	v.ps.Asked = &Asked{Count: count, At: w.now, Old: newest(old)}
}

// newest are as many of the last superseded counts as are kept.
func newest(old []OldCount) []OldCount { return old[max(0, len(old)-oldCountsMax):] }

// overruled is what is kept of our own count when somebody else's has taken its place: a call of ours that was cut off
// may take effect yet, and must not be taken for their next will.
func (w *pass) overruled(a *Asked, count int) *Asked {
	if a == nil {
		return nil
	}
	var old []OldCount
	for _, o := range a.Old {
		if w.now.Sub(o.At) < lateFor && o.Count != count {
			old = append(old, o)
		}
	}
	if (!a.Done || !a.Seen) && w.now.Sub(a.At) < w.p.StaleFor {
		// It may take effect yet, or it has and theirs is the one that a stale read shows.
		old = append(old, OldCount{Count: a.Count, At: w.now})
	}
	if len(old) == 0 {
		return nil
	}
	return &Asked{Count: count, At: w.now, Done: true, Seen: true, Old: old}
}

// superseded says whether a count is among those that a newer one replaced.
func superseded(old []OldCount, count int) bool {
	return slices.ContainsFunc(old, func(o OldCount) bool { return o.Count == count })
}

// awaited says whether a pool's own count is in force though the read does not show it yet.
func (w *pass) awaited(v *view) bool { return v.ps.Asked.awaited(v.desired, w.now, w.p.StaleFor) }

// awaited says whether a count of ours was accepted and is in force though a read does not show it yet: it shows one that
// ours replaced. A read that shows neither is newer than ours: somebody else's, or another writer's.
func (a *Asked) awaited(read int, now time.Time, staleFor time.Duration) bool {
	return a != nil && a.Done && !a.Seen && now.Sub(a.At) < staleFor && superseded(a.Old, read)
}
