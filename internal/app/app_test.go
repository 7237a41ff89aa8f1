package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// lines collects structured log lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// with returns the lines with a message.
func (l *lines) with(t *testing.T, msg string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for _, raw := range bytes.Split(bytes.TrimSpace(l.buf.Bytes()), []byte("\n")) {
		var line map[string]any
		if err := json.Unmarshal(raw, &line); err != nil {
			t.Fatalf("log line %s: %v", raw, err)
		}
		if line["msg"] == msg {
			out = append(out, line)
		}
	}
	return out
}

func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestHalfAnHourOfHalfOfSpot runs the daemon through half an hour in which Spot holds half of the tasks, in a bubble, with
// the real SDK, ECS's token buckets, reads that lag, and the SDK's own retries.
func TestHalfAnHourOfHalfOfSpot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 7}})
		if err := box.SetupTwins(cluster, "api", 40); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		drove, ran := make(chan struct{}), make(chan error, 1)
		go func() {
			defer close(drove)
			box.Drive(ctx)
		}()
		out := &lines{}
		var mu sync.Mutex
		var violations []promise.Violation
		conf := twins("fill", box.QueueURL(), filepath.Join(t.TempDir(), "state.db"), "api")
		a, err := app.New(ctx, app.Options{Config: conf, AWS: awsConfig("http://sandbox.localhost", box), Owner: "test",
			Log: slog.New(slog.NewJSONHandler(out, nil)),
			Tell: func(_ context.Context, r control.Report) {
				if r.Result.Settled() {
					mu.Lock()
					violations = append(violations, promise.Check(&conf.Workloads[0].Policy, &r.Before, &r.Observation, &r.After, &r.Decision)...)
					mu.Unlock()
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		go func() { ran <- a.Run(ctx) }()
		working := func() (spot, standard int) {
			box.World(func(w *ecsim.World) {
				spot = w.Working(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"})
				standard = w.Working(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-standard"})
			})
			return spot, standard
		}
		supply := func(n int) {
			box.World(func(w *ecsim.World) {
				w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, n)
			})
		}
		sleep(5 * time.Minute)
		supply(20)
		sleep(10 * time.Minute)
		if spot, standard := working(); spot != 20 || standard != 20 {
			t.Errorf("ten minutes into the shortage %d Spot and %d on-demand tasks work, want 20 and 20", spot, standard)
		}
		sleep(20 * time.Minute)
		supply(-1)
		sleep(20 * time.Minute)
		if spot, standard := working(); spot != 40 || standard != 0 {
			t.Errorf("after the shortage %d Spot and %d on-demand tasks work, want 40 and 0", spot, standard)
		}

		entries, err := a.Store.Journal(t.Context(), journal.Query{Workload: "api", Limit: 1000})
		if err != nil || len(entries) < 4 {
			t.Errorf("the journal has %d entries, %v", len(entries), err)
		}
		stop()
		if err := <-ran; err != nil {
			t.Errorf("run ended with %v", err)
		}
		<-drove
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		for _, v := range violations {
			t.Errorf("invariant: %s", v)
		}
		passes := out.with(t, "pass")
		reasons := map[any]int{}
		for _, p := range passes {
			reasons[p[control.KeyReason]]++
			if p[control.KeyWorkload] != "api" || p[control.KeyGeneration] == nil {
				t.Errorf("a decision is logged as %v", p)
			}
		}
		if reasons[string(failover.ReasonInterruption)] == 0 || reasons[string(failover.ReasonSpotReturned)] == 0 {
			t.Errorf("the reasons in the log are %v, want interruption and spot_returned among them", reasons)
		}
		if len(passes) > len(entries) {
			t.Errorf("%d decisions were logged and %d entries written", len(passes), len(entries))
		}
	})
}

func TestWorkloadsAreTakenFromTheConfiguration(t *testing.T) {
	f := twins("fill", "", "", "api")
	f.Workloads[0].Pools[0].Cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"
	f.Workloads[0].Pools[0].Region = "eu-west-1"
	f.Workloads[0].Pools[0].RoleARN = "arn:aws:iam::123456789012:role/backstop"
	got, err := app.Workloads(f, "us-west-2")
	if err != nil || len(got) != 1 || len(got[0].Refs) != 2 {
		t.Fatalf("workloads are %+v, %v", got, err)
	}
	want := control.ServiceRef{Region: "eu-west-1", Cluster: "prod", Service: "api-spot", RoleARN: "arn:aws:iam::123456789012:role/backstop"}
	if got[0].Refs[0] != want {
		t.Errorf("the first pool is %+v, want %+v", got[0].Refs[0], want)
	}
	if r := got[0].Refs[1].Region; r != "us-west-2" {
		t.Errorf("a pool without a region is in %q, want the default one", r)
	}
	if _, err := app.Workloads(f, ""); err == nil || !strings.Contains(err.Error(), "pool standard has no region") {
		t.Errorf("no region at all gave %v", err)
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	nowhere := twins("fill", "", filepath.Join(t.TempDir(), "state.db"), "api")
	for _, test := range []struct {
		name string
		o    app.Options
		want string
	}{
		{"no configuration", app.Options{}, "no configuration"},
		{"no region", app.Options{Config: nowhere}, "has no region"},
		{"a state file in no directory", app.Options{Config: twins("fill", "", "/dev/null/state.db", "api"), AWS: aws.Config{Region: region}}, "/dev/null/state.db"},
	} {
		if _, err := app.New(t.Context(), test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s gave %v, want %q", test.name, err, test.want)
		}
	}
}

func TestStepLooksOnceAtAllOrSome(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1, ReadLag: -1}})
	for _, n := range []string{"api", "worker"} {
		if err := box.SetupTwins(cluster, n, 3); err != nil {
			t.Fatal(err)
		}
	}
	a, err := app.New(t.Context(), app.Options{Config: twins("fill", "", filepath.Join(t.TempDir(), "state.db"), "api", "worker"),
		AWS: awsConfig("http://sandbox.localhost", box), Now: box.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for _, test := range []struct{ names, want []string }{{nil, []string{"api", "worker"}}, {[]string{"worker"}, []string{"worker"}}} {
		reports, err := a.Step(t.Context(), test.names...)
		if err != nil || len(reports) != len(test.want) {
			t.Fatalf("a step of %v gave %d reports, %v", test.names, len(reports), err)
		}
		for i, r := range reports {
			if r.Workload != test.want[i] || !r.Result.Settled() || r.Decision.Reason != failover.ReasonSteady {
				t.Errorf("report of %s: %s, %s, %v", r.Workload, r.Result, r.Decision.Reason, r.Err)
			}
		}
	}
}
