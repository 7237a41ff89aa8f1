package scaler

import (
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// Load is the demand that the tasks of some services share.
type Load struct {
	Services []ecsim.Ref // they share it by their tasks in service
	Rate     float64     // requests, or messages, a second
	PerTask  float64     // how many of them a task does in a second at 100 % CPU, above 0
	Queue    string      // what is not done waits in the queue of this name; empty: requests do not wait
	Backlog  float64     // messages that wait; given to SetLoad, at the start: negative leaves what waits already
}

// Fleet is what the scaler reads and writes of ECS; *ecsim.World is one.
type Fleet interface {
	Now() time.Time
	AdvanceTo(t time.Time)
	Counts(ref ecsim.Ref) (desired, running, pending int)
	Working(ref ecsim.Ref) int
	Glance(ref ecsim.Ref) (ecsim.Glance, bool)
	SetDesired(ref ecsim.Ref, n int) error
}

// serving is how many tasks of a service do work.
func serving(f Fleet, ref ecsim.Ref) int { return f.Working(ref) }

// loadState is a load with what it remembers.
type loadState struct {
	Load
	at      time.Time
	serving float64 // at that time
}

func (l *loadState) capacity(f Fleet) float64 {
	n := 0
	for _, ref := range l.Services {
		n += serving(f, ref)
	}
	return float64(n)
}

// flow lets a queue fill or empty up to now, by the mean of the tasks at the last look and now.
func (l *loadState) flow(f Fleet, now time.Time) {
	n := l.capacity(f)
	if l.Queue != "" && now.After(l.at) {
		done := (l.serving + n) / 2 * l.PerTask
		l.Backlog = max(0, l.Backlog+(l.Rate-done)*now.Sub(l.at).Seconds())
	}
	l.at, l.serving = now, n
}

// cpu is the utilization of a task in service, in percent; false without one.
func (l *loadState) cpu(f Fleet, most float64) (float64, bool) {
	n := l.capacity(f)
	if n == 0 {
		return 0, false
	}
	if l.Queue != "" && l.Backlog > 0 {
		return most, true
	}
	return min(most, 100*l.Rate/(n*l.PerTask)), true
}

// SetLoad puts a load in force in place of the one that its first service, or its queue, had. A rate and a backlog of 0 end it.
func (s *Scaler) SetLoad(f Fleet, l Load) {
	state := &loadState{Load: l, at: f.Now()}
	state.Backlog = max(0, l.Backlog)
	s.loads = slices.DeleteFunc(s.loads, func(old *loadState) bool {
		same := l.Queue != "" && old.Queue == l.Queue || slices.ContainsFunc(old.Services, func(ref ecsim.Ref) bool { return slices.Contains(l.Services, ref) })
		if same {
			old.flow(f, f.Now())
			if l.Backlog < 0 {
				state.Backlog = old.Backlog
			}
		}
		return same
	})
	state.serving = state.capacity(f)
	if l.Rate > 0 || state.Backlog > 0 {
		s.loads = append(s.loads, state)
	}
	s.replan(f.Now())
}

// Loads returns the loads in force, their backlogs as of the last period's end.
func (s *Scaler) Loads() []Load {
	out := make([]Load, len(s.loads))
	for i, l := range s.loads {
		out[i] = l.Load
	}
	return out
}

// SetMetric sets the value of a metric by its name, in place of what would be measured; nil ends that.
func (s *Scaler) SetMetric(name string, value *float64) {
	if value == nil {
		delete(s.named, name)
		return
	}
	s.named[name] = *value
}

func (s *Scaler) loadOf(ref ecsim.Ref) *loadState {
	for _, l := range s.loads {
		if slices.Contains(l.Services, ref) {
			return l
		}
	}
	return nil
}

// measure returns the value that a metric has now; false if it has none.
func (s *Scaler) measure(f Fleet, m Metric, own ecsim.Ref) (float64, bool) {
	if v, said := s.named[m.Name]; said || m.Kind == Named {
		return v, said
	}
	over := m.Services
	if len(over) == 0 {
		over = []ecsim.Ref{own}
	}
	running := 0
	for _, ref := range over {
		_, n, _ := f.Counts(ref)
		running += n
	}
	if running == 0 && m.Kind != RequestsPerTarget {
		return 0, s.cfg.ZeroWithoutTasks
	}
	switch m.Kind {
	case CPU:
		return s.meanCPU(f, over, float64(running)), true
	case RequestsPerTarget:
		l := s.loadOf(over[0])
		if l == nil {
			return 0, false
		}
		n := l.capacity(f)
		if n == 0 {
			return 0, s.cfg.ZeroWithoutTasks
		}
		return l.Rate * time.Minute.Seconds() / n, true
	default:
		l := s.loadOf(over[0])
		if l == nil || l.Queue == "" {
			return 0, false
		}
		return l.Backlog / float64(running), true
	}
}

// meanCPU is the mean utilization over the running tasks of services: those that are not in service yet idle.
func (s *Scaler) meanCPU(f Fleet, over []ecsim.Ref, running float64) float64 {
	sum := 0.0
	for _, ref := range over {
		l := s.loadOf(ref)
		if l == nil {
			continue
		}
		if u, ok := l.cpu(f, s.cfg.CPUMax); ok {
			sum += u * float64(serving(f, ref))
		}
	}
	return sum / running
}
