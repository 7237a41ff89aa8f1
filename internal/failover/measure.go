package failover

import "time"

// view is everything one pass knows of one pool.
type view struct {
	pool *Pool
	obs  *PoolObservation
	ps   *PoolState

	// cur is what the pool is asked for as far as we know: the observed desired count, or our own newer one
	// that a read does not show yet.
	cur int
	// desired is the observed desired count.
	desired                                               int
	running, starting, stuck, growing, seasoned, unplaced int
	// since says how many of the running started before the breaker tripped; successes how many after it
	// and have survived.
	held, successes int
	// startedRecent counts tasks that became RUNNING within the health window.
	startedRecent int
	// settle is the pool's settling time in this pass; nextSeason and nextStuck are the next moments at which
	// a task becomes seasoned, or stuck.
	settle                time.Duration
	nextSeason, nextStuck time.Time
	nextProof             time.Time
	// newest is when the pool's newest task was created.
	newest time.Time

	// Distinct evidence (tally).
	capacityFailures, interruptions, churned, lossesRecent int
	appYoung, appRecent, configFailures, quota             int
	healthErrors, proofErrors, stepErrors                  int
	impaired                                               bool
	appAt, lastFailure                                     time.Time

	// need is how many tasks an on-demand pool has to cover.
	need int
	// warm is how many tasks the forecast says are worth keeping warm, idle how many of them cover nothing now, and
	// cooled says that it were more at the last pass.
	warm, idle int
	cooled     bool
	// excused is how many missing tasks are missing for reasons of the application.
	excused int

	// unread says that the pool could not be read, lost that it is written off besides; theirs that its count is somebody's
	// new will, which this pass does not read.
	unread, lost, theirs bool
	breaker, full        bool
	raise, release, ask  int
	reason               Reason
}

// measure reads the observation into the views. tally has run before.
func (w *pass) measure() {
	for i := range w.v {
		v := &w.v[i]
		if v.unread {
			w.assumeUnread(v)
			continue
		}
		v.desired = v.obs.Desired
		v.cur = v.desired
		if w.awaited(v) {
			v.cur = v.ps.Asked.Count
		}
		w.recount(v)
	}
}

// recount counts a pool's tasks under its breaker's present mode.
func (w *pass) recount(v *view) {
	v.settle = w.settle(v)
	v.running, v.starting, v.stuck, v.seasoned, v.held, v.successes, v.startedRecent = 0, 0, 0, 0, 0, 0, 0
	v.nextSeason, v.nextStuck, v.nextProof = zeroTime, zeroTime, zeroTime
	if v.obs.Listed {
		w.measureTasks(v)
	} else {
		v.running = v.obs.RunningCount
		v.starting = v.obs.PendingCount
		v.seasoned = v.running
		v.held = v.running
	}
	v.unplaced = max(0, v.desired-v.running-v.starting-v.stuck)
}

// measureTasks counts a listed pool task by task. It is the one loop over tasks: moments are compared with
// limits that are worked out once.
func (w *pass) measureTasks(v *view) {
	if len(v.obs.Tasks) > 0 && !w.gone.known {
		w.findNotices()
	}
	stuckBefore := w.now.Add(-w.p.StartLimit) // created at or before it: stuck
	seasonedBefore := w.now.Add(-v.settle)    // started at or before it: seasoned
	recentFrom := w.now.Add(-healthWindow)    // started at or after it: recent
	provenBefore := w.now.Add(-w.p.Survive)   // started at or before it: survived
	var oldestStarting, oldestGreen, oldestUnproven time.Time
	for k := range v.obs.Tasks {
		t := &v.obs.Tasks[k]
		if t.Phase == Leaving {
			continue
		}
		if w.noticed(t.ID) {
			continue // warned, though the listing does not show it yet
		}
		if t.CreatedAt.After(v.newest) {
			v.newest = t.CreatedAt
		}
		if t.Phase == Starting {
			if !t.CreatedAt.IsZero() && !t.CreatedAt.After(stuckBefore) {
				v.stuck++
				continue
			}
			v.starting++
			oldestStarting = sooner(oldestStarting, t.CreatedAt)
			continue
		}
		v.running++
		if t.StartedAt.After(seasonedBefore) {
			oldestGreen = sooner(oldestGreen, t.StartedAt)
		} else {
			v.seasoned++
		}
		if !t.StartedAt.Before(recentFrom) {
			v.startedRecent++
		}
		switch {
		case v.ps.B.Mode == Closed:
		case !t.StartedAt.After(v.ps.B.TrippedAt):
			v.held++
		case !t.StartedAt.After(provenBefore):
			v.successes++
		default:
			oldestUnproven = sooner(oldestUnproven, t.StartedAt)
		}
	}
	v.running += v.obs.Steady
	v.seasoned += v.obs.Steady
	if v.ps.B.Mode != Closed { // it has opened in this pass
		v.held += v.obs.Steady
	}
	v.nextStuck = after(oldestStarting, w.p.StartLimit)
	v.nextSeason = after(oldestGreen, v.settle)
	v.nextProof = after(oldestUnproven, w.p.Survive)
}

// after is a moment d after t, zero when there is no t.
func after(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d)
}

// notices is the evidence of tasks under interruption notice: a sieve of their IDs that lets nearly every other
// task through without a comparison, and a map when they are many. For a few a map would cost more to make, anew
// in every pass, than it saves.
type notices struct {
	known bool
	n     int
	from  time.Time
	sieve [64]uint64
	ids   map[string]struct{} // nil for up to noticesFew
}

// noticesFew is how many tasks under notice are found faster by going through the evidence.
const noticesFew = 32

// hole is a task's bit of the sieve, from the end of its ID, which is as good as random on ECS.
func hole(id string) (word, bit uint32) {
	h := uint32(2166136261) // FNV-1a
	for i := len(id) - 1; i >= max(0, len(id)-8) && id[i] != '/'; i-- {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return h >> 6 % 64, h % 64
}

// findNotices finds the tasks that are under notice by the evidence.
func (w *pass) findNotices() {
	g := &w.gone
	g.known, g.from = true, w.now.Add(-noticedFor)
	for i := range w.s.Window {
		if e := &w.s.Window[i]; e.Kind == SignalInterruption && !e.At.Before(g.from) {
			g.n++
			word, bit := hole(e.ID)
			g.sieve[word] |= 1 << bit
		}
	}
	if g.n <= noticesFew {
		return
	}
	g.ids = make(map[string]struct{}, g.n)
	for i := range w.s.Window {
		if e := &w.s.Window[i]; e.Kind == SignalInterruption && !e.At.Before(g.from) {
			g.ids[e.ID] = struct{}{}
		}
	}
}

// noticed says whether a task is under notice.
func (w *pass) noticed(id string) bool {
	if w.gone.n == 0 {
		return false
	}
	if word, bit := hole(id); w.gone.sieve[word]&(1<<bit) == 0 {
		return false
	}
	id = taskKey(id)
	if w.gone.ids != nil {
		_, ok := w.gone.ids[id]
		return ok
	}
	for i := range w.s.Window {
		if e := &w.s.Window[i]; e.ID == id && e.Kind == SignalInterruption && !e.At.Before(w.gone.from) {
			return true
		}
	}
	return false
}

// SteadyAfter is how long a task must have been RUNNING for nothing to depend on when it started.
func (p *Policy) SteadyAfter() time.Duration {
	return max(p.window(), p.Settle, p.SettleMax, p.Survive)
}

// settle is how long a task of the pool must have run before cover is given back for it. It grows only while
// the pool's tasks are taken back so young that returning to it costs more than it saves.
func (w *pass) settle(v *view) time.Duration {
	s := w.p.Settle
	if v.ps.B.Mode == HalfOpen {
		s = max(s, w.p.Survive)
	}
	limit := 2 * w.p.ChurnAge.Seconds()
	life := v.ps.LifeSeconds
	if limit <= 0 || life <= 0 || life >= limit || w.p.SettleMax <= s {
		return s
	}
	if decayed(v.ps.Reclaims, v.ps.ReclaimsAt, w.now, w.p.TripWindow) < 3 {
		return s
	}
	grown := time.Duration((1 - life/limit) * float64(w.p.SettleMax))
	return max(s, grown)
}

// grow says how many of the starting tasks count as present: those that a rise of demand, a deployment or
// the application's own restarts explain. A task that replaces an interrupted one does not: it may fail. For
// half a minute after its cause, and as long as ECS goes on creating others, a task counts that is not created yet.
func (w *pass) grow() {
	rise, riseAt := w.rise()
	for i := range w.v {
		v := &w.v[i]
		if v.starting+v.unplaced == 0 {
			continue
		}
		since := later(riseAt, v.appAt)
		if v.obs.Deploying {
			since = later(since, v.obs.DeployingSince)
		}
		coming := v.starting
		if until := later(since.Add(fullAfter), after(v.newest, launchGap)); v.unplaced > 0 && !since.IsZero() && w.now.Before(until) {
			coming += v.unplaced
			w.look(until)
		}
		explained := rise + v.appRecent
		if v.obs.Deploying {
			explained += max(0, coming-v.lossesRecent)
		}
		if explained == 0 || (!since.IsZero() && !v.lastFailure.Before(since)) {
			continue
		}
		v.growing = min(coming, explained)
		rise = max(0, rise-v.growing)
	}
	w.riseLeft = rise
}

// explains is how long a change of the demand explains that tasks start: as long as one may take, and until ECS has
// launched so many.
func (p *Policy) explains(c *DemandChange) time.Duration {
	return p.StartLimit + launching(max(0, c.To-c.From))
}

// rise is how much demand has grown within start_limit, and when it last did.
func (w *pass) rise() (int, time.Time) {
	low, at := w.s.Demand, time.Time{}
	for i := range w.s.DemandLog {
		c := &w.s.DemandLog[i]
		if w.now.Sub(c.At) >= w.p.explains(c) {
			continue
		}
		low = min(low, c.From)
		w.look(c.At.Add(w.p.explains(c)))
		if c.To > c.From {
			at = later(at, c.At)
		}
	}
	return w.s.Demand - low, at
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
