package dashboard

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/pulse"
)

// Records is the part of a store that the page reads; every [control.Store] is one.
type Records interface {
	Load(ctx context.Context, workloads []string) (map[string]control.Record, error)
	Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error)
}

// Stored is a [Source] over a store. Where the passes run in the same process, [Stored.Saw] tells it of each.
type Stored struct {
	// Now is this machine's clock, and Tick how often the passes of this process look.
	Now  func() time.Time
	Tick time.Duration

	records   Records
	workloads []Workload
	apply     func(ctx context.Context, workload string, in failover.Intent) error

	mu   sync.Mutex
	seen map[string]sighting
}

// sighting is the last pass in this process, and when it was by this machine's clock.
type sighting struct {
	Current
	at time.Time
}

// StoreSource returns a source over a store. prices gives the prices of a workload; nil: none are known. apply
// records an order; nil: none is taken.
func StoreSource(records Records, workloads []control.Workload, prices func(workload string) Prices,
	apply func(ctx context.Context, workload string, in failover.Intent) error,
) *Stored {
	s := &Stored{Now: time.Now, Tick: control.TickDefault, records: records, apply: apply, seen: make(map[string]sighting)}
	for _, w := range workloads {
		next := Workload{Name: w.Name, Policy: w.Policy, Prices: Prices{Unknown: "no prices are known"}}
		for _, ref := range w.Refs {
			next.Services = append(next.Services, ref.String())
			next.Accounts = append(next.Accounts, accountOf(ref.RoleARN))
		}
		if prices != nil {
			next.Prices = prices(w.Name)
		}
		s.workloads = append(s.workloads, next)
	}
	return s
}

// Saw takes note of a pass, quiet ones too, which leave no trace in the store.
func (s *Stored) Saw(r control.Report) {
	if !r.Result.Settled() || r.Decision.At.IsZero() {
		return
	}
	d, o := r.Decision, r.Observation
	after := r.After
	after.Generation = r.Generation
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.At.Before(s.seen[r.Workload].LookedAt) {
		return
	}
	s.seen[r.Workload] = sighting{Current{State: after, Decision: &d, LookedAt: d.At, Observation: &o}, s.Now()}
}

// Workloads implements [Source].
func (s *Stored) Workloads() []Workload { return s.workloads }

// accountOf returns the account of a role's ARN: arn:aws:iam::123456789012:role/name.
func accountOf(roleARN string) string {
	if parts := strings.Split(roleARN, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// Current implements [Source].
func (s *Stored) Current(ctx context.Context, names []string) (map[string]Current, error) {
	records, err := s.records.Load(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	beats, err := pulse.Read(ctx, s.records)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	out := make(map[string]Current, len(names))
	for _, name := range names {
		r, ok := records[name]
		live, watched := s.live(name)
		c := live.Current
		switch {
		case !ok && !watched:
			continue
		case watched && live.State.Generation >= r.State.Generation:
		case watched: // an order, or another process, has changed the state since the last pass
			c.State, c.LookedAt = r.State, newest(r.State.Seen.At, live.LookedAt)
		default:
			c = Current{State: r.State, LookedAt: r.State.Seen.At}
			if err := s.decided(ctx, name, &c); err != nil {
				return nil, err
			}
		}
		c.Look = s.look(name, &c, live.at, beats, now)
		out[name] = c
	}
	return out, nil
}

// look says when a workload was last looked at: by a pass in this process, else by its guard's sign of life, else by the state, which a
// quiet workload leaves now and then.
func (s *Stored) look(name string, c *Current, saw time.Time, beats []health.Beat, now time.Time) health.Look {
	l, beaten := health.LookAt(beats, name, now)
	switch age := max(0, now.Sub(saw)); {
	case !saw.IsZero() && (!beaten || age <= l.Age):
		return health.Look{Age: age, Every: s.Tick}
	case beaten:
		if written := now.Sub(c.LookedAt); written >= 0 { // what was decided since the last sign of life
			l.Age = min(l.Age, written)
		}
		return l
	}
	return health.Look{Age: max(0, now.Sub(c.LookedAt)), Every: control.HeartbeatEvery}
}

func (s *Stored) live(name string) (sighting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.seen[name]
	return c, ok
}

// decided fills in the newest decision of the journal.
func (s *Stored) decided(ctx context.Context, name string, c *Current) error {
	entries, err := s.records.Journal(ctx, journal.Query{Workload: name, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
	if err != nil {
		return fmt.Errorf("read journal of %s: %w", name, err)
	}
	if len(entries) == 0 || entries[0].Decision == nil {
		return nil
	}
	c.take(&entries[0])
	return nil
}

// take fills in a decision's entry.
func (c *Current) take(e *journal.Entry) {
	c.Decision, c.LookedAt = e.Decision, newest(c.LookedAt, e.Decision.At)
	if e.Observation != nil && e.Observation.Complete() {
		o := e.Observation.Full()
		c.Observation = &o
	}
}

// History implements [Source].
func (s *Stored) History(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	entries, err := s.records.Journal(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	return entries, nil
}

// Apply implements [Source].
func (s *Stored) Apply(ctx context.Context, workload string, in failover.Intent) error {
	if s.apply == nil {
		return ErrReadOnly
	}
	return s.apply(ctx, workload, in)
}

// clock returns the present for what is known: now, or AWS's clock where that is ahead, as a sandbox's may be.
func clock(now time.Time, all map[string]Current) time.Time {
	for _, c := range all {
		now = newest(now, c.LookedAt)
	}
	return now.UTC()
}
