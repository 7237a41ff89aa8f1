package runtask

import (
	"context"
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// again makes a call until AWS carries it out, more and more slowly; how long is bounded by [run.heard].
func (u *run) again(ctx context.Context, call func() error) error {
	for wait := u.r.Poll; ; wait = min(2*wait, shortMost) {
		err := call()
		if gone := u.heard(err); gone != nil || err == nil {
			return gone
		}
		if err := u.rest(ctx, wait); err != nil {
			return err
		}
	}
}

// heard swallows what goes by, for as long as room would be looked for: a run that hears nothing of AWS any more ends, and says what is left. One that
// cannot reach AWS at its start ends at once: an endpoint, a region or credentials may be wrong.
func (u *run) heard(err error) error {
	switch {
	case passing(err) != nil:
		return err
	case err == nil:
		u.silent = time.Time{}
		return nil
	case u.now.IsZero() && failure.Code(err) == "":
		return fmt.Errorf("%w; nothing was started", err)
	case u.silent.IsZero():
		u.silent = time.Now()
		u.note("%v; it is tried again for %s", err, wording.Span(u.r.GiveUp))
	case time.Since(u.silent) < u.r.GiveUp:
	case failure.Code(err) == "":
		return fmt.Errorf("no answer of AWS for %s: %w", wording.Span(u.r.GiveUp), err)
	default:
		return fmt.Errorf("AWS has refused for %s: %w", wording.Span(u.r.GiveUp), err)
	}
	return nil
}

// passing swallows what goes by: the next look comes soon.
func passing(err error) error {
	if err != nil && control.Passing(failure.Kind(err)) {
		return nil
	}
	return err
}
