package failover

import (
	"math"
	"time"
)

// counter counts a listed pool task by task.
type counter struct {
	k                          Known
	l                          look
	ready, running             int
	live, placed, surviving    int
	deniedReady                time.Duration // above 0: health is denied for so long that the running time stands in for it
	recentFrom, survivedFrom   time.Time     // what started before has not started recently, or has survived
	newestServing              time.Time
	oldestStart, oldestWarming time.Time
	revisions                  [revisionsMax]int // in service, by revision
}

// revisionsMax bounds the revisions of a service that are told apart: ECS keeps two or three at a time.
const revisionsMax = 8

// countTasks reads a listing. It is the one loop over tasks, run twice where late tasks need to be known by younger ones.
func countTasks(l look, k Known) Known {
	c := counter{k: k, l: l, ready: l.po.Steady, running: l.po.Steady, live: l.po.Steady, surviving: l.po.Steady,
		recentFrom: l.now.Add(-healthWindow), survivedFrom: l.now.Add(-survive)}
	if l.po.HealthBased && l.po.HealthErr != ErrNone {
		c.k.HealthUnread = true
		if since := l.ps.HealthErrSince; l.po.HealthErr == ErrDenied && !since.IsZero() && l.now.Sub(since) >= deniedFor {
			c.k.HealthUnread = false
			c.deniedReady = deniedReady
			if p99, ok := l.seen.Warm.Quantile(0.99); ok {
				c.deniedReady = max(deniedReady, 3*p99)
			}
		}
	}
	for i := range l.po.Tasks {
		c.wanted(&l.po.Tasks[i])
	}
	for i := range l.po.Tasks {
		c.starting(&l.po.Tasks[i])
	}
	c.k.Running, c.k.Live, c.k.Placed, c.k.InService = c.running, c.live, c.placed, c.inService()
	c.k.Surviving = c.surviving
	c.k.NextLate = sooner(sooner(after(c.oldestStart, c.k.StartLimit), c.ageMark(c.oldestStart)), after(c.oldestWarming, c.k.ReadyLimit))
	return c.k
}

// ageMark is when a starting task reaches the age at which younger ones make it late.
func (c *counter) ageMark(created time.Time) time.Time {
	at := after(created, lateAfter)
	if at.After(c.l.now) {
		return at
	}
	return zeroTime
}

// wanted counts a task that is RUNNING and wanted, or leaves.
func (c *counter) wanted(t *Task) {
	l, k := &c.l, &c.k
	if t.Phase == Leaving || l.gone.find(t.ID, "", "") >= 0 {
		k.Leaving++
		if t.Works {
			k.Working++
			if l.pool.Drain == DrainLate {
				k.Drains = append(k.Drains, *t)
			}
		}
		return
	}
	k.Newest = later(k.Newest, t.CreatedAt)
	if t.Protected {
		k.Protected++
	}
	if t.Phase != Running {
		return
	}
	c.running++
	c.live++
	if !t.StartedAt.Before(c.recentFrom) {
		k.StartedRecently++
	}
	if c.isReady(t) {
		c.ready++
		if t.CreatedAt.After(c.newestServing) {
			c.newestServing = t.CreatedAt
		}
		if r := c.revision(t); r >= 0 {
			c.revisions[r]++
		}
		c.survived(t)
		return
	}
	if c.withoutTraffic(t) {
		return // it is neither late nor unhealthy, and stands for no task that serves
	}
	age := l.now.Sub(t.StartedAt)
	switch {
	case age < max(k.ReadyLimit, c.deniedReady+warmingLook):
		k.Warming++
		c.oldestWarming = sooner(c.oldestWarming, t.StartedAt)
		c.arriving(t)
	case !l.seen.served(t):
		k.Late++
		k.LateWarming++
		c.late(t)
	default:
		k.Unhealthy++
	}
}

// isReady reports whether a RUNNING task is in service, apart from its revision's traffic.
func (c *counter) isReady(t *Task) bool {
	l := &c.l
	if !l.po.HealthBased {
		return c.ranFor(t, l.p.ReadyAfter)
	}
	if l.po.HealthErr == ErrNone && t.Health != HealthUnread {
		return t.Health == HealthReady
	}
	if c.deniedReady > 0 {
		return c.ranFor(t, c.deniedReady)
	}
	return true // the High end; HealthUnread makes the Low end 0
}

// ranFor reports whether a task has run for so long, and notes when it will have.
func (c *counter) ranFor(t *Task, d time.Duration) bool {
	if at := t.StartedAt.Add(d); c.l.now.Before(at) {
		c.k.NextReady = sooner(c.k.NextReady, at)
		return false
	}
	return true
}

// survived counts a task in service that has run for a minute, and whether it proves a pool whose breaker is not closed.
func (c *counter) survived(t *Task) {
	b := &c.l.ps.B
	if t.StartedAt.After(c.survivedFrom) {
		if b.Mode != Closed {
			c.k.NextProof = sooner(c.k.NextProof, t.StartedAt.Add(survive))
		}
		return
	}
	c.surviving++
	if b.Mode != Closed && t.StartedAt.After(b.TrippedAt) {
		c.k.FreshServing++
	}
}

// starting counts a task that exists and is not RUNNING.
func (c *counter) starting(t *Task) {
	l, k := &c.l, &c.k
	if t.Phase != Provisioning && t.Phase != Placed || l.gone.find(t.ID, "", "") >= 0 {
		return
	}
	c.live++
	age := l.now.Sub(t.CreatedAt)
	if !t.CreatedAt.IsZero() && (age >= k.StartLimit || age >= lateAfter && c.newestServing.Sub(t.CreatedAt) >= lateMargin) {
		k.Late++
		c.late(t)
		return
	}
	if t.Phase == Placed {
		c.placed++
	} else {
		k.Provisioning++
	}
	c.oldestStart = sooner(c.oldestStart, t.CreatedAt)
	c.arriving(t)
}

func (c *counter) late(t *Task) {
	if c.k.OldestLate == "" || t.CreatedAt.Before(c.k.OldestAt) {
		c.k.OldestLate, c.k.OldestAt = t.ID, t.CreatedAt
	}
}

// arriving counts a task on its way that a deployment in progress has started.
func (c *counter) arriving(t *Task) {
	if r := c.revision(t); r >= 0 && c.l.po.Revisions[r].Deploying && c.l.po.Deploying {
		c.k.Arriving++
	}
}

// withoutTraffic reports whether a task belongs to a revision that carries no production traffic: the one that waits for its shift, or
// the one that was shifted away from.
func (c *counter) withoutTraffic(t *Task) bool {
	r := c.revision(t)
	return r >= 0 && c.l.po.Revisions[r].Share == 0 && !c.l.po.Revisions[r].Unread
}

// revision is the index of a task's revision, or -1.
func (c *counter) revision(t *Task) int {
	for i := range c.l.po.Revisions {
		if i < revisionsMax && c.l.po.Revisions[i].ID == t.Revision {
			return i
		}
	}
	return -1
}

// inService is what is in service: of each revision no more than its share of the demand, and in all no more than the demand
// where revisions differ.
func (c *counter) inService() Range {
	out := Exactly(c.ready)
	if len(c.l.po.Revisions) > 0 {
		out = Range{}
		whole := max(c.k.Desired, 1)
		for i := range c.l.po.Revisions {
			if i >= revisionsMax {
				break
			}
			r := &c.l.po.Revisions[i]
			n := min(c.revisions[i], int(math.Ceil(r.Share*float64(whole)-1e-9)))
			switch {
			case r.Unread:
				out.High += c.revisions[i]
			default:
				out = out.plus(Exactly(n))
			}
		}
		out = Range{min(out.Low+c.l.po.Steady, whole), min(out.High+c.l.po.Steady, whole)}
	}
	if c.k.HealthUnread {
		out.Low = 0
	}
	return out
}
