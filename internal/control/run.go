package control

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Run guards the workloads until ctx ends: it looks at every one once a tick, and at once at those that an
// event, a failed action or another process's commit concerns. Then it lets passes in flight finish, or cuts
// them off after [StopGrace], gives back the leases and returns nil. Other errors are of the set-up.
//
// What goes wrong meanwhile never ends it: it is logged, reported and tried again.
func (l *Loop) Run(ctx context.Context) error {
	if err := l.Init(); err != nil {
		return err
	}
	if !l.busy.CompareAndSwap(false, true) {
		return errors.New("run loop: it runs already")
	}
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	l.reports = make(chan *Report, reportsMax)
	var told, feeders sync.WaitGroup
	quiet := make(chan struct{})
	told.Go(func() { l.tellAll(work, quiet) })
	if l.Queue != nil {
		feeders.Go(func() { l.receive(ctx) })
	}
	if p, ok := l.Store.(Peeker); ok {
		feeders.Go(func() { l.peek(ctx, p) })
	}
	if shelf, ok := l.Store.(Shelf); ok {
		if sharer, ok := l.Services.(Sharer); ok {
			feeders.Go(func() { l.present(ctx, shelf, sharer) })
		}
	}
	l.schedule()
	l.Log.LogAttrs(ctx, slog.LevelInfo, "loop started", slog.Int(KeyWorkloads, len(l.Workloads)),
		slog.Duration(KeyTick, l.Tick), slog.String(KeyOwner, l.Owner))
	l.hand, l.closing = make(chan []*job), make(chan struct{})
	l.dispatch(ctx, work)
	close(l.closing)

	feeders.Wait()
	grace := time.AfterFunc(StopGrace, cut)
	l.running.Wait()
	grace.Stop()
	l.busy.Store(false)
	close(quiet)
	told.Wait()
	l.Log.LogAttrs(work, slog.LevelInfo, "loop stopped")
	return nil
}

// tellAll hands reports on, in order, until quiet is closed and none is left.
func (l *Loop) tellAll(ctx context.Context, quiet <-chan struct{}) {
	for {
		select {
		case r := <-l.reports:
			l.Tell(ctx, *r)
			continue
		default:
		}
		select {
		case r := <-l.reports:
			l.Tell(ctx, *r)
		case <-quiet:
			if len(l.reports) == 0 {
				return
			}
		}
	}
}

// schedule spreads the workloads over the tick, in chunks that are described together. Workloads of one
// account and cluster are put side by side, so that their services fill DescribeServices calls.
func (l *Loop) schedule() {
	order := make([]int, len(l.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := l.Workloads[a].Refs[0], l.Workloads[b].Refs[0]
		return cmp.Or(cmp.Compare(x.Region, y.Region), cmp.Compare(x.RoleARN, y.RoleARN), cmp.Compare(x.Cluster, y.Cluster))
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = time.Now()
	l.chunks = (len(order) + chunkMax - 1) / chunkMax
	for i, k := range order {
		it := l.items[k]
		it.chunk = i / chunkMax
		it.due = l.started.Add(time.Duration(it.chunk) * min(chunkStagger, l.Tick/time.Duration(l.chunks)))
	}
}

// gridAfter returns the next regular moment of a chunk after now.
func (l *Loop) gridAfter(chunk int, now time.Time) time.Time {
	phase := l.started.Add(l.Tick * time.Duration(chunk) / time.Duration(l.chunks))
	if now.Before(phase) {
		return phase
	}
	return phase.Add((now.Sub(phase)/l.Tick + 1) * l.Tick)
}

// dispatch starts passes when they are due, until ctx ends. Passes run on work, which outlives ctx.
func (l *Loop) dispatch(ctx, work context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return
		}
		batches, next := l.due(time.Now())
		for _, jobs := range batches {
			select {
			case l.hand <- jobs:
			default:
				l.running.Go(func() { l.work(work, jobs) })
			}
		}
		timer.Reset(next)
	}
}

// work carries batches through passes, the first of them jobs, until the loop takes no more. A goroutine that waits for the
// next batch has a stack that is large enough already.
func (l *Loop) work(ctx context.Context, jobs []*job) {
	for {
		l.pass(ctx, jobs, func(j *job) { l.ended(ctx, j) })
		l.mu.Lock()
		l.passes--
		if jobs[0].regular {
			l.regular--
		}
		l.mu.Unlock()
		l.poke()
		select {
		case jobs = <-l.hand:
		case <-l.closing:
			return
		}
	}
}

// due takes the workloads that are due into passes: those that something happened to in one, those whose
// tick has come in chunks. It returns how long to wait for the next.
func (l *Loop) due(now time.Time) ([][]*job, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var urgent []*job
	regular := make(map[int][]*job)
	next := now.Add(l.Tick)
	for k, it := range l.items {
		if it.inPass {
			continue
		}
		if it.due.After(now) {
			if it.due.Before(next) {
				next = it.due
			}
			continue
		}
		j := &job{k: k, w: &l.Workloads[k], it: it}
		if it.urgent {
			urgent = append(urgent, j)
		} else {
			regular[it.chunk] = append(regular[it.chunk], j)
		}
	}
	var batches [][]*job
	start := func(jobs []*job, regular bool) {
		if l.passes >= passesMax || regular && l.regular >= regularMax { // they stay due; the end of a pass wakes the loop
			return
		}
		l.passes++
		if jobs[0].regular = regular; regular {
			l.regular++
		}
		for _, j := range jobs {
			it := j.it
			it.inPass, it.urgent, it.started = true, false, now
			j.taken = it.inbox[:min(len(it.inbox), signalsMax)]
			for _, a := range j.taken {
				j.signals = append(j.signals, a.signal)
			}
		}
		batches = append(batches, jobs)
	}
	for part := range slices.Chunk(urgent, chunkMax) {
		start(part, false)
	}
	for _, jobs := range regular {
		start(jobs, true)
	}
	return batches, next.Sub(now)
}

// ended puts a workload back into the schedule and acknowledges what its pass dealt with.
func (l *Loop) ended(ctx context.Context, j *job) {
	it, r := j.it, &j.report
	now := time.Now()
	var done []Message
	l.mu.Lock()
	it.inPass = false
	it.due = l.gridAfter(it.chunk, now)
	it.notBefore = time.Time{}
	next := NextOf(r, it.attempts)
	switch next.Why {
	case NotAgain:
		it.attempts = 0
	case ForTurn:
		it.attempts = 0
		l.wantLockedAt(it, now)
	default:
		it.attempts++
		retry := now.Add(min(l.ours(next.Retry), l.Tick))
		l.wantLockedAt(it, retry)
		if r.Failed() {
			it.notBefore = retry
		}
	}
	if r.Result.Settled() {
		done = l.settleLocked(j)
		it.idle = r.Result == Unchanged && len(j.taken) > 0
		gap := passGapQuiet
		for _, a := range it.inbox {
			gap = min(gap, it.gapFor(a.signal.Kind))
		}
		if len(it.inbox) > 0 {
			l.wantLocked(it, now, gap)
		}
		if next.Look > 0 {
			l.wantLockedAt(it, now.Add(l.ours(next.Look)))
		}
	}
	l.mu.Unlock()
	l.poke()
	l.ack(ctx, done)
}

// Ours turns AWS's time into ours. Init must have been called.
func (l *Loop) Ours(d time.Duration) time.Duration { return l.ours(d) }

// ours turns AWS's time into ours.
func (l *Loop) ours(d time.Duration) time.Duration { return time.Duration(float64(d) / l.Scale) }

// wantLocked makes a workload due at once, or as soon as its last pass is gap ago. One whose last pass failed
// waits for its retry: more events do not make it succeed.
func (l *Loop) wantLocked(it *item, now time.Time, gap time.Duration) {
	at := it.started.Add(l.ours(gap))
	for _, t := range []time.Time{now, it.notBefore} {
		if at.Before(t) {
			at = t
		}
	}
	l.wantLockedAt(it, at)
}

// wantLockedAt makes a workload due at a moment if it is not due sooner.
func (l *Loop) wantLockedAt(it *item, at time.Time) {
	if at.Before(it.due) {
		it.due = at
	}
	it.urgent = true
}

// poke wakes the dispatcher.
func (l *Loop) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// peek asks the store for commits of others, and makes their workloads due.
func (l *Loop) peek(ctx context.Context, p Peeker) {
	ticker := time.NewTicker(peekEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		storeCtx, cancel := context.WithTimeout(ctx, StoreTimeout)
		generations, err := p.Generations(storeCtx)
		cancel()
		if err != nil {
			continue // the passes find out and say so
		}
		now := time.Now()
		l.mu.Lock()
		for name, g := range generations {
			k, ok := l.index[name]
			if !ok || l.items[k].inPass || g <= l.items[k].seen {
				continue
			}
			l.items[k].seen = g
			l.wantLocked(l.items[k], now, passGap)
		}
		l.mu.Unlock()
		l.poke()
	}
}
