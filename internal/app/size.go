package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/taskdef"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// sizeTimeout bounds the reading of all task definitions together: guarding must not wait for prices.
const sizeTimeout = 10 * time.Second

// unsized is a workload with a monthly budget whose tasks' size the configuration does not say.
type unsized struct {
	workload *control.Workload
	file     *config.File
}

// priceUnsized fills in what their tasks cost, by the size in the owner's task definition. Where that cannot be
// read neither budget nor forecast can be reckoned, which is logged.
func (a *App) priceUnsized(ctx context.Context, cfg aws.Config, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, sizeTimeout)
	defer cancel()
	for _, u := range a.unsized {
		task, err := taskdef.Task(ctx, cfg, u.workload.Refs[0])
		if err != nil {
			log.WarnContext(ctx, "neither budget nor forecast is reckoned: no task size", slog.String(control.KeyWorkload, u.workload.Name), slog.Any(control.KeyErr, err))
			continue
		}
		parts.Price(u.workload, task, parts.Prices(u.file))
	}
	a.unsized = nil
}

// findUnsized notes the workloads that a budget or a forecast needs the size of.
func (a *App) findUnsized(f *config.File) {
	for i := range f.Workloads {
		if w := &f.Workloads[i]; w.Task == (config.Task{}) && (w.Policy.OnDemandBudgetUSDMonthly > 0 || w.Policy.ForesightUSD > 0) {
			a.unsized = append(a.unsized, unsized{&a.Loop.Workloads[i], f})
		}
	}
}
