package adopt

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// side is one of the two services as it is.
type side struct {
	desired, running int
	// inService is how many of its tasks are in service for certain.
	inService int
	deploying bool
}

// scene is all that a step is chosen by. Nothing is remembered between two looks but the record, which is in a tag of the twin.
type scene struct {
	owner, twin side
	there       bool // the twin
	draining    bool // a twin of before, that was deleted
	strategy    []types.CapacityProviderStrategyItem
	record      *Record // nil: the twin has none yet
	scaled      bool
	held        bool // scale-in is suspended
	// metrics is how long the service has to serve without the twin yet until auto scaling's metrics show it alone.
	metrics time.Duration
	at      time.Time // of the look, by AWS's clock
	speed   float64   // of that clock; 1 but in a sandbox
}

// act is a kind of change.
type act string

const (
	actNone   act = "" // done
	actWait   act = "wait"
	actMake   act = "make"
	actTag    act = "tag"
	actHold   act = "hold"
	actCount  act = "count" // of the twin
	actMove   act = "move"  // the service's strategy
	actScale  act = "scale" // auto scaling as it was
	actDelete act = "delete"
	actUntag  act = "untag"
)

// move is what is done next.
type move struct {
	act   act
	count int
	to    []types.CapacityProviderStrategyItem
	// text says it, or what is waited for.
	text string
}

// spotAlone is the strategy of an adopted service.
func spotAlone() []types.CapacityProviderStrategyItem {
	name := string(failover.Spot)
	return []types.CapacityProviderStrategyItem{{CapacityProvider: &name, Weight: 1}}
}

// onSpotAlone reports whether a strategy puts every task on Spot.
func onSpotAlone(strategy []types.CapacityProviderStrategyItem) bool {
	used := false
	for _, i := range strategy {
		if i.Weight == 0 && i.Base == 0 {
			continue
		}
		if *i.CapacityProvider != string(failover.Spot) {
			return false
		}
		used = true
	}
	return used
}

// next chooses the step towards a guarded workload.
func next(s *scene) move {
	switch {
	case s.draining:
		return move{act: actWait, text: "the twin that was deleted to be gone"}
	case !s.there:
		return move{act: actMake, text: "make the twin"}
	case s.record == nil:
		return move{act: actTag, text: "note in a tag of the twin what was before"}
	case !onSpotAlone(s.strategy):
		return s.change(spotAlone(), "make the service FARGATE_SPOT alone")
	}
	return s.settle()
}

// undo chooses the step back to what was before.
func undo(s *scene) move {
	if !sameStrategy(s.strategy, s.record.Strategy) {
		return s.change(s.record.Strategy, "give the service its own capacity back")
	}
	if m := s.settle(); m.act != actNone {
		return m
	}
	switch {
	case !s.record.Made:
		return move{act: actUntag, text: "take the tag off the twin"}
	case s.twin.running > 0:
		return move{act: actWait, text: fmt.Sprintf("%s of the twin to stop", wording.Count(s.twin.running, "task"))}
	}
	return move{act: actDelete, text: "delete the twin"}
}

// change replaces the service's tasks while as many stand in the twin, in service.
func (s *scene) change(to []types.CapacityProviderStrategyItem, text string) move {
	want := s.owner.desired
	switch {
	case s.scaled && !s.held && want > 0:
		return move{act: actHold, text: "hold scale-in"}
	case s.twin.desired < want:
		return move{act: actCount, count: want, text: fmt.Sprintf("raise the twin from %d to %d", s.twin.desired, want)}
	case s.twin.inService < want:
		return move{act: actWait, text: fmt.Sprintf("cover: %d of %s in service", s.twin.inService, wording.Count(want, "task"))}
	case s.owner.deploying:
		return move{act: actWait, text: "a deployment of the service to end"}
	}
	return move{act: actMove, to: to, text: text}
}

// settle gives the cover back once the service serves by itself, and then auto scaling.
func (s *scene) settle() move {
	switch {
	case s.owner.deploying:
		return move{act: actWait, text: fmt.Sprintf("the service's deployment to end; %d of %s in service", min(s.owner.inService, s.owner.desired), wording.Count(s.owner.desired, "task"))}
	case s.owner.inService < s.owner.desired && s.twin.desired > 0:
		return move{act: actWait, text: fmt.Sprintf("the service: %d of %s in service", s.owner.inService, wording.Count(s.owner.desired, "task"))}
	case s.twin.desired > 0:
		return move{act: actCount, text: fmt.Sprintf("lower the twin from %d to 0", s.twin.desired)}
	case s.scaled && s.held && !s.record.In && s.metrics > 0:
		return move{act: actWait, text: "auto scaling's metrics to show the service alone: " + wording.Span((s.metrics + time.Minute - 1).Truncate(time.Minute)) + " more"}
	case s.scaled && s.held && !s.record.In:
		return move{act: actScale, text: "let auto scaling scale in again"}
	}
	return move{}
}
