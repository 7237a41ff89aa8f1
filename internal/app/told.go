package app

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
)

// noticeGrace is how long the daemon goes on sending notices once it is told to stop; what is left is sent by the
// next one.
const noticeGrace = 3 * time.Second

// told is everything that is told of a report: notices, CloudWatch's metrics, and what the caller wants.
type told struct {
	next    func(ctx context.Context, r control.Report)
	desk    *notice.Desk
	meter   *measure.Meter
	metrics *metric.Writer
	log     *slog.Logger
}

func newTold(o Options, workloads []control.Workload, store control.Store) *told {
	tariffs := parts.Tariffs(workloads)
	t := &told{next: o.Tell, log: o.Log, desk: parts.Desk(o.AWS, o.Config, store, tariffs, o.Log)}
	if o.Config.Metrics.EMF {
		if o.Metrics == nil {
			o.Metrics = os.Stdout
		}
		t.meter, t.metrics = measure.New(store, tariffs), metric.New(o.Metrics, o.Config.Metrics.Namespace)
	}
	return t
}

// start begins sending notices; the function that it returns ends that.
func (t *told) start(ctx context.Context) (stop func()) {
	if t.desk == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the last passes' notices count too
	var all sync.WaitGroup
	all.Go(func() { t.desk.Run(ctx, noticeGrace) })
	return func() {
		cancel()
		all.Wait()
	}
}

func (t *told) tell(ctx context.Context, r control.Report) {
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
