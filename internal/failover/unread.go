package failover

// sight notes which pools could not be read, and says whether anything can be decided at all.
//
// What a pool holds that cannot be read is not known, so no breaker moves, the demand stays, and Spot is left as it is.
// On-demand that can be read is raised by the most that the unread pool may hold: what ran there at the last look, less
// what was interrupted since, for events come another way. It is given back by the least: nothing. A pool about which AWS
// has given no answer for write_off_after is written off: the others are guarded as if it were not there (docs/adr/0008).
func (w *pass) sight() bool {
	known := w.s.DemandSet && !w.dark
	for i := range w.v {
		v := &w.v[i]
		if v.unread = v.obs.Err != ErrNone; !v.unread {
			v.ps.UnreachedSince, v.ps.WrittenOff = zeroTime, false
			continue
		}
		w.unread = true
		w.find(Finding{Reason: ReasonBlind, Pool: v.pool.Name, Detail: string(v.obs.Err)})
		if w.writeOff(v); v.lost {
			w.find(Finding{Reason: ReasonWrittenOff, Pool: v.pool.Name, Count: v.ps.present(), Until: v.ps.UnreachedSince})
			continue
		}
		w.partial = true
		known = known && v.ps.Present != nil
	}
	switch {
	case !w.unread:
		w.s.BlindSince = zeroTime
		return true
	case w.s.BlindSince.IsZero():
		w.s.BlindSince = w.now
	}
	return known
}

// writeOff notes since when AWS has not answered for a pool, and whether that is long enough to count its tasks as lost.
// Who is refused or throttled was answered: what runs there, runs on.
func (w *pass) writeOff(v *view) {
	if w.dark { // by a guessed time, and perhaps for want of a network of our own
		return
	}
	ps, may := v.ps, w.p.WriteOffAfter > 0 && w.s.DemandSet
	if ps.WrittenOff = ps.WrittenOff && may; ps.WrittenOff { // until it is read: who is throttled first may be down yet
		v.lost = true
		return
	}
	switch {
	case v.obs.Answered || v.obs.Err != ErrTimeout && v.obs.Err != ErrUnknown:
		ps.UnreachedSince = zeroTime
		return
	case ps.UnreachedSince.IsZero() || w.now.Sub(w.s.At) > unlookedMax: // nobody has looked meanwhile
		ps.UnreachedSince = w.now
	}
	if !may {
		return
	}
	due := ps.UnreachedSince.Add(w.p.WriteOffAfter)
	if w.now.Before(due) {
		w.look(due)
		return
	}
	v.lost, ps.WrittenOff = true, true
}

// concludeBlind decides nothing: it keeps the last intent, and says so.
func (w *pass) concludeBlind() {
	w.d.Reason = ReasonBlind
	w.d.Pools = make([]PoolDecision, len(w.v))
	for i := range w.v {
		v := &w.v[i]
		w.d.Pools[i] = PoolDecision{Pool: v.pool.Name, Capacity: v.pool.Capacity, Breaker: v.ps.B.Mode, Desired: v.obs.Desired,
			Running: v.obs.RunningCount, Ask: v.obs.Desired, Reason: ReasonBlind, Unread: v.unread, Lost: v.lost}
	}
	if w.now.After(w.s.At) && !w.dark {
		w.s.At = w.now
	}
}

// assumeUnread gives the view of a pool that cannot be read what is known of it.
func (w *pass) assumeUnread(v *view) {
	if v.lost {
		return
	}
	v.running, v.desired = v.ps.present(), v.ps.present()
	v.seasoned, v.held = v.running, v.running
	switch a := v.ps.Asked; {
	case a != nil:
		v.desired = a.Count
	case w.p.owner() >= 0 && v == &w.v[w.p.owner()]:
		v.desired = w.s.Demand // it is the demand, as long as nobody else has asked
	}
	v.cur = v.desired
}

// keepDemand keeps the demand where it is while a pool is unread, and settles how many tasks are wanted in this pass. Who
// lowers the owner's count meanwhile must not get cover for what ECS stops for them, and who raises it loses none.
func (w *pass) keepDemand() {
	w.keeping, w.wanted, w.kept = true, w.s.Demand, w.s.Demand
	if k := w.p.owner(); k >= 0 && !w.v[k].unread && w.s.Owner == w.v[k].pool.Name {
		if count, changed := w.outsideCount(k); changed {
			w.wanted, w.kept = min(w.wanted, count), max(w.kept, count)
			w.v[k].theirs = true
		}
	}
}

// asItIs counts a pool that this pass must leave as it is.
func (w *pass) asItIs(v *view, missing, unproven *int) {
	v.raise, v.release = v.cur, v.cur
	switch {
	case v.lost:
	case v.pool.Capacity == OnDemand && w.refused(v):
		*missing -= v.running
	case v.pool.Capacity == OnDemand:
		*missing -= max(v.running, v.cur) // what it was asked for counts as on its way
	case v.breaker && v.ps.B.Mode == Open && w.pinned != ModeSpot && w.evacuates(v): // nothing there is counted on
	case v.unread:
		*missing -= v.running
	default:
		*missing -= v.running + v.growing + v.excused
		*unproven -= v.seasoned + v.growing + v.excused
	}
}

// heldBehind is what the on-demand pools behind one hold, while they can hardly be lowered: to raise it in their place
// would only add to them.
func (w *pass) heldBehind(v *view) (n int) {
	if !w.partial {
		return 0
	}
	for i := len(w.v) - 1; &w.v[i] != v; i-- {
		switch o := &w.v[i]; {
		case o.pool.Capacity != OnDemand:
		case w.refused(o) || w.launchFailing(o):
			n += o.running
		default:
			n += max(o.running, o.cur)
		}
	}
	return n
}

// present is how many tasks the pool is known to have had, 0 if that is not known.
func (ps *PoolState) present() int {
	if ps.Present == nil {
		return 0
	}
	return *ps.Present
}

// setPresent notes how many tasks the pool has.
func (ps *PoolState) setPresent(n int) {
	if n = max(0, n); ps.Present == nil || *ps.Present != n {
		kept := n // a variable of its own: else every call would allocate
		ps.Present = &kept
	}
}

// untouched says whether a pool keeps its count in this pass, whatever the cascade would ask.
func (w *pass) untouched(v *view) bool {
	switch {
	case v.unread:
		return true
	case w.keeping && v.pool.Capacity == OnDemand && v.raise <= v.cur && w.isForeign(v):
		return true // the next look at the owner tells by this count that the state is older than what is there
	case !w.partial:
		return false
	case v.pool.Capacity != OnDemand || w.pinned == ModeSpot || v.theirs:
		return true
	case w.isForeign(v) && !w.ownerAsBefore():
		return true
	}
	return v.raise > v.cur && v.running >= v.need
}

// mayRun is how many tasks of a pool may run though it is asked for fewer as far as can be seen: those of a written-off
// pool, and a count of ours that is not seen yet. Money is spent on them, if so.
func (w *pass) mayRun(v *view) int {
	if a := v.ps.Asked; w.partial && a != nil && w.unseen(a) {
		return a.Count // it may be in force, and act asks for no less
	}
	if !v.lost {
		return 0
	}
	n := v.ps.present()
	if a := v.ps.Asked; a != nil {
		n = max(n, a.Count)
	}
	return n
}

// onDemandLost says whether every on-demand pool is written off: then there is no cover to be had, as when on-demand is short.
func (w *pass) onDemandLost() bool {
	lost := false
	for i := range w.v {
		if v := &w.v[i]; v.pool.Capacity == OnDemand {
			if !v.lost {
				return false
			}
			lost = true
		}
	}
	return lost
}

// isForeign says whether a pool's count is one that the state has not asked for, nor the policy's minimum.
func (w *pass) isForeign(v *view) bool { return v.desired > w.floor(v) && v.foreign() > 0 }

// ownerAsBefore says whether the owner can be read and nobody has changed its count.
func (w *pass) ownerAsBefore() bool {
	k := w.p.owner()
	if k < 0 {
		return true
	}
	if w.v[k].unread {
		return false
	}
	count, changed := w.outsideCount(k)
	return !changed || count == w.s.Demand
}
