package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

const (
	// asideMax bounds the events of tasks of no service that wait; what is beyond it comes again by itself. asideBatch is how many are dealt with
	// together, asideFor how long the first of them waits for the others.
	asideMax, asideBatch = 1000, 200
	asideFor             = 100 * time.Millisecond
	// asideLeast is the least time between two looks at what is open.
	asideLeast = 5 * time.Second
)

// stopped is the event of a task of no service, and the message that brought it.
type stopped struct {
	event ecsevent.Standalone
	from  control.Message
}

// aside deals with the tasks of no service beside the loop, which they must not hold up.
type aside struct {
	loop    *control.Loop
	keeper  *taskretry.Keeper
	log     *slog.Logger
	waiting chan stopped
}

func newAside(l *control.Loop, k *taskretry.Keeper, log *slog.Logger) *aside {
	return &aside{loop: l, keeper: k, log: log, waiting: make(chan stopped, asideMax)}
}

// take is the loop's Aside.
func (a *aside) take(m control.Message) bool {
	event, ok := a.keeper.Mine(m.Body)
	if !ok {
		return false
	}
	select {
	case a.waiting <- stopped{event, m}:
	default: // it is not acknowledged, and comes again
	}
	return true
}

// run deals with events, and once a tick or when it is due with what is open, until ctx ends. What is under way then may end.
func (a *aside) run(ctx context.Context) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(control.StopGrace, cut) })()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case first := <-a.waiting:
			a.deal(work, a.gather(ctx, first))
		case <-timer.C:
		}
		timer.Reset(a.pass(work))
	}
}

// gather takes what comes together.
func (a *aside) gather(ctx context.Context, first stopped) []stopped {
	all := []stopped{first}
	end := time.NewTimer(asideFor)
	defer end.Stop()
	for len(all) < asideBatch {
		select {
		case next := <-a.waiting:
			all = append(all, next)
			continue
		case <-end.C:
		case <-ctx.Done():
		}
		break
	}
	return all
}

func (a *aside) deal(ctx context.Context, all []stopped) {
	events := make([]ecsevent.Standalone, len(all))
	for i := range all {
		events[i] = all[i].event
	}
	left := a.keeper.Take(ctx, events)
	var done []control.Message
	for i := range all {
		if left[all[i].event.ARN] == nil {
			done = append(done, all[i].from)
		}
	}
	if err := a.loop.Queue.Ack(ctx, done); len(done) > 0 && err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "messages not acknowledged; they come again", slog.Any(control.KeyErr, err), slog.String(control.KeyHint, control.HintOf(err)))
	}
}

// pass looks at what is open, and returns when to do so again.
func (a *aside) pass(ctx context.Context) time.Duration {
	next, err := a.keeper.Pass(ctx)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "tasks of no service not looked at", slog.Any(control.KeyErr, err), slog.String(control.KeyHint, control.HintOf(err)))
	}
	wait := a.loop.Tick
	if !next.IsZero() {
		wait = min(wait, max(a.loop.Ours(next.Sub(a.loop.AWSTime())), a.loop.Ours(asideLeast)))
	}
	return wait
}
