package parts

import (
	"context"
	"log/slog"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Teller writes a log line for every report, and one for every notice that was not there before. It is
// called by one goroutine at a time.
type Teller struct {
	log  *slog.Logger
	next func(ctx context.Context, r control.Report)
}

// NewTeller returns a teller that hands every report on to next, if that is not nil, after it was logged.
func NewTeller(log *slog.Logger, next func(ctx context.Context, r control.Report)) *Teller {
	return &Teller{log: log, next: next}
}

// Tell logs a report and hands it on.
func (t *Teller) Tell(ctx context.Context, r control.Report) {
	if level := level(&r); t.log.Enabled(ctx, level) {
		t.log.LogAttrs(ctx, level, "pass", attrs(&r)...)
	}
	if r.Result.Settled() {
		t.notices(ctx, &r)
	}
	if t.next != nil {
		t.next(ctx, r)
	}
}

// level is info for what changed something, warning for what went wrong or was not seen, and debug for the rest: lost
// races, and a time of blindness once it has been told of.
func level(r *control.Report) slog.Level {
	switch r.Result {
	case control.Committed:
		if control.Unseen(r.Observation.Pools) != nil {
			return slog.LevelWarn
		}
		return slog.LevelInfo
	case control.ActionFailed, control.StoreFailed, control.Abandoned, control.Unrecorded:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func attrs(r *control.Report) []slog.Attr {
	d := &r.Decision
	out := []slog.Attr{slog.String(control.KeyWorkload, r.Workload), slog.String(control.KeyResult, string(r.Result))}
	if !d.At.IsZero() {
		out = append(out, slog.String(control.KeyReason, string(d.Reason)), slog.String(control.KeyMode, string(d.Mode)),
			slog.Int(control.KeyDemand, d.Demand), count(control.KeyInService, d.InService), count(control.KeyMissing, d.Missing),
			slog.Time(control.KeyAt, d.At))
	}
	out = append(out, slog.Uint64(control.KeyGeneration, r.Generation), slog.Int(control.KeySignals, len(r.Observation.Signals)),
		slog.Duration(control.KeyTook, r.Took))
	if len(d.Actions) > 0 {
		out = append(out, slog.Any(control.KeyActions, texts(d.Actions)))
	}
	if len(d.Withheld) > 0 {
		out = append(out, slog.Any(control.KeyWithheld, texts(d.Withheld)))
	}
	if r.Err != nil {
		out = append(out, slog.Any(control.KeyErr, r.Err))
	}
	if err := control.Unseen(r.Observation.Pools); err != nil {
		out = append(out, slog.Any(control.KeyUnread, err))
	}
	for i := range r.Outcomes {
		if h := r.Outcomes[i].Hint; h != "" {
			out = append(out, slog.String(control.KeyHint, h))
		}
	}
	return out
}

// count is a number where it is known, else text such as "8 to 12".
func count(key string, n failover.Range) slog.Attr {
	if n.Known() {
		return slog.Int(key, n.Low)
	}
	return slog.String(key, n.String())
}

func texts(actions []failover.Action) []string {
	out := make([]string, len(actions))
	for i, a := range actions {
		out[i] = wording.Action(a)
	}
	return out
}

// notices logs what a person should be told and was not: what the state before the pass knows of was.
func (t *Teller) notices(ctx context.Context, r *control.Report) {
	for _, n := range failover.News(&r.Before, &r.Decision) {
		level := slog.LevelInfo
		switch n.Severity {
		case failover.Warning:
			level = slog.LevelWarn
		case failover.Critical:
			level = slog.LevelError
		}
		t.log.LogAttrs(ctx, level, "notice", slog.String(control.KeyWorkload, r.Workload), slog.String(control.KeyReason, string(n.Reason)),
			slog.String(control.KeySeverity, string(n.Severity)), slog.String("text", n.Text), slog.String(control.KeyHint, n.Do))
	}
}
