package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/pulse"
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
	next    func(ctx context.Context, r control.Report)
	desk    *notice.Desk
	meter   *measure.Meter
	metrics *metric.Writer
	pulse   *pulse.Pulse
	store   control.Store
	tick    time.Duration
	log     *slog.Logger
}

func newTold(o Options, workloads []control.Workload, store control.Store, tick time.Duration) *told {
	tariffs := parts.Tariffs(workloads)
	t := &told{next: o.Tell, log: o.Log, store: store, tick: tick, pulse: pulse.New(host(), names(workloads), tick, o.Now), desk: parts.Desk(o.AWS, o.Config, store, tariffs, o.Log)}
	if o.Config.Metrics.EMF {
		if o.Metrics == nil {
			o.Metrics = os.Stdout
		}
		t.meter, t.metrics = measure.New(store, tariffs), metric.New(o.Metrics, o.Config.Metrics.Namespace)
	}
	return t
}

// start begins sending notices and leaving signs of life; the function that it returns ends that.
func (t *told) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the last passes' notices count too
	var all sync.WaitGroup
	all.Go(func() { t.live(ctx) })
	if t.desk != nil {
		all.Go(func() { t.desk.Run(ctx, noticeGrace) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// live leaves a sign of life once a tick, the first soon after the first passes.
func (t *told) live(ctx context.Context) {
	timer := time.NewTimer(min(firstBeat, t.tick))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		t.beat(ctx)
		timer.Reset(max(t.tick, beatLeast))
	}
}

// beat leaves a sign of life in the store.
func (t *told) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, control.StoreTimeout)
	defer cancel()
	if err := t.pulse.Keep(ctx, t.store); err != nil && !errors.Is(err, context.Canceled) {
		t.log.LogAttrs(ctx, slog.LevelWarn, "sign of life not kept", slog.Any(control.KeyErr, err))
	}
}

func (t *told) tell(ctx context.Context, r control.Report) {
	t.pulse.Tell(&r)
	if t.desk != nil {
		t.desk.Tell(ctx, r)
	}
	if t.metrics != nil {
		if facts, ok := t.meter.Of(ctx, &r); ok {
			if err := t.metrics.Write(facts); err != nil {
				t.log.LogAttrs(ctx, slog.LevelWarn, "metrics not written", slog.Any(control.KeyErr, err))
			}
		}
	}
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

func names(workloads []control.Workload) []string {
	out := make([]string, len(workloads))
	for i := range workloads {
		out[i] = workloads[i].Name
	}
	return out
}
