// Package metrics serves the daemon's figures to Prometheus, and tells those that watch the process whether it lives
// and whether it guards.
//
// It takes reports as the loop tells them, and keeps only the last of each workload. It knows no AWS type and is not
// linked into the function, which writes the same facts for CloudWatch.
package metrics

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/pulse"
)

const (
	// scrapesMax bounds the scrapes that are answered at a time, scrapeTimeout each.
	scrapesMax    = 4
	scrapeTimeout = 10 * time.Second
)

// Options say what is measured. Workloads is needed.
type Options struct {
	// Workloads are the names of those guarded: the daemon is ready once each was passed.
	Workloads []string
	// Tick is how often each is looked at; 0: control.TickDefault.
	Tick time.Duration
	// Meter makes facts of reports; nil: one that knows no prices.
	Meter *measure.Meter
	// Unpriced names the workloads whose budget or forecast is not in force, because what their tasks cost is not
	// known; nil: none is. It is asked at every pass.
	Unpriced func() []string
	// Named reports whether a request may be told workloads' names by /readyz; nil: every one may.
	Named func(*http.Request) bool
	// Version labels backstop_build_info.
	Version string
	// Now is this machine's clock; nil: time.Now.
	Now func() time.Time
}

// Metrics holds the figures. It is safe for concurrent use.
type Metrics struct {
	o        Options
	registry *prometheus.Registry

	demand, missing, health, active, errors5, savings, generation, last, unpriced *prometheus.GaugeVec
	inService, running, desired                                                   *prometheus.GaugeVec
	failovers, passes, actions, decisions                                         *prometheus.CounterVec
	took                                                                          *prometheus.HistogramVec

	pulse *pulse.Pulse
}

// New returns metrics without any figure.
func New(o Options) *Metrics {
	if o.Tick <= 0 {
		o.Tick = control.TickDefault
	}
	if o.Meter == nil {
		o.Meter = measure.New(nil, nil)
	}
	if o.Unpriced == nil {
		o.Unpriced = func() []string { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Metrics{o: o, registry: prometheus.NewRegistry(), pulse: pulse.New("", o.Workloads, o.Tick, o.Now)}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "backstop", Name: name, Help: help}, append([]string{"workload"}, labels...))
		m.registry.MustRegister(g)
		return g
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "backstop", Name: name, Help: help}, append([]string{"workload"}, labels...))
		m.registry.MustRegister(c)
		return c
	}
	m.demand = gauge("demand_tasks", "Tasks wanted.")
	m.missing = gauge("missing_tasks", "Demand less what serves: tasks in service, and leaving ones that still work. Absent while it is not known.")
	m.inService = gauge("in_service_tasks", "Tasks in service (running, ready, and not under notice), by pool. Absent while it is not known.", "pool", "capacity")
	m.running = gauge("running_tasks", "Tasks that are RUNNING and wanted, ready or not, by pool.", "pool", "capacity")
	m.desired = gauge("desired_tasks", "The desired count that the pool's service has, by pool.", "pool", "capacity")
	m.health = gauge("spot_health_score", "Health of Spot, 0 to 100, from the errors, pending tasks and starts of the last five minutes.")
	m.active = gauge("failover_active", "1 while on-demand covers for Spot.")
	m.errors5 = gauge("spot_errors", "Distinct interruptions and capacity failures of the last five minutes.")
	m.savings = gauge("savings_today_usd", "US dollars saved today (UTC) against all on-demand, estimated.")
	m.unpriced = gauge("budget_unpriced", "1 while a budget or a forecast is set and not in force, because what a task costs is not known.")
	m.generation = gauge("state_generation", "Number of the last commit.")
	m.last = gauge("last_pass_timestamp_seconds", "When the workload was last passed, by AWS's clock.")
	m.failovers = counter("failovers_total", "Failovers that began.")
	m.passes = counter("passes_total", "Passes by how they ended.", "result")
	m.decisions = counter("decisions_total", "Decisions by their leading reason.", "reason")
	m.actions = counter("actions_total", "Actions by their result: done, failed or skipped.", "result")
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "backstop", Name: "pass_duration_seconds", Help: "How long a pass of the workload took.",
		Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}}, []string{"workload"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "backstop", Name: "build_info", Help: "1, with the version."}, []string{"version"})
	build.WithLabelValues(o.Version).Set(1)
	m.registry.MustRegister(m.took, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Tell takes a report; it is for control.Loop's Tell.
func (m *Metrics) Tell(ctx context.Context, r control.Report) {
	m.passes.WithLabelValues(r.Workload, string(r.Result)).Inc()
	m.took.WithLabelValues(r.Workload).Observe(r.Took.Seconds())
	for i := range r.Outcomes {
		result := "failed"
		switch o := &r.Outcomes[i]; {
		case o.Skipped:
			result = "skipped"
		case o.Done():
			result = "done"
		}
		m.actions.WithLabelValues(r.Workload, result).Inc()
	}
	unpriced := 0.0
	if slices.Contains(m.o.Unpriced(), r.Workload) {
		unpriced = 1
	}
	m.unpriced.WithLabelValues(r.Workload).Set(unpriced)
	m.pulse.Tell(&r)
	f, ok := m.o.Meter.Of(ctx, &r)
	if !ok {
		return
	}
	m.decisions.WithLabelValues(r.Workload, string(r.Decision.Reason)).Inc()
	m.demand.WithLabelValues(r.Workload).Set(float64(f.Demand))
	m.errors5.WithLabelValues(r.Workload).Set(float64(f.Errors))
	m.generation.WithLabelValues(r.Workload).Set(float64(r.Generation))
	m.last.WithLabelValues(r.Workload).Set(float64(f.At.UnixMilli()) / 1000)
	m.failovers.WithLabelValues(r.Workload).Add(float64(f.Begun))
	active := 0.0
	if f.Active {
		active = 1
	}
	m.active.WithLabelValues(r.Workload).Set(active)
	if f.Priced {
		m.savings.WithLabelValues(r.Workload).Set(f.Savings)
	}
	show(m.missing, f.Missing, f.Knows(f.Missing), r.Workload)
	for i := range r.Decision.Pools {
		p := &r.Decision.Pools[i]
		show(m.inService, p.InService, p.Sight != failover.Told && p.InService.Known(), r.Workload, p.Pool, string(p.Capacity))
	}
	if !f.Seen {
		return
	}
	m.health.WithLabelValues(r.Workload).Set(float64(f.Health))
	for i := range r.Decision.Pools {
		p := &r.Decision.Pools[i]
		m.running.WithLabelValues(r.Workload, p.Pool, string(p.Capacity)).Set(float64(p.Running))
		m.desired.WithLabelValues(r.Workload, p.Pool, string(p.Capacity)).Set(float64(p.Desired))
	}
}

// show sets a gauge to a count that is known, and removes it while it is not: the last number is not the present one.
func show(g *prometheus.GaugeVec, n failover.Range, known bool, labels ...string) {
	if !known {
		g.DeleteLabelValues(labels...)
		return
	}
	g.WithLabelValues(labels...).Set(float64(n.Low))
}

// Handler serves /metrics, /healthz (the process answers) and /readyz (every workload was passed lately and its state can be
// kept: 200, else 503 with the names of those for which that is not so).
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesMax, Timeout: scrapeTimeout, EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, map[string]any{"status": "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		g := m.guard()
		switch {
		case g.Level != health.Critical:
			write(w, http.StatusOK, map[string]any{"status": "ready"})
		case m.o.Named != nil && !m.o.Named(r):
			write(w, http.StatusServiceUnavailable, map[string]any{"status": "not_ready"})
		default:
			write(w, http.StatusServiceUnavailable, map[string]any{"status": "not_ready", "text": g.Text, "workloads_without_pass": named(g.Silent),
				"workloads_without_store": named(g.Unstored)})
		}
	})
	return mux
}

// guard judges this process: a workload that was never passed counts as not guarded yet.
func (m *Metrics) guard() health.Guard {
	beats := []health.Beat{m.pulse.Beat()}
	watched := make([]health.Watched, len(m.o.Workloads))
	for i, name := range m.o.Workloads {
		look, known := health.LookAt(beats, name, m.o.Now())
		watched[i] = health.Watched{Workload: name, Look: look, Known: known}
	}
	return health.GuardOf(watched, beats)
}

// named is a list in JSON, [] when it is empty.
func named(names []string) []string { return append([]string{}, names...) }

func write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // an error means that the caller has gone
}
