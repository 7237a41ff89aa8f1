// Package metric writes CloudWatch metrics in the Embedded Metric Format: one line of JSON a pass and workload, which
// CloudWatch turns into metrics when it arrives in a log group. It calls nothing.
//
// The metrics are nine for each workload, because CloudWatch bills each ($0.30 a month) and nothing else here costs
// more than cents. There is no metric of its own for the heartbeat: a line is written for every pass, so that
// "no data of Demand for five minutes" is "no pass for five minutes".
package metric

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
)

// Namespace is the default namespace, Dimension the only dimension; its value is the workload's name.
const (
	Namespace = "Fargate/Failover"
	Dimension = "ServiceName"
)

// Metric is one metric and its unit in CloudWatch's words.
type Metric struct{ Name, Unit, Text string }

var metrics = []Metric{
	{"SpotHealthScore", "None", "0 to 100: 100 less 10 for each error and 5 for each pending task, plus 2 for each start, of the last five minutes; never above the share of what was asked of Spot that is in service"},
	{"FailoverActive", "None", "1 while on-demand covers for Spot, else 0"},
	{"FailoverCount", "Count", "failovers that began; its sum over a day is the day's"},
	{"ErrorCount5min", "Count", "distinct interruptions and capacity failures of the last five minutes"},
	{"CostSavingsToday", "None", "US dollars saved today (UTC) against all on-demand, estimated; absent without the size of a task"},
	{"Demand", "Count", "tasks wanted"},
	{"InService", "Count", "tasks in service: running, ready, and not under notice; absent while it is not known"},
	{"SpotInService", "Count", "tasks in service on Spot; those on demand are InService less these; absent while it is not known"},
	{"Missing", "Count", "demand less what serves: tasks in service, and leaving ones that still work; absent while it is not known"},
}

// Metrics lists the metrics.
func Metrics() []Metric { return metrics }

// Writer writes metric lines. It is safe for concurrent use.
type Writer struct {
	mu        sync.Mutex
	out       io.Writer
	namespace string
}

// New returns a writer to the standard output of a function, or to a file that CloudWatch's agent reads.
func New(out io.Writer, namespace string) *Writer {
	if namespace == "" {
		namespace = Namespace
	}
	return &Writer{out: out, namespace: namespace}
}

type definition struct {
	Name string `json:"Name"`
	Unit string `json:"Unit,omitempty"`
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

// Write writes the line of a pass. What the pass could not see is not in it.
func (w *Writer) Write(f measure.Facts) error {
	values := map[string]float64{"FailoverActive": 0, "FailoverCount": float64(f.Begun), "ErrorCount5min": float64(f.Errors), "Demand": float64(f.Demand)}
	if f.Active {
		values["FailoverActive"] = 1
	}
	if f.Seen {
		values["SpotHealthScore"] = float64(f.Health)
	}
	for name, r := range map[string]failover.Range{"InService": f.InService, "SpotInService": f.SpotInService, "Missing": f.Missing} {
		if f.Knows(r) {
			values[name] = float64(r.Low)
		}
	}
	if f.Priced {
		values["CostSavingsToday"] = math.Round(f.Savings*1e4) / 1e4
	}
	d := directive{Namespace: w.namespace, Dimensions: [][]string{{Dimension}}}
	line := map[string]any{Dimension: f.Workload}
	for _, m := range metrics {
		v, ok := values[m.Name]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
		line[m.Name] = v
	}
	line["_aws"] = map[string]any{"Timestamp": f.At.UnixMilli(), "CloudWatchMetrics": []directive{d}}
	body, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write metrics of %s: %w", f.Workload, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.out.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("write metrics of %s: %w", f.Workload, err)
	}
	return nil
}
