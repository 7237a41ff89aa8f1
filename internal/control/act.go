package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

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
		err := l.apply(ctx, j.w, a)
		out.Took = time.Since(started)
		if err != nil {
			stopped = true
			out.Err, out.Text, out.Hint = kindOf(err), err.Error(), hintOf(err)
			if r.Err == nil { // the outcomes have them all
				r.Err = fmt.Errorf("%s: %w", journal.Text(a), err)
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

func raises(a failover.Action) bool {
	set, ok := a.(failover.SetDesiredCount)
	return ok && set.Count > set.From
}

func (l *Loop) apply(ctx context.Context, w *Workload, a failover.Action) error {
	name := journal.Pool(a)
	for k := range w.Policy.Pools {
		if w.Policy.Pools[k].Name == name {
			ctx, cancel := context.WithTimeout(ctx, ActTimeout)
			defer cancel()
			return l.Services.Apply(ctx, w.Refs[k], a)
		}
	}
	return fmt.Errorf("pool %q is not one of workload %s", name, w.Name)
}

// release commits the outcome and gives back the lease. It is tried even when the pass was told to stop; when
// it fails the lease runs out by itself and the next pass asks again for what it does not see done. So it does
// when a call was cut off: it may still arrive, and must not find somebody else's newer decision there.
func (l *Loop) release(ctx context.Context, j *job, of string, lease Lease) error {
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
	err := l.Store.Commit(ctx, l.Owner, next, l.Now(), []journal.Entry{entry})
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

// ownLease returns the lease that a pass of ours left behind because a call was cut off, as long as it runs. A
// commit that does not act must not give it back.
func (l *Loop) ownLease(j *job, now time.Time) Lease {
	if own := j.record.Lease; own.Owner == l.Owner && now.Before(own.Until) {
		return own
	}
	return Lease{}
}

// cutOff says whether an action was tried and its fate is not known.
func cutOff(outcomes []journal.Outcome) bool {
	return slices.ContainsFunc(outcomes, func(o journal.Outcome) bool { return o.Err == failover.ErrTimeout })
}

// kindOf returns the kind of an adapter's error; of any other, whether the time was up.
func kindOf(err error) failover.ErrorKind {
	var kinded KindedError
	switch {
	case err == nil:
		return failover.ErrNone
	case errors.As(err, &kinded):
		return kinded.Kind()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return failover.ErrTimeout
	}
	return failover.ErrUnknown
}

// hintOf returns what a person can do about an adapter's or a store's error, or "".
func hintOf(err error) string {
	var knows interface{ Hint() string }
	if errors.As(err, &knows) {
		return knows.Hint()
	}
	return ""
}
