package runtask

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// heard swallows what goes by, for as long as room would be looked for: a run that hears nothing of AWS any more ends, and says what is left.
func (u *run) heard(err error) error {
	switch {
	case passing(err) != nil:
		return err
	case err == nil:
		u.silent = time.Time{}
		return nil
	case u.silent.IsZero():
		u.silent = time.Now()
		u.note("%v; it is tried again for %s", err, wording.Span(u.r.GiveUp))
	case time.Since(u.silent) >= u.r.GiveUp:
		return fmt.Errorf("no answer of AWS for %s: %w", wording.Span(u.r.GiveUp), err)
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
