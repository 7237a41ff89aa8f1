package function

import (
	"context"
	"sync"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// aside are the events of tasks of no service in a batch, which are dealt with beside the passes.
type aside struct {
	events  []ecsevent.Standalone
	brought map[string][]record // by task
}

// add takes the events of a message.
func (a *aside) add(events []ecsevent.Standalone, from record) {
	for i := range events {
		if a.brought == nil {
			a.brought = make(map[string][]record)
		}
		a.events = append(a.events, events[i])
		a.brought[events[i].ARN] = append(a.brought[events[i].ARN], from)
	}
}

// begin deals with them. What it returns waits for that, and returns the messages that have to come again.
func (a *aside) begin(ctx context.Context, k *taskretry.Keeper) func() []record {
	if len(a.events) == 0 {
		return func() []record { return nil }
	}
	var left map[string]error
	var all sync.WaitGroup
	all.Go(func() { left = k.Take(ctx, a.events) })
	return func() (out []record) {
		all.Wait()
		for task := range left {
			out = append(out, a.brought[task]...)
		}
		return out
	}
}
