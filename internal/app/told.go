package app

import (
	"context"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
)

// noticeGrace is how long the daemon goes on sending notices once it is told to stop; what is left is sent by the
// next one.
const noticeGrace = 3 * time.Second

// told is everything that is told of a report: notices, CloudWatch's metrics, and what the caller wants.
type told struct {
	guard *parts.Guard
	next  func(ctx context.Context, r control.Report)
}

// start begins sending notices; the function that it returns ends that.
func (t *told) start(ctx context.Context) (stop func()) {
	if t.guard.Desk == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the last passes' notices count too
	var all sync.WaitGroup
	all.Go(func() { t.guard.Desk.Run(ctx, noticeGrace) })
	return func() {
		cancel()
		all.Wait()
	}
}

func (t *told) tell(ctx context.Context, r control.Report) {
	if t.guard.Desk != nil {
		t.guard.Desk.Tell(ctx, r)
	}
	t.guard.Measure(ctx, &r)
	if t.next != nil {
		t.next(ctx, r)
	}
}
