package app

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
)

// noticeGrace is how long the daemon goes on sending notices once it is told to stop; what is left is sent by the
// next one.
const noticeGrace = 3 * time.Second

const (
	// firstBeat is when the first sign of life is left, beatLeast the least time between two: at high sandbox speeds a tick is some
	// milliseconds.
	firstBeat = 2 * time.Second
	beatLeast = time.Second
)

// told is everything that is told of a report: notices, CloudWatch's metrics, and what the caller wants.
type told struct {
	guard *parts.Guard
	next  func(ctx context.Context, r control.Report)
}

// start begins sending notices and leaving signs of life; the function that it returns ends that.
func (t *told) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the last passes' notices count too
	var all sync.WaitGroup
	all.Go(func() { t.live(ctx) })
	if t.guard.Desk != nil {
		all.Go(func() { t.guard.Desk.Run(ctx, noticeGrace) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// live leaves a sign of life once a tick, the first soon after the first passes.
func (t *told) live(ctx context.Context) {
	timer := time.NewTimer(min(firstBeat, t.guard.Beat()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		t.guard.Live(ctx)
		timer.Reset(max(t.guard.Beat(), beatLeast))
	}
}

func (t *told) tell(ctx context.Context, r control.Report) {
	t.guard.Note(&r)
	if t.guard.Desk != nil {
		t.guard.Desk.Tell(ctx, r)
	}
	t.guard.Measure(ctx, &r)
	if t.next != nil {
		t.next(ctx, r)
	}
}

// host names this machine.
func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "daemon"
	}
	return name
}
