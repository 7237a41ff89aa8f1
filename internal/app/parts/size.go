package parts

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
)

const (
	// sizeTimeout bounds the reading of all task definitions together: guarding must not wait for prices.
	sizeTimeout = 3 * time.Second
	// sizeRetry is how long after a failure one is read again; it doubles up to sizeRetryMax. What fails at the start of
	// a machine or of a network is over in seconds, a permission that lacks is not.
	sizeRetry    = 5 * time.Second
	sizeRetryMax = 10 * time.Minute
	// sizeParallel is how many are read at a time.
	sizeParallel = 8
)

// Sizer prices the workloads whose tasks' size the configuration does not say, by the owner's task definition. Those with a monthly
// budget or a forecast are priced before they are decided on; for the others [Sizer.Learn] waits for what the looks show anyway.
//
// [Sizer.Apply], and what calls it, changes policies and tariffs, so it must not be used while a pass, or anybody who
// tells of one, is under way. [Sizer.Await] changes nothing, and may be. One goroutine at a time uses a Sizer, but for
// [Sizer.Unpriced].
type Sizer struct {
	cfg       aws.Config
	file      *config.File
	log       *slog.Logger
	tariffs   *measure.Tariffs
	known     Known
	workloads []control.Workload
	left      []*unsized

	mu        sync.Mutex
	unpriced  []string
	unlearned map[string]*control.Workload // those that no decision needs a price of, and whose size is not known
}

// Known returns the size of a service's tasks if the looks at it have shown it.
type Known func(ref control.ServiceRef) (cpu, memory int, arch string, ok bool)

// unsized is a workload whose tasks' size is not known, or known and not yet applied.
type unsized struct {
	w        *control.Workload
	task     config.Task
	failures int
	again    time.Time
}

// NewSizer notes which of a loop's workloads have no size. tariffs get what their tasks cost. It calls nothing.
func NewSizer(cfg aws.Config, f *config.File, workloads []control.Workload, tariffs *measure.Tariffs, known Known, log *slog.Logger) *Sizer {
	s := &Sizer{cfg: cfg, file: f, log: log, tariffs: tariffs, known: known, workloads: workloads, unlearned: make(map[string]*control.Workload)}
	for i := range f.Workloads {
		switch w := &f.Workloads[i]; {
		case w.Task != (config.Task{}):
		case reckoned(&workloads[i]):
			s.left = append(s.left, &unsized{w: &workloads[i]})
		default:
			s.unlearned[w.Name] = &workloads[i]
		}
	}
	s.count()
	return s
}

// reckoned says that decisions depend on what a task costs.
func reckoned(w *control.Workload) bool { return w.Policy.OnDemandBudgetUSDMonthly > 0 || foreseen(w) }

// foreseen says that the next decision does: without a price a forecast keeps nothing warm, and lets go what it kept.
func foreseen(w *control.Workload) bool { return w.Policy.ForesightUSD > 0 }

// Price fills in what is still missing. What cannot be read is logged, and left to a later call.
func (s *Sizer) Price(ctx context.Context) {
	s.read(ctx, func(*control.Workload) bool { return true })
	s.Apply()
}

// PriceForecasts is [Sizer.Price] for those workloads alone whose next decision would be a worse one without a price.
func (s *Sizer) PriceForecasts(ctx context.Context) {
	s.read(ctx, foreseen)
	s.Apply()
}

// Await reads what is missing, again and again, until some of it is known and has to be applied; then it returns true.
// It returns false when ctx ends, and when nothing is missing.
func (s *Sizer) Await(ctx context.Context) bool {
	for len(s.left) > 0 {
		next := s.left[0].again
		for _, u := range s.left {
			if u.again.Before(next) {
				next = u.again
			}
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		if s.read(ctx, func(*control.Workload) bool { return true }) {
			return true
		}
	}
	return false
}

// Learn notes what a workload's tasks cost once the looks at it have shown their size. It is for those that no decision needs a price of:
// their policies stay as they are. It may be called at any time.
func (s *Sizer) Learn(workload string) {
	s.mu.Lock()
	w := s.unlearned[workload]
	s.mu.Unlock()
	if w == nil {
		return
	}
	cpu, memory, arch, ok := s.known(w.Refs[0])
	if !ok {
		return
	}
	priced := *w
	Price(&priced, config.Task{CPU: cpu, Memory: memory, Arch: arch}, Prices(s.file))
	s.tariffs.Add(Tariffs([]control.Workload{priced}))
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unlearned, workload)
}

// Unpriced returns the names of the workloads that have a budget or a forecast while it is not known what their tasks
// cost on demand: neither is in force. It may be called at any time.
func (s *Sizer) Unpriced() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unpriced)
}

// count notes which workloads have no price.
func (s *Sizer) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpriced = nil
	for i := range s.workloads {
		if w := &s.workloads[i]; reckoned(w) && !allPriced(w) {
			s.unpriced = append(s.unpriced, w.Name)
		}
	}
}

// allPriced says that every on-demand pool has a price.
func allPriced(w *control.Workload) bool {
	return !slices.ContainsFunc(w.Policy.Pools, func(p failover.Pool) bool { return p.Capacity == failover.OnDemand && p.TaskHourUSD <= 0 })
}

// read reads the sizes that are due, of the workloads that are wanted, and says whether there is one to apply.
func (s *Sizer) read(ctx context.Context, wanted func(*control.Workload) bool) (found bool) {
	var due []*unsized
	for _, u := range s.left {
		if u.task == (config.Task{}) && !time.Now().Before(u.again) && wanted(u.w) {
			due = append(due, u)
		}
	}
	if len(due) == 0 || ctx.Err() != nil {
		return false
	}
	readCtx, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	errs := make([]error, len(due))
	var all sync.WaitGroup
	slots := make(chan struct{}, sizeParallel)
	for i, u := range due {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			u.task, errs[i] = taskdef.Task(readCtx, s.cfg, u.w.Refs[0])
		})
	}
	all.Wait()
	for i, u := range due {
		switch {
		case errs[i] == nil:
			found = true
			continue
		case ctx.Err() != nil: // the caller's time was up: that says nothing, and a later call begins anew
			continue
		default:
			s.log.LogAttrs(ctx, slog.LevelError, "neither budget nor forecast is reckoned: no task size", slog.String(control.KeyWorkload, u.w.Name),
				slog.Any(control.KeyErr, errs[i]), slog.String(control.KeyHint, sizeHint(errs[i])))
		}
		u.again = time.Now().Add(min(sizeRetry<<min(u.failures, 10), sizeRetryMax))
		u.failures++
	}
	return found
}

// sizeHint says what a person can do about a size that cannot be read.
func sizeHint(err error) string {
	const own = "it is tried again; or say it as `task: {cpu, memory}` of the workload in the configuration"
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		return hinted.Hint() + "; " + own
	}
	return own
}

// Apply prices the workloads whose size was read.
func (s *Sizer) Apply() {
	var left []*unsized
	for _, u := range s.left {
		if u.task == (config.Task{}) {
			left = append(left, u)
			continue
		}
		Price(u.w, u.task, Prices(s.file))
		s.tariffs.Add(Tariffs([]control.Workload{*u.w}))
		if reckoned(u.w) && !allPriced(u.w) {
			s.log.Error("neither budget nor forecast is reckoned: no price of its region", slog.String(control.KeyWorkload, u.w.Name),
				slog.String(control.KeyHint, "say it under `prices` in the configuration"))
		}
	}
	if len(left) < len(s.left) {
		s.left = left
		s.count()
	}
}
