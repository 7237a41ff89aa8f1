package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/metrics"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func get(m *metrics.Metrics, path string) (int, string) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func report(name string) control.Report {
	r := control.Report{Workload: name, Generation: 7, Result: control.Committed, Took: 20 * time.Millisecond,
		Decision: failover.Decision{At: start, Workload: name, Reason: failover.ReasonSpotShort, Mode: failover.ModeMixed, Demand: 10, InService: failover.Exactly(8), Missing: failover.Exactly(2), Health: 60,
			Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: 5, InService: failover.Exactly(4), Desired: 10}, {Pool: "standard", Capacity: failover.OnDemand, Running: 3, InService: failover.Exactly(3), Desired: 5}}}}
	r.After.Failovers = []time.Time{start}
	r.After.Window = []failover.Evidence{{Kind: failover.SignalInterruption, At: start.Add(-time.Minute)}, {Kind: failover.SignalRunning, At: start}, {Kind: failover.SignalCapacityStop, At: start.Add(-6 * time.Minute)}}
	r.Outcomes = []journal.Outcome{{}, {Err: failover.ErrDenied}, {Skipped: true}}
	return r
}

func TestAReportBecomesFigures(t *testing.T) {
	m := metrics.New(metrics.Options{Workloads: []string{"api"}, Version: "v1"})
	m.Tell(t.Context(), report("api"))
	_, body := get(m, "/metrics")
	for _, want := range []string{
		`backstop_demand_tasks{workload="api"} 10`, `backstop_missing_tasks{workload="api"} 2`, `backstop_spot_health_score{workload="api"} 60`,
		`backstop_running_tasks{capacity="FARGATE_SPOT",pool="spot",workload="api"} 5`, `backstop_desired_tasks{capacity="FARGATE",pool="standard",workload="api"} 5`,
		`backstop_failover_active{workload="api"} 1`, `backstop_failovers_total{workload="api"} 1`, `backstop_spot_errors{workload="api"} 1`,
		`backstop_passes_total{result="committed",workload="api"} 1`, `backstop_decisions_total{reason="spot_short",workload="api"} 1`,
		`backstop_actions_total{result="done",workload="api"} 1`, `backstop_actions_total{result="failed",workload="api"} 1`,
		`backstop_actions_total{result="skipped",workload="api"} 1`, `backstop_state_generation{workload="api"} 7`,
		`backstop_pass_duration_seconds_count{workload="api"} 1`, `backstop_build_info{version="v1"} 1`} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(body, "savings") && strings.Contains(body, `backstop_savings_today_usd{`) {
		t.Error("savings are shown although no price is known")
	}
}

func TestABlindPassShowsNoCountThatIsNotKnown(t *testing.T) {
	m := metrics.New(metrics.Options{Workloads: []string{"api"}})
	m.Tell(t.Context(), report("api"))
	blind := report("api")
	blind.Decision.Reason, blind.Decision.Health = failover.ReasonBlind, 0
	blind.Decision.InService, blind.Decision.Missing = failover.Range{Low: 3, High: 7}, failover.Range{Low: 3, High: 7}
	blind.Decision.Pools[0].Sight, blind.Decision.Pools[0].InService = failover.Told, failover.Range{High: 4}
	m.Tell(t.Context(), blind)
	_, body := get(m, "/metrics")
	if !strings.Contains(body, `backstop_spot_health_score{workload="api"} 60`) {
		t.Error("a blind pass changed the health score, of which it knows nothing")
	}
	for _, gone := range []string{`backstop_missing_tasks{workload="api"}`, `backstop_in_service_tasks{capacity="FARGATE_SPOT",pool="spot",workload="api"}`} {
		if strings.Contains(body, gone) {
			t.Errorf("%s is shown although it is not known", gone)
		}
	}
	if !strings.Contains(body, `backstop_in_service_tasks{capacity="FARGATE",pool="standard",workload="api"} 3`) {
		t.Error("the pool that was read is not shown")
	}
}

func TestItIsReadyOnceEveryWorkloadWasPassedAndNotWhenPassesStop(t *testing.T) {
	now := start
	m := metrics.New(metrics.Options{Workloads: []string{"api", "worker"}, Tick: time.Minute, Now: func() time.Time { return now }})
	if code, _ := get(m, "/healthz"); code != 200 {
		t.Errorf("/healthz is %d", code)
	}
	m.Tell(t.Context(), report("api"))
	lost := report("worker")
	lost.Result = control.StoreFailed
	m.Tell(t.Context(), lost)
	if code, body := get(m, "/readyz"); code != 503 || !strings.Contains(body, `["worker"]`) {
		t.Errorf("/readyz is %d %s, want 503 that names the workload whose store failed", code, body)
	}
	m.Tell(t.Context(), report("worker"))
	if code, body := get(m, "/readyz"); code != 200 {
		t.Errorf("/readyz is %d %s", code, body)
	}
	m.Tell(t.Context(), lost)
	if code, body := get(m, "/readyz"); code != 200 {
		t.Errorf("/readyz is %d %s after one commit that failed", code, body)
	}
	m.Tell(t.Context(), lost)
	if code, body := get(m, "/readyz"); code != 503 || !strings.Contains(body, `"workloads_without_store":["worker"]`) {
		t.Errorf("/readyz is %d %s after two: nothing is acted on", code, body)
	}
	m.Tell(t.Context(), report("worker"))
	now = now.Add(3*time.Minute + time.Second)
	if code, _ := get(m, "/readyz"); code != 503 {
		t.Errorf("/readyz is %d three ticks after the last pass", code)
	}
}

func TestABudgetThatIsNotInForceShows(t *testing.T) {
	unpriced := []string{"api"}
	m := metrics.New(metrics.Options{Workloads: []string{"api"}, Unpriced: func() []string { return unpriced }})
	for _, want := range []string{"1", "0"} {
		m.Tell(t.Context(), report("api"))
		if _, body := get(m, "/metrics"); !strings.Contains(body, `backstop_budget_unpriced{workload="api"} `+want+"\n") {
			t.Errorf("/metrics lacks a backstop_budget_unpriced of %s", want)
		}
		unpriced = nil
	}
}
