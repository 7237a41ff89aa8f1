package function

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// insistWait is the first wait before a pass that met another's lease, or lost a race, is tried again for the
	// sake of the messages that led to it; insistMax bounds the tries, insistWaitMax the wait. A lease left behind by a
	// crash ends within control.LeaseFor.
	insistWait    = 100 * time.Millisecond
	insistWaitMax = 2 * time.Second
	insistMax     = 20
	// repeatWaitMax bounds the wait before a pass that failed for a passing reason is repeated, which is the daemon's else
	// (control.NextOf). repeatMax of them are half a minute: then the schedule is about to look, and
	// others' events have waited long enough for the invocation.
	repeatWaitMax = 5 * time.Second
	repeatMax     = 7
	// lookWithin is how far ahead, in AWS's time, a decision's own wish to be looked at again may be to be granted within
	// the invocation; looksMax bounds how often. What is further ahead waits for the schedule:
	// an invocation is paid for by its length. While tasks are under notice it is the time for which a replacement that ECS
	// has created may stand for one (ADR 10): the schedule would ask for cover half a minute later than the warning allows.
	lookWithin = 3 * time.Second
	lossWithin = 27 * time.Second
	looksMax   = 3
	// passMin is what must be left for a pass to be begun, together what passes are put off by to be made in one.
	passMin  = startMin - reserve
	together = 50 * time.Millisecond
)

// errand is a workload on its way through an invocation.
type errand struct {
	// report is what counts: the last one, but what is settled stays settled, whatever becomes of a repetition.
	report control.Report
	// next is when another pass is due; zero: none is.
	next time.Time
	// met, failed and looks count the passes that were repeated, by their reason.
	met, failed, looks int
}

// insist carries workloads through one pass each, and again, while there is time, those whose pass failed for a
// passing reason or wishes to be repeated within seconds. With patient it also repeats those that met another's pass,
// because the signals must get into the state. The reports are in the order of names.
func (f *Function) insist(ctx context.Context, names []string, signals []failover.Signal, patient bool) ([]control.Report, error) {
	errands := make(map[string]*errand, len(names))
	for _, name := range names {
		errands[name] = &errand{}
	}
	for due := names; len(due) > 0; {
		reports, err := f.loop.Pass(ctx, due, signals)
		if err != nil {
			return nil, err
		}
		for i := range reports {
			errands[reports[i].Workload].take(&reports[i], patient, f.loop.Scale)
		}
		due = f.wait(ctx, names, errands)
	}
	reports := make([]control.Report, len(names))
	for i, name := range names {
		reports[i] = errands[name].report
	}
	return reports, nil
}

// take notes how a pass ended, and when the next is due.
func (e *errand) take(r *control.Report, patient bool, scale float64) {
	if r.Result.Settled() || !e.report.Result.Settled() {
		e.report = *r
	}
	e.next = time.Time{}
	again := func(count *int, most int, d time.Duration) {
		if *count < most {
			*count++
			e.next = time.Now().Add(d)
		}
	}
	ours := func(d time.Duration) time.Duration { return time.Duration(float64(d) / scale) }
	switch next := control.NextOf(r, e.failed); {
	case next.Why == control.ForTurn:
		again(&e.met, insistMax, 0)
	case next.Why == control.ForRace:
		// Who passes it now needs no help with what is settled.
		if patient && !e.report.Result.Settled() {
			again(&e.met, insistMax, jittered(min(insistWait<<min(e.met, 10), insistWaitMax)))
		}
	case passing(r):
		again(&e.failed, repeatMax, ours(jittered(min(next.Retry, repeatWaitMax))))
	case next.Look > 0 && (next.Look <= lookWithin || next.Look <= lossWithin && leaving(&r.Decision)):
		again(&e.looks, looksMax, ours(next.Look))
	}
}

// leaving reports whether tasks are under notice.
func leaving(d *failover.Decision) bool {
	return slices.ContainsFunc(d.Pools, func(p failover.PoolDecision) bool { return p.Leaving > 0 })
}

// jittered returns half of a wait to all of it.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// wait waits for the next passes that are due and returns whose they are; none if there is none, or no time for it.
func (f *Function) wait(ctx context.Context, names []string, errands map[string]*errand) []string {
	var first time.Time
	for _, e := range errands {
		if !e.next.IsZero() && (first.IsZero() || e.next.Before(first)) {
			first = e.next
		}
	}
	deadline, bounded := ctx.Deadline()
	if first.IsZero() || ctx.Err() != nil || bounded && first.Add(passMin).After(deadline) {
		return nil
	}
	timer := time.NewTimer(time.Until(first))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil
	}
	due := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		e := errands[name]
		return e.next.IsZero() || e.next.After(first.Add(together))
	})
	f.log.LogAttrs(ctx, slog.LevelDebug, "passes are repeated", slog.Int(control.KeyWorkloads, len(due)))
	return due
}

// passing says whether a pass could not do, or not see, what it should for reasons that may all be over soon without
// anybody doing something. What is denied, wrong or not there is not worth the waiting.
func passing(r *control.Report) bool {
	switch r.Result {
	case control.ActionFailed:
		for i := range r.Outcomes { // none has an error if the time was up
			if o := &r.Outcomes[i]; o.Err != failover.ErrNone && !control.Passing(o.Err) {
				return false
			}
		}
		return true
	case control.StoreFailed, control.Unrecorded, control.Abandoned:
		var kinded control.KindedError
		if errors.As(r.Err, &kinded) {
			return control.Passing(kinded.Kind())
		}
		return errors.Is(r.Err, context.DeadlineExceeded)
	case control.Unchanged, control.Committed:
		for i := range r.Observation.Pools {
			if k := r.Observation.Pools[i].Err; k != failover.ErrNone && !control.Passing(k) {
				return false // it stays blind, whatever becomes of the others
			}
		}
		return control.MayBeRead(&r.Observation, &r.Decision)
	}
	return false
}

// rotated returns names from another one on in every minute, so that those are not always the same that an
// invocation's time does not suffice for. The starting points of a few minutes in a row are spread over all of them,
// as the multiples of the golden ratio are: in steps of one, the last of hundreds would wait for hours.
func rotated(names []string, at time.Time) []string {
	const ratio = 0x9E3779B97F4A7C15 // of 2^64
	k := uint64(at.Unix()/60) * ratio >> 32 * uint64(len(names)) >> 32
	return slices.Concat(names[k:], names[:k])
}
