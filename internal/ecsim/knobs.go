package ecsim

import (
	"cmp"
	"maps"
	"time"
)

// StartShares are the shares (0..1) of a start-up at which a task goes on, each no smaller than the one before (A4). Zero fields take
// the times in the documentation's examples: 18 s to PENDING and the pull.
type StartShares struct {
	Provisioning float64 // PENDING, network ready, the image pull begins; default 0.20
	Pulled       float64 // the pull ends; default 0.85
	Activating   float64 // ACTIVATING; default 0.95
}

func (s StartShares) withDefaults() StartShares {
	within := func(share, standard, least float64) float64 {
		if share == 0 {
			share = standard
		}
		return max(least, min(1, share))
	}
	s.Provisioning = within(s.Provisioning, 0.20, 0)
	s.Pulled = within(s.Pulled, 0.85, s.Provisioning)
	s.Activating = within(s.Activating, 0.95, s.Pulled)
	return s
}

// StrikePick says which of the tasks that hold capacity an interruption strikes; AWS promises nothing (A33).
type StrikePick uint8

// The tasks that an interruption may strike first.
const (
	StrikeRandom StrikePick = iota
	StrikeOldest
	StrikeYoungest
)

// Strike says how interruptions choose (A33).
type Strike struct {
	Pick           StrikePick
	SpareProtected bool // protected tasks are struck only when no other is left; default false
}

// ProtectionRange bounds the time for which tasks may be protected from scale-in (A43).
type ProtectionRange struct {
	Standard time.Duration // when a call names none; default 2 h
	Least    time.Duration // default 1 min
	Most     time.Duration // default 48 h
}

func (p ProtectionRange) withDefaults() ProtectionRange {
	p.Least = orDefault(p.Least, time.Minute)
	p.Most = max(p.Least, orDefault(p.Most, 48*time.Hour))
	p.Standard = max(p.Least, min(p.Most, orDefault(p.Standard, 2*time.Hour)))
	return p
}

// FailTimes say when broken tasks fail, counted from RUNNING (A46).
type FailTimes struct {
	Exit        time.Duration // FailExit; default 10 s
	HealthCheck time.Duration // FailHealthCheck: until the stop; default 60 s
}

func (f FailTimes) withDefaults() FailTimes {
	f.Exit = orDefault(f.Exit, 10*time.Second)
	f.HealthCheck = orDefault(f.HealthCheck, time.Minute)
	return f
}

// Configure changes the configuration of a running world. The function is given the configuration as New was given it, without
// defaults; what it changes holds from now on, for tasks that exist already as well where they have not reached the point yet. Seed,
// Start and Account do not change.
func (w *World) Configure(change func(*Config)) {
	c := w.given
	c.ProviderStartUp = maps.Clone(c.ProviderStartUp)
	change(&c)
	c.Seed, c.Start, c.Account = w.given.Seed, w.given.Start, w.given.Account
	was := w.given
	w.given = c
	w.cfg = c.withDefaults()
	// What SetStartUp, SetWarmUp and SetHungStarts set stays, unless this change is about it.
	if c.StartUp != was.StartUp || !maps.Equal(c.ProviderStartUp, was.ProviderStartUp) {
		w.fitStarts()
	}
	if c.WarmUp != was.WarmUp {
		for _, provider := range providerNames {
			w.SetWarmUp(provider, c.WarmUp)
		}
	}
	if c.HungStartShare != was.HungStartShare {
		w.begins.hung = [2]float64{c.HungStartShare, c.HungStartShare}
	}
	w.begins.unwell = c.UnhealthyShare
	w.delays = delaysOf(w.cfg.Delivery)
	for _, r := range w.regions {
		for i := range r.launches {
			r.launches[i].fill(w.now)
			r.launches[i].rate = w.cfg.LaunchRate
			r.launches[i].tokens = min(r.launches[i].tokens, w.cfg.LaunchRate.Burst)
		}
	}
}

// fitStarts derives the distributions of start-up times from the configuration.
func (w *World) fitStarts() {
	for i, name := range providerNames {
		w.starts[i] = w.cfg.ProviderStartUp[name].withDefaults(w.cfg.StartUp)
		w.spreads[i] = fitSpread(w.starts[i].P50, w.starts[i].P95, w.starts[i].P99)
	}
}

// struck picks the task of a list that an interruption strikes, for every pick but the random one without regard to protection.
func (w *World) struck(slots []int32) *task {
	var best *task
	kinder := func(a, b *task) bool { // whether a is struck before b
		if w.cfg.Strike.SpareProtected && w.guarded(a) != w.guarded(b) {
			return w.guarded(b)
		}
		switch w.cfg.Strike.Pick {
		case StrikeOldest:
			return cmp.Compare(a.uid, b.uid) < 0
		case StrikeYoungest:
			return cmp.Compare(a.uid, b.uid) > 0
		}
		return false
	}
	if w.cfg.Strike.Pick == StrikeRandom {
		w.victims.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
	}
	for _, slot := range slots {
		if t := w.tasks[slot]; best == nil || kinder(t, best) {
			best = t
		}
	}
	return best
}

// choosy reports whether interruptions strike by a rule instead of at random.
func (w *World) choosy() bool { return w.cfg.Strike != Strike{} }
