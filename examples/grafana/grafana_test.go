// Package grafana holds a Grafana dashboard and alert rules for the daemon's metrics. There is no code but the test
// that keeps them true.
package grafana

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/metrics"
)

func stateOf(mode failover.Mode, at time.Time) failover.State {
	return failover.State{Decided: failover.Decided{Mode: mode}, Seen: failover.Seen{At: at}}
}

// served returns the names of the metrics that a daemon serves after one pass that does everything.
func served(t *testing.T) []string {
	t.Helper()
	m := metrics.New(metrics.Options{Workloads: []string{"api"}, Version: "v0"})
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	pools := []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: 1}, {Pool: "standard", Capacity: failover.OnDemand, Running: 1}}
	m.Tell(t.Context(), control.Report{Workload: "api", Result: control.Committed, Before: stateOf(failover.ModeSpot, at), After: stateOf(failover.ModeMixed, at),
		Observation: failover.Observation{At: at, Pools: []failover.PoolObservation{{Pool: "spot"}, {Pool: "standard"}}},
		Decision:    failover.Decision{At: at, Workload: "api", Demand: 2, InService: failover.Exactly(2), Pools: pools, Reason: failover.ReasonCovering},
		Outcomes:    []journal.Outcome{{Action: failover.SetDesiredCount{Pool: "standard", Count: 1}}}})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var out []string
	for _, line := range regexp.MustCompile(`(?m)^(backstop_[a-z0-9_]+)`).FindAllString(w.Body.String(), -1) {
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

func TestEveryMetricNamedHereIsServed(t *testing.T) {
	// Savings are there only where prices are known.
	names := append(served(t), "backstop_savings_today_usd")
	for _, file := range []string{"alerts.yml", "alerts_test.yml", "backstop.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`backstop_[a-z0-9_]+`).FindAllString(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s names %d metrics", file, len(found))
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				t.Errorf("%s names %s, which the daemon does not serve; it serves %s", file, name, strings.Join(names, ", "))
			}
		}
	}
}

func TestEveryMetricServedIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range served(t) {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if !strings.Contains(string(doc), "`"+base+"`") {
			t.Errorf("docs/metrics.md lacks %s", base)
		}
	}
}

func TestEveryReasonAndResultNamedHereExists(t *testing.T) {
	var known []string
	for _, r := range failover.Reasons() {
		known = append(known, string(r))
	}
	for _, r := range []control.Result{control.Unchanged, control.Committed, control.ActionFailed, control.Unrecorded, control.Stale, control.Held, control.StoreFailed, control.Abandoned} {
		known = append(known, string(r))
	}
	text, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	labels := regexp.MustCompile(`(?:reason|result)=~?"([^"]+)"`).FindAllStringSubmatch(string(text), -1)
	if len(labels) == 0 {
		t.Fatal("the rules name no reason and no result")
	}
	for _, m := range labels {
		for name := range strings.SplitSeq(m[1], "|") {
			if !slices.Contains(known, name) {
				t.Errorf("alerts.yml names %q, which is neither a reason nor a result", name)
			}
		}
	}
}

func TestTheDashboardCanBeImported(t *testing.T) {
	text, err := os.ReadFile("backstop.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title  string `json:"title"`
		UID    string `json:"uid"`
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			GridPos struct{ X, Y, W, H int }
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.Title == "" || d.UID == "" || len(d.Panels) < 10 {
		t.Fatalf("%q %q with %d panels", d.Title, d.UID, len(d.Panels))
	}
	seen := map[int]string{}
	for i, p := range d.Panels {
		if other, twice := seen[p.ID]; twice {
			t.Errorf("%s and %s have the same id", p.Title, other)
		}
		seen[p.ID] = p.Title
		if len(p.Targets) == 0 || p.Targets[0].Expr == "" {
			t.Errorf("%s asks for nothing", p.Title)
		}
		for _, q := range d.Panels[i+1:] {
			a, b := p.GridPos, q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, q.Title)
			}
		}
	}
}

// promtoolPath finds promtool on PATH or where scripts/test-tools puts it; "" if it is not there.
func promtoolPath() string {
	if path, err := exec.LookPath("promtool"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	path := filepath.Join(cache, "backstop", "promtool", "promtool")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	promtool := promtoolPath()
	if promtool == "" {
		t.Skip("promtool is not there (scripts/test-tools gets it on Debian); the rules are not tried")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	// Every expression of the dashboard is one that Prometheus can parse.
	text, err := os.ReadFile("backstop.json")
	if err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	for _, m := range regexp.MustCompile(`"expr": ("(?:[^"\\]|\\.)*")`).FindAllStringSubmatch(string(text), -1) {
		var expr string
		if err := json.Unmarshal([]byte(m[1]), &expr); err != nil {
			t.Fatal(err)
		}
		expr = strings.NewReplacer("$workload", ".+", "$__rate_interval", "5m").Replace(expr)
		quoted, _ := json.Marshal(expr)
		rules.WriteString("      - {record: dashboard:x" + strings.Repeat("x", n) + ", expr: " + string(quoted) + "}\n")
		n++
	}
	file := t.TempDir() + "/rules.yml"
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil || n < 10 {
		t.Errorf("promtool on the dashboard's %d expressions: %v\n%s", n, err, out)
	}
}
