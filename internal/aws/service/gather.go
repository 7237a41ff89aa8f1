package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// counter is where reads of one kind wait until one call is made for many of them. A call serves only those that waited before it
// began, so that no answer is older than the question. The fields are set before the first use.
type counter[T any] struct {
	// perCall is how many one call may serve, most how many calls may be under way, and serve makes one: it picks what it serves.
	perCall, most int
	serve         func(ctx context.Context)

	mu      sync.Mutex
	waiting []*ticket[T]
	clerks  int // goroutines that serve, busy of them with a call
	busy    int
}

// ticket is one read that waits. Done is closed once it was served.
type ticket[T any] struct {
	of    T
	worth control.Worth
	since time.Time
	done  chan struct{}
}

// join lets reads wait, and sees to it that they are served, though every one who waits should leave.
func (c *counter[T]) join(ctx context.Context, tickets []*ticket[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range tickets {
		if t.since.IsZero() {
			t.since = time.Now()
		}
	}
	c.waiting = append(c.waiting, tickets...)
	c.hireLocked(ctx)
}

// hireLocked starts as many clerks as what waits is worth. They outlive who starts them.
func (c *counter[T]) hireLocked(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for c.clerks < c.most && (c.clerks-c.busy)*c.perCall < len(c.waiting) {
		c.clerks++
		go func() {
			for c.more() {
				c.serve(ctx)
			}
		}()
	}
}

// more reports whether something waits; if not, the clerk who asks goes home.
func (c *counter[T]) more() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.clerks--
		return false
	}
	return true
}

// worth is the greatest worth of what waits.
func (c *counter[T]) worth() (most control.Worth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.waiting {
		if t.worth.Over(most) {
			most = t.worth
		}
	}
	return most
}

// pick takes out of the line what choose names, given all that waits, the most worthy first. Who picked something says [counter.served] later.
func (c *counter[T]) pick(ctx context.Context, choose func(waiting []*ticket[T]) []*ticket[T]) []*ticket[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	now := time.Now()
	slices.SortStableFunc(c.waiting, func(a, b *ticket[T]) int {
		switch x, y := now.Sub(a.since) > agedAfter, now.Sub(b.since) > agedAfter; {
		case x && y:
			return a.since.Compare(b.since)
		case x:
			return -1
		case y:
			return 1
		case a.worth.Over(b.worth):
			return -1
		case b.worth.Over(a.worth):
			return 1
		}
		return 0
	})
	chosen := slices.Clone(choose(c.waiting))
	c.removeLocked(chosen)
	c.busy++
	c.hireLocked(ctx)
	return chosen
}

// served tells those that were picked that they were served.
func (c *counter[T]) served(tickets []*ticket[T]) {
	for _, t := range tickets {
		close(t.done)
	}
	c.free()
}

// free notes that a clerk's call has ended.
func (c *counter[T]) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
}

// leave takes out what nobody waits for any more.
func (c *counter[T]) leave(tickets []*ticket[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(tickets)
}

func (c *counter[T]) removeLocked(gone []*ticket[T]) {
	out := make(map[*ticket[T]]bool, len(gone))
	for _, t := range gone {
		out[t] = true
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(t *ticket[T]) bool { return out[t] })
}
