package replay

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Stop says what tasks make of the two-minute warning.
type Stop string

// The worlds. Names in words; W1, W2, W3 and WD are accepted by [ParseStop].
const (
	// UsesWarning: a warned task works on until it is killed, 120 s after the warning (stopTimeout 120).
	UsesWarning Stop = "uses-warning"
	// EndsAtSIGTERM: a warned task stops working at the warning.
	EndsAtSIGTERM Stop = "ends-at-sigterm"
	// Unwarned: tasks are taken without a warning.
	Unwarned Stop = "unwarned"
	// Drained: a warned task is taken out of service at the warning, works on and is billed until it is killed.
	Drained Stop = "drained"
)

// Stops lists the worlds, the default first.
func Stops() []Stop { return []Stop{UsesWarning, EndsAtSIGTERM, Unwarned, Drained} }

// ParseStop reads a world by its name or as W1, W2, W3 or WD.
func ParseStop(text string) (Stop, error) {
	switch text {
	case "", "W1", "w1", string(UsesWarning):
		return UsesWarning, nil
	case "W2", "w2", string(EndsAtSIGTERM):
		return EndsAtSIGTERM, nil
	case "W3", "w3", string(Unwarned):
		return Unwarned, nil
	case "WD", "wd", string(Drained):
		return Drained, nil
	}
	return "", fmt.Errorf("unknown world %q: there are uses-warning (W1), ends-at-sigterm (W2), unwarned (W3) and drained (WD)", text)
}

// World is what the model assumes of AWS and of the tasks. The zero value is W1 with the article's start-up times.
type World struct {
	Stop    Stop
	StartUp ecsim.StartUp // zero: 90 s / 120 s / 138 s
	// WarmUp is the time from RUNNING until a task is in service. Above 0, controllers read the health of tasks; zero: none.
	WarmUp ecsim.WarmUp
	// ScaleIn says which tasks a scale-in stops; the zero value takes those that serve first.
	ScaleIn ecsim.ScaleInPick
	// InterfaceAfter is how long after its creation a task that has capacity shows an attached network interface; zero: when it is PENDING.
	InterfaceAfter time.Duration
	// CoverStartUp is the start-up of on-demand tasks; zero: StartUp.
	CoverStartUp ecsim.StartUp
	// HungStartShare is the share of on-demand launches with capacity that never get to RUNNING.
	HungStartShare float64
	// UnwarnedShare is the share of interruptions without warning, beside what Stop says.
	UnwarnedShare float64
	// HungShare is the share of launches without capacity that hang in PENDING instead of failing at once.
	HungShare float64
	// PlacementRetry is how long ECS waits after a placement failure; zero: 60 s.
	PlacementRetry time.Duration
	// LingerOnScaleIn: with UsesWarning, on-demand tasks too work on for the whole stop timeout when they are scaled in, and are
	// billed for it. By default a task that is scaled in ends at SIGTERM.
	LingerOnScaleIn bool
	// CPU in units (1024 = one vCPU) and Memory in MiB of a task; default 4096 and 16384, as in the article.
	CPU, Memory int
	// LaunchRate is Fargate's launch rate per account and provider; zero: burst 100, 20 a second.
	LaunchRate ecsim.Rate
	// Model changes the rest of what is assumed of AWS, last; nil: nothing.
	Model func(*ecsim.Config)
}

// stopTimeout is the longest that Fargate allows, and what the whole warning needs.
const stopTimeout = 120 * time.Second

func (w World) config(seed uint64, start time.Time) ecsim.Config {
	c := ecsim.Config{
		Seed: seed, Start: start, StartUp: w.StartUp, StopTimeout: stopTimeout, UnwarnedShare: w.UnwarnedShare, HungShare: w.HungShare,
		PlacementRetry: ecsim.Backoff{First: w.PlacementRetry, Max: w.PlacementRetry, Factor: 1}, LaunchRate: w.LaunchRate,
		LeaveOut: unheard, KeepStopped: time.Minute,
		OnDemandVCPU: unlimitedVCPU, SpotVCPU: unlimitedVCPU,
		WarmUp: w.WarmUp, ScaleIn: w.ScaleIn, ProviderStartUp: map[string]ecsim.StartUp{ecsim.Fargate: w.CoverStartUp},
	}
	if w.Stop == Unwarned {
		c.UnwarnedShare = 1
	}
	if w.Model != nil {
		w.Model(&c)
	}
	return c
}

// unheard are the events that no controller waits for and no count of a run depends on. Those between a task's first and RUNNING and
// between its warning and STOPPED change nothing that a listing of tasks would show; a change of the services' counts that comes
// without an event is seen by comparing them ([law.idle]).
const unheard = ecsim.PreparingEvents | ecsim.WindingDownEvents | ecsim.DeploymentEvents | ecsim.APICallEvents

// unlimitedVCPU keeps quotas out of a comparison of policies.
const unlimitedVCPU = 1e9

// behaviour is what the tasks of a pool do at SIGTERM.
func (w World) behaviour(spot bool) ecsim.Behaviour {
	if (w.Stop == UsesWarning || w.Stop == "") && (spot || w.LingerOnScaleIn) || w.Stop == Drained && spot {
		return ecsim.UseWarning
	}
	return ecsim.ObeySIGTERM
}

// warms reports whether tasks need time to come into service after RUNNING.
func (w *World) warms() bool { return w.WarmUp.P50 > 0 }

// worksUntil is until when a RUNNING task that begins to leave serves.
func (w *World) worksUntil(t *ecsim.Task) time.Time {
	spot := t.Provider == ecsim.FargateSpot
	switch {
	case t.Exited, w.Stop == Drained:
		return t.StoppingAt
	case t.StopCode == ecsim.StopSpot && w.behaviour(spot) == ecsim.UseWarning:
		return t.StoppingAt.Add(warningTime)
	case t.StopCode == ecsim.StopSpot:
		return t.StoppingAt
	case w.behaviour(spot) == ecsim.UseWarning:
		return t.StoppingAt.Add(obeyTime + stopTimeout)
	}
	return t.StoppingAt.Add(obeyTime)
}

// Gap is how long a lost task is missing if nothing that runs takes its place: the median start-up and warm-up, less what the warning
// gives.
func (w World) Gap() time.Duration {
	w = w.defaults()
	start := w.StartUp.P50 + w.WarmUp.P50
	if w.Stop == UsesWarning {
		return max(0, start-stopTimeout)
	}
	return start
}

// defaults fills in what the zero value leaves open.
func (w World) defaults() World {
	if w.Stop == "" {
		w.Stop = UsesWarning
	}
	if w.CPU == 0 {
		w.CPU, w.Memory = 4096, 16384
	}
	if w.StartUp.P50 == 0 {
		w.StartUp.P50, w.StartUp.P95, w.StartUp.P99 = 90*time.Second, 120*time.Second, 138*time.Second
	}
	return w
}
