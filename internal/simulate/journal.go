package simulate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// FromJournal rebuilds the capacity that Spot showed a workload, and the workload's demand, from the decisions of its journal. pools are
// the workload's, entries its decisions in any order, seen the last moment it is known to have been looked at (zero: that of the last
// entry).
//
// What ran is known, what could have run is not: a pool that had fewer tasks than it was asked for is taken to hold exactly what ran and
// was starting there, and so is one whose breaker was not closed, because it was not asked for more; otherwise nothing is taken to limit
// it. What an entry says holds until the next one. Where tasks were missing for reasons of the application or of a deployment, or the
// pool could not be read, nothing is concluded. So the trace is a lower bound, and its notes say for how much of the time. Spot pools of
// one tier become zones of one pool.
func FromJournal(workload string, pools []failover.Pool, entries []journal.Entry, seen time.Time) (*trace.Trace, error) {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e journal.Entry) bool {
		return e.Decision == nil || e.Workload != workload || len(e.Decision.Pools) == 0 || e.Decision.Unread()
	})
	if len(entries) == 0 {
		return nil, fmt.Errorf("read journal of %s: no decision in it", workload)
	}
	slices.SortFunc(entries, func(a, b journal.Entry) int { return journal.Newer(b, a) })
	begin, end := entries[0].At, entries[len(entries)-1].At
	if seen.After(end) {
		end = seen
	}
	columns, names := spotColumns(pools)
	if len(columns) == 0 {
		return nil, fmt.Errorf("read journal of %s: none of its pools is on Spot", workload)
	}
	t := &trace.Trace{Name: workload, Columns: append(columns, trace.Column{Pool: trace.Demand}), Duration: end.Sub(begin)}
	if t.Duration <= 0 {
		return nil, errors.New("read journal of " + workload + ": its decisions cover no time")
	}
	var bound, held time.Duration
	row := make([]int, len(t.Columns))
	for i := range row {
		row[i] = trace.NoLimit
	}
	for i := range entries {
		limited, known := readRow(entries[i].Decision, names, row)
		next := end
		if i+1 < len(entries) {
			next = entries[i+1].At
		}
		span := next.Sub(entries[i].At)
		if limited {
			bound += span
		}
		if !known {
			held += span
		}
		addRow(t, entries[i].At.Sub(begin), row)
	}
	t.Notes = []string{
		fmt.Sprintf("rebuilt from %d decisions of %s to %s", len(entries), begin.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339)),
		fmt.Sprintf("a lower bound: for %s of %s a Spot pool is taken to hold what ran there, though it may have held more; otherwise it held at least what was wanted of it",
			bound.Round(time.Second), t.Duration.Round(time.Second)),
	}
	if held > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("for %s tasks may have been missing for other reasons than capacity; nothing was concluded from that", held.Round(time.Second)))
	}
	return t, t.Check()
}

// spotColumns are the trace's columns of the Spot pools, and the pools' names by column.
func spotColumns(pools []failover.Pool) (columns []trace.Column, names []string) {
	inTier := map[int][]string{}
	for _, p := range pools {
		if p.Capacity == failover.Spot {
			inTier[p.Tier] = append(inTier[p.Tier], p.Name)
		}
	}
	for _, p := range pools {
		if p.Capacity != failover.Spot {
			continue
		}
		c := trace.Column{Pool: p.Name}
		if tier := inTier[p.Tier]; len(tier) > 1 {
			c = trace.Column{Pool: fmt.Sprintf("tier%d", p.Tier+1), Zone: p.Name}
		}
		if c.Pool == trace.Demand || c.Pool == trace.OnDemand {
			c.Pool = "spot-" + c.Pool
		}
		columns, names = append(columns, c), append(names, p.Name)
	}
	return columns, names
}

// readRow puts what a decision says of the pools, and the demand behind them, into row; a pool that nothing is known of keeps its value.
func readRow(d *failover.Decision, names []string, row []int) (limited, known bool) {
	known = true
	for k, name := range names {
		i := slices.IndexFunc(d.Pools, func(p failover.PoolDecision) bool { return p.Pool == name })
		if i < 0 {
			continue
		}
		p := &d.Pools[i]
		there := p.Running + p.Placed
		// What a rise of demand, a deployment or the application accounts for says nothing of capacity.
		otherwise := p.Excused > 0 && p.Owed == 0 || slices.ContainsFunc(d.Findings, func(f failover.Finding) bool {
			switch f.Reason {
			case failover.ReasonApplicationFailing, failover.ReasonConfigurationError, failover.ReasonReleaseFailing:
				return f.Pool == "" || f.Pool == name
			}
			return false
		})
		switch {
		case otherwise && there < p.Desired:
			known = false
		case there < p.Desired || p.Breaker != failover.Closed:
			row[k], limited = there, true
		default:
			row[k] = trace.NoLimit
		}
	}
	row[len(names)] = d.Demand
	return limited, known
}

// addRow adds a row that differs from the last one; a row of the same moment replaces it.
func addRow(t *trace.Trace, at time.Duration, row []int) {
	n := len(t.At)
	if n > 0 && t.At[n-1] == at {
		copy(t.Values[(n-1)*len(row):], row)
		return
	}
	if n > 0 && slices.Equal(t.Values[(n-1)*len(row):], row) {
		return
	}
	t.At, t.Values = append(t.At, at), append(t.Values, row...)
}
