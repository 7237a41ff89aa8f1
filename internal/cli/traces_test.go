package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestADaemonThatIsToldToStopSendsItsLastTraces: spans are sent every five seconds; the daemon is told to stop while
// its first pass is under way.
func TestADaemonThatIsToldToStopSendsItsLastTraces(t *testing.T) {
	var names []string
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got coltracepb.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		for _, rs := range got.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					names = append(names, s.Name)
				}
			}
		}
	}))
	defer collector.Close()
	runOnce(t, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	for _, want := range []string{"pass", "load", "observe", "decide", "commit"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span %q was sent: %q", want, names)
		}
	}
}

// TestACollectorThatIsNotThereKeepsNobodyFromGuarding, nor from stopping in time; nor does one that is misspelt.
func TestACollectorThatIsNotThereKeepsNobodyFromGuarding(t *testing.T) {
	for _, endpoint := range []string{"http://127.0.0.1:1", "localhost:4318"} {
		begun := time.Now()
		runOnce(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("with a collector at %s it took %s", endpoint, took)
		}
	}
}

// runOnce runs the daemon against a sandbox until its first pass is under way, then tells it to stop.
func runOnce(t *testing.T, env ...string) {
	t.Helper()
	box := sandbox.New(sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
	if err := box.Setup(sandbox.Twins{Cluster: "c", Name: "api", Count: 3}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var first sync.Once
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first.Do(stop)
		box.ServeHTTP(w, r)
	}))
	defer aws.Close()
	for _, l := range environment(aws.URL, "us-east-1") {
		name, value, _ := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		t.Setenv(name, value)
	}
	for i := 0; i < len(env); i += 2 {
		t.Setenv(env[i], env[i+1])
	}
	path, _ := dashboardConfig(t)
	s, _, _ := testIO("")
	s.Env = os.Getenv
	if err := runDaemon(ctx, s, runOptions{path: path, log: "info", speed: 1}); err != nil {
		t.Fatal(err)
	}
}
