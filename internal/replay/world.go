package replay

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Stop says what tasks make of the two-minute warning.
type Stop string

// The three worlds. Names in words; W1 to W3 are accepted by [ParseStop].
const (
	// UsesWarning: a warned task works on until it is killed, 120 s after the warning (stopTimeout 120).
	UsesWarning Stop = "uses-warning"
	// EndsAtSIGTERM: a warned task stops working at the warning.
	EndsAtSIGTERM Stop = "ends-at-sigterm"
	// Unwarned: tasks are taken without a warning.
	Unwarned Stop = "unwarned"
)

// Stops lists the worlds, the default first.
func Stops() []Stop { return []Stop{UsesWarning, EndsAtSIGTERM, Unwarned} }

// ParseStop reads a world by its name or as W1, W2 or W3.
func ParseStop(text string) (Stop, error) {
	switch text {
	case "", "W1", "w1", string(UsesWarning):
		return UsesWarning, nil
	case "W2", "w2", string(EndsAtSIGTERM):
		return EndsAtSIGTERM, nil
	case "W3", "w3", string(Unwarned):
		return Unwarned, nil
	}
	return "", fmt.Errorf("unknown world %q: there are uses-warning (W1), ends-at-sigterm (W2) and unwarned (W3)", text)
}

// World is what the model assumes of AWS and of the tasks. The zero value is W1 with the article's start-up times.
type World struct {
	Stop    Stop
	StartUp ecsim.StartUp // zero: 90 s / 120 s / 138 s
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
}

// stopTimeout is the longest that Fargate allows, and what the whole warning needs.
const stopTimeout = 120 * time.Second

func (w World) config(seed uint64, start time.Time) ecsim.Config {
	c := ecsim.Config{
		Seed: seed, Start: start, StartUp: w.StartUp, StopTimeout: stopTimeout, UnwarnedShare: w.UnwarnedShare, HungShare: w.HungShare,
		PlacementRetry: ecsim.Backoff{First: w.PlacementRetry, Max: w.PlacementRetry, Factor: 1}, LaunchRate: w.LaunchRate,
		LeaveOut: unheard, KeepStopped: time.Minute,
		OnDemandVCPU: unlimitedVCPU, SpotVCPU: unlimitedVCPU,
	}
	if w.Stop == Unwarned {
		c.UnwarnedShare = 1
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
	if (w.Stop == UsesWarning || w.Stop == "") && (spot || w.LingerOnScaleIn) {
		return ecsim.UseWarning
	}
	return ecsim.ObeySIGTERM
}

// Gap is how long a lost task is missing if nothing that runs takes its place: the median start-up, less what the warning gives.
func (w World) Gap() time.Duration {
	w = w.defaults()
	if w.Stop == UsesWarning {
		return max(0, w.StartUp.P50-stopTimeout)
	}
	return w.StartUp.P50
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
