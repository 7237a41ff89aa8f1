package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

const measuredReport = `{"version": 1, "run": "1a2b3c4d", "region": "us-east-1", "started": "2026-11-29T12:00:00Z", "rows": [
	{"row": "A1", "verdict": "contradicted", "knob": {"p50_seconds": 164, "p95_seconds": 219, "p99_seconds": 252}},
	{"row": "A13", "verdict": "holds"}, {"row": "A22", "verdict": "contradicted", "knob": "random"}, {"row": "A28", "verdict": "bends", "knob": 1.2}]}`

func TestAModelIsWhatARunMeasured(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "model.yaml")
	if err := os.WriteFile(filepath.Join(dir, "backstop-verify-1a2b3c4d.json"), []byte(measuredReport), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, stderr := testIO("")
	if code := Main(t.Context(), []string{"verify-aws", "apply", "1a2b3c4d", "--dir", dir, "--out", file}, s); code != ExitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	model, err := readModel(file)
	if err != nil {
		t.Fatal(err)
	}
	var c ecsim.Config
	if err := model.Apply(&c, &scaler.Config{}); err != nil {
		t.Fatal(err)
	}
	want := ecsim.Config{StartUp: ecsim.StartUp{P50: 164 * time.Second, P95: 219 * time.Second, P99: 252 * time.Second}, ScaleIn: ecsim.PickRandom, ReadLag: 1200 * time.Millisecond}
	if c.StartUp != want.StartUp || c.ScaleIn != want.ScaleIn || c.ReadLag != want.ReadLag || c.SchedulerDelay != 0 {
		t.Errorf("%+v", c)
	}
	simulated := func(args ...string) string {
		s, out, stderr := testIO("")
		if code := Main(t.Context(), append([]string{"simulate", "--trace", "partial", "--policy", "fill", "--days", "1", "-o", "csv"}, args...), s); code != ExitDone {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		text := strings.TrimSpace(out.String())
		return text[:strings.LastIndexByte(text, ',')] // without the time that it took
	}
	flags := simulated("--start-up", "164s,219s,252s", "--scale-in", "random")
	if calm := simulated(); flags == calm {
		t.Error("the start-up times change nothing")
	}
	if err := os.WriteFile(file, []byte("A1: {p50_seconds: 164, p95_seconds: 219, p99_seconds: 252}\nA22: random\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := simulated("--model", file); got != flags {
		t.Errorf("by the model:\n%s\nby flags:\n%s", got, flags)
	}
}

func TestAWrongModelNamesItsPlace(t *testing.T) {
	for text, want := range map[string]string{"A13: 5\nA999: 1\n": "model.yaml:2: A999: has no knob", "A13: lots\n": "model.yaml:1: A13:", "- A13\n": "model.yaml:1: must have", "A13: 1\nA13: 2\n": "model.yaml",
		"A17: {first: 3}\n": "model.yaml:1: A17: unknown field", "A13: [\n": "is not YAML"} {
		file := filepath.Join(t.TempDir(), "model.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readModel(file); codeOf(err) != ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if model, err := readModel(""); model != nil || err != nil {
		t.Errorf("no file: %v %v", model, err)
	}
}

// TestTuneSearchesInTheModelThatIsGiven: starts that are slower than the warning leave more short, whatever is tried.
func TestTuneSearchesInTheModelThatIsGiven(t *testing.T) {
	file := filepath.Join(t.TempDir(), "model.yaml")
	if err := os.WriteFile(file, []byte("A1: {p50_seconds: 200, p95_seconds: 260, p99_seconds: 300}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tuned := func(args ...string) (out struct {
		Before struct {
			Short float64 `json:"shortfall_per_1000_hours"`
		} `json:"before"`
	}) {
		s, stdout, stderr := testIO("")
		if code := Main(t.Context(), append([]string{"tune", "--days", "1", "--tasks", "10", "--seeds", "1", "--held-out", "2", "-o", "json"}, args...), s); code != ExitDone {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if calm, slow := tuned(), tuned("--model", file); slow.Before.Short <= calm.Before.Short+1 {
		t.Errorf("%v short by default, %v in the slower model", calm, slow)
	}
}
