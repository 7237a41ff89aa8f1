package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnOrderForMany: chosen by cluster or all, asked once, and those left out for which it makes no sense.
func TestAnOrderForMany(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "backstop.yaml")
	text := "version: 1\nregion: us-east-1\nstate: {sqlite: " + filepath.Join(dir, "state.db") + "}\nworkloads:\n"
	for _, w := range [][2]string{{"api", "prod"}, {"batch", "prod"}, {"shop", "test"}} {
		text += "  - name: " + w[0] + "\n    pools:\n      - {name: spot, cluster: " + w[1] + ", service: " + w[0] + "-spot, capacity: FARGATE_SPOT}\n" +
			"      - {name: standard, cluster: " + w[1] + ", service: " + w[0] + "-standard, capacity: FARGATE}\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	if _, errs = runs(t, ExitUsage, "pin", "on_demand", "-c", path); !strings.Contains(errs, "needs a workload, --cluster or --all") {
		t.Error(errs)
	}
	out, _ = runs(t, ExitDone, "pin", "--all", "on_demand", "--yes", "-c", path)
	if strings.Count(out, "pin to on-demand") != 3 {
		t.Error(out)
	}
}
