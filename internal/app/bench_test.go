package app_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const (
	cluster = "prod"
	region  = "us-east-1"
	// passGap is the loop's least time between two passes of a workload.
	passGap = 50 * time.Millisecond
)

// awsConfig is the SDK's configuration for a sandbox at an endpoint, or in process if client is given.
func awsConfig(endpoint string, client aws.HTTPClient) aws.Config {
	cfg := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		BaseEndpoint: aws.String(endpoint)}
	if client != nil {
		cfg.HTTPClient = client
	}
	return cfg
}

// twins is a configuration of workloads, each of two services as sandbox.SetupTwins makes them.
func twins(preset, queueURL, db string, names ...string) *config.File {
	f := &config.File{Name: "test.yaml", Version: 1, Region: region, Tick: time.Minute, State: config.State{SQLite: db}, Events: config.Events{SQS: queueURL}}
	for _, name := range names {
		p, _ := failover.Preset(preset)
		p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
		f.Workloads = append(f.Workloads, config.Workload{Name: name, Policy: p, Pools: []config.PoolRef{
			{Name: "spot", Cluster: cluster, Service: name + "-spot"}, {Name: "standard", Cluster: cluster, Service: name + "-standard"}}})
	}
	return f
}

// serve runs a sandbox on a loopback listener for as long as the benchmark lasts, and returns its URL.
func serve(tb testing.TB, box *sandbox.Sandbox) string {
	tb.Helper()
	listener, err := box.Listen(tb.Context(), "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- listener.Serve(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Errorf("sandbox: %v", err)
		}
	})
	return listener.URL
}

// BenchmarkBurst interrupts all 200 tasks of a workload at once, through a loopback listener at real speed,
// and measures from the moment that a message becomes visible to the arrival of UpdateService.
func BenchmarkBurst(b *testing.B) {
	var waits []time.Duration
	passes, updates := 0, 0
	for b.Loop() {
		w, p, u := burst(b, 200)
		waits = append(waits, w...)
		passes, updates = max(passes, p), max(updates, u)
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(passes), "passes-max")
	b.ReportMetric(float64(updates), "updates-max")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOneInterruption measures the same for single interruptions, one after the other.
func BenchmarkOneInterruption(b *testing.B) {
	var waits []time.Duration
	for b.Loop() {
		w, _, _ := burst(b, 1)
		waits = append(waits, w...)
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// burst interrupts n of 200 tasks and returns, for every message, the wait until the next UpdateService.
func burst(b *testing.B, n int) (waits []time.Duration, passes, updates int) {
	b.Helper()
	var mu sync.Mutex
	var visible, updated []time.Time
	reports := make(chan control.Report, 1000)
	var counting bool
	box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1},
		OnCall: func(c sandbox.Call) {
			if c.Name() == "ecs:UpdateService" {
				mu.Lock()
				updated = append(updated, c.Wall)
				mu.Unlock()
			}
		},
		OnMessage: func(d sandbox.Delivery) {
			mu.Lock()
			if counting {
				visible = append(visible, d.Wall)
			}
			mu.Unlock()
		}})
	if err := box.SetupTwins(cluster, "api", 200); err != nil {
		b.Fatal(err)
	}
	url := serve(b, box)
	a, err := app.New(b.Context(), app.Options{Config: twins("fill", box.QueueURL(), b.TempDir()+"/state.db", "api"), AWS: awsConfig(url, nil),
		Tell: func(_ context.Context, r control.Report) { reports <- r }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	<-reports                 // the first look
	<-time.After(4 * passGap) // quiet, as workloads mostly are
	mu.Lock()
	counting = true
	mu.Unlock()
	box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, n, "", true)
	})

	// The sandbox's events are delivered within some seconds; a burst is over when every message was seen by a
	// pass and the cover is asked for.
	signals := 0
	deadline := time.After(20 * time.Second)
	for signals < n {
		select {
		case r := <-reports:
			passes++
			for _, s := range r.Observation.Signals {
				if s.Kind == failover.SignalInterruption {
					signals++
				}
			}
		case <-deadline:
			b.Fatalf("%d of %d interruptions were seen by a pass", signals, n)
		}
	}
	stop()
	if err := <-ran; err != nil {
		b.Fatal(err)
	}
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(updated) == 0 {
		b.Fatal("no UpdateService was called")
	}
	for _, v := range visible {
		for _, u := range updated {
			if !u.Before(v) {
				waits = append(waits, u.Sub(v))
				break
			}
		}
	}
	return waits, passes, len(updated)
}

// BenchmarkQuietPass looks at 1,000 quiet workloads of two pools once, through a loopback listener, with ECS's
// token buckets enforced. To be short it runs at ten times real speed: the buckets, and the client's own
// limits, fill ten times as fast.
func BenchmarkQuietPass(b *testing.B) {
	const n, speed = 1000, 10
	box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}, Speed: speed})
	var names []string
	var all []sandbox.Twins
	for i := range n {
		names = append(names, fmt.Sprintf("w%04d", i))
		all = append(all, sandbox.Twins{Cluster: cluster, Name: names[i], Count: 2})
	}
	if err := box.Setup(all...); err != nil {
		b.Fatal(err)
	}
	url := serve(b, box)
	a, err := app.New(b.Context(), app.Options{Config: twins("fill", "", b.TempDir()+"/state.db", names...), AWS: awsConfig(url, nil), Scale: speed})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	step := func() {
		reports, err := a.Step(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range reports {
			if !r.Result.Settled() || r.Decision.Reason != failover.ReasonSteady {
				b.Fatalf("workload %s: %s, %s, %v", r.Workload, r.Result, r.Decision.Reason, r.Err)
			}
		}
	}
	step()                                                                                // the first pass writes 1,000 states
	for calls := 1; calls > 0; calls = box.Calls().Counts["ecs:DescribeTaskDefinition"] { // later ones learn the task definitions, as far as calls are ample
		box.ForgetCalls()
		step()
	}
	before := residentMiB()
	for b.Loop() {
		box.ForgetCalls()
		step()
	}
	calls := box.Calls()
	b.ReportMetric(float64(calls.Counts["ecs:DescribeServices"]), "describe-calls")
	total := 0
	for _, c := range calls.Counts {
		total += c
	}
	b.ReportMetric(float64(total-calls.Counts["ecs:DescribeServices"]), "other-calls")
	b.ReportMetric(float64(len(calls.Errors)), "errors")
	b.ReportMetric(max(before, residentMiB()), "rss-MiB-with-sandbox")
}

// residentMiB returns the process's resident memory; 0 where /proc does not tell.
func residentMiB() float64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}
