package parts

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/measure"
)

const (
	// sizeTimeout bounds the reading of all task definitions together: guarding must not wait for prices.
	sizeTimeout = 3 * time.Second
	// sizeRetry is how long after a failure they are read again, sizeParallel how many at a time.
	sizeRetry    = 10 * time.Minute
	sizeParallel = 8
)

// Sizer prices the workloads whose tasks' size the configuration does not say, by the owner's task definition: those with
// a monthly budget or a forecast, and the others if their tariffs are wanted. It changes policies and tariffs, so it must
// not be used while a pass, or anybody who tells of one, is under way.
type Sizer struct {
	cfg     aws.Config
	file    *config.File
	log     *slog.Logger
	tariffs map[string]measure.Prices
	left    []*control.Workload
	again   time.Time
}

// NewSizer notes which of a loop's workloads have no size. tariffs, if not nil, get what their tasks cost. It calls
// nothing.
func NewSizer(cfg aws.Config, f *config.File, workloads []control.Workload, tariffs map[string]measure.Prices, log *slog.Logger) *Sizer {
	s := &Sizer{cfg: cfg, file: f, log: log, tariffs: tariffs}
	var others []*control.Workload
	for i := range f.Workloads {
		switch w := &f.Workloads[i]; {
		case w.Task != (config.Task{}):
		case reckoned(&workloads[i]):
			s.left = append(s.left, &workloads[i])
		case tariffs != nil:
			others = append(others, &workloads[i])
		}
	}
	s.left = append(s.left, others...) // decisions first
	return s
}

// reckoned says that decisions depend on what a task costs.
func reckoned(w *control.Workload) bool {
	return w.Policy.OnDemandBudgetUSDMonthly > 0 || w.Policy.ForesightUSD > 0
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
	var last error
	for i, w := range s.left {
		if errs[i] != nil {
			left, last = append(left, w), errs[i]
			if reckoned(w) {
				s.log.LogAttrs(ctx, slog.LevelWarn, "neither budget nor forecast is reckoned: no task size", slog.String(control.KeyWorkload, w.Name), slog.Any(control.KeyErr, errs[i]))
			}
			continue
		}
		Price(w, found[i], Prices(s.file))
		if s.tariffs != nil {
			maps.Copy(s.tariffs, Tariffs([]control.Workload{*w}))
		}
	}
	if n := len(left); n > 0 && !reckoned(left[n-1]) {
		s.log.LogAttrs(ctx, slog.LevelInfo, "costs are not told: no task size", slog.Int(control.KeyWorkloads, n), slog.Any(control.KeyErr, last))
	}
	s.left, s.again = left, time.Now().Add(sizeRetry)
}
