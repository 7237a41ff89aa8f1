package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// raises reports whether an action raises a count.
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
