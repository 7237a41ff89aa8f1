package demo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	// tick is how often the daemon looks when nothing happens: the product's default.
	tick = time.Minute
	// latency is the virtual time from a message's arrival to the pass that it wakes: the long poll's answer
	// and the daemon's collecting of a burst, rounded up. The calls of the pass itself take no virtual time.
	latency = 300 * time.Millisecond
	// gap is the least virtual time between two passes that messages wake, and newsGap that where no Spot task
	// was interrupted since the last pass: news of tasks that have started only ever lets cover go. The daemon
	// needs less: its own gap is a tenth of a second, and the adapter's rate limits, which count in real time and
	// are off here, leave two passes in three seconds to a workload of this size. So a play is a little slower
	// than the product, and a day takes seconds.
	gap     = 2 * time.Second
	newsGap = 5 * time.Second
	// soonest is the least virtual time before the daemon's own wish to look again, as in its loop.
	soonest = time.Second
	// receivesMax bounds the receives of one pass: the burst of a whole workload, and to spare.
	receivesMax = 1000
)

// driver moves the world and the daemon in lock step.
type driver struct {
	box      *sandbox.Sandbox
	stage    *Stage
	loop     *control.Loop
	queue    control.Queue
	from     string // the queue's name
	rival    *Rival // nil: the product guards
	workload control.Workload
	meter    *meter
	pace     *pace
	log      *record
	tell     func(Update)

	// arrived says that a message became visible since the last pass.
	arrived atomic.Bool
	again   time.Time // the daemon's own wish to look again
	passed  time.Time // the last pass
	taken   int       // Spot tasks interrupted by then
}

// onMessage is told of every message; it is called with the sandbox locked.
func (r *driver) onMessage(m sandbox.Delivery) {
	if m.Queue == r.from {
		r.arrived.Store(true)
	}
}

// play runs a scenario from the present on.
func (r *driver) play(ctx context.Context, s Scenario) error {
	begin := r.box.Now()
	end := begin.Add(s.Length)
	steps := sorted(s.Steps)
	nextTick := begin.Add(tick)
	for now := begin; now.Before(end); now = r.box.Now() {
		if err := ctx.Err(); err != nil {
			return err
		}
		until := earliest(end, nextTick)
		if len(steps) > 0 {
			until = earliest(until, begin.Add(steps[0].At))
		}
		if r.again.After(now) {
			until = earliest(until, r.again)
		}
		if err := r.advance(ctx, until, true); err != nil {
			return err
		}
		now = r.box.Now()
		for len(steps) > 0 && !begin.Add(steps[0].At).After(now) {
			if err := steps[0].Do(r.stage); err != nil {
				return fmt.Errorf("scenario %s at %s: %w", s.Name, steps[0].At, err)
			}
			r.measure()
			if steps[0].Say != "" {
				r.tell(Update{Kind: WorldChanged, At: now, Text: steps[0].Say, Frame: r.frame()})
			}
			steps = steps[1:]
		}
		if r.arrived.Load() { // the daemon answers a little later, and takes what has come by then
			answer := now.Add(latency)
			if next := r.passed.Add(r.gap()); next.After(answer) {
				answer = next
			}
			if err := r.advance(ctx, earliest(end, answer), false); err != nil {
				return err
			}
		}
		due := !nextTick.After(r.box.Now())
		for !nextTick.After(r.box.Now()) {
			nextTick = nextTick.Add(tick)
		}
		if r.arrived.Load() || due || (!r.again.IsZero() && !r.again.After(r.box.Now())) {
			if err := r.pass(ctx); err != nil {
				return err
			}
		}
		if due {
			r.tell(Update{Kind: Tick, At: r.box.Now(), Frame: r.frame()})
		}
		if err := r.pace.wait(ctx, r.box.Now().Sub(begin)); err != nil {
			return err
		}
	}
	return nil
}

// advance moves the world to a moment, event by event, and measures on the way; with stop it ends early
// when a message became visible.
func (r *driver) advance(ctx context.Context, until time.Time, stop bool) error {
	for {
		next, ok := r.box.Next()
		if !ok || next.After(until) {
			next = until
		}
		r.box.AdvanceTo(next)
		r.measure()
		if (stop && r.arrived.Load()) || !next.Before(until) {
			return ctx.Err()
		}
	}
}

func (r *driver) gap() time.Duration {
	if r.rival != nil {
		return 0
	}
	if r.meter.last.spotUse.Interruptions > r.taken {
		return gap
	}
	return newsGap
}

func (r *driver) measure() { r.meter.step(r.box.Now(), r.stage.sample()) }

// pass lets the daemon take what is in the queue, look, decide and act, exactly as its own loop does.
func (r *driver) pass(ctx context.Context) error {
	r.arrived.Store(false)
	r.passed, r.taken = r.box.Now(), r.meter.last.spotUse.Interruptions
	if r.queue == nil {
		return nil
	}
	var messages []control.Message
	var signals []failover.Signal
	var bodies []string
	for range receivesMax {
		got, err := r.queue.Receive(ctx, 0)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if len(got) == 0 {
			break
		}
		messages = append(messages, got...)
		for _, m := range got {
			if r.rival != nil {
				bodies = append(bodies, string(m.Body))
				continue
			}
			s, ok, err := r.loop.Parse(m.Body)
			if err != nil {
				return fmt.Errorf("parse message %s: %w", m.ID, err)
			}
			if ok {
				signals = append(signals, s)
			}
		}
	}
	var reports []control.Report
	var err error
	if r.rival != nil {
		err = r.rival.Take(ctx, bodies)
	} else {
		reports, err = r.loop.Pass(ctx, []string{r.workload.Name}, signals)
	}
	if err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	r.measure()
	for i := range reports {
		if err := r.report(&reports[i]); err != nil {
			return err
		}
	}
	for len(messages) > 0 {
		n := min(len(messages), control.BatchMax)
		if err := r.queue.Ack(ctx, messages[:n]); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}

// report checks one pass against the product's invariants, counts it and hands it on.
func (r *driver) report(p *control.Report) error {
	if !p.Result.Settled() {
		return fmt.Errorf("pass of %s at %s ended as %s: %w", p.Workload, p.Decision.At.UTC().Format(time.TimeOnly), p.Result,
			errors.Join(p.Err, errUnsettled))
	}
	r.again = time.Time{}
	if at := p.Decision.LookAgain; !at.IsZero() {
		r.again = r.box.Now().Add(max(at.Sub(p.Observation.At), soonest))
	}
	// The same once more, without what the loop has written into the state since (generation, outcome).
	after, d := failover.Decide(r.workload.Policy, p.Before, p.Observation)
	for _, v := range promise.Check(&r.workload.Policy, &p.Before, &p.Observation, &after, &d) {
		r.log.violate(p.Decision.At, v)
	}
	if d, ok := r.log.take(p); ok {
		r.tell(Update{Kind: Decided, At: r.box.Now(), Text: d.Text, Decision: &d, Frame: r.frame()})
	}
	return nil
}

var errUnsettled = errors.New("nothing but the demo uses this sandbox, so a pass must settle")

func (r *driver) frame() Frame {
	v := r.meter.last
	used, alone := r.meter.cost()
	return Frame{At: r.meter.now, Demand: v.demand, Spot: v.spot, OnDemand: v.onDemand, Working: v.working, Arriving: v.arriving, Breaker: r.log.breaker, Mode: r.log.mode,
		ShortTaskMinutes: r.meter.short / 60, CostUSD: used, OnDemandOnlyUSD: alone}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
