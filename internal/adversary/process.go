package adversary

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Operations of a process, for draws.
const (
	opLoad = iota + 1
	opCommit
	opAppend
	opDescribe
	opList
	opScaling
	opApply
	opReceive
	opAck
)

// callsMax bounds the objects whose calls a process counts.
const callsMax = 10_000

// The troubles that each kind of call can meet.
var (
	readTroubles  = []Trouble{CrashBefore, Throttled, ServerFault, Denied, NoAnswer, Slow}
	applyTroubles = []Trouble{CrashBefore, CrashAfter, Throttled, ServerFault, Denied, NoAnswer, LostAnswer, LateEffect, LateFault, Slow}
	loadTroubles  = []Trouble{CrashBefore, StoreRefuses, StoreSlow}
	writeTroubles = []Trouble{CrashBefore, CrashAfter, StoreRefuses, StoreLies, StoreSlow, LateEffect}
	queueTroubles = []Trouble{CrashBefore, CrashAfter, QueueRefuses, LostAnswer}
)

// process is one life of a writer: everything it does to the world goes through here and meets the run's
// troubles. It implements [control.Services], [control.Store] and [control.Queue].
type process struct {
	r            *run
	writer, life int
	owner        string
	policy       failover.Policy
	services     control.Services
	queue        control.Queue
	store        control.Store
	kill         context.CancelFunc
	skew         time.Duration

	mu    sync.Mutex // guards calls and dead
	calls map[uint64]uint64
	dead  bool

	// What the watch knows of the process; guarded by the run's mutex.
	seen   map[string]sight
	based  uint64 // the generation that it last loaded or committed
	intent intent
	// pass numbers the passes, of which one looks at a time.
	pass int
}

// intent is what a process announced while it held its lease: the newest generation, and all actions.
type intent struct {
	generation uint64
	actions    []failover.Action
}

// now is the process's own clock, by which leases are measured.
func (p *process) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.skew)
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// die ends the process: nothing it does has an effect from now on.
func (p *process) die() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.kill()
}

// draw returns the draw of the n-th call of an operation on an object.
func (p *process) draw(op int, object uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := uint64(op)<<32 | object
	if len(p.calls) > callsMax {
		clear(p.calls)
	}
	p.calls[key]++
	return hash(p.r.plan.Seed, uint64(p.writer), uint64(p.life), key, p.calls[key])
}

// call makes one call with the troubles that it draws. effect has its effect; fail makes an error of AWS's code.
func (p *process) call(ctx context.Context, op int, object uint64, can []Trouble, effect func(context.Context) error) error {
	if p.isDead() {
		return errDead
	}
	h := p.draw(op, object)
	trouble, met := p.r.meets(can, h)
	latency := time.Millisecond + time.Duration(share(hash(h, 1))*float64(120*time.Millisecond))
	switch {
	case !met:
	case trouble == Slow, trouble == StoreSlow:
		latency += time.Duration(share(hash(h, 2)) * float64(20*time.Second))
	case trouble == NoAnswer:
		latency = time.Hour
	}
	if !nap(ctx, latency) {
		return ctx.Err()
	}
	if p.isDead() {
		return errDead
	}
	if !met {
		return p.finish(ctx, effect)
	}
	switch trouble {
	case CrashBefore:
		p.die()
		return errDead
	case CrashAfter:
		_ = p.finish(ctx, effect)
		p.die()
		return errDead
	case Throttled:
		return awsError("call", "ThrottlingException")
	case ServerFault:
		return awsError("call", "ServerException")
	case Denied:
		return awsError("call", "ExpiredTokenException")
	case LateFault:
		_ = p.finish(ctx, effect)
		return awsError("call", "ServerException")
	case LostAnswer:
		_ = p.finish(ctx, effect)
		return context.DeadlineExceeded
	case StoreLies:
		_ = p.finish(ctx, effect)
		return errStoreDown
	case StoreRefuses, QueueRefuses:
		return errStoreDown
	case LateEffect:
		<-ctx.Done()
		delay := time.Duration(share(hash(h, 3)) * 0.9 * float64(control.ActTimeout))
		p.r.aside.Go(func() { // on AWS's side: the process may be dead by then
			time.Sleep(delay)
			_ = effect(context.WithoutCancel(ctx))
		})
		return ctx.Err()
	}
	return p.finish(ctx, effect)
}

// ask makes one call of a region's API, which has no effect and no answer while the region is silent.
func (p *process) ask(ctx context.Context, op int, ref control.ServiceRef, can []Trouble, effect func(context.Context) error) error {
	if p.r.isSilent(ref.Region) {
		<-ctx.Done()
		return ctx.Err()
	}
	if op != opApply && p.r.isThrottled() {
		return awsError("call", "ThrottlingException")
	}
	return p.call(ctx, op, p.object(ref), can, effect)
}

func (p *process) finish(ctx context.Context, effect func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return effect(ctx)
}

// nap is sleep for the many short waits: it does not end before d when ctx is cancelled meanwhile, which costs no
// timer and no channel.
func nap(ctx context.Context, d time.Duration) bool {
	if until, ok := ctx.Deadline(); d > time.Second || (ok && time.Until(until) <= d) {
		return control.Wait(ctx, d)
	}
	time.Sleep(d)
	return ctx.Err() == nil
}

// object is a number for a service, for draws.
func (p *process) object(ref control.ServiceRef) uint64 {
	for i, own := range p.r.refs {
		if own == ref {
			return uint64(i)
		}
	}
	return uint64(len(p.r.refs))
}

// messageObject is a number for a batch of messages, so that receives side by side draw by what they got.
func messageObject(msgs []control.Message) uint64 {
	n, _ := strconv.ParseUint(msgs[0].ID, 10, 32)
	return n
}

// Load reads records.
func (p *process) Load(ctx context.Context, names []string) (out map[string]control.Record, err error) {
	err = p.call(ctx, opLoad, 0, loadTroubles, func(ctx context.Context) error {
		p.r.watch.begins(p)
		out, err = p.store.Load(ctx, names)
		p.r.watch.loaded(p, out)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Commit writes a record.
func (p *process) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	saw := p.r.watch.sights(p) // as in Apply
	return p.call(ctx, opCommit, 0, writeTroubles, func(ctx context.Context) error {
		err := p.store.Commit(ctx, by, next, now, entries)
		if err == nil {
			p.r.watch.committed(p, next, entries, saw)
		}
		return err
	})
}

// Append writes entries.
func (p *process) Append(ctx context.Context, entries []journal.Entry) error {
	return p.call(ctx, opAppend, 0, writeTroubles, func(ctx context.Context) error { return p.store.Append(ctx, entries) })
}

// Journal reads entries.
func (p *process) Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	return p.store.Journal(ctx, q)
}

// Close does nothing: the store outlives the process.
func (p *process) Close() error { return nil }

// Describe looks at services.
func (p *process) Describe(ctx context.Context, refs []control.ServiceRef, worth control.Worth) (at time.Time, obs []failover.PoolObservation) {
	pass := p.r.watch.passOf(p)
	err := p.ask(ctx, opDescribe, refs[0], readTroubles, func(ctx context.Context) error {
		at, obs = p.services.Describe(ctx, refs, worth)
		p.r.watch.looked(p, pass, refs, true)
		return nil
	})
	if err != nil {
		obs = make([]failover.PoolObservation, len(refs))
		for i := range obs {
			obs[i] = failover.PoolObservation{Err: failure.Kind(err), ErrText: err.Error()}
		}
		return time.Time{}, obs
	}
	return at, obs
}

// List reads tasks.
func (p *process) List(ctx context.Context, ref control.ServiceRef, want control.Want) (out control.Listing, err error) {
	pass := p.r.watch.passOf(p)
	err = p.ask(ctx, opList, ref, readTroubles, func(ctx context.Context) (err error) {
		out, err = p.services.List(ctx, ref, want)
		for i := range out.Signals {
			p.r.watch.happened(&out.Signals[i])
		}
		p.r.watch.looked(p, pass, []control.ServiceRef{ref}, false)
		return err
	})
	return out, err
}

// Scaling reads the scalable target.
func (p *process) Scaling(ctx context.Context, ref control.ServiceRef) (sc failover.Scaling, err error) {
	err = p.ask(ctx, opScaling, ref, readTroubles, func(ctx context.Context) error {
		sc, err = p.services.Scaling(ctx, ref)
		return err
	})
	return sc, err
}

// Turn waits for nothing.
func (p *process) Turn(ctx context.Context, ref control.ServiceRef, a failover.Action) (func(), error) {
	return p.services.Turn(ctx, ref, a)
}

// Apply carries out an action.
func (p *process) Apply(ctx context.Context, ref control.ServiceRef, a failover.Action) error {
	saw := p.r.watch.sights(p) // an effect that comes late is held to the look that it was decided on
	return p.ask(ctx, opApply, ref, applyTroubles, func(ctx context.Context) error {
		p.r.watch.acts(p, ref, a, saw)
		return p.services.Apply(ctx, ref, a)
	})
}

// Receive takes messages.
func (p *process) Receive(ctx context.Context, wait time.Duration) (msgs []control.Message, err error) {
	if p.isDead() {
		return nil, errDead
	}
	// The wait itself is not a step: a trouble strikes the answer.
	if msgs, err = p.queue.Receive(ctx, wait); err != nil || len(msgs) == 0 {
		return nil, err
	}
	err = p.call(ctx, opReceive, messageObject(msgs), queueTroubles, func(context.Context) error { return nil })
	if err != nil {
		return nil, err
	}
	return msgs, nil
}

// Ack deletes messages.
func (p *process) Ack(ctx context.Context, msgs []control.Message) error {
	return p.call(ctx, opAck, messageObject(msgs), queueTroubles, func(ctx context.Context) error { return p.queue.Ack(ctx, msgs) })
}
