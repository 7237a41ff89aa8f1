package adversary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

const (
	// convergeMax is how long after the last trouble a workload may take to be back at the cheapest state
	// that holds the demand: the longest hold-off (30 min and its jitter), the proof, the ramp, ECS's own
	// back-off and the hold for failures of the application (30 min), one after the other.
	convergeMax = 150 * time.Minute
	// settledFor is how long it must then stay there.
	settledFor = 15 * time.Minute
	// coverMax is how long after a warning in the calm the cover must be asked for, with events on time.
	coverMax = 10 * time.Second
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
	// Troubles counts what went wrong, Checks the steps that were checked.
	Troubles Counts
	Checks   int
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

	mu       sync.Mutex
	w        *ecsim.World
	targets  map[ecsim.Ref]*target
	mail     mailbox
	troubled bool
	counts   Counts
	poked    chan struct{}
	scratch  []ecsim.Task
	events   []ecsim.Event
	policy   failover.Policy
	bursty   bool
	restarts []chan struct{} // one for each writer
	passes   int
	trace    uint64
}

// Run carries out a plan in a bubble of its own and says what became of it.
func Run(t *testing.T, plan Plan, hooks Hooks) (res Result) {
	synctest.Test(t, func(t *testing.T) { res = carryOut(t, plan, hooks) })
	return res
}

func carryOut(t *testing.T, plan Plan, hooks Hooks) Result {
	r := &run{plan: plan, hooks: hooks, start: time.Now(), refs: plan.refs(), targets: map[ecsim.Ref]*target{}, policy: plan.Policy,
		poked: make(chan struct{}, 1), store: &Memory{Encode: plan.Encode, EntriesMax: entriesMax}, bursty: plan.Seed%2 == 0}
	r.watch = &watch{r: r, facts: map[factKey]span{}, actors: map[uint64]string{}}
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
	cancel()
	all.Wait()
	r.aside.Wait()
	if hooks.End != nil {
		hooks.End()
	}
	res.Breaches, res.Checks, res.Troubles, res.Passes, res.Acts = r.watch.breaches, r.watch.checks, r.counts, r.passes, r.watch.acted
	res.Trace = r.trace
	return res
}

// build makes the services, the owner's with the demand.
func (r *run) build() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg := r.plan.World
	cfg.Start = r.start
	r.w = ecsim.New(cfg)
	for i, s := range r.refs {
		if _, err := r.w.CreateCluster(s.Region, s.Cluster, nil); err != nil {
			return err
		}
		if _, err := r.revision(r.w, s.Region); err != nil {
			return err
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
		return r.register(ref(r.refs[0]), failover.Scaling{Min: 1, Max: 1000})
	}
	return nil
}

// revision registers a new revision of the workload's task definition in a region.
func (r *run) revision(w *ecsim.World, region string) (string, error) {
	d, err := w.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: workloadName, Container: "app", Image: "app:1"})
	return d.ARN, err
}

func (r *run) createService(w *ecsim.World, i, n int) error {
	s := r.refs[i]
	_, err := w.CreateService(s.Region, ecsim.CreateServiceInput{Cluster: s.Cluster, Name: s.Service, TaskDefinition: workloadName, Desired: n,
		Strategy: []ecsim.StrategyItem{{Provider: string(r.plan.Policy.Pools[i].Capacity), Weight: 1}}})
	return err
}

// catchUp brings the model and the queue to the present. The caller holds the mutex.
func (r *run) catchUp() *ecsim.World {
	r.w.AdvanceTo(time.Now())
	r.events = r.w.DrainTo(r.events[:0])
	for i := range r.events {
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

// changePolicy changes the configuration and restarts one writer with it. The others follow within minutes; until
// then, two configurations are at work side by side.
func (r *run) changePolicy(draw *rand.Rand) (others func()) {
	next := drawPolicy(draw, r.plan.Policy.Pools)
	for next.Observe {
		next = drawPolicy(draw, r.plan.Policy.Pools)
	}
	if r.plan.Policy.Observe {
		next = r.plan.Policy
	}
	r.mu.Lock()
	r.policy = next
	r.mu.Unlock()
	r.restart(draw.IntN(len(r.restarts)))
	return func() {
		for i := range r.restarts {
			r.restart(i)
		}
	}
}

func (r *run) restart(i int) {
	select {
	case r.restarts[i] <- struct{}{}:
	default:
	}
}

// keep lets a writer live, and live again after each death.
func (r *run) keep(ctx context.Context, i int, function bool) {
	sleep(ctx, time.Duration(hash(r.plan.Seed, 0x57a47, uint64(i))%uint64(30*time.Second)))
	for life := 0; ctx.Err() == nil; life++ {
		h := hash(r.plan.Seed, 0x11fe, uint64(i), uint64(life))
		lifeCtx, kill := context.WithCancel(ctx)
		p := r.born(i, life, h, kill)
		var all sync.WaitGroup
		all.Go(func() {
			select {
			case <-lifeCtx.Done():
			case <-r.restarts[i]:
				kill()
			}
		})
		if function {
			r.invoke(lifeCtx, p)
		} else if err := p.loop().Run(lifeCtx); err != nil {
			r.watch.breach("run_never_ends", "%v", err)
		}
		kill()
		all.Wait()
		sleep(ctx, time.Second+time.Duration(share(hash(h, 2))*float64(90*time.Second)))
	}
}

// born makes a process: a new owner, a clock of its own, the configuration as it is now.
func (r *run) born(i, life int, h uint64, kill context.CancelFunc) *process {
	p := &process{r: r, writer: i, life: life, owner: fmt.Sprintf("writer%d-%d", i, life), policy: r.policyNow(), services: direct{r}, queue: postOffice{r, time.Millisecond + time.Duration(h%uint64(4*time.Millisecond)), time.Duration(min(r.plan.Sparse, pollScaleMax))},
		store: r.base, kill: kill, calls: map[uint64]uint64{}, seen: map[string]sight{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.troubled {
		switch {
		case r.has(ClockJump, share(hash(h, 3))):
			p.skew = time.Duration((share(hash(h, 4)) - 0.5) * float64(20*time.Minute))
		case r.has(ClockSkew, share(hash(h, 5))):
			p.skew = time.Duration((share(hash(h, 6)) - 0.5) * float64(clockSlack))
		}
	}
	return p
}

// loop makes the real loop over the process, with the planted bug in between.
func (p *process) loop() *control.Loop {
	r := p.r
	policy := p.policy
	l := &control.Loop{Services: p, Store: p, Queue: p, Parse: r.parse, Owner: p.owner, Now: p.now, Tick: r.plan.Tick,
		Log: slog.New(&ear{r: r}),
		Tell: func(_ context.Context, report control.Report) {
			r.mu.Lock()
			r.passes++
			r.trace = hash(r.trace, uint64(time.Since(r.start)), uint64(p.writer), report.Generation, uint64(len(report.Decision.Actions)), uint64(report.Decision.Running))
			r.mu.Unlock()
			r.watch.told(p, report)
			if r.plan.Log != nil {
				r.log(p, report)
			}
		}}
	if f := r.hooks.Services; f != nil {
		l.Services = f(p)
	}
	if f := r.hooks.Store; f != nil {
		l.Store = f(p)
	}
	if f := r.hooks.Queue; f != nil {
		l.Queue = f(p)
	}
	if f := r.hooks.Parse; f != nil {
		l.Parse = f(r.parse)
	}
	if f := r.hooks.Policy; f != nil {
		f(&policy)
	}
	l.Workloads = []control.Workload{{Name: workloadName, Policy: policy, Refs: r.refs}}
	if f := r.hooks.Loop; f != nil {
		f(l)
	}
	return l
}

// log says a report in one line, for looking into a seed.
func (r *run) log(p *process, report control.Report) {
	var text strings.Builder
	for i := range report.Decision.Pools {
		pd := &report.Decision.Pools[i]
		fmt.Fprintf(&text, " %s[%d/%d+%d ask %d %s]", pd.Pool, pd.Running, pd.Desired, pd.Starting, pd.Ask, pd.Breaker)
	}
	for _, o := range report.Outcomes {
		fmt.Fprintf(&text, " {%s %s}", journal.Text(o.Action), o.Err)
	}
	r.plan.Log("%s %s gen %d %s %s demand %d%s %v", time.Since(r.start).Round(time.Millisecond), p.owner, report.Generation, report.Result,
		report.Decision.Reason, report.Decision.Demand, text.String(), report.Err)
}

// invoke is a writer that a schedule and messages wake: take a batch, pass, acknowledge it if all is settled.
func (r *run) invoke(ctx context.Context, p *process) {
	l := p.loop()
	last := time.Now().Add(-time.Hour)
	for ctx.Err() == nil {
		msgs, err := l.Queue.Receive(ctx, 20*time.Second)
		if ctx.Err() != nil {
			return
		}
		if err != nil || (len(msgs) == 0 && time.Since(last) < r.plan.Tick) {
			if err != nil {
				sleep(ctx, time.Second)
			}
			continue
		}
		last = time.Now()
		var signals []failover.Signal
		good := msgs[:0:0]
		for _, m := range msgs {
			s, ok, err := l.Parse(m.Body)
			if err != nil {
				continue
			}
			good = append(good, m)
			if ok {
				signals = append(signals, s)
			}
		}
		callCtx, cancel := context.WithTimeout(ctx, time.Minute)
		reports, err := l.Pass(callCtx, []string{workloadName}, signals)
		if err == nil && reports[0].Result.Settled() && len(good) > 0 {
			_ = l.Queue.Ack(callCtx, good)
		}
		cancel()
	}
}

// ear is a log that listens for defects.
type ear struct{ r *run }

func (e *ear) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (e *ear) Handle(_ context.Context, rec slog.Record) error {
	if strings.Contains(rec.Message, "broke down") {
		var text strings.Builder
		rec.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&text, "%s=%v ", a.Key, a.Value); return true })
		e.r.watch.breach("nothing_panics", "%s", text.String())
	}
	return nil
}
func (e *ear) WithAttrs([]slog.Attr) slog.Handler { return e }
func (e *ear) WithGroup(string) slog.Handler      { return e }

// calm ends all troubles. A writer whose clock had jumped, or whose configuration is old, restarts.
func (r *run) calm() {
	r.mu.Lock()
	r.troubled = false
	r.mu.Unlock()
	for i := range r.restarts {
		r.restart(i)
	}
}

var errNotThere = errors.New("not there yet")

// settle waits for the cheapest state that holds the demand, lets an interruption come, and waits again. It
// returns how long the first took.
func (r *run) settle(o *weather) time.Duration {
	began := time.Now()
	took, err := r.converge(began.Add(convergeMax))
	if err != nil {
		r.watch.breach("converges", "%v after %s of calm", err, time.Since(began))
		return time.Since(began)
	}
	if r.plan.Policy.Observe {
		return took
	}
	r.drill(o)
	again := time.Now()
	if _, err = r.converge(again.Add(convergeMax)); err != nil {
		r.watch.breach("converges", "%v %s after a drill", err, time.Since(again))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.mail.dead {
		if !l.poison && l.sentAt.After(again) {
			r.watch.breach("messages_are_acknowledged", "message %s of the calm went to the dead-letter queue", l.id)
			break
		}
	}
	return took
}

// converge waits until the state is right and has stayed so.
func (r *run) converge(until time.Time) (time.Duration, error) {
	began, since := time.Now(), time.Time{}
	for {
		err := r.right()
		switch {
		case err != nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) >= settledFor:
			return since.Sub(began), nil
		}
		if err != nil && time.Now().After(until) {
			return 0, err
		}
		time.Sleep(time.Minute)
	}
}

// right says what is not as it should be.
func (r *run) right() error {
	r.watch.mu.Lock()
	record, wills := r.watch.latest, r.watch.wills
	r.watch.mu.Unlock()
	s := &record.State
	last := wills[len(wills)-1]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.catchUp()
	if s.Demand != last.count && !last.overwritten {
		return fmt.Errorf("%w: the state holds demand %d, somebody wants %d", errNotThere, s.Demand, last.count)
	}
	if r.policy.Observe {
		return nil
	}
	for i, service := range r.refs {
		g, _ := r.w.Glance(ref(service))
		pool := &r.policy.Pools[i]
		want := s.Pool(pool.Name).Warm
		if i == 0 && s.Demand > 0 {
			want = s.Demand + r.policy.Extra
		}
		b := s.Pool(pool.Name).B
		switch {
		case g.TrueDesired != want:
			return fmt.Errorf("%w: %s is asked for %d, want %d", errNotThere, pool.Name, g.TrueDesired, want)
		case g.Unthreatened != want:
			return fmt.Errorf("%w: %s runs %d, want %d", errNotThere, pool.Name, g.Unthreatened, want)
		case b.Mode != failover.Closed:
			return fmt.Errorf("%w: the breaker of %s is %s", errNotThere, pool.Name, b.Mode)
		}
		if t := r.targets[ref(service)]; t != nil && (t.SuspendedIn || t.SuspendedOut || t.SuspendedScheduled || t.Min == 0) {
			return fmt.Errorf("%w: the scalable target of %s is %+v", errNotThere, pool.Name, t.Scaling)
		}
	}
	return nil
}

// drill reclaims Spot tasks for good, with nothing else going wrong, and looks whether the cover is asked for
// in time; then gives the capacity back.
func (r *run) drill(o *weather) {
	key := ecsim.SupplyKey{Region: r.refs[0].Region, Provider: ecsim.FargateSpot}
	demand := 0
	o.on(func(w *ecsim.World) {
		g, _ := w.Glance(ref(r.refs[0]))
		demand = g.TrueDesired
		w.SetSupply(key, demand/2)
	})
	time.Sleep(coverMax)
	asked, held := 0, 0
	o.on(func(w *ecsim.World) {
		for i, s := range r.refs {
			g, _ := w.Glance(ref(s))
			if i == 0 {
				held = g.Unthreatened
				continue
			}
			asked += g.TrueDesired
		}
	})
	policy := r.policyNow()
	r.watch.mu.Lock()
	state := r.watch.latest.State
	r.watch.mu.Unlock()
	limited := state.Pin != nil || state.Pause != nil || policy.OnDemandMax > 0 || policy.FillAfter > 0 || r.plan.World.UnwarnedShare > 0
	if held+asked < demand && !limited && r.plan.World.ReadLag <= 0 {
		r.watch.breach("cover_in_time", "%s after the warning %d run and %d are asked for elsewhere, demand %d", coverMax, held, asked, demand)
	}
	time.Sleep(10 * time.Minute)
	o.on(func(w *ecsim.World) { w.SetSupply(key, -1) })
}
