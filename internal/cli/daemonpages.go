package cli

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/metrics"
)

// daemonPages are what the daemon serves: the dashboard, /metrics, /healthz and /readyz.
type daemonPages struct {
	source  *dashboard.Stored
	figures *metrics.Metrics
	served  *served
}

// openPages serves a daemon's pages. asked says that the address was given on the command line: then it must be
// free. One of the configuration need not be: a page must not keep the daemon from guarding.
func openPages(ctx context.Context, s IO, file *config.File, a *app.App, addr string, asked bool, log *slog.Logger) (*daemonPages, error) {
	p := &daemonPages{}
	if addr == "" || addr == "off" {
		return p, nil
	}
	workloads := slices.Clone(a.Loop.Workloads) // the daemon prices its own between passes, and pages are read meanwhile
	var names []string
	for i := range workloads {
		names = append(names, workloads[i].Name)
	}
	source := sourceOf(a.Store, workloads, file, s.Now, true)
	source.Tick = a.Loop.Tick
	o := dashboard.Options{Source: source, Token: s.Env(dashboardTokenEnv), Listen: addr, Log: log, Now: s.Now}
	if file.State.DynamoDB != "" {
		o.Refresh = tableRefresh
	}
	pages, err := dashboard.New(o)
	if err != nil {
		return nil, usageError("http %s and $%s: %w", addr, dashboardTokenEnv, err)
	}
	figures := metrics.New(metrics.Options{Workloads: names, Tick: a.Loop.Tick, Meter: measure.New(a.Store, a.Tariffs()), Unpriced: a.Unpriced,
		Named: dashboard.OwnHost(addr), Version: Version, Now: s.Now})
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("/metrics", dashboard.GuardHost(addr, figures.Handler()))
	for _, path := range []string{"/healthz", "/readyz"} { // probes ask for any name, and are told none
		mux.Handle(path, figures.Handler())
	}
	if p.served, err = listen(ctx, addr, mux); err != nil {
		if asked {
			return nil, err
		}
		log.LogAttrs(ctx, slog.LevelError, "pages not served", slog.Any(control.KeyErr, err))
		return p, nil
	}
	p.source, p.figures = source, figures
	log.LogAttrs(ctx, slog.LevelInfo, "pages served", slog.String("url", p.served.url))
	return p, nil
}

// tell hands a report to the pages.
func (p *daemonPages) tell(ctx context.Context, r control.Report) {
	if p.served == nil {
		return
	}
	p.source.Saw(r)
	p.figures.Tell(ctx, r)
}

func (p *daemonPages) close() error {
	if p.served == nil {
		return nil
	}
	return p.served.stop()
}
