package scaler

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// ErrNoTarget is wrapped by what is done to a service that is no scalable target.
var ErrNoTarget = errors.New("no scalable target")

// Suspension says which of a target's scaling is suspended.
type Suspension struct{ In, Out, Scheduled bool }

// Target is one scalable target.
type Target struct {
	Ref       ecsim.Ref
	Min, Max  int // 0 <= Min <= Max
	Suspended Suspension
}

// Activity is one change of a desired count, or of bounds, by the scaler.
type Activity struct {
	At       time.Time
	Cause    string // a sentence
	From, To int    // desired counts
}

// activitiesMax is how many activities of a target are remembered.
const activitiesMax = 100

// targetState is a target with what belongs to it.
type targetState struct {
	Target
	policies   []*policyState
	actions    []*actionState
	activities []Activity // newest last
	lastOut    time.Time
	outBase    int // what the last scale-out was reckoned from
	lastIn     time.Time
}

// Scaler is the auto scaling of one account. Make one with New. It is not safe for concurrent use.
type Scaler struct {
	cfg     Config
	given   Config
	targets []*targetState // in the order of their making
	loads   []*loadState
	named   map[string]float64
	next    time.Time // the end of the period; zero: none is needed
}

// New makes a scaler without targets.
func New(cfg Config) *Scaler {
	return &Scaler{cfg: cfg.withDefaults(), given: cfg, named: map[string]float64{}}
}

// Config returns the configuration with its defaults filled in.
func (s *Scaler) Config() Config { return s.cfg }

// Configure changes the configuration from now on. The function is given the configuration without defaults.
func (s *Scaler) Configure(now time.Time, change func(*Config)) {
	change(&s.given)
	before := s.cfg.Period
	s.cfg = s.given.withDefaults()
	if s.cfg.Period != before {
		s.next = time.Time{}
		for _, t := range s.targets {
			for _, p := range t.policies {
				p.points = nil // of another period
			}
		}
		s.replan(now)
	}
}

// Register makes or changes a target; its policies and actions stay. As on AWS, a desired count outside the bounds is moved inside,
// whatever the call was for. The error is the fleet's, or says which value is out of range.
func (s *Scaler) Register(f Fleet, t Target) error {
	if t.Min < 0 || t.Max < t.Min {
		return fmt.Errorf("register scalable target: bounds out of range (min %d, max %d)", t.Min, t.Max)
	}
	state := s.find(t.Ref)
	if state == nil {
		state = &targetState{}
		s.targets = append(s.targets, state)
	}
	resumed := state.Suspended.Scheduled && !t.Suspended.Scheduled
	state.Target = t
	if resumed {
		s.resume(f, state)
	}
	if s.cfg.LeaveOutside {
		return nil
	}
	return s.enforce(f, state, "a scalable target was registered")
}

// enforce moves a desired count inside the bounds.
func (s *Scaler) enforce(f Fleet, t *targetState, cause string) error {
	g, ok := f.Glance(t.Ref)
	if !ok {
		return fmt.Errorf("scale %s: the service is not there", t.Ref.Service)
	}
	if inside := min(max(g.TrueDesired, t.Min), t.Max); inside != g.TrueDesired {
		return t.set(f, g.TrueDesired, inside, cause)
	}
	return nil
}

// set writes a desired count and remembers it.
func (t *targetState) set(f Fleet, from, to int, cause string) error {
	if err := f.SetDesired(t.Ref, to); err != nil {
		return fmt.Errorf("set desired count of %s: %w", t.Ref.Service, err)
	}
	t.activities = append(t.activities, Activity{At: f.Now(), Cause: cause, From: from, To: to})
	if extra := len(t.activities) - activitiesMax; extra > 0 {
		t.activities = t.activities[extra:]
	}
	return nil
}

// Deregister removes a target with its policies and actions. It reports whether there was one.
func (s *Scaler) Deregister(ref ecsim.Ref) bool {
	before := len(s.targets)
	s.targets = slices.DeleteFunc(s.targets, func(t *targetState) bool { return t.Ref == ref })
	return len(s.targets) < before
}

// Target returns a target as it is now: a scheduled action may have changed its bounds.
func (s *Scaler) Target(ref ecsim.Ref) (Target, bool) {
	t := s.find(ref)
	if t == nil {
		return Target{}, false
	}
	return t.Target, true
}

// Activities returns the latest activities of a target, newest first.
func (s *Scaler) Activities(ref ecsim.Ref) []Activity {
	t := s.find(ref)
	if t == nil {
		return nil
	}
	out := slices.Clone(t.activities)
	slices.Reverse(out)
	return out
}

// PutPolicy adds a policy, or replaces the one of its name, which forgets its data points. The error wraps ErrNoTarget.
func (s *Scaler) PutPolicy(now time.Time, ref ecsim.Ref, p Policy) error {
	t := s.find(ref)
	if t == nil {
		return fmt.Errorf("put policy %s: %w", p.Name, ErrNoTarget)
	}
	s.DeletePolicy(ref, p.Name)
	t.policies = append(t.policies, &policyState{Policy: p})
	s.replan(now)
	return nil
}

// SetAlarm gives a step scaling policy its alarm; nil takes it away. The error wraps ErrNoTarget, or says that no such policy is there.
func (s *Scaler) SetAlarm(ref ecsim.Ref, policy string, a *Alarm) error {
	t := s.find(ref)
	if t == nil {
		return fmt.Errorf("set alarm of %s: %w", policy, ErrNoTarget)
	}
	for _, p := range t.policies {
		if p.Name == policy && p.Steps != nil {
			steps := *p.Steps
			steps.Alarm = a
			p.Steps, p.points = &steps, nil
			return nil
		}
	}
	return fmt.Errorf("set alarm of %s: no such step scaling policy", policy)
}

// DeletePolicy removes a policy and reports whether there was one.
func (s *Scaler) DeletePolicy(ref ecsim.Ref, name string) bool {
	t := s.find(ref)
	if t == nil {
		return false
	}
	before := len(t.policies)
	t.policies = slices.DeleteFunc(t.policies, func(p *policyState) bool { return p.Name == name })
	return len(t.policies) < before
}

func (s *Scaler) find(ref ecsim.Ref) *targetState {
	for _, t := range s.targets {
		if t.Ref == ref {
			return t
		}
	}
	return nil
}

// replan plans the end of the present period where something needs it.
func (s *Scaler) replan(now time.Time) {
	needed := len(s.loads) > 0
	for _, t := range s.targets {
		needed = needed || len(t.policies) > 0
	}
	switch {
	case !needed:
		s.next = time.Time{}
	case s.next.IsZero():
		s.next = now.Truncate(s.cfg.Period).Add(s.cfg.Period)
	}
}

// Next returns when the scaler will look next, and false if it has nothing to do.
func (s *Scaler) Next() (time.Time, bool) {
	next := s.next
	for _, t := range s.targets {
		for _, a := range t.actions {
			if !a.due.IsZero() && (next.IsZero() || a.due.Before(next)) {
				next = a.due
			}
		}
	}
	return next, !next.IsZero()
}

// AdvanceTo moves the fleet to t and lets the scaler act on the way. A t before the fleet's present does nothing.
func (s *Scaler) AdvanceTo(f Fleet, t time.Time) {
	for {
		next, ok := s.Next()
		if !ok || next.After(t) {
			break
		}
		f.AdvanceTo(next)
		s.apply(f, next)
		if !s.next.IsZero() && !s.next.After(next) {
			s.look(f, next)
			s.next = next.Truncate(s.cfg.Period).Add(s.cfg.Period)
			s.replan(next)
		}
	}
	f.AdvanceTo(t)
}

// look is the end of a period.
func (s *Scaler) look(f Fleet, now time.Time) {
	for _, l := range s.loads {
		l.flow(f, now)
	}
	for _, t := range s.targets {
		for _, p := range t.policies {
			value, ok := s.measure(f, p.metric(), t.Ref)
			keep := max(s.cfg.OutPeriods, s.cfg.inPeriods())
			if p.Steps != nil && p.Steps.Alarm != nil {
				keep = max(1, p.Steps.Alarm.Periods)
			}
			p.record(point{value, !ok}, keep)
		}
		s.decide(f, t, now)
	}
}
