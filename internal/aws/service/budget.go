package service

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// rates are a token bucket's calls per second and its burst.
type rates struct{ perSecond, burst float64 }

// What we take of ECS's token buckets (aws-facts 3.1: 20 a second and 100 for reads of services and of tasks, 5 and 50 for changes of
// services, 40 and 100 for changes of tasks, 80 and 200 for protection) and of Elastic Load Balancing's (10 a second and 40 for reads; ECS itself has buckets of its own
// there): of reads the larger part, the rest is left to consoles, deployments and auto scaling. Changes of services are worth all that ECS allows, less
// what two clocks may differ by. What Application Auto Scaling allows is not documented; its rate is a guess on the low side.
var (
	serviceRead    = rates{16, 80}
	serviceModify  = rates{4.9, 50}
	clusterRead    = rates{16, 80}
	clusterModify  = rates{32, 80}
	definitionRead = rates{10, 40}
	deploymentRead = rates{10, 40}
	protectionRead = rates{40, 100}
	scalingCalls   = rates{8, 20}
	balancing      = rates{8, 32}
)

const (
	// quietShare is the part of ours that what is quiet may use: half of ECS's 20 calls a second.
	quietShare = 0.625
	// shareLeast bounds how far throttling lowers our rates, shareDrop is the factor of each drop, at most one in dropEvery. What was lost
	// comes back within shareBack. So programs that share an account's buckets come to share them evenly.
	shareLeast = 0.25
	shareDrop  = 0.7
	dropEvery  = time.Second
	shareBack  = 30 * time.Second
	// agedAfter is how long a read waits behind others that are worth more.
	agedAfter = 3 * time.Second
	// triesMax bounds the attempts of a call that AWS throttles; tryPause is the first pause after one, and doubles.
	triesMax = 6
	tryPause = 100 * time.Millisecond
)

// bucket gives the right to make calls of one kind in one account and region. What waits is served by its worth, and waits for as long as its context does.
type bucket struct {
	rates
	parts   float64 // how many programs share it
	mu      sync.Mutex
	tokens  float64
	quiet   float64 // tokens of those that what is quiet may use
	share   float64 // of the rate, less than 1 after AWS has throttled
	filled  time.Time
	dropped time.Time
	queue   waiters
	strict  bool // only worth counts: what is worth less may wait for ever
	serial  uint64
	timer   *time.Timer
}

func newBucket(r rates, scale float64) *bucket {
	return &bucket{rates: rates{r.perSecond * scale, r.burst}, parts: 1, tokens: r.burst, quiet: r.burst * quietShare, share: 1}
}

// waiter is one call that waits.
type waiter struct {
	worth  control.Worth
	serial uint64 // the older of two of one worth goes first
	since  time.Time
	place  int // in the heap; -1: it has its token
	ready  chan struct{}
}

// take waits for the right to make one call.
func (b *bucket) take(ctx context.Context, worth control.Worth) error {
	w := &waiter{worth: worth, since: time.Now(), ready: make(chan struct{})}
	b.mu.Lock()
	w.serial = b.serial
	b.serial++
	heap.Push(&b.queue, w)
	b.grantLocked(time.Now())
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.place < 0 { // it came at the same moment
		return nil
	}
	heap.Remove(&b.queue, w.place)
	return fmt.Errorf("%w: %w", failure.ErrRate, ctx.Err())
}

// ample reports whether calls need not be saved: half of the burst is there, and nothing waits.
func (b *bucket) ample() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(time.Now())
	return len(b.queue) == 0 && b.tokens >= b.burst/b.parts/2
}

// spare takes a token if calls are ample.
func (b *bucket) spare(worth control.Worth) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(time.Now())
	quiet := worth.Urgency == control.Quiet
	if len(b.queue) > 0 || b.tokens < b.burst/b.parts/2 || quiet && b.quiet < 1 {
		return false
	}
	if b.tokens--; quiet {
		b.quiet--
	}
	return true
}

// idle takes a token if there is one that nothing waits for.
func (b *bucket) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(time.Now())
	if len(b.queue) > 0 || b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// turn is how long it takes until so many calls have had their turn.
func (b *bucket) turn(calls int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Duration(float64(calls) / (b.perSecond * b.share / b.parts) * float64(time.Second))
}

// back returns a token that was not used.
func (b *bucket) back() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.burst/b.parts, b.tokens+1)
	b.grantLocked(time.Now())
}

// split leaves the others their part of the bucket, where several programs share it.
func (b *bucket) split(parts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(time.Now())
	b.parts = float64(max(1, parts))
	b.tokens, b.quiet = min(b.tokens, b.burst/b.parts), min(b.quiet, b.burst/b.parts*quietShare)
	b.grantLocked(time.Now())
}

// throttled notes that AWS has refused a call: others use the bucket too.
func (b *bucket) throttled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	b.tokens, b.quiet = min(b.tokens, 0), min(b.quiet, 0)
	if now.Sub(b.dropped) >= dropEvery {
		b.share, b.dropped = max(shareLeast, b.share*shareDrop), now
	}
}

func (b *bucket) fillLocked(now time.Time) {
	if !b.filled.IsZero() {
		d := now.Sub(b.filled).Seconds()
		gain := d * b.perSecond * b.share / b.parts
		b.tokens = min(b.burst/b.parts, b.tokens+gain)
		b.quiet = min(b.burst/b.parts*quietShare, b.quiet+gain*quietShare)
		b.share = min(1, b.share+d/shareBack.Seconds()*(1-shareLeast))
	}
	b.filled = now
}

// tokenDust forgives rounding: a timer that was set for a token's moment finds it there.
const tokenDust = 1e-6

// grantLocked gives tokens to those that wait, the most worthy first, and sets the timer for the next.
func (b *bucket) grantLocked(now time.Time) {
	b.fillLocked(now)
	for len(b.queue) > 0 {
		w := b.nextLocked(now)
		lack := 1 - b.tokens                                                       // in units of our rate
		quiet := w.worth.Urgency == control.Quiet && now.Sub(w.since) <= agedAfter // what has waited for long counts as any other
		if quiet {
			lack = max(lack, (1-b.quiet)/quietShare)
		}
		if lack > tokenDust {
			b.wakeLocked(time.Duration(math.Ceil(lack / (b.perSecond * b.share / b.parts) * float64(time.Second))))
			return
		}
		if b.tokens--; quiet {
			b.quiet--
		}
		heap.Remove(&b.queue, w.place)
		close(w.ready)
	}
}

// nextLocked is who gets the next token: the most worthy, but for who has waited for long.
func (b *bucket) nextLocked(now time.Time) *waiter {
	next := b.queue[0]
	if b.strict || now.Sub(next.since) > agedAfter {
		return next
	}
	oldest := slices.MinFunc(b.queue, func(x, y *waiter) int { return x.since.Compare(y.since) })
	if now.Sub(oldest.since) > agedAfter {
		return oldest
	}
	return next
}

func (b *bucket) wakeLocked(d time.Duration) {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.timer = time.AfterFunc(d, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.grantLocked(time.Now())
	})
}

// waiters is a heap, the most worthy first.
type waiters []*waiter

func (q waiters) Len() int { return len(q) }
func (q waiters) Less(i, j int) bool {
	if q[i].worth != q[j].worth {
		return q[i].worth.Over(q[j].worth)
	}
	return q[i].serial < q[j].serial
}
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
func (q *waiters) Push(x any) {
	w := x.(*waiter)
	w.place = len(*q)
	*q = append(*q, w)
}
func (q *waiters) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	w.place = -1
	return w
}

// limits are the buckets of one account and region. Roles of one account share them.
type limits struct {
	serviceRead, serviceModify, clusterRead, clusterModify, definitionRead, deploymentRead, protectionRead, scaling, balancing *bucket
	tries                                                                                                                      int
}

func newLimits(scale float64, tries int) *limits {
	of := func(r rates) *bucket { return newBucket(r, scale) }
	l := &limits{of(serviceRead), of(serviceModify), of(clusterRead), of(clusterModify), of(definitionRead), of(deploymentRead), of(protectionRead),
		of(scalingCalls), of(balancing), tries}
	l.serviceModify.strict = true
	return l
}

// spare holds a token for a listing with health that could wait, as long as that goes on: of many who ask at once as many get one as there are to spare.
func (l *limits) spare(worth control.Worth) (giveBack func(), ok bool) {
	if !l.clusterRead.spare(worth) {
		return nil, false
	}
	if !l.balancing.spare(worth) {
		l.clusterRead.back()
		return nil, false
	}
	return func() {
		l.clusterRead.back()
		l.balancing.back()
	}, true
}

// split shares all buckets.
func (l *limits) split(parts int) {
	for _, b := range [...]*bucket{l.serviceRead, l.serviceModify, l.clusterRead, l.clusterModify, l.definitionRead, l.deploymentRead, l.protectionRead, l.scaling, l.balancing} {
		b.split(parts)
	}
}

// call makes a call once its bucket gives it a token, and again while AWS throttles it. The context bounds the waiting, control.LookTimeout each attempt.
func call[T any](ctx context.Context, l *limits, b *bucket, worth control.Worth, ask func(context.Context) (T, error)) (T, error) {
	if err := b.take(ctx, worth); err != nil {
		var none T
		return none, err
	}
	return paid(ctx, l, b, worth, ask)
}

// paid is [call] for who has the token of the first attempt.
func paid[T any](ctx context.Context, l *limits, b *bucket, worth control.Worth, ask func(context.Context) (T, error)) (T, error) {
	for try, pause := 1, tryPause; ; try, pause = try+1, 2*pause {
		out, err := attempt(ctx, ask)
		if errors.Is(err, errNothing) {
			b.back()
		}
		if failure.Kind(err) != failover.ErrThrottled {
			return out, err
		}
		b.throttled()
		if try >= l.tries || !control.Wait(ctx, pause) || b.take(ctx, worth) != nil {
			return out, err
		}
	}
}

// errNothing is for a call that turned out not to be needed once its token was there.
var errNothing = errors.New("nothing to ask for")

func attempt[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, control.LookTimeout)
	defer cancel()
	return ask(ctx)
}
