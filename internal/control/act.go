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

// turn waits until the decision's actions may be carried out. It reports false when that took so long that the look is too old to act
// on; and the result is [Waiting] when it took longer than the workload is to be kept from another look.
func (l *Loop) turn(pass context.Context, j *job) (fresh bool) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(pass, turnTimeout)
	defer cancel()
	used := make(map[string]int, len(j.turns))
	for _, a := range j.report.Decision.Actions {
		name := journal.Pool(a)
		if used[name]++; used[name] <= len(j.turns[name]) {
			continue
		}
		k := slices.IndexFunc(j.w.Policy.Pools, func(p failover.Pool) bool { return p.Name == name })
		if k < 0 {
			continue // carrying it out says so
		}
		giveBack, err := l.Services.Turn(ctx, j.w.Refs[k], a)
		if err != nil {
			j.report.Result, j.report.Err = Waiting, fmt.Errorf("pass of %s: %w", j.w.Name, err)
			return true
		}
		if j.turns == nil {
			j.turns = make(map[string][]func())
		}
		j.turns[name] = append(j.turns[name], giveBack)
	}
	if time.Since(begun) < lookOld {
		return true
	}
	if end, ok := pass.Deadline(); ok && time.Until(end) < LookTimeout+ActTimeout {
		j.report.Result, j.report.Err = Waiting, fmt.Errorf("pass of %s: too little time is left for another look", j.w.Name)
		return true
	}
	return false
}

// giveBack gives back the turns that the pass did not use: it had nothing to do any more, or another program was first.
func (j *job) giveBack() {
	for _, turns := range j.turns {
		for _, giveBack := range turns {
			giveBack()
		}
	}
}

// apply carries out an action, and uses up its turn.
func (l *Loop) apply(ctx context.Context, j *job, a failover.Action) error {
	w, name := j.w, journal.Pool(a)
	if turns := j.turns[name]; len(turns) > 0 {
		j.turns[name] = turns[1:]
	}
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

// KindOf returns the kind of an adapter's error; of any other, whether the time was up.
func KindOf(err error) failover.ErrorKind {
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

// HintOf returns what a person can do about an error, by the first in its chain that knows, or "".
func HintOf(err error) string {
	var knows interface{ Hint() string }
	if errors.As(err, &knows) {
		return knows.Hint()
	}
	return ""
}
