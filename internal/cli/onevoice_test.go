package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/dashboard"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// TestOneFactHasOneSentence renders one decision through every surface: each says the same of it, word for word.
func TestOneFactHasOneSentence(t *testing.T) {
	path := recorded(t)
	s, _, _ := testIO("")
	now := s.Now()
	file, err := readConfig(t.Context(), s, path, false)
	if err != nil {
		t.Fatal(err)
	}
	w := file.Workloads[0]
	w.Policy.OnDemandMax = 1
	store, err := sqlite.Open(t.Context(), filepath.Join(filepath.Dir(path), "state.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	before := failover.State{Version: failover.StateVersion, Workload: "api", Decided: failover.Decided{Mode: failover.ModeSpot, Demand: 5, DemandSet: true}}
	after := before
	after.Generation, after.MissingSince, after.Mode, after.ModeSince = 1, now.Add(-2*time.Minute), failover.ModeMixed, now.Add(-2*time.Minute)
	after.Seen.At = now
	d := failover.Decision{At: now, Workload: "api", Reason: failover.ReasonOnDemandMax, Mode: failover.ModeMixed, Demand: 5, InService: failover.Exactly(1), Missing: failover.Exactly(4),
		Findings: []failover.Finding{{Reason: failover.ReasonOnDemandMax, Pool: "standard", Count: 4, Limit: 1}},
		Actions:  []failover.Action{failover.SetDesiredCount{Pool: "standard", From: 0, Count: 1}},
		Pools:    []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot}, {Pool: "standard", Capacity: failover.OnDemand, InService: failover.Exactly(1), Live: 1}}}
	health.Tell(&w.Policy, &before, &after, &d)
	entry := journal.Entry{Version: journal.Version, ID: journal.NewID(now, 99), Workload: "api", At: now, Kind: journal.KindDecision, Decision: &d, Actions: d.Actions}
	told := journal.Entry{Version: journal.Version, ID: journal.NewID(now, 100), Workload: "api", At: now, Kind: journal.KindNotice, Notice: &d.Notices[len(d.Notices)-1]}
	if err := store.Commit(t.Context(), "test", control.Record{State: after}, now, []journal.Entry{entry, told}); err != nil {
		t.Fatal(err)
	}

	verdict := "4 of 5 missing for 2m: 4 on-demand tasks more needed than on_demand_max (1) allows"
	decided := "raise standard from 0 to 1: 4 on-demand tasks more needed than on_demand_max (1) allows"
	cause := "4 on-demand tasks more needed than on_demand_max (1) allows"
	command := "backstop config explain on_demand_max"
	run := func(args ...string) string {
		var out bytes.Buffer
		s.Out = &out
		Main(t.Context(), append(args, "-c", path), s)
		return out.String()
	}
	page := func(route string) string {
		workloads, err := parts.Workloads(file, "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		d, err := dashboard.New(dashboard.Options{Source: sourceOf(store, workloads, file, s.Now, false), Now: s.Now, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		d.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+route, nil))
		return rec.Body.String()
	}
	v := topView{s: s, file: file, workloads: file.Workloads}
	top := v.fetch(t.Context(), "api", 100)
	letters := func() string {
		var book notice.Book
		book.Note(&control.Report{Workload: "api", Before: before, After: after, Decision: d, Result: control.Committed}, nil, "")
		text, _ := json.Marshal(book.Letters)
		return string(text)
	}()
	for _, v := range []struct {
		surface, text string
		want          []string
	}{
		{"status", run("status"), []string{verdict, command}},
		{"status NAME", run("status", "api"), []string{verdict, command}},
		{"status -o json", run("status", "-o", "json"), []string{verdict, command}},
		{"explain", run("explain", "api"), []string{cause, command, "raise standard from 0 to 1"}},
		{"history", run("history"), []string{decided, cause}},
		{"top", top.Rows[0].Note + strings.Join(top.Rows[0].Detail, "\n") + "\n" + top.Rows[0].Log[len(top.Rows[0].Log)-1].Text, []string{verdict, command, decided}},
		{"the overview", page("/api/workloads"), []string{verdict, command, wording.UpperFirst(decided)}},
		{"a workload's page", page("/api/workloads/api"), []string{verdict, command, wording.UpperFirst(decided)}},
		{"the page's history", page("/api/workloads/api/history"), []string{wording.UpperFirst(decided), cause}},
		{"notices", letters, []string{cause, command}},
	} {
		for _, want := range v.want {
			if !strings.Contains(v.text, want) {
				t.Errorf("%s does not say %q:\n%s", v.surface, want, v.text)
			}
		}
	}
}
