package parts

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// sizeTimeout bounds the reading of all task definitions together: guarding must not wait for prices.
	sizeTimeout = 3 * time.Second
	// sizeRetry is how long after a failure they are read again, sizeParallel how many at a time.
	sizeRetry    = 10 * time.Minute
	sizeParallel = 8
)

// Sizer prices the workloads with a monthly budget or a forecast whose tasks' size the configuration does not say, by
// the owner's task definition. It changes policies, so it must not be used while a pass is under way.
type Sizer struct {
	cfg   aws.Config
	file  *config.File
	log   *slog.Logger
	left  []*control.Workload
	again time.Time
}

// NewSizer notes which of a loop's workloads have no size. It calls nothing.
func NewSizer(cfg aws.Config, f *config.File, workloads []control.Workload, log *slog.Logger) *Sizer {
	s := &Sizer{cfg: cfg, file: f, log: log}
	for i := range f.Workloads {
		w := &f.Workloads[i]
		if w.Task == (config.Task{}) && (w.Policy.OnDemandBudgetUSDMonthly > 0 || w.Policy.ForesightUSD > 0) {
			s.left = append(s.left, &workloads[i])
		}
	}
	return s
}

// Price fills in what is still missing. What cannot be read is logged, and left to a later call.
func (s *Sizer) Price(ctx context.Context) {
	if len(s.left) == 0 || time.Now().Before(s.again) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	found, errs := make([]config.Task, len(s.left)), make([]error, len(s.left))
	var all sync.WaitGroup
	slots := make(chan struct{}, sizeParallel)
	for i, w := range s.left {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			found[i], errs[i] = taskdef.Task(ctx, s.cfg, w.Refs[0])
		})
	}
	all.Wait()
	var left []*control.Workload
	for i, w := range s.left {
		if errs[i] != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "neither budget nor forecast is reckoned: no task size", slog.String(control.KeyWorkload, w.Name), slog.Any(control.KeyErr, errs[i]))
			left = append(left, w)
			continue
		}
		Price(w, found[i], Prices(s.file))
	}
	s.left, s.again = left, time.Now().Add(sizeRetry)
}
