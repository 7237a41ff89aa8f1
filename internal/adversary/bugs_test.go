package adversary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// brokenServices, brokenStore and brokenQueue stand between the loop and the world, with one thing done wrong.
type brokenServices struct {
	control.Services
	describe func(at time.Time, obs []failover.PoolObservation) (time.Time, []failover.PoolObservation)
	list     func(tasks []failover.Task, signals []failover.Signal, err error) ([]failover.Task, []failover.Signal, error)
	scaling  func(failover.Scaling, error) (failover.Scaling, error)
	apply    func(ctx context.Context, next control.Services, ref control.ServiceRef, a failover.Action) error
}

func (b brokenServices) Describe(ctx context.Context, refs []control.ServiceRef, worth control.Worth) (time.Time, []failover.PoolObservation) {
	at, obs := b.Services.Describe(ctx, refs, worth)
	if b.describe != nil {
		return b.describe(at, obs)
	}
	return at, obs
}

func (b brokenServices) List(ctx context.Context, ref control.ServiceRef, want control.Want) (control.Listing, error) {
	out, err := b.Services.List(ctx, ref, want)
	if b.list != nil {
		out.Tasks, out.Signals, err = b.list(out.Tasks, out.Signals, err)
	}
	return out, err
}

func (b brokenServices) Scaling(ctx context.Context, ref control.ServiceRef) (failover.Scaling, error) {
	sc, err := b.Services.Scaling(ctx, ref)
	if b.scaling != nil {
		return b.scaling(sc, err)
	}
	return sc, err
}

func (b brokenServices) Apply(ctx context.Context, ref control.ServiceRef, a failover.Action) error {
	if b.apply != nil {
		return b.apply(ctx, b.Services, ref, a)
	}
	return b.Services.Apply(ctx, ref, a)
}

type brokenStore struct {
	control.Store
	load   func(map[string]control.Record) map[string]control.Record
	commit func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error
}

func (b brokenStore) Load(ctx context.Context, names []string) (map[string]control.Record, error) {
	out, err := b.Store.Load(ctx, names)
	if err == nil && b.load != nil {
		out = b.load(out)
	}
	return out, err
}

func (b brokenStore) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if b.commit != nil {
		return b.commit(ctx, b.Store, by, next, now, entries)
	}
	return b.Store.Commit(ctx, by, next, now, entries)
}

type brokenQueue struct {
	control.Queue
	receive func(ctx context.Context, q control.Queue, msgs []control.Message) []control.Message
	ack     func(ctx context.Context, q control.Queue, msgs []control.Message) error
}

func (b brokenQueue) Receive(ctx context.Context, wait time.Duration) ([]control.Message, error) {
	msgs, err := b.Queue.Receive(ctx, wait)
	if err == nil && b.receive != nil {
		msgs = b.receive(ctx, b.Queue, msgs)
	}
	return msgs, err
}

func (b brokenQueue) Ack(ctx context.Context, msgs []control.Message) error {
	if b.ack != nil {
		return b.ack(ctx, b.Queue, msgs)
	}
	return b.Queue.Ack(ctx, msgs)
}

// services, store and queue make hooks of one broken thing.
func services(b brokenServices) Hooks {
	return Hooks{Services: func(next control.Services) control.Services {
		c := b
		c.Services = next
		return c
	}}
}

func load(change func(*control.Record)) Hooks {
	return Hooks{Store: func(next control.Store) control.Store {
		return brokenStore{Store: next, load: func(in map[string]control.Record) map[string]control.Record {
			for name, r := range in {
				r.State.Pools = slices.Clone(r.State.Pools)
				change(&r)
				in[name] = r
			}
			return in
		}}
	}}
}

func commit(f func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error) Hooks {
	return Hooks{Store: func(next control.Store) control.Store { return brokenStore{Store: next, commit: f} }}
}

func keep(change func(*control.Record)) Hooks {
	return commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error {
		next.State.Pools = slices.Clone(next.State.Pools)
		change(&next)
		return s.Commit(ctx, by, next, now, entries)
	})
}

func parsing(change func(s *failover.Signal, n int) bool) Hooks {
	return Hooks{Parse: func(next parse) parse {
		var mu sync.Mutex
		n := 0
		return func(body []byte) (failover.Signal, bool, error) {
			s, ok, err := next(body)
			if err == nil && ok {
				mu.Lock()
				n++
				ok = change(&s, n)
				mu.Unlock()
			}
			return s, ok, err
		}
	}}
}

func running(tasks []failover.Task, from failover.TaskPhase) {
	for i := range tasks {
		if tasks[i].Phase == from {
			tasks[i].Phase = failover.Running
			if tasks[i].StartedAt.IsZero() {
				tasks[i].StartedAt = tasks[i].CreatedAt
			}
		}
	}
}

// forgetful is a store that does something else than it is told.
type forgetful struct {
	*Memory
	commit func(m *Memory, by string, next control.Record, now time.Time, entries []journal.Entry) error
	load   func(map[string]control.Record) map[string]control.Record
}

func (f forgetful) Load(ctx context.Context, names []string) (map[string]control.Record, error) {
	out, err := f.Memory.Load(ctx, names)
	if err == nil && f.load != nil {
		out = f.load(out)
	}
	return out, err
}

func (f forgetful) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if f.commit == nil {
		return f.Memory.Commit(ctx, by, next, now, entries)
	}
	f.Memory.mu.Lock()
	defer f.Memory.mu.Unlock()
	return f.commit(f.Memory, by, next, now, entries)
}

func base(f forgetful) Hooks {
	return Hooks{Base: func(m *Memory) control.Store {
		c := f
		c.Memory = m
		return c
	}}
}

// ownersCount is the last count that an ask for the owner's pool was made for.
func owner(r *control.Record) *failover.PoolState {
	if len(r.State.Pools) == 0 {
		return &failover.PoolState{}
	}
	return &r.State.Pools[0]
}

// bugs are planted one at a time. Each must be caught by one of the first seeds.
var bugs = []struct {
	name  string
	hooks func() Hooks
}{
	{"the state is saved after acting", func() Hooks {
		var mu sync.Mutex
		held := map[string]control.Record{}
		return commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error {
			mu.Lock() // not held over the commit: a bubble's time stands still while a mutex is waited for
			_, open := held[by]
			if delete(held, by); next.Lease.Owner != "" { // the decision: only in memory
				held[by] = next
				mu.Unlock()
				return nil
			}
			mu.Unlock()
			if open {
				next.State.Generation--
			}
			return s.Commit(ctx, by, next, now, entries)
		})
	}},
	{"no lease is taken", func() Hooks { return keep(func(r *control.Record) { r.Lease = control.Lease{} }) }},
	{"the lease ends before the act", func() Hooks {
		return keep(func(r *control.Record) {
			if r.Lease.Owner != "" {
				r.Lease.Until = r.Lease.Until.Add(-control.LeaseFor - 10*time.Second)
			}
		})
	}},
	{"the store does not honour leases", func() Hooks {
		return base(forgetful{
			load: func(in map[string]control.Record) map[string]control.Record {
				for k, r := range in {
					r.Lease = control.Lease{}
					in[k] = r
				}
				return in
			},
			commit: func(m *Memory, _ string, next control.Record, _ time.Time, entries []journal.Entry) error {
				if m.records[next.State.Workload].State.Generation != next.State.Generation-1 {
					return control.ErrStale
				}
				return m.put(next, entries)
			}})
	}},
	{"the generation is not checked", func() Hooks {
		return base(forgetful{commit: func(m *Memory, by string, next control.Record, now time.Time, entries []journal.Entry) error {
			if stored := m.records[next.State.Workload]; stored.Lease.Held(by, now) {
				return &control.LeaseHeldError{Owner: stored.Lease.Owner, Until: stored.Lease.Until}
			}
			return m.put(next, entries)
		}})
	}},
	{"a stale commit is forced", func() Hooks {
		return commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error {
			err := s.Commit(ctx, by, next, now, entries)
			if errors.Is(err, control.ErrStale) {
				next.State.Generation++
				err = s.Commit(ctx, by, next, now, entries)
			}
			return err
		})
	}},
	{"the live state has a time to live", func() Hooks {
		return base(forgetful{load: func(in map[string]control.Record) map[string]control.Record {
			for name, r := range in {
				if r.State.Generation%40 == 39 { // it expired meanwhile
					delete(in, name)
				}
			}
			return in
		}})
	}},
	{"a commit is said to be made that was not", func() Hooks {
		return commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error {
			_ = s.Commit(ctx, by, next, now, entries)
			return nil
		})
	}},
	{"the journal is not written", func() Hooks {
		return commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, _ []journal.Entry) error {
			return s.Commit(ctx, by, next, now, nil)
		})
	}},
	{"two processes have one name", func() Hooks { return Hooks{Loop: func(l *control.Loop) { l.Owner = "backstop" }} }},
	{"events are not told apart from their repeats", func() Hooks {
		return parsing(func(s *failover.Signal, n int) bool { s.ID, s.Task = fmt.Sprint(n), ""; return true })
	}},
	{"an event counts for another pool", func() Hooks {
		return parsing(func(s *failover.Signal, _ int) bool {
			s.Service = strings.Replace(s.Service, "standard", "spot", 1)
			return true
		})
	}},
	{"a late event counts as new", func() Hooks {
		return parsing(func(s *failover.Signal, _ int) bool { s.At = time.Now(); return true })
	}},
	{"warnings are ignored", func() Hooks {
		return parsing(func(s *failover.Signal, _ int) bool { return s.Kind != failover.SignalInterruption })
	}},
	{"a scale-in is taken for an interruption", func() Hooks {
		return parsing(func(s *failover.Signal, _ int) bool {
			if s.Kind == failover.SignalScaleIn || s.Kind == failover.SignalRunning {
				s.Kind = failover.SignalInterruption
			}
			return true
		})
	}},
	{"messages are acknowledged when they are received", func() Hooks {
		return Hooks{Queue: func(next control.Queue) control.Queue {
			return brokenQueue{Queue: next, receive: func(ctx context.Context, q control.Queue, msgs []control.Message) []control.Message {
				if len(msgs) > 0 {
					_ = q.Ack(ctx, msgs)
				}
				return msgs
			}}
		}}
	}},
	{"messages are never acknowledged", func() Hooks {
		return Hooks{Queue: func(next control.Queue) control.Queue {
			return brokenQueue{Queue: next, ack: func(context.Context, control.Queue, []control.Message) error { return nil }}
		}}
	}},
	{"a message that cannot be read is thrown away", func() Hooks {
		return Hooks{Parse: func(next parse) parse {
			return func(body []byte) (failover.Signal, bool, error) {
				s, ok, err := next(body)
				return s, ok && err == nil, nil
			}
		}}
	}},
	{"a warned task counts as running", func() Hooks {
		h := parsing(func(s *failover.Signal, _ int) bool { return true })
		h.Services = services(brokenServices{list: func(tasks []failover.Task, signals []failover.Signal, err error) ([]failover.Task, []failover.Signal, error) {
			for _, s := range signals {
				if s.Kind == failover.SignalInterruption {
					tasks = append(tasks, failover.Task{ID: "x" + s.Task, Phase: failover.Running, StartedAt: s.StartedAt})
				}
			}
			return tasks, nil, err
		}}).Services
		return h
	}},
	{"a starting task counts as running: release before running", func() Hooks {
		return services(brokenServices{list: func(tasks []failover.Task, signals []failover.Signal, err error) ([]failover.Task, []failover.Signal, error) {
			running(tasks, failover.Provisioning)
			return tasks, signals, err
		}})
	}},
	{"only the first page of tasks is read", func() Hooks {
		return services(brokenServices{list: func(tasks []failover.Task, signals []failover.Signal, err error) ([]failover.Task, []failover.Signal, error) {
			return tasks[:min(len(tasks), 10)], signals, err
		}})
	}},
	{"a listing that failed is an empty one", func() Hooks {
		return services(brokenServices{list: func(tasks []failover.Task, signals []failover.Signal, _ error) ([]failover.Task, []failover.Signal, error) {
			return tasks, signals, nil
		}})
	}},
	{"blind is treated as zero", func() Hooks {
		return services(brokenServices{describe: func(at time.Time, obs []failover.PoolObservation) (time.Time, []failover.PoolObservation) {
			for i := range obs {
				if obs[i].Err != failover.ErrNone {
					obs[i] = failover.PoolObservation{}
				}
			}
			return at, obs
		}})
	}},
	{"the clock runs an hour ahead of AWS's", func() Hooks {
		return services(brokenServices{describe: func(at time.Time, obs []failover.PoolObservation) (time.Time, []failover.PoolObservation) {
			return at.Add(time.Hour), obs
		}})
	}},
	{"the demand is frozen", func() Hooks {
		demand := 0
		var mu sync.Mutex
		return keep(func(r *control.Record) {
			mu.Lock()
			defer mu.Unlock()
			if demand == 0 {
				demand = r.State.Demand
			}
			r.State.Demand = demand
		})
	}},
	{"the demand is what runs", func() Hooks {
		return services(brokenServices{describe: func(at time.Time, obs []failover.PoolObservation) (time.Time, []failover.PoolObservation) {
			if obs[0].Err == failover.ErrNone {
				obs[0].Desired = obs[0].RunningCount
			}
			return at, obs
		}})
	}},
	{"our own count is taken for somebody's will", func() Hooks {
		return load(func(r *control.Record) { owner(r).Asked = nil })
	}},
	{"a stale read is adopted as demand", func() Hooks {
		return load(func(r *control.Record) {
			if a := owner(r).Asked; a != nil {
				next := *a
				next.Old = nil
				owner(r).Asked = &next
			}
		})
	}},
	{"the probe is zero", func() Hooks {
		probe := func(a failover.Action) failover.Action {
			if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == "spot" && set.Count < set.From {
				set.Count = 0
				return set
			}
			return a
		}
		h := services(brokenServices{apply: func(ctx context.Context, next control.Services, ref control.ServiceRef, a failover.Action) error {
			return next.Apply(ctx, ref, probe(a))
		}})
		h.Store = commit(func(ctx context.Context, s control.Store, by string, next control.Record, now time.Time, entries []journal.Entry) error {
			for i := range entries {
				entries[i].Actions = slices.Clone(entries[i].Actions)
				for k := range entries[i].Actions {
					entries[i].Actions[k] = probe(entries[i].Actions[k])
				}
			}
			return s.Commit(ctx, by, next, now, entries)
		}).Store
		return h
	}},
	{"actions are relative", func() Hooks {
		return services(brokenServices{apply: func(ctx context.Context, next control.Services, ref control.ServiceRef, a failover.Action) error {
			if set, ok := a.(failover.SetDesiredCount); ok {
				set.Count = min(2*set.Count-set.From, 500) // thousands of tasks are listed for minutes
				a = set
			}
			return next.Apply(ctx, ref, a)
		}})
	}},
	{"an action goes to another pool's service", func() Hooks {
		return services(brokenServices{apply: func(ctx context.Context, next control.Services, ref control.ServiceRef, a failover.Action) error {
			ref.Service = strings.Replace(ref.Service, "standard", "spot", 1)
			return next.Apply(ctx, ref, a)
		}})
	}},
	{"an observing policy acts", func() Hooks {
		return Hooks{Policy: func(p *failover.Policy) { p.Observe = false }}
	}},
	{"a pause is ignored", func() Hooks { return load(func(r *control.Record) { r.State.Pause = nil }) }},
	{"a pin is forgotten", func() Hooks { return keep(func(r *control.Record) { r.State.Pin = nil }) }},
	{"parked bounds are forgotten", func() Hooks {
		return load(func(r *control.Record) { owner(r).Parked = nil })
	}},
	{"the breaker never closes again", func() Hooks {
		return keep(func(r *control.Record) {
			if b := &owner(r).B; b.Mode == failover.HalfOpen {
				b.Mode = failover.Open
			}
		})
	}},
	{"cover is never given back", func() Hooks {
		return services(brokenServices{apply: func(ctx context.Context, next control.Services, ref control.ServiceRef, a failover.Action) error {
			if set, ok := a.(failover.SetDesiredCount); ok && set.Pool == "standard" && set.Count < set.From {
				return nil
			}
			return next.Apply(ctx, ref, a)
		}})
	}},
	{"a pass is made at every event and at no tick", func() Hooks {
		return Hooks{Loop: func(l *control.Loop) { l.Tick = 1000 * time.Hour }}
	}},
}

// bugSeedsMax is how many seeds a planted bug may survive: what the continuous run takes.
const bugSeedsMax = 200

// TestPlantedBugsAreCaught plants every sixth bug, all of them with -all, and looks for the first seed that breaks a promise with it. The
// table is testdata/bugs.md; -update writes it.
func TestPlantedBugsAreCaught(t *testing.T) {
	if slower > 1 || testing.Short() {
		t.Skip("the bugs are planted in the long run without the race detector")
	}
	type caught struct {
		seed   uint64
		breach Breach
	}
	found := make([]caught, len(bugs))
	indices := make([]uint64, len(bugs))
	for i := range indices {
		indices[i] = uint64(i)
	}
	if !*allFlag && !*updateFlag {
		indices = slices.DeleteFunc(indices, func(i uint64) bool { return i%6 != 0 })
	}
	sweep(t, indices, func(t *testing.T, i uint64) {
		for n := uint64(0); n < bugSeedsMax; n++ {
			seed := n + 1
			plan := NewPlan(seed)
			if plan.Sparse > 4 {
				continue
			}
			res := Run(t, plan, bugs[i].hooks())
			if len(res.Breaches) > 0 {
				found[i] = caught{seed, res.Breaches[0]}
				return
			}
		}
		t.Errorf("%s: not caught by %d seeds", bugs[i].name, bugSeedsMax)
	})
	var table bytes.Buffer
	fmt.Fprintf(&table, "| planted bug | seed | the promise that it breaks first | after (simulated) |\n| --- | --- | --- | --- |\n")
	for i, c := range found {
		fmt.Fprintf(&table, "| %s | %d | `%s` | %s |\n", bugs[i].name, c.seed, c.breach.Rule, c.breach.At.Round(time.Second))
	}
	if *updateFlag {
		if err := os.WriteFile("testdata/bugs.md", table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
