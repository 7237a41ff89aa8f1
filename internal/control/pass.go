package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// job is one workload in one pass.
type job struct {
	k       int // the workload's index
	w       *Workload
	it      *item
	entered bool
	regular bool // the first of a chunk that looks because its tick has come
	signals []failover.Signal
	taken   []arrival // the inbox entries that the signals came from
	record  Record
	at      time.Time // AWS's clock
	pools   []failover.PoolObservation
	waiting atomic.Int32 // groups of services that were not looked at yet
	report  Report
	begun   time.Time // the pass; looking is when the look at the services began
	looking time.Time
	// observed is when the look at them ended.
	observed time.Time
	// degraded says that something could not be read that may be readable soon.
	degraded bool
	// keep says that what was seen is written though nothing has changed.
	keep bool
	// worth is what its reads are worth; turns are the rights to change services that it has and has not used, by pool.
	worth Worth
	turns map[string][]func()
	// outlived says that the record's lease has run out, whatever its date says.
	outlived bool
}

// Pass looks once at each of the named workloads, decides and acts, a hundred of them at a time. All their
// services are described together; a workload is decided on as soon as its own services are seen, so that a
// slow region holds up nobody else's. The reports are in the order of names.
//
// Signals are given to the workloads whose services they name; those that name none are dropped. The error is
// for a name that is not configured, or a loop that is not complete; what goes wrong in a pass is in its report.
func (l *Loop) Pass(ctx context.Context, names []string, signals []failover.Signal) ([]Report, error) {
	if err := l.Init(); err != nil {
		return nil, err
	}
	jobs := make([]*job, len(names))
	place := make(map[int]*job, len(names))
	for i, name := range names {
		k, ok := l.index[name]
		if !ok {
			return nil, fmt.Errorf("pass of %q: %w", name, ErrNoWorkload)
		}
		if place[k] != nil {
			return nil, fmt.Errorf("pass of %q: it is named twice", name)
		}
		jobs[i] = &job{k: k, w: &l.Workloads[k], it: l.items[k]}
		place[k] = jobs[i]
	}
	for _, s := range signals {
		for _, t := range l.find(&s) {
			if j := place[t.workload]; j != nil {
				s.Pool = j.w.Policy.Pools[t.pool].Name
				j.signals = append(j.signals, s)
			}
		}
	}
	for part := range slices.Chunk(jobs, chunkMax) {
		l.pass(ctx, part, nil)
	}
	reports := make([]Report, len(jobs))
	for i, j := range jobs {
		reports[i] = j.report
	}
	return reports, nil
}

// pass carries jobs through one pass. done, if not nil, is called for each as soon as it ends, from any
// goroutine; everything has ended when pass returns.
func (l *Loop) pass(ctx context.Context, jobs []*job, done func(*job)) {
	begun, now := time.Now(), l.Now()
	ctx, cancel := context.WithTimeout(ctx, PassDeadline)
	defer cancel()
	end := func(j *job) {
		j.report.Partial = j.degraded
		j.report.Workload, j.report.Started, j.report.Took = j.w.Name, now, time.Since(begun)
		if j.entered {
			j.it.gate <- struct{}{}
		}
		l.tell(ctx, &j.report) // nobody changes it any more
		if done != nil {
			done(j)
		}
	}
	for _, j := range jobs {
		j.begun = begun
	}
	jobs = l.enter(ctx, jobs, end)
	jobs = l.load(ctx, jobs, end)

	work := func(j *job) {
		defer end(j)
		defer l.survive(ctx, j)
		l.carry(ctx, j)
	}
	var all sync.WaitGroup
	ready := work
	if len(jobs) > 1 {
		ready = func(j *job) { all.Go(func() { work(j) }) }
	}
	l.look(ctx, jobs, &all, ready)
	all.Wait()
}

// survive turns a panic in one workload's pass into a report: it must not take down the others'.
func (l *Loop) survive(ctx context.Context, j *job) {
	if p := recover(); p != nil {
		j.report.Result = Abandoned
		j.report.Err = fmt.Errorf("pass of %s: %v", j.w.Name, p)
		l.Log.LogAttrs(ctx, slog.LevelError, "pass broke down; this is a defect, please report it",
			slog.String(KeyWorkload, j.w.Name), slog.Any(KeyErr, p), slog.String("stack", string(debug.Stack())))
	}
}

// enter waits until no other pass of this process has the jobs' workloads. The jobs are in the order of the
// configuration or single, so that two passes do not wait for each other: one that cannot enter gives up.
func (l *Loop) enter(ctx context.Context, jobs []*job, end func(*job)) []*job {
	in := jobs[:0:0]
	for _, j := range jobs {
		select {
		case <-j.it.gate:
			j.entered = true
			in = append(in, j)
		case <-ctx.Done():
			j.report.Result, j.report.Err = Abandoned, ctx.Err()
			end(j)
		}
	}
	return in
}

// load reads the records, and ends the jobs that cannot go on: the store does not answer, or another process
// may be acting.
func (l *Loop) load(ctx context.Context, jobs []*job, end func(*job)) []*job {
	if len(jobs) == 0 {
		return nil
	}
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.w.Name
	}
	storeCtx, cancel := context.WithTimeout(ctx, StoreTimeout)
	from := time.Now()
	records, damaged, err := l.records(storeCtx, names)
	cancel()
	l.storeAnswered(ctx, &l.readable, err)
	now := l.Now()
	in := jobs[:0:0]
	for _, j := range jobs {
		j.looking = j.step(StepLoad, from, err)
		j.record = records[j.w.Name]
		j.report.Before, j.report.After, j.report.Generation = j.record.State, j.record.State, j.record.State.Generation
		switch {
		case err != nil:
			j.report.Result, j.report.Err = StoreFailed, fmt.Errorf("load %s: %w", j.w.Name, err)
			end(j)
		case damaged[j.w.Name] != nil:
			j.report.Result, j.report.Err = StoreFailed, fmt.Errorf("load %s: %w", j.w.Name, damaged[j.w.Name])
			end(j)
		case l.heldBy(ctx, j, now):
			j.report.Result = Held
			j.report.Err = &LeaseHeldError{Owner: j.record.Lease.Owner, Until: j.record.Lease.Until}
			end(j)
		default:
			in = append(in, j)
		}
	}
	return in
}

// storeAnswered logs the beginning and the end of a time in which the store cannot be read, or written, once
// each.
func (l *Loop) storeAnswered(ctx context.Context, up *atomic.Bool, err error) {
	var held *LeaseHeldError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, ErrStale), errors.As(err, &held):
	case err != nil && up.CompareAndSwap(true, false):
		l.Log.LogAttrs(ctx, slog.LevelError, "store failed; nothing is acted on until it answers", slog.Any(KeyErr, err), slog.String(KeyHint, HintOf(err)))
	case err == nil && up.CompareAndSwap(false, true):
		l.Log.LogAttrs(ctx, slog.LevelInfo, "store answers again")
	}
}

// carry takes one workload, whose record was loaded and whose services were described, through the rest of the pass: observe,
// decide, commit, act, record.
func (l *Loop) carry(ctx context.Context, j *job) {
	r := &j.report
	defer j.giveBack()
	l.observe(ctx, j)
	l.decide(j)
	for ctx.Err() == nil && !l.turn(ctx, j) {
		l.lookAfresh(ctx, j)
		l.observe(ctx, j)
		l.decide(j)
	}
	if err := ctx.Err(); err != nil || r.Result == Waiting {
		if r.Result != Waiting {
			r.Result, r.Err = Abandoned, fmt.Errorf("pass of %s: %w", j.w.Name, err)
		}
		return
	}
	now, begun := l.Now(), time.Now()
	next := Record{State: r.After, Lease: l.ownLease(j, now)}
	next.State.Generation = r.Before.Generation + 1
	if !r.Decision.Acts() && failover.SameState(r.Before, r.After) {
		if (j.keep || r.After.Seen.At.Sub(r.Before.Seen.At) >= HeartbeatEvery) && l.commit(ctx, j, next, now, nil) != nil {
			return
		}
		r.Result = Unchanged
		l.note(ctx, j)
		return
	}
	if r.Decision.Acts() {
		next.Lease = Lease{Owner: l.Owner, Until: now.Add(LeaseFor)}
	}
	decision := l.decisionEntry(j, next.State.Generation)
	entries := append([]journal.Entry{decision}, l.noticeEntries(j, next.State.Generation)...)
	if err := l.commit(ctx, j, next, now, entries); err != nil {
		return
	}
	if decision.First { // before anything is changed
		l.Log.LogAttrs(ctx, slog.LevelInfo, "first look", slog.String(KeyWorkload, j.w.Name), slog.String(KeyPlan, wording.FirstLook(&r.Decision)))
	}
	orders := ordersOf(&next.State)
	j.it.orders, j.it.withheld = &orders, withheldOf(&r.Decision)
	r.Result = Committed
	if r.Decision.Acts() {
		from := time.Now()
		l.act(ctx, j, begun)
		from = j.step(StepAct, from, r.Err)
		j.step(StepRecord, from, l.record(ctx, j, decision.ID, next.Lease))
	}
}

// observe reads what else the decision needs, beyond the services' counts.
func (l *Loop) observe(ctx context.Context, j *job) {
	state := j.record.State
	if state.Workload == "" {
		state.Workload = j.w.Name
	}
	if j.at.IsZero() { // no account has answered
		j.at = l.awsTime(j.at)
	}
	o := failover.Observation{At: j.at, Pools: j.pools, Signals: j.signals}
	compareTwins(j.w.Refs, o.Pools)
	for i := range o.Pools {
		if l.Unexpected != nil {
			o.Pools[i].Unexpected = l.Unexpected(j.w.Refs[i])
		}
	}
	l.lookCloser(ctx, j, state, &o)
	j.observed = j.step(StepObserve, j.looking, Unseen(o.Pools))
	j.report.Before, j.report.Observation = state, o
}

// decide asks the law.
func (l *Loop) decide(j *job) {
	r := &j.report
	r.After, r.Decision = failover.Decide(j.w.Policy, r.Before, r.Observation)
	health.Tell(&j.w.Policy, &r.Before, &r.After, &r.Decision)
	j.step(StepDecide, j.observed, nil)
	j.degraded = j.degraded || MayBeRead(&r.Observation, &r.Decision)
}

// commit writes the state and says in the report why it could not.
func (l *Loop) commit(ctx context.Context, j *job, next Record, now time.Time, entries []journal.Entry) error {
	l.commits <- struct{}{}
	defer func() { <-l.commits }()
	storeCtx, cancel := context.WithTimeout(ctx, StoreTimeout)
	defer cancel()
	from := time.Now()
	if j.outlived {
		now = j.record.Lease.past(now)
	}
	err := l.Store.Commit(storeCtx, l.Owner, next, now, entries)
	j.step(StepCommit, from, err)
	l.storeAnswered(ctx, &l.writable, err)
	var held *LeaseHeldError
	switch {
	case err == nil:
		l.committed(j, next.State.Generation)
		return nil
	case errors.Is(err, ErrStale):
		j.report.Result = Stale
	case errors.As(err, &held):
		j.report.Result = Held
	default:
		j.report.Result = StoreFailed
	}
	j.report.Err = fmt.Errorf("commit %s: %w", j.w.Name, err)
	return err
}

// committed notes a commit of ours, so that it is not taken for somebody else's.
func (l *Loop) committed(j *job, generation uint64) {
	j.report.Generation = generation
	l.mu.Lock()
	defer l.mu.Unlock()
	j.it.seen = max(j.it.seen, generation)
}

// act carries out the decision's actions in their order. begun is the moment from which the lease is counted.
// When one fails the ones after it are not tried, as they may depend on it like lowering Spot does on its cover; but
// every raise is: no pool waits for one that refuses.
func (l *Loop) act(ctx context.Context, j *job, begun time.Time) {
	r := &j.report
	ctx, cancel := context.WithDeadline(ctx, begun.Add(ActDeadline))
	defer cancel()
	stopped := false
	for _, a := range r.Decision.Actions {
		out := journal.Outcome{Action: a}
		if (stopped && !raises(a)) || ctx.Err() != nil {
			stopped = true
			out.Skipped = true
			r.Outcomes = append(r.Outcomes, out)
			continue
		}
		started := time.Now()
		err := l.apply(ctx, j, a)
		out.Took = time.Since(started)
		if err != nil {
			stopped = true
			out.Err, out.Text, out.Hint = KindOf(err), err.Error(), HintOf(err)
			if r.Err == nil { // the outcomes have them all
				r.Err = fmt.Errorf("%s: %w", wording.Action(a), err)
			}
		}
		r.Outcomes = append(r.Outcomes, out)
	}
	if stopped {
		r.Result = ActionFailed
		if r.Err == nil {
			r.Err = fmt.Errorf("act on %s: %w", j.w.Name, context.Cause(ctx))
		}
	}
}

// record commits the outcome and gives back the lease. It is tried even when the pass was told to stop; when
// it fails the lease runs out by itself and the next pass asks again for what it does not see done. So it does
// when a call was cut off: it may still arrive, and must not find somebody else's newer decision there.
func (l *Loop) record(ctx context.Context, j *job, of string, lease Lease) error {
	r := &j.report
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ReleaseTimeout)
	defer cancel()
	var done, failed []failover.Action
	for i := range r.Outcomes {
		switch o := &r.Outcomes[i]; {
		case o.Done():
			done = append(done, o.Action)
		case !o.Skipped:
			failed = append(failed, o.Action)
		}
	}
	next := Record{State: failover.Refused(failover.Acted(r.After, done), failed, r.Decision.At)}
	next.State.Generation = r.Generation + 1
	if next.Lease = l.ownLease(j, l.Now()); cutOff(r.Outcomes) {
		next.Lease = lease
	}
	entry := journal.Entry{Version: journal.Version, ID: l.entryID(), Workload: j.w.Name, At: r.Decision.At,
		Kind: journal.KindOutcome, Generation: next.State.Generation, Of: of, Outcomes: r.Outcomes}
	l.commits <- struct{}{}
	err := l.Store.Commit(ctx, l.Owner, next, l.Now(), []journal.Entry{entry})
	<-l.commits
	l.storeAnswered(ctx, &l.writable, err)
	if err != nil {
		l.Log.LogAttrs(ctx, slog.LevelWarn, "outcome not recorded; the lease runs out by itself",
			slog.String(KeyWorkload, j.w.Name), slog.Any(KeyErr, err))
		if r.Result == Committed {
			r.Result = Unrecorded
		}
		if r.Err == nil {
			r.Err = fmt.Errorf("commit outcome of %s: %w", j.w.Name, err)
		}
		return err
	}
	l.committed(j, next.State.Generation)
	return nil
}
