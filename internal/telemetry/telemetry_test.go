package telemetry_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/telemetry"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// collector is an OTLP receiver on loopback that keeps what it is sent.
type collector struct {
	url      string
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource []*commonpb.KeyValue
	headers  http.Header
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
		var got coltracepb.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			http.Error(w, "not a batch of spans", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.headers = r.Header
		for _, rs := range got.ResourceSpans {
			c.resource = rs.Resource.Attributes
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// locked is a log that the test may read while others write.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open sets the environment and opens traces.
func open(t *testing.T, log io.Writer, env ...string) (*telemetry.Traces, error) {
	t.Helper()
	for _, l := range os.Environ() {
		if name, _, _ := strings.Cut(l, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for i := 0; i < len(env); i += 2 {
		t.Setenv(env[i], env[i+1])
	}
	return telemetry.Open(t.Context(), telemetry.Options{Env: os.Getenv, Version: "v1", Log: slog.New(slog.NewTextHandler(log, nil)), Grace: 300 * time.Millisecond})
}

func attributes(list []*commonpb.KeyValue) map[string]any {
	out := make(map[string]any)
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = v.IntValue
		}
	}
	return out
}

// covering is a report of a pass in which one call of two was refused.
func covering() control.Report {
	refused := errors.New("AccessDeniedException: not allowed to update the service")
	return control.Report{Workload: "api", Generation: 7, Result: control.ActionFailed, Err: refused, Started: start, Took: 900 * time.Millisecond,
		Decision: failover.Decision{Workload: "api", Reason: failover.ReasonInterruption, Mode: failover.ModeMixed, Demand: 10, InService: failover.Exactly(8), Missing: failover.Exactly(2),
			Actions: []failover.Action{failover.SetDesiredCount{Pool: "standard", Count: 3}, failover.SyncTaskDefinition{Pool: "standard", TaskDefinition: "api:2"}}},
		Outcomes: []journal.Outcome{{Action: failover.SetDesiredCount{Pool: "standard", Count: 3}, Took: 100 * time.Millisecond},
			{Action: failover.SyncTaskDefinition{Pool: "standard", TaskDefinition: "api:2"}, Took: 200 * time.Millisecond, Err: failover.ErrDenied, Text: refused.Error()}},
		Steps: []control.Step{{Name: control.StepLoad, Took: 10 * time.Millisecond}, {Name: control.StepObserve, After: 10 * time.Millisecond, Took: 300 * time.Millisecond},
			{Name: control.StepCommit, After: 320 * time.Millisecond, Took: 20 * time.Millisecond}, {Name: control.StepAct, After: 340 * time.Millisecond, Took: 310 * time.Millisecond, Err: refused}}}
}

func TestAPassBecomesASpanWithItsStepsBelow(t *testing.T) {
	c := newCollector(t)
	traces, err := open(t, io.Discard, "OTEL_EXPORTER_OTLP_ENDPOINT", c.url, "OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod")
	if err != nil {
		t.Fatal(err)
	}
	traces.Tell(t.Context(), covering())
	traces.Close() // what is under way is sent before it returns

	by := make(map[string]*tracepb.Span)
	for _, s := range c.spans {
		name := s.Name
		if name == "action" {
			name = attributes(s.Attributes)["backstop.action"].(string)
		}
		by[name] = s
	}
	pass := by["pass"]
	if pass == nil || len(c.spans) != 7 {
		t.Fatalf("%d spans: %v", len(c.spans), c.spans)
	}
	got := attributes(pass.Attributes)
	for key, want := range map[string]any{"backstop.workload": "api", "backstop.reason": "interruption", "backstop.generation": int64(7), "backstop.result": "action_failed",
		"backstop.mode": "mixed", "backstop.demand": int64(10), "backstop.missing": int64(2), "backstop.actions": int64(2)} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	about := attributes(c.resource)
	if about["service.name"] != "backstop" || about["service.version"] != "v1" || about["deployment.environment"] != "prod" {
		t.Errorf("the process is described as %v", about)
	}
	if c.headers.Get("x-key") != "secret" {
		t.Error("the header of the environment was not sent")
	}
	for name, at := range map[string][2]time.Duration{"pass": {0, 900}, "observe": {10, 310}, "commit": {320, 340}, "act": {340, 650},
		"raise standard from 0 to 3": {340, 440}, "deploy task definition api:2 to standard": {440, 640}} {
		s := by[name]
		from, to := time.Unix(0, int64(s.StartTimeUnixNano)).UTC(), time.Unix(0, int64(s.EndTimeUnixNano)).UTC()
		if !from.Equal(start.Add(at[0]*time.Millisecond)) || !to.Equal(start.Add(at[1]*time.Millisecond)) {
			t.Errorf("%s is from %s to %s, want %d ms to %d ms after %s", name, from, to, at[0], at[1], start)
		}
	}
	for child, parent := range map[string]string{"load": "pass", "observe": "pass", "act": "pass", "raise standard from 0 to 3": "act"} {
		if !bytes.Equal(by[child].ParentSpanId, by[parent].SpanId) || !bytes.Equal(by[child].TraceId, pass.TraceId) {
			t.Errorf("%s is not below %s", child, parent)
		}
	}
	for name, s := range by {
		refused := name == "pass" || name == "act" || strings.HasPrefix(name, "deploy task definition")
		if bad := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR; bad != refused {
			t.Errorf("%s is marked as an error: %t", name, bad)
		}
	}
}

func TestALostRaceIsNoError(t *testing.T) {
	c := newCollector(t)
	traces, err := open(t, io.Discard, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.url+"/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	r := control.Report{Workload: "api", Result: control.Stale, Err: control.ErrStale, Started: start, Took: time.Second,
		Steps: []control.Step{{Name: control.StepCommit, Took: time.Millisecond, Err: control.ErrStale}}}
	traces.Tell(t.Context(), r)
	traces.Close()
	if len(c.spans) != 2 {
		t.Fatalf("%d spans", len(c.spans))
	}
	for _, s := range c.spans {
		if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			t.Errorf("%s is marked as an error", s.Name)
		}
	}
}

func TestWithoutACollectorNothingIsSent(t *testing.T) {
	for _, env := range [][]string{{}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "OTEL_SDK_DISABLED", "true"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER", "none"}} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			traces, err := open(t, io.Discard, env...)
			if traces != nil || err != nil {
				t.Errorf("traces are sent, error %v", err)
			}
			traces.Tell(t.Context(), covering())
			traces.Close()
		})
	}
}

func TestWhatCannotBeMeantIsSaid(t *testing.T) {
	for want, env := range map[string][]string{
		"must be a URL":     {"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
		"is not spoken":     {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
		"is not known here": {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER", "zipkin"},
	} {
		t.Run(want, func(t *testing.T) {
			if traces, err := open(t, io.Discard, env...); traces != nil || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", env, err)
			}
		})
	}
}

// TestACollectorThatHangsHoldsNobodyUp: it takes connections and never answers, the worst a collector can do.
func TestACollectorThatHangsHoldsNobodyUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var log locked
	traces, err := open(t, &log, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:password@"+listener.Addr().String(), "OTEL_BSP_SCHEDULE_DELAY", "1")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range 5000 { // 35,000 spans for a queue of 2,048
		traces.Tell(t.Context(), covering())
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("5,000 reports took %s", took)
	}
	begun = time.Now()
	traces.Close()
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the end took %s, the grace is 0.3 s", took)
	}
	if !strings.Contains(log.String(), "the last traces were not sent") || strings.Contains(log.String(), "password") {
		t.Errorf("the log: %s", log.String())
	}
}
