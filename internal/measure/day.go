package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
)

// Day is what the journal says of one workload in a span of time.
type Day struct {
	Workload string
	// SpotHours and OnDemandHours are task-hours, PaidUSD and SavedUSD US dollars if Priced.
	SpotHours, OnDemandHours float64
	PaidUSD, SavedUSD        float64
	Priced                   bool
	// MissingMinutes are the task-minutes that were certainly missing, ShortFor how long that lasted, CoveredFor how long on-demand ran, and
	// UnknownFor how long nothing was certain.
	MissingMinutes                   float64
	ShortFor, CoveredFor, UnknownFor time.Duration
	// Interruptions counts the Spot tasks that AWS took. More is set where the journal has not kept all events.
	Interruptions int
	More          bool
}

// DayOf adds up a workload's journal from one moment to another.
func DayOf(ctx context.Context, j Journal, workload string, p Prices, priced bool, from, to time.Time) (Day, error) {
	entries, err := Decisions(ctx, j, workload, from)
	if err != nil {
		return Day{}, err
	}
	entries = slices.DeleteFunc(entries, func(e journal.Entry) bool { return !e.Decision.At.Before(to) })
	d := Day{Workload: workload, Priced: priced}
	ledger, err := cost.Add(workload, entries, capacities(p, entries), p.OnDemand, to)
	if err != nil {
		return Day{}, err
	}
	d.SpotHours, d.OnDemandHours = ledger.Total.SpotTaskHours, ledger.Total.DemandTaskHours
	d.PaidUSD, d.SavedUSD = ledger.Total.PaidUSD, ledger.Total.SavedUSD
	known := from
	if len(entries) > 0 {
		known = entries[0].Decision.At
	}
	d.UnknownFor = known.Sub(from)
	if len(entries) == 0 {
		d.UnknownFor = to.Sub(from)
	}
	taken := make(map[string]bool)
	for i := range entries {
		until := to
		if i+1 < len(entries) {
			until = entries[i+1].Decision.At
		}
		d.span(entries[i].Decision, until.Sub(entries[i].Decision.At))
		if o := entries[i].Observation; o != nil && !o.At.Before(from) {
			d.More = d.More || o.SignalsLeftOut > 0
			for k := range o.Signals {
				if s := &o.Signals[k]; s.Kind == failover.SignalInterruption && s.Pool != "" && !s.At.Before(from) {
					taken[s.Task] = true
				}
			}
		}
	}
	d.Interruptions = len(taken)
	return d, nil
}

// span adds the time in which a decision stood.
func (d *Day) span(at *failover.Decision, length time.Duration) {
	switch {
	case at.Blind():
		d.UnknownFor += length
	case at.Missing.Low > 0:
		d.ShortFor += length
		d.MissingMinutes += float64(at.Missing.Low) * length.Minutes()
	}
	for i := range at.Pools {
		if p := &at.Pools[i]; p.Capacity == failover.OnDemand && p.Running > 0 {
			d.CoveredFor += length
			break
		}
	}
}

// capacities are a workload's prices, or, where there are none, at least which pools are on Spot.
func capacities(p Prices, entries []journal.Entry) map[string]cost.PoolPrice {
	if p.Pools != nil || len(entries) == 0 {
		return p.Pools
	}
	out := make(map[string]cost.PoolPrice)
	for _, q := range entries[len(entries)-1].Decision.Pools {
		out[q.Pool] = cost.PoolPrice{Capacity: q.Capacity}
	}
	return out
}

// Decisions returns the decisions of a workload from a moment on, the oldest first. The one before that moment
// stands at its beginning, as its counts held then.
func Decisions(ctx context.Context, j Journal, workload string, since time.Time) ([]journal.Entry, error) {
	kinds := []journal.Kind{journal.KindDecision}
	entries, err := j.Journal(ctx, journal.Query{Workload: workload, Kinds: kinds, From: since, Limit: journal.LimitMax})
	if err != nil {
		return nil, fmt.Errorf("read journal of %s: %w", workload, err)
	}
	before, err := j.Journal(ctx, journal.Query{Workload: workload, Kinds: kinds, To: since, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("read journal of %s: %w", workload, err)
	}
	if len(before) > 0 && before[0].Decision != nil && len(entries) < journal.LimitMax {
		d := *before[0].Decision
		d.At = since.UTC()
		before[0].Decision = &d
		entries = append(entries, before[0])
	}
	entries = slices.DeleteFunc(entries, func(e journal.Entry) bool { return e.Decision == nil })
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b journal.Entry) int { return a.Decision.At.Compare(b.Decision.At) })
	return entries, nil
}
