package replay

import (
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// collect takes the world's events: it keeps the mirrors, and turns what a controller would hear of into notices on their way.
func (s *sim) collect() {
	s.events = s.world.DrainTo(s.events[:0])
	changed, shifted := s.world.Changes()-s.changes, s.world.Shifts() != s.shifts
	if changed == 0 && !shifted && len(s.events) == 0 {
		return
	}
	s.changes += changed
	s.shifts = s.world.Shifts()
	if shifted {
		s.dirty = true
		if s.polling {
			s.poll = min(s.poll, s.nextPoll(s.now))
		}
	}
	s.result.Events += changed // those that nobody is told of too
	s.dirty = s.dirty || len(s.events) > 0
	for i := range s.events {
		e := &s.events[i]
		k, ok := s.byRef[e.Service]
		if !ok {
			continue
		}
		p := s.pools[k]
		switch e.Kind {
		case ecsim.TaskStateChange:
			s.taskEvent(k, p, e)
		case ecsim.ServiceAction:
			s.result.Events++
			switch e.Name {
			case ecsim.EventPlacementFailure:
				s.notify(k, e.At, failover.Signal{ID: e.ID, Kind: failover.SignalPlacementFailure, Capacity: p.capacity}, false)
			case ecsim.EventSteadyState:
				s.notify(k, e.At, failover.Signal{ID: e.ID, Kind: failover.SignalSteadyState}, false)
			}
		}
	}
	s.world.Reuse(s.events)
	s.m.change()
}

func (s *sim) taskEvent(k int, p *pool, e *ecsim.Event) {
	t := e.Task
	seen := p.note(t, s.world, &s.run.World)
	switch {
	case seen.left:
		kind := s.kindOf(stopOf(t, seen.ran))
		if kind == failover.SignalInterruption {
			p.lost++
			s.m.warned()
		}
		s.notify(k, e.At, taskSignal(kind, t, e), false)
	case t.LastStatus == ecsim.Running && t.DesiredStatus == ecsim.Running:
		s.notify(k, e.At, taskSignal(failover.SignalRunning, t, e), false)
	case t.LastStatus == ecsim.Stopped:
		s.notify(k, e.At, taskSignal(s.kindOf(stopOf(t, !t.StartedAt.IsZero())), t, e), true)
	}
}

// kindOf classifies a stop. The world has few different ones, and to read their texts takes long.
func (s *sim) kindOf(stop ecsevent.Stop) failover.SignalKind {
	key := stop
	key.StartedAt = time.Time{}
	if !stop.StartedAt.IsZero() {
		key.StartedAt = Epoch // whether it ran matters, not since when
	}
	kind, known := s.kinds[key]
	if !known {
		kind = ecsevent.Classify(stop)
		s.kinds[key] = kind
	}
	return kind
}

func stopOf(t *ecsim.Task, ran bool) ecsevent.Stop {
	stop := ecsevent.Stop{Code: t.StopCode, Reason: t.StoppedReason, Capacity: failover.Capacity(t.Provider), StartedAt: t.StartedAt,
		Exited: t.Exited && ran}
	if ran {
		stop.LastStatus = string(ecsim.Running)
	}
	return stop
}

func taskSignal(kind failover.SignalKind, t *ecsim.Task, e *ecsim.Event) failover.Signal {
	return failover.Signal{ID: e.ID, Kind: kind, Task: t.ID, Version: int64(t.Version), Zone: t.Zone, CreatedAt: t.CreatedAt, StartedAt: t.StartedAt,
		ExitedAt: t.ExecutionStoppedAt, Deployment: t.StartedBy, StopCode: t.StopCode, StopReason: t.StoppedReason}
}

// notify sends a notice on its way to the controller.
func (s *sim) notify(pool int, at time.Time, sig failover.Signal, stopped bool) {
	if s.c.Deaf {
		return
	}
	sig.At, sig.Pool, sig.Service = at, s.pools[pool].name, s.pools[pool].ref.Service
	n := notice{at: at.Sub(s.start) + s.c.Event.draw(s.rng), pool: pool, sig: sig, stopped: stopped}
	s.arrivals.put(n)
	s.awaken(&n)
}

// awaken asks for the pass that a notice wakes: at its arrival what may call for cover, later what can wait. That a task which was
// known to go has stopped wakes only controllers that wait for it.
func (s *sim) awaken(n *notice) {
	at := n.at
	if n.stopped && s.run.Policy.Law != nil {
		return
	}
	switch n.sig.Kind {
	case failover.SignalInterruption, failover.SignalPlacementFailure, failover.SignalCapacityStop, failover.SignalQuota:
	default:
		at = max(at, s.passed+s.c.Quiet)
	}
	s.wake = min(s.wake, at)
}
