package scaler

import (
	"fmt"
	"math"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// wish is what one policy wants.
type wish struct {
	count    int
	out, in  bool
	calm     bool // neither, with data: it does not want a scale-in
	policy   string
	cooldown time.Duration
	base     int
}

// decide lets the policies of a target act: the largest scale-out that one wants, or a scale-in on which all agree that may want one.
func (s *Scaler) decide(f Fleet, t *targetState, now time.Time) {
	g, ok := f.Glance(t.Ref)
	if !ok || g.Status != "ACTIVE" {
		return
	}
	_, running, _ := f.Counts(t.Ref)
	var out, in *wish
	agreed := true
	for _, p := range t.policies {
		w := s.wishOf(t, p, running, g.TrueDesired, now)
		switch {
		case w.out && (out == nil || w.count > out.count):
			out = &w
		case w.in && (in == nil || w.count > in.count):
			in = &w
		case !w.out && !w.in && w.calm:
			agreed = false
		}
	}
	switch {
	case out != nil:
		s.scaleOut(f, t, out, g.TrueDesired, now)
	case in != nil && agreed:
		s.scaleIn(f, t, in, &g, now)
	}
}

func (s *Scaler) wishOf(t *targetState, p *policyState, running, desired int, now time.Time) wish {
	base := running
	if s.cfg.FromDesired {
		base = desired
	}
	switch {
	case p.Tracking != nil:
		return s.track(t, p, base, now)
	case p.Steps != nil && p.Steps.Alarm != nil:
		return s.step(p, base, desired)
	}
	return wish{}
}

// track is target tracking: the count at which the metric would be at its target.
func (s *Scaler) track(t *targetState, p *policyState, base int, now time.Time) wish {
	k := p.Tracking
	w := wish{policy: p.Name}
	high := p.breach(s.cfg.OutPeriods, func(v float64) bool { return v > k.Value })
	low := p.breach(s.cfg.inPeriods(), func(v float64) bool { return v < k.Value*(1-s.cfg.InMargin) })
	if high {
		w.cooldown = orCooldown(k.OutCooldown, s.cfg.Cooldown)
		if s.cfg.FromDesired && !t.lastOut.IsZero() && now.Sub(t.lastOut) < w.cooldown {
			base = t.outBase // what the last scale-out added is part of what this one wants
		}
	}
	w.base = base
	// A ratio of floats that should be a whole number must not be rounded up beyond it.
	w.count = int(math.Ceil(float64(base)*p.last().value/k.Value - 1e-9))
	switch {
	case high:
		w.out = true
	case low && !k.DisableScaleIn:
		w.in, w.cooldown = true, orCooldown(k.InCooldown, s.cfg.Cooldown)
	default:
		w.calm = !k.DisableScaleIn
	}
	return w
}

// step is step scaling: the alarm's breach chooses the step. A step policy has no say in a scale-in of others.
func (s *Scaler) step(p *policyState, base, desired int) wish {
	k, a := p.Steps, p.Steps.Alarm
	w := wish{policy: p.Name, base: base, cooldown: orCooldown(k.Cooldown, s.cfg.Cooldown)}
	if !p.breach(max(1, a.Periods), func(v float64) bool { return a.Below && v <= a.Threshold || !a.Below && v >= a.Threshold }) {
		return w
	}
	by, ok := k.at(p.last().value - a.Threshold)
	if !ok {
		return w
	}
	switch k.Adjustment {
	case ChangeInCapacity:
		w.count = base + by
	case PercentChange:
		change := float64(base) * float64(by) / 100
		moved := int(math.Copysign(max(1, math.Floor(math.Abs(change))), change)) // at least one task, otherwise rounded towards none
		if change == 0 {
			moved = 0
		}
		if moved != 0 && moved > -k.MinMagnitude && moved < k.MinMagnitude {
			moved = int(math.Copysign(float64(k.MinMagnitude), change))
		}
		w.count = base + moved
	case ExactCapacity:
		w.count = by
	}
	adds := by > 0 && k.Adjustment != ExactCapacity || k.Adjustment == ExactCapacity && w.count > desired
	w.out, w.in = adds, !adds && w.count < desired
	return w
}

// at returns the adjustment of the step that a breach falls into.
func (k *Steps) at(breach float64) (by int, ok bool) {
	for _, s := range k.Steps {
		if (s.Lower == nil || breach >= *s.Lower) && (s.Upper == nil || breach < *s.Upper) {
			return s.By, true
		}
	}
	return 0, false
}

func orCooldown(given, standard time.Duration) time.Duration {
	if given == 0 {
		return standard
	}
	return max(0, given)
}

// scaleOut raises a desired count. While it is below the minimum, a scale-out raises it to that and no further.
func (s *Scaler) scaleOut(f Fleet, t *targetState, w *wish, desired int, now time.Time) {
	if t.Suspended.Out {
		return
	}
	to := min(w.count, t.Max)
	if desired < t.Min {
		to = t.Min
	}
	if to <= desired {
		return
	}
	if t.set(f, desired, to, fmt.Sprintf("policy %s called for a scale-out from %d tasks", w.policy, w.base)) == nil {
		t.lastOut, t.outBase = now, w.base
	}
}

// scaleIn lowers a desired count, unless a cooldown or a deployment forbids it.
func (s *Scaler) scaleIn(f Fleet, t *targetState, w *wish, g *ecsim.Glance, now time.Time) {
	deploying := g.Deployments > 1 || g.Rollout == ecsim.RolloutInProgress
	cooling := within(t.lastIn, now, w.cooldown) || within(t.lastOut, now, w.cooldown)
	if t.Suspended.In || cooling || deploying && !s.cfg.InDuringDeployments || g.TrueDesired < t.Min {
		return
	}
	to := max(w.count, t.Min)
	if to >= g.TrueDesired {
		return
	}
	if t.set(f, g.TrueDesired, to, fmt.Sprintf("policy %s called for a scale-in from %d tasks", w.policy, w.base)) == nil {
		t.lastIn = now
	}
}

func within(since, now time.Time, d time.Duration) bool { return !since.IsZero() && now.Sub(since) < d }
