package scaler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Action is a scheduled action: at its times it gives a target new bounds, and moves the desired count inside.
type Action struct {
	Name       string
	Schedule   string    // at(yyyy-mm-ddThh:mm:ss), rate(N minutes|hours|days) or cron(minute hour day month weekday year), in UTC
	Start, End time.Time // zero: no bound
	Min, Max   *int      // nil: unchanged
}

// actionState is an action with when it is due.
type actionState struct {
	Action
	when   schedule
	due    time.Time // zero: never again
	missed bool      // it fell due while suspended
}

// schedule returns the first time after a moment; zero: none.
type schedule func(after time.Time) time.Time

// PutAction adds a scheduled action, or replaces the one of its name. The error wraps ErrNoTarget or says what is wrong with the action.
func (s *Scaler) PutAction(now time.Time, ref ecsim.Ref, a Action) error {
	t := s.find(ref)
	if t == nil {
		return fmt.Errorf("put scheduled action %s: %w", a.Name, ErrNoTarget)
	}
	when, err := parseSchedule(a.Schedule, later(now, a.Start))
	if err != nil {
		return fmt.Errorf("put scheduled action %s: %w", a.Name, err)
	}
	s.DeleteAction(ref, a.Name)
	state := &actionState{Action: a, when: when}
	state.plan(later(now, a.Start.Add(-time.Nanosecond)))
	t.actions = append(t.actions, state)
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// plan finds the first time after a moment.
func (a *actionState) plan(after time.Time) {
	a.due = a.when(after)
	if !a.End.IsZero() && a.due.After(a.End) {
		a.due = time.Time{}
	}
}

// DeleteAction removes a scheduled action and reports whether there was one.
func (s *Scaler) DeleteAction(ref ecsim.Ref, name string) bool {
	t := s.find(ref)
	if t == nil {
		return false
	}
	before := len(t.actions)
	t.actions = slices.DeleteFunc(t.actions, func(a *actionState) bool { return a.Name == name })
	return len(t.actions) < before
}

// apply takes the actions that are due.
func (s *Scaler) apply(f Fleet, now time.Time) {
	for _, t := range s.targets {
		for _, a := range t.actions {
			if a.due.IsZero() || a.due.After(now) {
				continue
			}
			a.plan(now)
			if t.Suspended.Scheduled {
				a.missed = true
				continue
			}
			s.take(f, t, a)
		}
	}
}

// resume takes what fell due while suspended, if the model says so.
func (s *Scaler) resume(f Fleet, t *targetState) {
	for _, a := range t.actions {
		if a.missed && s.cfg.LateActions {
			s.take(f, t, a)
		}
		a.missed = false
	}
}

// take gives the target an action's bounds. Bounds that cross each other with those that stay are refused, as a failed activity.
func (s *Scaler) take(f Fleet, t *targetState, a *actionState) {
	low, high := t.Min, t.Max
	if a.Min != nil {
		low = *a.Min
	}
	if a.Max != nil {
		high = *a.Max
	}
	if high < low {
		return
	}
	t.Min, t.Max = low, high
	_ = s.enforce(f, t, "scheduled action "+a.Name) // a service that has gone is not scaled
}

func parseSchedule(text string, from time.Time) (schedule, error) {
	kind, rest, ok := strings.Cut(text, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("schedule %q: want at(...), rate(...) or cron(...)", text)
	}
	switch kind {
	case "at":
		at, err := time.Parse("2006-01-02T15:04:05", body)
		if err != nil {
			return nil, fmt.Errorf("schedule %q: want at(yyyy-mm-ddThh:mm:ss)", text)
		}
		return func(after time.Time) time.Time {
			if at.After(after) {
				return at
			}
			return time.Time{}
		}, nil
	case "rate":
		return parseRate(text, body, from)
	case "cron":
		return parseCron(text, strings.Fields(body))
	}
	return nil, fmt.Errorf("schedule %q: want at(...), rate(...) or cron(...)", text)
}

func parseRate(text, body string, from time.Time) (schedule, error) {
	number, unit, _ := strings.Cut(body, " ")
	n, err := strconv.Atoi(number)
	per := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(unit, "s")]
	if err != nil || n < 1 || n > 100_000 || per == 0 {
		return nil, fmt.Errorf("schedule %q: want rate(N minutes|hours|days)", text)
	}
	every := time.Duration(n) * per
	return func(after time.Time) time.Time {
		if after.Before(from) {
			return from.Add(every)
		}
		return from.Add((after.Sub(from)/every + 1) * every)
	}, nil
}
