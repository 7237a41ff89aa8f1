package adversary

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// convergeMax is how long after the last trouble a workload may take to be back at the cheapest state
	// that holds the demand: the longest hold-off (30 min and its jitter), the proof, the ramp, ECS's own
	// back-off and the hold for failures of the application (30 min), one after the other.
	convergeMax = 150 * time.Minute
	// settledFor is how long it must then stay there.
	settledFor = 15 * time.Minute
	// coverMax is how long after a warning in the calm the cover must be asked for, with events on time: a
	// replacement that ECS has created may stand for a loss for up to 13 s.
	coverMax = 20 * time.Second
	// pollScaleMax is by how much a long poll may be longer than asked for in runs of days, where polls that
	// bring nothing would be most of the work.
	pollScaleMax = 16
	// entriesMax bounds the journal of a run.
	entriesMax = 500
)

// Hooks plant a bug: each wraps one of the parts that a writer is made of. The zero value plants none.
type Hooks struct {
	// Services, Store and Queue stand between the loop and the troubles: they are bugs of the product.
	Services func(control.Services) control.Services
	Store    func(control.Store) control.Store
	Queue    func(control.Queue) control.Queue
	// Base is a bug of the store itself.
	Base   func(*Memory) control.Store
	Parse  func(parse) parse
	Policy func(*failover.Policy)
	Loop   func(*control.Loop)
	// End is called when all writers have ended.
	End func()
}

type parse func([]byte) (failover.Signal, bool, error)

// Result is what became of a run.
type Result struct {
	Plan     Plan
	Breaches []Breach
	// Troubles counts what went wrong, Checked the steps that were checked.
	Troubles Counts
	Checked  Checked
	Passes   int
	Acts     int
	// Trouble and Calm are how long the two phases took; Converged how long it took to be back.
	Trouble, Calm, Converged time.Duration
	// Trace is a digest of every effect, for telling runs apart.
	Trace uint64
}

// run is one world with its writers.
type run struct {
	plan  Plan
	hooks Hooks
	start time.Time
	refs  []control.ServiceRef
	watch *watch
	store *Memory
	base  control.Store
	aside sync.WaitGroup // late effects
	// unexpected holds what AWS does against the ledger.
	unexpected unexpected

	mu      sync.Mutex
	w       *ecsim.World
	targets map[ecsim.Ref]*target
	fronts  map[string]*front // by region
	held    map[ecsim.Ref]int // the tag backstop:demand
	// forgotten are the deleted services that ECS shows no more.
	forgotten map[ecsim.Ref]bool
	healthErr failover.ErrorKind // what reads of health meet now
	unwellAt  time.Time          // when applications last ceased or began to answer
	forces    *forces
	throttled bool // every look is refused
	blink     bool // the next answer about the owner says that it is missing
	mail      mailbox
	troubled  bool
	counts    Counts
	poked     chan struct{}
	scratch   []ecsim.Task
	events    []ecsim.Event
	policy    failover.Policy
	bursty    bool
	restarts  []chan struct{} // one for each writer
	alive     int             // writers that live
	losing    chan struct{}   // closed when the state is lost; nil: nobody waits for that
	copied    *control.Record // what the store held when the state was last lost; back is what is put back now
	back      *control.Record
	silent    map[string]int // regions whose API gives no answer now
	passes    int
	trace     uint64
}

// Run carries out a plan in a bubble of its own and says what became of it.
func Run(t *testing.T, plan Plan, hooks Hooks) (res Result) {
	synctest.Test(t, func(t *testing.T) { res = carryOut(t, plan, hooks) })
	return res
}

func carryOut(t *testing.T, plan Plan, hooks Hooks) Result {
	r := &run{plan: plan, hooks: hooks, start: time.Now(), refs: plan.refs(), targets: map[ecsim.Ref]*target{}, fronts: map[string]*front{}, held: map[ecsim.Ref]int{}, forgotten: map[ecsim.Ref]bool{}, policy: plan.Policy,
		poked: make(chan struct{}, 1), silent: map[string]int{}, store: &Memory{Encode: plan.Encode, EntriesMax: entriesMax}, bursty: plan.Seed%2 == 0}
	r.watch = &watch{r: r, facts: map[factKey]span{}, actors: map[uint64]string{}, said: map[failover.Reason]time.Time{}}
	r.base = r.store
	if hooks.Base != nil {
		r.base = hooks.Base(r.store)
	}
	r.mail.arrived, r.mail.signals = make(chan struct{}), map[uint64]failover.Signal{}
	if err := r.build(); err != nil {
		t.Fatalf("build world: %v", err)
	}
	for _, t := range []Trouble{Unwarned, Hung, StaleReads} { // of the whole world: counted once
		if plan.Shares[t] > 0 {
			r.counts[t]++
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { r.clockwork(ctx) })
	for range plan.Writers + plan.Functions {
		r.restarts = append(r.restarts, make(chan struct{}, 1))
	}
	for i := range r.restarts {
		all.Go(func() { r.keep(ctx, i, i >= plan.Writers) })
	}
	res := Result{Plan: plan}
	time.Sleep(20 * time.Minute) // everything runs and has been seen
	began := time.Now()
	if plan.scene != nil {
		r.playScene()
		res.Trouble = time.Since(began)
	} else {
		r.ordeal(ctx, &res)
	}
	cancel()
	all.Wait()
	r.aside.Wait()
	r.contradicted()
	if hooks.End != nil {
		hooks.End()
	}
	res.Breaches, res.Checked, res.Troubles, res.Passes, res.Acts = r.watch.breaches, r.watch.checked, r.counts, r.passes, r.watch.checked[actions]
	res.Trace = r.trace
	return res
}

// ordeal is the time of trouble and the calm after it.
func (r *run) ordeal(ctx context.Context, res *Result) {
	plan := &r.plan
	o := &weather{r: r, rand: rand.New(rand.NewPCG(plan.Seed, 0x3ea7e4)), used: map[int]bool{plan.Demand: true}}
	r.mu.Lock()
	r.troubled = true
	r.mu.Unlock()
	began := time.Now()
	o.blow(ctx, began.Add(plan.TroubleFor))
	r.calm()
	res.Trouble = time.Since(began)
	began = time.Now()
	res.Converged = r.settle(o)
	res.Calm = time.Since(began)
}

// build makes the services, the owner's with the demand.
func (r *run) build() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg := r.plan.World
	cfg.Start, cfg.WarmUp = r.start, r.plan.Ground.WarmUp
	r.w = ecsim.New(cfg)
	for i, s := range r.refs {
		if _, err := r.w.CreateCluster(s.Region, s.Cluster, nil); err != nil {
			return err
		}
		if _, err := r.revision(r.w, s.Region); err != nil {
			return err
		}
		if r.plan.Ground.Readiness == ByTargets && r.fronts[s.Region] == nil {
			f, err := r.buildFront(s.Region)
			if err != nil {
				return err
			}
			r.fronts[s.Region] = f
		}
		n := 0
		if i == 0 {
			n = r.plan.Demand
		}
		if err := r.createService(r.w, i, n); err != nil {
			return err
		}
	}
	r.watch.willed(r.plan.Demand)
	if r.plan.Scaling {
		if err := r.register(ref(r.refs[0]), failover.Scaling{Min: 1, Max: 1000}); err != nil {
			return err
		}
	}
	return r.drives()
}

// catchUp brings the model and the queue to the present. The caller holds the mutex.
func (r *run) catchUp() *ecsim.World {
	r.advance(time.Now())
	r.events = r.w.DrainTo(r.events[:0])
	for i := range r.events {
		r.hear(&r.events[i])
		s, ok := signalOf(&r.events[i])
		if ok {
			r.post(s, true)
		}
	}
	if len(r.events) > 0 {
		r.announce()
		r.poke()
	}
	return r.w
}

// poke makes the clockwork look at what is due next.
func (r *run) poke() {
	select {
	case r.poked <- struct{}{}:
	default:
	}
}

// clockwork moves the model when something is due in it, so that events arrive on time.
func (r *run) clockwork(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.poked:
		case <-timer.C:
		}
		r.mu.Lock()
		w := r.catchUp()
		r.announce()
		next, ok := w.Next()
		if r.forces != nil {
			if at, due := r.forces.s.Next(); due && (!ok || at.Before(next)) {
				next, ok = at, true
			}
		}
		if at := r.mail.nextVisible(w.Now()); !at.IsZero() && (!ok || at.Before(next)) {
			next, ok = at, true
		}
		r.mu.Unlock()
		if !ok {
			next = time.Now().Add(time.Hour)
		}
		timer.Reset(time.Until(next))
	}
}

// meets draws whether a call meets one of the troubles that it can meet.
func (r *run) meets(can []Trouble, h uint64) (Trouble, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.troubled {
		return 0, false
	}
	scale := 1 / float64(r.plan.Sparse)
	if r.bursty { // the same troubles, crowded into a third of the time
		if hash(r.plan.Seed, uint64(time.Since(r.start)/(7*time.Minute)))%3 != 0 {
			return 0, false
		}
		scale *= 3
	}
	u := share(hash(h, 7))
	for _, t := range can {
		if u -= min(0.3, scale*r.plan.Shares[t]); u < 0 {
			r.counts[t]++
			return t, true
		}
	}
	return 0, false
}

// has says whether an event meets a trouble. The caller holds the mutex.
func (r *run) has(t Trouble, u float64) bool {
	if u >= r.plan.Shares[t] {
		return false
	}
	r.counts[t]++
	return true
}

func (r *run) count(t Trouble) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[t]++
}

func (r *run) policyNow() failover.Policy {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.policy
}
