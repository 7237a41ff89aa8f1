package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// prefix stands before the names of attributes that are Backstop's own; after it they are those of the log.
const prefix = "backstop."

// Tell makes spans of a report; it is for control.Loop's Tell, and does not wait.
func (t *Traces) Tell(ctx context.Context, r control.Report) {
	if t == nil {
		return
	}
	// A pass is nobody's child: what woke it may be many events.
	ctx, pass := t.tracer.Start(ctx, "pass", trace.WithNewRoot(), trace.WithTimestamp(r.Started), trace.WithAttributes(facts(&r)...))
	if pass.IsRecording() {
		for i := range r.Steps {
			t.step(ctx, &r, &r.Steps[i])
		}
		if failed(r.Result) && r.Err != nil {
			pass.SetStatus(codes.Error, r.Err.Error())
		}
	}
	pass.End(trace.WithTimestamp(r.Started.Add(r.Took)))
}

// facts are the attributes of a pass.
func facts(r *control.Report) []attribute.KeyValue {
	out := []attribute.KeyValue{
		attribute.String(prefix+control.KeyWorkload, r.Workload),
		attribute.String(prefix+control.KeyResult, string(r.Result)),
		attribute.Int64(prefix+control.KeyGeneration, int64(r.Generation)),
	}
	d := &r.Decision
	if d.Reason == "" { // it ended before anything was decided
		return out
	}
	for key, n := range map[string]failover.Range{control.KeyInService: d.InService, control.KeyMissing: d.Missing} {
		if n.Known() {
			out = append(out, attribute.Int(prefix+key, n.Low))
		}
	}
	return append(out,
		attribute.String(prefix+control.KeyReason, string(d.Reason)),
		attribute.String(prefix+control.KeyMode, string(d.Mode)),
		attribute.Int(prefix+control.KeyDemand, d.Demand),
		attribute.Int(prefix+control.KeySignals, len(r.Observation.Signals)),
		attribute.Int(prefix+control.KeyActions, len(d.Actions)),
	)
}

// step makes the span of one step, and below that of acting one for each action.
func (t *Traces) step(ctx context.Context, r *control.Report, s *control.Step) {
	from := r.Started.Add(s.After)
	ctx, span := t.tracer.Start(ctx, string(s.Name), trace.WithTimestamp(from))
	if s.Name == control.StepAct {
		t.actions(ctx, r, from)
	}
	if s.Err != nil && !lostRace(s.Err) {
		span.SetStatus(codes.Error, s.Err.Error())
	}
	span.End(trace.WithTimestamp(from.Add(s.Took)))
}

// actions makes the spans of the actions, which were carried out one after the other.
func (t *Traces) actions(ctx context.Context, r *control.Report, from time.Time) {
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if o.Skipped {
			continue
		}
		_, span := t.tracer.Start(ctx, "action", trace.WithTimestamp(from), trace.WithAttributes(
			attribute.String(prefix+control.KeyAction, wording.Action(o.Action)), attribute.String(prefix+control.KeyPool, journal.Pool(o.Action))))
		if !o.Done() {
			span.SetAttributes(attribute.String("error.type", string(o.Err)))
			span.SetStatus(codes.Error, o.Text)
		}
		from = from.Add(o.Took)
		span.End(trace.WithTimestamp(from))
	}
}

// lostRace says whether an error is that somebody else was first, which is a normal outcome.
func lostRace(err error) bool {
	var held *control.LeaseHeldError
	return errors.Is(err, control.ErrStale) || errors.As(err, &held)
}

// failed says whether a pass that ended so went wrong.
func failed(r control.Result) bool {
	switch r {
	case control.ActionFailed, control.Unrecorded, control.StoreFailed, control.Abandoned:
		return true
	}
	return false
}
