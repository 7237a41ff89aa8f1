package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// configured writes a configuration of three workloads in two clusters, with labels, and no state.
func configured(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "backstop.yaml")
	text := "version: 1\nregion: us-east-1\nstate: {sqlite: " + filepath.Join(dir, "state.db") + "}\nworkloads:\n"
	for _, w := range [][3]string{{"api", "prod", "web"}, {"batch", "prod", "data"}, {"shop", "test", "web"}} {
		text += "  - name: " + w[0] + "\n    labels: {team: " + w[2] + ", tier: \"1\"}\n    pools:\n      - {name: spot, cluster: " + w[1] + ", service: " + w[0] + "-spot, capacity: FARGATE_SPOT}\n" +
			"      - {name: standard, cluster: " + w[1] + ", service: " + w[0] + "-standard, capacity: FARGATE}\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAnOrderForMany: chosen by cluster or all, asked once, and those left out for which it makes no sense.
func TestAnOrderForMany(t *testing.T) {
	path := configured(t)
	out, _ := runs(t, ExitDone, "pause", "--cluster", "prod", "--yes", "-c", path)
	if !strings.Contains(out, "api: pause") || !strings.Contains(out, "batch: pause") || strings.Contains(out, "shop") {
		t.Errorf("of the cluster prod: %s", out)
	}
	out, errs := runs(t, ExitDone, "resume", "--all", "--yes", "-c", path)
	if strings.Count(out, "recorded as generation 2") != 2 || !strings.Contains(errs, "shop: left out: resume: the workload is not paused") {
		t.Errorf("of all: %s%s", out, errs)
	}
	if _, errs = runs(t, ExitRefused, "resume", "--all", "--yes", "-c", path); !strings.Contains(errs, "no workload is left for it") {
		t.Error(errs)
	}
	if _, errs = runs(t, ExitRefused, "pause", "api", "shop", "-c", path); !strings.Contains(errs, "pause 2 workloads: not a terminal: confirm with --yes") {
		t.Error(errs)
	}
	if _, errs = runs(t, ExitUsage, "pin", "on_demand", "-c", path); !strings.Contains(errs, "needs a workload, --cluster, --label or --all") {
		t.Error(errs)
	}
	out, _ = runs(t, ExitDone, "pin", "--all", "on_demand", "--yes", "-c", path)
	if strings.Count(out, "pin to on-demand") != 3 {
		t.Error(out)
	}
	out, errs = runs(t, ExitDone, "unpin", "-l", "team=web", "--label", "tier=1", "--yes", "-c", path)
	if strings.Count(out, "recorded as generation") != 2 || strings.Contains(out, "batch") || !strings.Contains(errs, "for 2 of 3 workloads:") {
		t.Errorf("by label: %s%s", out, errs)
	}
	for _, c := range []struct{ args, says string }{
		{"pause -l team=nobody", "no workload of backstop.yaml has team=nobody; there are: team=data, team=web, tier=1"},
		{"pause -l team=data --cluster test", "in the cluster test"},
		{"status -l team", `--label "team": must be NAME=VALUE`},
		{"history --all --cluster prod", "--all: not together with --cluster or --label"},
		{"explain api --cluster prod", "name workloads, or choose them"},
		{"pause api --wait 5s", "--wait takes its duration after a =: --wait=5s"},
		{"pin api spot --wait 5s", "--wait takes its duration after a =: --wait=5s"},
		{"pause api --wait=0s", "--wait"},
		{"pause api --wait=9000h", "--wait 375d: must be at most 366d"},
	} {
		if _, errs := runs(t, ExitUsage, append(strings.Fields(c.args), "-c", path)...); !strings.Contains(strings.ReplaceAll(errs, path, "backstop.yaml"), c.says) {
			t.Errorf("%s: %s", c.args, errs)
		}
	}
	out, _ = runs(t, ExitDone, "history", "-l", "team=data", "--kind", "intent", "-c", path)
	if !strings.Contains(out, "batch") || strings.Contains(out, "api") {
		t.Errorf("the history of a label: %s", out)
	}
}

// brittle is a store whose disk fails for one workload.
type brittle struct {
	control.Store
	fails string
}

func (b brittle) Commit(ctx context.Context, owner string, r control.Record, now time.Time, entries []journal.Entry) error {
	if r.State.Workload == b.fails {
		return errors.New("disk I/O error")
	}
	return b.Store.Commit(ctx, owner, r, now, entries)
}

// TestAFailureKeepsNoOtherOrderBack: the rest is recorded, and the exit code is that of the failure.
func TestAFailureKeepsNoOtherOrderBack(t *testing.T) {
	s, out, errs := testIO("")
	file, err := readConfig(t.Context(), s, configured(t), false)
	if err != nil {
		t.Fatal(err)
	}
	store, err := openStore(t.Context(), file, writing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	o := intentOptions{kind: failover.IntentPause, output: outputText}
	var orders []intentFacts
	for _, w := range file.Workloads {
		orders = append(orders, intentFacts{Workload: w.Name, policy: w.Policy, Intent: o.intent(s.Now())})
	}
	given, err := o.record(t.Context(), s, brittle{store, "batch"}, orders)
	if len(given) != 2 || given[0].Workload != "api" || given[1].Workload != "shop" {
		t.Errorf("recorded: %+v", given)
	}
	if code := codeOf(ranError{err}); code != ExitFailed || !strings.Contains(err.Error(), "batch: record intent") {
		t.Errorf("ends with %d: %v", code, err)
	}
	if !strings.Contains(errs.String(), "recorded for 2 of 3 workloads") || strings.Count(out.String(), "recorded as generation 1") != 2 {
		t.Errorf("it says %s%s", out, errs)
	}
}
