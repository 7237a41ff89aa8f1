package replay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// Run is everything that a run depends on.
type Run struct {
	Trace  *trace.Trace
	Policy Policy
	Tasks  int // the demand when the trace has none; default 200
	Zones  Zones
	World  World
	Prices Prices // zero: the article's
	Seed   uint64
	Check  bool // hold every pass of the product's law against its promises (package promise)
	Record bool // keep a timeline
	Every  bool // with all decisions in it, those of rivals too; else with the first 2,000 of the product's law
	// Passed, if not nil, is told of every pass of the product's law, the warm-up's included: the state before and after, and the decision.
	// They are valid until it returns. Passes that would find nothing to do are not made.
	Passed func(before, after *failover.State, d *failover.Decision)
	// Stop is asked now and then whether to give up; nil: never.
	Stop func() bool

	// For tests: never skip a pass, and list every task; look at the run after every pass.
	thorough bool
	audit    func(*sim)
}

// ErrStopped says that Run.Stop asked to give up.
var ErrStopped = errors.New("replay: stopped")

// passGap is the least time between two passes: one pass at a time, and it takes as long as its calls.
const passGap = 300 * time.Millisecond

// healthEvery is how often health is read while it matters. Target health comes without events.
const healthEvery = 5 * time.Second

// violationsMax bounds the broken invariants that a result carries.
const violationsMax = 10

// Epoch is when every run begins by its own clock: a Monday's midnight.
var Epoch = time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)

// sim is one run under way. Times are durations since the measurement began; before it, in the warm-up, they are negative.
type sim struct {
	run   *Run
	world *ecsim.World
	start time.Time
	now   time.Duration
	end   time.Duration
	pools []*pool
	byRef map[string]int // service name -> pool
	ctl   controller
	c     Control
	rng   *rand.Rand // of the control's delays

	demand int
	owned  bool // the demand is the desired count of the first pool
	row    int  // of the trace

	events    []ecsim.Event
	changes   int           // of the world's tasks, as far as they have been looked at
	shifts    int           // of what serves
	polling   bool          // the controller reads health again soon
	poll      time.Duration // the next look at health that shows something new; never when there is none
	kinds     map[ecsevent.Stop]failover.SignalKind
	arrivals  inbox
	wake      time.Duration // when they want a pass; never when there is none
	due       time.Duration // the next pass; never when none is wanted
	tick      time.Duration
	busyUntil time.Duration
	passed    time.Duration // when the last pass was
	acts      []act
	dirty     bool // something happened since the last pass

	m      meter
	result Result
	asked  []ask
}

type ask struct{ pool, count int }

// act is a call on its way to ECS.
type act struct {
	at   time.Duration
	asks []ask
	hold []failover.HoldDemand
	stop []failover.StopTask
	done func()
}

const never = time.Duration(math.MaxInt64)

// Simulate runs one policy through one trace.
func Simulate(r Run) (Result, error) {
	s, err := newSim(&r)
	if err != nil {
		return Result{}, err
	}
	if err := s.play(); err != nil {
		return Result{}, err
	}
	return s.finish(), nil
}

func newSim(r *Run) (*sim, error) {
	if err := r.Trace.Check(); err != nil {
		return nil, err
	}
	if r.Policy.make == nil {
		return nil, fmt.Errorf("simulate %s: %s is not a policy that can be run", r.Trace.Name, r.Policy.Name)
	}
	if r.Tasks == 0 {
		r.Tasks = 200
	}
	if r.Prices == (Prices{}) {
		r.Prices = ArticlePrices()
	}
	r.World = r.World.defaults()
	s := &sim{run: r, start: Epoch, now: -warmUp, end: r.Trace.Duration, pools: layout(r.Trace, r.Zones), byRef: map[string]int{}, kinds: map[ecsevent.Stop]failover.SignalKind{},
		c: r.Policy.Control, rng: rand.New(rand.NewPCG(r.Seed, 0xc0117201)), due: -warmUp, tick: -warmUp, wake: never, poll: never, busyUntil: -warmUp,
		passed: -warmUp, row: -1}
	s.world = ecsim.New(r.World.config(r.Seed, Epoch.Add(-warmUp)))
	s.world.SetHungStarts(ecsim.Fargate, r.World.HungStartShare)
	for i, p := range s.pools {
		s.byRef[p.name] = i
	}
	if err := build(s.world, s.pools, r.World); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", r.Trace.Name, err)
	}
	s.m = newMeter(s)
	if r.Record {
		s.result.Timeline = &Timeline{}
	}
	s.ctl = r.Policy.make(s)
	s.turn(0)
	if r.Policy.Law != nil && !s.owned {
		s.spread(s.demand)
	}
	s.tick += time.Duration(s.rng.Int64N(int64(max(s.c.Tick, time.Second)))) // ticks bear no relation to the trace's rows
	return s, nil
}

// spread asks the pools of the first tier for the demand in equal parts, as an operator would set them up.
func (s *sim) spread(n int) {
	k := 0
	for _, p := range s.pools {
		if p.tier == 0 {
			k++
		}
	}
	for i, p := range s.pools {
		if p.tier == 0 {
			part := n / k
			n, k = n-part, k-1
			s.setDesired(i, part)
		}
	}
}

// clock returns the present moment as the world's time.
func (s *sim) clock() time.Time { return s.start.Add(s.now) }

// cover is the on-demand pool.
func (s *sim) cover() int { return len(s.pools) - 1 }

// play is the loop: to the next thing that happens, measure up to it, let it happen, look.
func (s *sim) play() error {
	for steps := 0; ; steps++ {
		if steps&0xfff == 0 && s.run.Stop != nil && s.run.Stop() {
			return ErrStopped
		}
		t := s.next()
		if t > s.end {
			t = s.end
		}
		if s.now < 0 && t >= 0 { // the measurement begins
			s.advance(0)
			s.m.begin()
		} else {
			s.advance(t)
		}
		if s.now >= s.end {
			return nil
		}
		s.carry()
		s.turnRows()
		s.collect()
		s.maybePass()
	}
}

// next is when something may happen next.
func (s *sim) next() time.Duration {
	t := s.end
	if at, ok := s.world.Next(); ok {
		t = min(t, at.Sub(s.start))
	}
	t = min(t, max(min(s.due, s.tick, s.wake, s.poll), s.busyUntil))
	if len(s.acts) > 0 {
		t = min(t, s.acts[0].at)
	}
	if s.row+1 < len(s.run.Trace.At) {
		t = min(t, s.run.Trace.At[s.row+1])
	}
	if s.now < 0 {
		t = min(t, 0)
	}
	return max(t, s.now)
}

// advance moves the world to t and measures what held until then.
func (s *sim) advance(t time.Duration) {
	s.m.until(t)
	s.now = t
	s.world.AdvanceTo(s.start.Add(t))
	s.collect()
}

// turnRows applies the rows of the trace that are due.
func (s *sim) turnRows() {
	for s.now >= 0 && s.row+1 < len(s.run.Trace.At) && s.run.Trace.At[s.row+1] <= s.now {
		s.turn(s.row + 1)
	}
}

// turn applies one row of the trace: capacities, and the demand. The first row holds from the start of the warm-up.
func (s *sim) turn(row int) {
	t := s.run.Trace
	before := s.row
	s.row = row
	for c, col := range t.Columns {
		v := t.Value(row, c)
		if before >= 0 && t.Value(before, c) == v {
			continue
		}
		if col.Pool == trace.Demand {
			s.setDemand(v)
			continue
		}
		key := ecsim.SupplyKey{Region: homeRegion, Provider: ecsim.Fargate, Zone: col.Zone}
		if col.Pool != trace.OnDemand {
			key.Provider = ecsim.FargateSpot
			for _, p := range s.pools {
				if p.source == col.Pool {
					key.Region = p.ref.Region
				}
			}
		}
		s.world.SetSupply(key, v)
	}
	if before < 0 && !t.Demanded() {
		s.setDemand(s.run.Tasks)
	}
	s.dirty = true
	s.m.change()
}

// setDemand is somebody changing how many tasks are wanted.
func (s *sim) setDemand(n int) {
	s.demand = n
	s.dirty = true
	if s.run.Policy.Law != nil && s.owned {
		s.setDesired(0, n)
	}
	s.passAt(s.now) // for rivals and fixed numbers it is a change of configuration; for an owner's count an API call that wakes a pass
}

// passAt asks for a pass at t, or earlier if one is wanted then.
func (s *sim) passAt(t time.Duration) { s.due = min(s.due, max(t, s.now)) }

// maybePass runs a pass if one is due: a notice has arrived, the last pass asked for it, or it is time for the regular one.
func (s *sim) maybePass() {
	if s.now < s.busyUntil {
		return
	}
	ticked, polled := s.now >= s.tick, s.now >= s.poll
	if s.now < s.wake && s.now < s.due && !ticked && !polled {
		return
	}
	n, waiting := 0, s.arrivals.waiting()
	for n < len(waiting) && waiting[n].at <= s.now {
		n++
	}
	if ticked {
		for s.tick <= s.now {
			s.tick += s.c.Tick
		}
		if n == 0 && s.now < s.due && !s.dirty && !polled && !s.run.thorough && s.ctl.idle() {
			s.settled() // it would find nothing to do
			return
		}
	}
	if s.now >= s.due {
		s.due = never
	}
	batch := s.arrivals.take(n)
	s.settled()
	s.dirty = false
	s.asked = s.asked[:0]
	s.result.Passes++
	if n > 0 { // a regular pass that finds nothing to do is in nobody's way
		s.busyUntil = s.now + passGap
	}
	s.ctl.pass(batch)
	if len(s.asked) > 0 {
		s.send(act{asks: slices.Clone(s.asked)})
		s.choseAsks()
	}
	if s.run.audit != nil {
		s.run.audit(s)
	}
}

// settled notes that there was a pass now; what has not arrived yet wakes another one.
func (s *sim) settled() {
	s.passed, s.wake, s.poll = s.now, never, never
	waiting := s.arrivals.waiting()
	for i := range waiting {
		s.awaken(&waiting[i])
	}
}

// nextPoll is the first regular look at health from a moment on.
func (s *sim) nextPoll(from time.Duration) time.Duration {
	return (from + warmUp + healthEvery - 1).Truncate(healthEvery) - warmUp
}

func (s *sim) violation(v promise.Violation) {
	if len(s.result.Violations) < violationsMax {
		s.result.Violations = append(s.result.Violations, fmt.Sprintf("at %s: %v", s.now.Round(time.Millisecond), v))
	}
}
