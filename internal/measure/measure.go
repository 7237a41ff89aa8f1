// Package measure turns reports of passes into the figures that metrics show, so that CloudWatch and Prometheus tell
// the same facts, and keeps account of what today's Spot tasks have saved.
//
// It knows neither CloudWatch nor Prometheus, and it is no bill: savings are estimated from counted tasks and dated
// prices, as package cost does.
package measure

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

const (
	// errorsWindow is the window of the article's error count.
	errorsWindow = 5 * time.Minute
	// spanMax bounds the time between two passes that is taken for granted: what ran during a longer silence is
	// not known.
	spanMax = time.Hour
	// entriesMax bounds what is read of the journal for a day: one decision every 20 seconds.
	entriesMax = 5000
	// readTimeout bounds the reading of the journal.
	readTimeout = 5 * time.Second
	// readAgain is how long after a reading that failed the next is tried; until then the day has saved what was seen since.
	readAgain = 5 * time.Minute
)

// Facts are the figures of one pass of one workload.
type Facts struct {
	Workload string
	At       time.Time
	// Seen reports whether the services were read; otherwise Health means nothing.
	Seen bool
	// Health is the article's score, 0 to 100.
	Health int
	Demand int
	// InService counts the tasks in service, SpotInService those of them on Spot, Missing the demand less what serves. See
	// [Facts.Knows].
	InService, SpotInService, Missing failover.Range
	// Active says that on-demand covers for Spot. Begun counts the failovers that began in this pass.
	Active bool
	Begun  int
	// Errors counts the distinct interruptions and capacity failures of the last five minutes.
	Errors int
	// Savings is what today's (UTC) tasks have cost less than on demand, in US dollars, if Priced.
	Savings float64
	Priced  bool
}

// Knows reports whether a count of the pass is known: the services were read, and it is a single number. What is not known is
// absent from metrics.
func (f *Facts) Knows(n failover.Range) bool { return f.Seen && n.Known() }

// Prices says what a task of a workload costs for an hour: in each pool, and in its first Spot and on-demand pool.
type Prices struct {
	Pools          map[string]cost.PoolPrice
	Spot, OnDemand float64
}

// Tariffs are the prices of workloads, as far as they are known. It is safe for concurrent use; nil knows none.
type Tariffs struct {
	mu  sync.RWMutex
	all map[string]Prices
}

// NewTariffs returns tariffs that begin with some prices, by workload.
func NewTariffs(all map[string]Prices) *Tariffs {
	t := &Tariffs{all: make(map[string]Prices, len(all))}
	t.Add(all)
	return t
}

// Add adds prices, by workload.
func (t *Tariffs) Add(all map[string]Prices) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.Copy(t.all, all)
}

// Of returns the prices of a workload, if they are known.
func (t *Tariffs) Of(workload string) (Prices, bool) {
	if t == nil {
		return Prices{}, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	p, ok := t.all[workload]
	return p, ok
}

// Journal reads the journal; a store does.
type Journal interface {
	Journal(ctx context.Context, q journal.Query) ([]journal.Entry, error)
}

// Meter makes facts of reports. It is safe for concurrent use.
type Meter struct {
	journal Journal
	tariffs *Tariffs

	mu   sync.Mutex
	days map[string]*account
}

// account is what is known of one workload's day.
type account struct {
	day   string
	saved float64
	at    time.Time
	last  []failover.PoolDecision
	// demand is the last decision's.
	demand int
	// unread is up to when the journal's part of the day is still to be read, because it could not be; tried when it last was
	// tried.
	unread, tried time.Time
}

// New returns a meter. j may be nil: then a day begins with the process. A workload without a tariff has no savings.
func New(j Journal, tariffs *Tariffs) *Meter {
	return &Meter{journal: j, tariffs: tariffs, days: make(map[string]*account)}
}

// Of returns the facts of a report; ok is false for a pass that decided nothing (a lost race, a store that is down).
func (m *Meter) Of(ctx context.Context, r *control.Report) (f Facts, ok bool) {
	d := &r.Decision
	if d.At.IsZero() || !r.Result.Settled() {
		return Facts{}, false
	}
	f = Facts{Workload: r.Workload, At: d.At, Seen: !d.Blind(), Health: d.Health, Demand: d.Demand, InService: d.InService, Missing: d.Missing}
	f.Active = d.Mode == failover.ModeOnDemand || d.Mode == failover.ModeMixed
	for i := range d.Pools {
		if p := &d.Pools[i]; p.Capacity == failover.Spot {
			f.SpotInService.Low += p.InService.Low
			f.SpotInService.High += p.InService.High
		}
	}
	for i := range r.After.Window {
		e := &r.After.Window[i]
		if d.At.Sub(e.At) > errorsWindow {
			continue
		}
		switch e.Kind {
		case failover.SignalInterruption, failover.SignalPlacementFailure, failover.SignalCapacityStop:
			f.Errors++
		}
	}
	if r.Result != control.Unchanged {
		f.Begun = begun(r)
	}
	if p, known := m.tariffs.Of(r.Workload); known {
		f.Savings, f.Priced = m.save(ctx, r.Workload, p, d), true
	}
	return f, true
}

// begun counts the failovers that the state after the pass has and the one before had not.
func begun(r *control.Report) int {
	var last time.Time
	if n := len(r.Before.Failovers); n > 0 {
		last = r.Before.Failovers[n-1]
	}
	n := 0
	for _, at := range r.After.Failovers {
		if at.After(last) {
			n++
		}
	}
	return n
}

// save adds the time since the last pass to the day's account and returns what it has saved. A day that this process
// does not know is read from the journal.
func (m *Meter) save(ctx context.Context, name string, p Prices, d *failover.Decision) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	day := d.At.UTC().Format(time.DateOnly)
	a := m.days[name]
	switch {
	case a == nil:
		a = &account{day: day, unread: d.At}
		m.days[name] = a
	case a.day != day:
		a.day, a.saved, a.unread = day, 0, time.Time{}
		if midnight := d.At.UTC().Truncate(24 * time.Hour); a.at.Before(midnight) {
			a.at = midnight
		}
	}
	if !a.unread.IsZero() && d.At.Sub(a.tried) >= readAgain {
		if earlier, err := m.readDay(ctx, name, p, a.unread); err == nil {
			a.saved, a.unread = a.saved+earlier, time.Time{}
		}
		a.tried = d.At
	}
	if span := d.At.Sub(a.at); a.last != nil && span > 0 && span <= spanMax {
		a.saved += saved(a.last, a.demand, p, span)
	}
	if d.At.After(a.at) {
		a.at = d.At
		if !d.Blind() { // the counts of a blind pass say nothing
			a.last, a.demand = d.Pools, d.Demand
		}
	}
	return a.saved
}

// saved is what the tasks of a decision cost less than on demand in a span, in US dollars.
func saved(pools []failover.PoolDecision, demand int, p Prices, span time.Duration) float64 {
	wanted, paid := 0, 0.0
	for i := range pools {
		q := &pools[i]
		wanted += q.Running
		paid += float64(cost.Billed(q)) * p.Pools[q.Pool].TaskHour
	}
	return (float64(min(wanted, demand))*p.OnDemand - paid) * span.Hours()
}

// readDay adds up what the journal says of the day until now.
func (m *Meter) readDay(ctx context.Context, name string, p Prices, now time.Time) (float64, error) {
	if m.journal == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	midnight := now.UTC().Truncate(24 * time.Hour)
	entries, err := m.journal.Journal(ctx, journal.Query{Workload: name, From: midnight, To: now, Kinds: []journal.Kind{journal.KindDecision}, Limit: entriesMax})
	if err != nil {
		return 0, fmt.Errorf("read the day's journal of %s: %w", name, err)
	}
	before, err := m.journal.Journal(ctx, journal.Query{Workload: name, To: midnight, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("read the day's journal of %s: %w", name, err)
	}
	total := 0.0
	var last *failover.Decision
	at := midnight
	add := func(until time.Time) {
		if last != nil && until.After(at) {
			total += saved(last.Pools, last.Demand, p, until.Sub(at))
		}
	}
	if len(before) > 0 {
		last = before[0].Decision
	}
	for i := len(entries) - 1; i >= 0; i-- {
		d := entries[i].Decision
		if d == nil || len(d.Pools) == 0 || d.Blind() {
			continue
		}
		add(d.At)
		last, at = d, d.At
	}
	add(now)
	return total, nil
}
