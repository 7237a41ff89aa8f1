package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/backstop-ecs/backstop/internal/aws/clock"
	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Report is what was measured. Durations are in seconds after the first task was told to stop, by AWS's clock; absent: not seen.
type Report struct {
	Plan
	Began time.Time `json:"began"`
	// Heard is when the guard decided on the first event, Asked when ECS took its call for cover. Without cover ECS's own replacements on
	// Spot were proved in time.
	Heard *float64 `json:"heard_seconds,omitempty"`
	Asked *float64 `json:"cover_asked_seconds,omitempty"`
	Cover int      `json:"cover_tasks"`
	// Placed, Running and Ready are when as many tasks as were stopped had capacity, ran, and were in service; Whole is when all that is
	// wanted was in service again, Over when it was as before, cover given back.
	Placed  *float64 `json:"placed_seconds,omitempty"`
	Running *float64 `json:"running_seconds,omitempty"`
	Ready   *float64 `json:"ready_seconds,omitempty"`
	Whole   *float64 `json:"whole_seconds,omitempty"`
	Over    *float64 `json:"over_seconds,omitempty"`
	// Lowest is the least that served, stopped tasks that still worked included, and ShortSeconds for how long less than was wanted did.
	Lowest       int     `json:"lowest_in_service"`
	ShortSeconds float64 `json:"short_seconds"`
	// OnDemandHours are the task-hours of cover, USD what they cost if the price is known.
	OnDemandHours float64  `json:"on_demand_task_hours"`
	USD           *float64 `json:"usd,omitempty"`
	// Every is the time between two looks in seconds: no time above is more exact.
	Every float64 `json:"look_seconds"`
}

// lookLeast is the least real time between two looks, at a sandbox whose clock runs fast.
const lookLeast = 50 * time.Millisecond

// deafFor is how long after all is in service again a guard that has heard of nothing is given: an event takes a second.
const deafFor = 15 * time.Second

// Run carries a plan out and measures until the workload is as it was, the timeout has passed or ctx ends. The report has what was seen
// until then, also with an error. Nothing needs to be undone: the guard and ECS go on by themselves.
func Run(ctx context.Context, o Options, p *Plan) (Report, error) {
	r := Report{Plan: *p, Lowest: p.InService, Every: o.Every.Seconds()}
	began, speed, err := stop(ctx, o.AWS, p)
	if err != nil {
		return r, err
	}
	pause := max(time.Duration(float64(o.Every)/speed), min(o.Every, lookLeast))
	r.Began, r.Every = began, pause.Seconds()*speed
	victims := make(map[string]bool, len(p.Tasks))
	for _, id := range p.Tasks {
		victims[id] = true
	}
	end := time.Now().Add(o.Timeout)
	last := began
	for r.Over == nil && time.Now().Before(end) {
		if !control.Wait(ctx, pause) {
			return r, ctx.Err()
		}
		if err := r.hear(ctx, &o); err != nil {
			return r, err
		}
		now, err := see(ctx, &o)
		if err != nil {
			continue // what cannot be read now can be later
		}
		r.take(now, victims, last, o.TaskHourUSD)
		last = now.at
		if o.Progress != nil {
			o.Progress(r)
		}
	}
	return r, nil
}

// stop tells the tasks to stop, and returns when the first was, by AWS's clock, and that clock's speed: 1 but in a sandbox.
func stop(ctx context.Context, cfg aws.Config, p *Plan) (first time.Time, speed float64, err error) {
	speed = 1
	c := client(cfg, p.ref)
	var failed error
	for _, id := range p.Tasks {
		out, err := c.StopTask(ctx, &ecs.StopTaskInput{Cluster: &p.ref.Cluster, Task: aws.String(id), Reason: aws.String(ecsevent.DrillReason)})
		if err != nil {
			failed = errors.Join(failed, failure.Wrap("ecs:StopTask", "stop task "+id, err))
			continue
		}
		if _, fast := clock.Of(out.ResultMetadata); fast > 0 {
			speed = fast
		}
		at := aws.ToTime(out.Task.StoppingAt)
		if at.IsZero() {
			at = time.Now()
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if first.IsZero() {
		return first, speed, failed
	}
	return first.UTC(), speed, nil // one that could not be stopped had stopped by itself, or makes the drill smaller
}

// hear looks into the journal for what the guard made of the events.
func (r *Report) hear(ctx context.Context, o *Options) error {
	if r.Heard != nil && (r.Asked != nil || r.Whole != nil) {
		return nil
	}
	entries, err := o.Store.Journal(ctx, journal.Query{Workload: r.Workload, From: r.Began.Add(-time.Second), Kinds: []journal.Kind{journal.KindDecision, journal.KindOutcome}, Limit: journal.LimitMax})
	if err != nil {
		return fmt.Errorf("read journal of %s: %w", r.Workload, err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		if e.Observation != nil && slices.ContainsFunc(e.Observation.Signals, func(s failover.Signal) bool { return slices.Contains(r.Tasks, s.Task) }) {
			r.once(&r.Heard, e.At)
		}
		for k := range e.Outcomes {
			if set, ok := e.Outcomes[k].Action.(failover.SetDesiredCount); ok && e.Outcomes[k].Done() && set.Pool != r.Pool && set.Count > r.onDemand {
				r.once(&r.Asked, e.At)
			}
		}
	}
	return nil
}

// once notes the first moment of something.
func (r *Report) once(to **float64, at time.Time) {
	if *to == nil {
		seconds := max(0, at.Sub(r.Began).Seconds())
		*to = &seconds
	}
}

// take adds a look.
func (r *Report) take(now *sight, victims map[string]bool, last time.Time, price float64) {
	span := max(0, now.at.Sub(last).Hours())
	asked, live := now.cover()
	r.Cover = max(r.Cover, asked-r.onDemand)
	r.OnDemandHours += float64(max(0, live-r.onDemand)) * span
	if price > 0 {
		usd := r.OnDemandHours * price
		r.USD = &usd
	}
	placed, running, ready := now.fresh(r.Began)
	for _, mark := range []struct {
		n  int
		to **float64
	}{{placed, &r.Placed}, {running, &r.Running}, {ready, &r.Ready}} {
		if mark.n >= len(r.Tasks) {
			r.once(mark.to, now.at)
		}
	}
	serving := now.serving(victims)
	r.Lowest = min(r.Lowest, serving)
	if serving < r.Demand {
		r.ShortSeconds += span * 3600
	}
	gone := !slices.ContainsFunc(now.pools[r.spot].tasks, func(t failover.Task) bool { return victims[t.ID] && t.Phase != failover.Leaving })
	inService := 0
	for i := range now.pools {
		inService += len(now.pools[i].serving())
	}
	if gone && inService >= r.Demand {
		r.once(&r.Whole, now.at)
		deaf := r.Heard == nil && now.at.Sub(r.Began.Add(seconds(*r.Whole))) < deafFor // it may yet hear of it
		if !deaf && asked <= r.onDemand && len(now.pools[r.spot].serving()) >= now.pools[r.spot].desired {
			r.once(&r.Over, now.at)
		}
	}
}
