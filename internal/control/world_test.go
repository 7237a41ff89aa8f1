package control_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/promise"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

const (
	region  = "us-east-1"
	cluster = "prod"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// world is a sandbox and a state file, and what connects a loop to them: the real adapters, in process.
type world struct {
	t    testing.TB
	box  *sandbox.Sandbox
	path string
	// msgs and signals are what was received and not settled yet, as the loop keeps it.
	msgs    []control.Message
	signals []failover.Signal
}

// newWorld makes a sandbox whose time is moved by the test, with twins of count running Spot tasks each.
func newWorld(t testing.TB, count int, names ...string) *world {
	t.Helper()
	return worldOf(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: start, ReadLag: -1}}, count, names...)
}

func worldOf(t testing.TB, o sandbox.Options, count int, names ...string) *world {
	t.Helper()
	w := &world{t: t, box: sandbox.New(o), path: filepath.Join(t.TempDir(), "state.db")}
	var all []sandbox.Twins
	for _, name := range names {
		all = append(all, sandbox.Twins{Cluster: cluster, Name: name, Count: count})
	}
	if err := w.box.Setup(all...); err != nil {
		t.Fatalf("set up sandbox: %v", err)
	}
	return w
}

// aws is the SDK's configuration for the sandbox, with no retry and so no random wait.
func (w *world) aws() aws.Config {
	return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: w.box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

func (w *world) services() control.Services {
	return service.New(w.aws(), service.Options{Scale: 1000})
}

func (w *world) queue() control.Queue { return queue.New(w.aws(), w.box.QueueURL()) }

// store opens the state file, as a process of its own would.
func (w *world) store() *sqlite.Store {
	w.t.Helper()
	s, err := sqlite.Open(context.Background(), w.path, journal.Retention{})
	if err != nil {
		w.t.Fatalf("open store: %v", err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

// plain is the fill preset without overstart, so that the counts can be told beforehand.
func plain() failover.Policy {
	p, _ := failover.Preset(failover.PresetFill)
	p.Overstart = 0
	p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
	return p
}

func workload(name string, p failover.Policy) control.Workload {
	return control.Workload{Name: name, Policy: p, Refs: []control.ServiceRef{
		{Region: region, Cluster: cluster, Service: name + "-spot"}, {Region: region, Cluster: cluster, Service: name + "-standard"}}}
}

// loop makes a loop over the sandbox, whose leases are measured by the sandbox's clock.
func (w *world) loop(owner string, store control.Store, services control.Services, names ...string) *control.Loop {
	l := &control.Loop{Services: services, Store: store, Owner: owner, Now: w.box.Now, Queue: w.queue(), Parse: ecsevent.Parse}
	for _, name := range names {
		l.Workloads = append(l.Workloads, workload(name, plain()))
	}
	return l
}

// turn is what the running loop does once: take what the queue has, pass, acknowledge what is settled.
func (w *world) turn(l *control.Loop, names ...string) ([]control.Report, error) {
	ctx := w.t.Context()
	for {
		got, err := l.Queue.Receive(ctx, 0)
		if err != nil || len(got) == 0 {
			break
		}
		w.msgs = append(w.msgs, got...)
		for _, m := range got {
			if s, ok, err := l.Parse(m.Body); err == nil && ok {
				w.signals = append(w.signals, s)
			}
		}
	}
	reports, err := l.Pass(ctx, names, w.signals)
	if err != nil {
		return nil, err
	}
	for _, r := range reports {
		if !r.Result.Settled() {
			return reports, nil
		}
	}
	msgs := w.msgs
	w.msgs, w.signals = nil, nil
	return reports, l.Queue.Ack(ctx, msgs)
}

func (w *world) pass(l *control.Loop, name string) control.Report {
	w.t.Helper()
	reports, err := w.turn(l, name)
	if err != nil {
		w.t.Fatalf("pass: %v", err)
	}
	w.check(l, reports[0])
	return reports[0]
}

// check holds a report against the product's invariants.
func (w *world) check(l *control.Loop, r control.Report) {
	w.t.Helper()
	if !r.Result.Settled() {
		return
	}
	for _, wl := range l.Workloads {
		if wl.Name == r.Workload {
			for _, v := range promise.Check(&wl.Policy, &r.Before, &r.Observation, &r.After, &r.Decision) {
				w.t.Errorf("invariant: %s", v)
			}
		}
	}
}

func (w *world) advance(d time.Duration) { w.box.AdvanceTo(w.box.Now().Add(d)) }

// interrupt reclaims n Spot tasks of a workload; their places are gone too.
func (w *world) interrupt(name string, n int) {
	w.box.World(func(e *ecsim.World) {
		key := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}
		_, held := e.Supply(key)
		e.SetSupply(key, held)
		e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: name + "-spot"}, n, "", true)
	})
	w.advance(2 * time.Second)
}

// spotHolds limits what Spot can hold in the region; negative: no limit.
func (w *world) spotHolds(n int) {
	w.box.World(func(e *ecsim.World) { e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, n) })
	w.advance(2 * time.Second)
}

func (w *world) counts(service string) (desired, running int) {
	w.box.World(func(e *ecsim.World) {
		desired, running, _ = e.Counts(ecsim.Ref{Region: region, Cluster: cluster, Service: service})
	})
	return desired, running
}

func (w *world) wantDesired(service string, want int) {
	w.t.Helper()
	if got, _ := w.counts(service); got != want {
		w.t.Errorf("desired count of %s is %d, want %d", service, got, want)
	}
}

func (w *world) calls(name string) int { return w.box.Calls().Counts[name] }

func (w *world) record(s control.Store, name string) control.Record {
	w.t.Helper()
	all, err := s.Load(context.Background(), []string{name})
	if err != nil {
		w.t.Fatalf("load: %v", err)
	}
	return all[name]
}

func (w *world) history(s control.Store, kinds ...journal.Kind) []journal.Entry {
	w.t.Helper()
	entries, err := s.Journal(context.Background(), journal.Query{Kinds: kinds, Limit: 1000})
	if err != nil {
		w.t.Fatalf("journal: %v", err)
	}
	return entries
}

// logs collects log lines.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) has(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
