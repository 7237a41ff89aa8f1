package runtask

import (
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

// Ending is what ECS tells of a task that has stopped, from its event or from a look at it.
type Ending struct {
	// Stop is ECS's account; its Exited is of the main container, whose exit code is Code.
	ecsevent.Stop
	Code int
}

// End says how the task ended. It is the one judge, for the command and for the guard. One whose work says that it is done (exit code 0) has
// finished, whatever ended it.
func (e Ending) End() End {
	user := e.Stop.Code == string(types.TaskStopCodeUserInitiated)
	if user && e.Reason == SlowReason && !e.Exited && e.StartedAt.IsZero() {
		return NotStarted
	}
	kind := ecsevent.Classify(e.Stop)
	switch {
	case e.Exited && e.Code == 0:
		return Finished
	case user && e.Reason == SlowReason: // it had started when the call came
		return Lost
	case kind == failover.SignalInterruption, kind == failover.SignalInfrastructure && !e.StartedAt.IsZero():
		return Lost
	case kind == failover.SignalCapacityStop, kind == failover.SignalPlacementFailure, kind == failover.SignalInfrastructure:
		return NotStarted
	case e.Exited && kind == failover.SignalApplicationStop:
		return Finished
	}
	return Failed
}
