package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

const (
	token = "a-token-for-tests-only"
	// applyFor is how long an order waits here for a lease.
	applyFor = 2 * time.Second
)

// noon is the present of the tests: a Wednesday.
var noon = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

// lab is a small world: some workloads whose Spot capacity the test sets, the real law, and the real store.
type lab struct {
	t      *testing.T
	store  *sqlite.Store
	source *Stored
	worlds map[string]*world
	at     atomic.Int64 // the present, in microseconds
	rng    *rand.Rand
}

func (l *lab) now() time.Time { return time.UnixMicro(l.at.Load()).UTC() }

type world struct {
	w              control.Workload
	demand         int
	capacity       int // of Spot
	spot, onDemand int // asked
	runs, covers   int
	release        int                // how often it was deployed
	quota          int                // of on-demand tasks; 0: none
	fault          failover.ErrorKind // what AWS answers instead of the counts of spot
	losses         int
}

func newLab(t *testing.T, demand map[string]int) *lab {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "backstop.db"), journal.DefaultRetention())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	store.Now = func() time.Time { return noon }
	l := &lab{t: t, store: store, worlds: make(map[string]*world), rng: rand.New(rand.NewPCG(1, 2))}
	l.at.Store(noon.UnixMicro())
	var all []control.Workload
	for _, name := range slices.Sorted(maps.Keys(demand)) {
		n := demand[name]
		policy, _ := failover.Preset(failover.PresetFill)
		policy.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}
		ref := control.ServiceRef{Region: "us-east-1", Cluster: "prod"}
		switch kind, _, _ := strings.Cut(name, "-"); kind {
		case "eu":
			ref = control.ServiceRef{Region: "eu-west-1", Cluster: "prod-eu", RoleARN: "arn:aws:iam::222222222222:role/backstop"}
		case "job":
			ref.Cluster = "jobs"
		}
		w := control.Workload{Name: name, Policy: policy}
		for _, kind := range []string{"-spot", "-standard"} {
			ref.Service = name + kind
			w.Refs = append(w.Refs, ref)
		}
		all = append(all, w)
		l.worlds[name] = &world{w: w, demand: n, capacity: n, spot: n, runs: n}
	}
	prices := func(string) Prices {
		return Prices{Pools: map[string]cost.PoolPrice{"spot": {Capacity: failover.Spot, TaskHour: 0.06}, "standard": {Capacity: failover.OnDemand, TaskHour: 0.2}},
			OnDemandTaskHour: 0.2, Date: cost.TableDate}
	}
	l.source = StoreSource(store, all, prices, l.apply)
	l.source.Now = l.now
	return l
}

// apply is what the daemon's own wiring does.
func (l *lab) apply(ctx context.Context, workload string, in failover.Intent) error {
	ctx, cancel := context.WithTimeout(ctx, applyFor)
	defer cancel()
	_, err := control.Intend(ctx, l.store, l.worlds[workload].w, "test", in, l.now)
	return err
}

// page serves a dashboard of the lab, with what the options change.
func (l *lab) page(change func(*Options)) (*Dashboard, *httptest.Server) {
	l.t.Helper()
	o := Options{Source: l.source, Token: token, Now: l.now, Refresh: 100 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	d, err := New(o)
	if err != nil {
		l.t.Fatal(err)
	}
	server := httptest.NewServer(d)
	l.t.Cleanup(func() {
		server.CloseClientConnections() // streams have no end
		server.Close()
	})
	return d, server
}

// look carries a workload through one pass at a moment: the capacity holds what it can, on-demand runs what was asked
// for at the look before.
func (l *lab) look(name string, at time.Time) {
	l.t.Helper()
	w := l.worlds[name]
	before := w.runs
	w.runs, w.covers = min(w.capacity, w.spot), w.onDemand
	var signals []failover.Signal
	if w.quota > 0 && w.covers > w.quota {
		w.covers = w.quota
		signals = append(signals, failover.Signal{ID: fmt.Sprintf("%s-quota-%d", name, at.Unix()), Kind: failover.SignalQuota, At: at, Pool: "standard", Capacity: failover.OnDemand})
	}
	for range max(0, before-w.runs) {
		w.losses++
		signals = append(signals, failover.Signal{ID: fmt.Sprintf("%s-%d", name, w.losses), Kind: failover.SignalInterruption, At: at, Pool: "spot",
			Task: fmt.Sprintf("%s-task-%d", name, w.losses), Zone: "us-east-1" + string("aab"[l.rng.IntN(3)]), StartedAt: at.Add(-time.Hour)})
	}
	records, err := l.store.Load(l.t.Context(), []string{name})
	if err != nil {
		l.t.Fatal(err)
	}
	state := records[name].State
	state.Workload = name
	release := func(pool string) (id, definition string) {
		return fmt.Sprintf("ecs-svc/%s-%d", pool, w.release), fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task-definition/%s:%d", name, w.release+1)
	}
	o := failover.Observation{At: at, Signals: signals, Pools: []failover.PoolObservation{
		{Pool: "spot", Desired: w.spot, RunningCount: w.runs, PendingCount: w.spot - w.runs},
		{Pool: "standard", Desired: w.onDemand, RunningCount: w.covers},
	}}
	if w.fault != failover.ErrNone {
		o.Pools[0] = failover.PoolObservation{Pool: "spot", Err: w.fault, ErrText: "DescribeServices: Rate exceeded"}
	}
	for i := range o.Pools {
		o.Pools[i].Current, o.Pools[i].TaskDefinition = release(o.Pools[i].Pool)
	}
	for i, need := range failover.ToRead(&w.w.Policy, &state, &o) {
		p := &o.Pools[i]
		if p.Err != failover.ErrNone {
			continue
		}
		p.Listed, p.Scaling.Known = need.Tasks, need.Scaling
		for n := range p.RunningCount {
			if need.Tasks {
				p.Tasks = append(p.Tasks, failover.Task{ID: fmt.Sprintf("%s-%d", p.Pool, n), Phase: failover.Running, CreatedAt: at.Add(-time.Hour), StartedAt: at.Add(-time.Hour)})
			}
		}
	}
	after, d := failover.Decide(w.w.Policy, state, o)
	health.Tell(&w.w.Policy, &state, &after, &d)
	for _, a := range d.Actions {
		if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == "standard" {
			w.onDemand = set.Count
		} else if ok {
			w.spot = set.Count
		}
	}
	after = failover.Acted(after, d.Actions)
	after.Generation = state.Generation + 1
	entry := journal.Entry{Version: journal.Version, ID: journal.NewID(at, l.rng.Uint32()), Workload: name, At: at, Kind: journal.KindDecision,
		Generation: after.Generation, Observation: journal.Compact(o), Decision: &d, Actions: d.Actions, Withheld: d.Withheld}
	if err := l.store.Commit(l.t.Context(), "test", control.Record{State: after}, at, []journal.Entry{entry}); err != nil {
		l.t.Fatal(err)
	}
	l.source.Saw(control.Report{Workload: name, Before: state, After: after, Generation: after.Generation, Observation: o, Decision: d, Result: control.Committed})
}

// live lets a workload live from one moment to another: a look every step, with the Spot capacity of each.
func (l *lab) live(name string, from, to time.Time, step time.Duration, capacity func(at time.Time) int) {
	l.t.Helper()
	for at := from; at.Before(to); at = at.Add(step) {
		l.worlds[name].capacity = capacity(at)
		l.look(name, at)
	}
}

// steady is a workload that always has what it wants.
func (l *lab) steady(name string) func(time.Time) int {
	n := l.worlds[name].demand
	return func(time.Time) int { return n }
}

// journalOf selects all entries of a workload.
func journalOf(name string) journal.Query {
	return journal.Query{Workload: name, Limit: journal.LimitMax}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
