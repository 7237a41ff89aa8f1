package control

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// decisionEntry records what was seen and decided. Written in the commit, it is also the intent to act.
func (l *Loop) decisionEntry(j *job, generation uint64) journal.Entry {
	d := j.report.Decision
	return journal.Entry{Version: journal.Version, ID: l.entryID(), Workload: j.w.Name, At: d.At, Kind: journal.KindDecision,
		Generation: generation, PolicyDigest: journal.PolicyDigest(j.w.Policy), First: j.report.Before.Seen.At.IsZero(), Observation: journal.Compact(j.report.Observation),
		Decision: &d, Actions: d.Actions, Withheld: d.Withheld}
}

// noticeEntries records the notices that were not there at the last pass, whoever made it. A trouble that lasts is recorded once, and
// each time it comes back.
func (l *Loop) noticeEntries(j *job, generation uint64) []journal.Entry {
	var out []journal.Entry
	for _, n := range failover.News(&j.report.Before, &j.report.Decision) {
		out = append(out, journal.Entry{Version: journal.Version, ID: l.entryID(), Workload: j.w.Name, At: j.report.Decision.At,
			Kind: journal.KindNotice, Generation: generation, Notice: n})
	}
	return out
}

// ordersOf says in a word what operators have ordered of a workload.
func ordersOf(s *failover.State) string {
	var out string
	if s.Pin != nil {
		out += fmt.Sprintf("pin %s %d;", s.Pin.Mode, s.Pin.Since.Unix())
	}
	if s.Pause != nil {
		out += fmt.Sprintf("pause %d;", s.Pause.Since.Unix())
	}
	for i := range s.Pools {
		if s.Pools[i].B.Manual {
			out += fmt.Sprintf("failover %s %d;", s.Pools[i].Name, s.Pools[i].B.Since.Unix())
		}
	}
	return out
}

// withheldOf says in a word what a decision withholds.
func withheldOf(d *failover.Decision) (text string) {
	for _, a := range d.Withheld {
		text += wording.Action(a) + "\n"
	}
	return text
}

// note records what a pass found that changed nothing in the state: what a policy that only observes, or a pause, withheld, when it
// differs from the last time, and the first decision after an order, so that the newest one in the journal is no older than what was
// ordered.
func (l *Loop) note(ctx context.Context, j *job) {
	var entries []journal.Entry
	withheld := withheldOf(&j.report.Decision)
	orders := ordersOf(&j.record.State)
	if (withheld != j.it.withheld && withheld != "") || (j.it.orders != nil && *j.it.orders != orders) {
		entries = append(entries, l.decisionEntry(j, 0))
	}
	if len(entries) == 0 {
		j.it.withheld, j.it.orders = withheld, &orders
		return
	}
	storeCtx, cancel := context.WithTimeout(ctx, StoreTimeout)
	defer cancel()
	err := l.Store.Append(storeCtx, entries)
	l.storeAnswered(ctx, &l.writable, err)
	if err != nil {
		l.Log.LogAttrs(ctx, slog.LevelWarn, "journal not written", slog.String(KeyWorkload, j.w.Name),
			slog.Any(KeyErr, fmt.Errorf("append to journal: %w", err)))
		return
	}
	j.it.withheld, j.it.orders = withheld, &orders
}
