package metric_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/aws/metric"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
)

func write(t *testing.T, f measure.Facts) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := metric.New(&out, "").Write(f); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("it wrote %q, want one line", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

// TestALineIsWhatTheFormatSays holds a line to CloudWatch's specification of the format: every metric that is defined
// has a number at the top, and every dimension a string.
func TestALineIsWhatTheFormatSays(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	line := write(t, measure.Facts{Workload: "api", At: at, Seen: true, Health: 70, Demand: 10, InService: failover.Exactly(9), SpotInService: failover.Exactly(5), Missing: failover.Exactly(1), Active: true, Begun: 1, Errors: 3,
		Savings: 1.23456, Priced: true})
	aws := line["_aws"].(map[string]any)
	if aws["Timestamp"] != float64(at.UnixMilli()) {
		t.Errorf("the timestamp is %v", aws["Timestamp"])
	}
	directive := aws["CloudWatchMetrics"].([]any)[0].(map[string]any)
	if directive["Namespace"] != "Fargate/Failover" || line["ServiceName"] != "api" {
		t.Errorf("namespace %v, service %v", directive["Namespace"], line["ServiceName"])
	}
	defined := directive["Metrics"].([]any)
	if len(defined) != len(metric.Metrics()) || len(defined) != 9 {
		t.Errorf("%d metrics are defined, want nine: each costs $0.30 a month", len(defined))
	}
	for _, d := range defined {
		name := d.(map[string]any)["Name"].(string)
		if _, ok := line[name].(float64); !ok {
			t.Errorf("metric %s has the value %v", name, line[name])
		}
	}
	if line["CostSavingsToday"] != 1.2346 || line["FailoverCount"] != 1.0 || line["SpotHealthScore"] != 70.0 {
		t.Errorf("the line is %v", line)
	}
}

func TestWhatIsNotKnownIsNotInTheLine(t *testing.T) {
	line := write(t, measure.Facts{Workload: "api", Demand: 10})
	for _, name := range []string{"SpotHealthScore", "InService", "SpotInService", "Missing", "CostSavingsToday"} {
		if v, there := line[name]; there {
			t.Errorf("a blind pass without prices says that %s is %v", name, v)
		}
	}
	if line["Demand"] != 10.0 {
		t.Error("the heartbeat is missing: Demand is written by every pass")
	}
	if v, there := write(t, measure.Facts{Priced: true, Savings: math.NaN()})["CostSavingsToday"]; there {
		t.Errorf("no number became %v", v)
	}
}

func TestTheDocumentNamesEveryMetric(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metric.Metrics() {
		if !strings.Contains(string(doc), "`"+m.Name+"`") {
			t.Errorf("docs/metrics.md lacks %s", m.Name)
		}
	}
}
