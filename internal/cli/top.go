package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/term"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// topHistory is how far back the chart can show, topEntries how many entries of the journal that may be.
	topHistory = 72 * time.Hour
	topEntries = 5000
)

type topOptions struct {
	path      string
	workloads []string
}

func newTopCommand(s IO) *cobra.Command { return newTop(s, runTop) }

func newTop(s IO, run func(context.Context, IO, topOptions) error) *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top [WORKLOAD...]",
		Short: "Watch the workloads on the terminal: counts, chart, decisions",
		Long: "Top shows what the passes leave in the state, once a second: every workload, the worst first; of the one that is selected a chart of Spot, on-demand and what is " +
			"missing, and its latest decisions. Enter shows its pools, e explains its last decision. It changes nothing, and needs a terminal; `backstop status` is for pipes.",
		Example:           "backstop top\nbackstop top analytics",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workloads = args
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	return cmd
}

func runTop(ctx context.Context, s IO, o topOptions) error {
	file, err := readConfig(ctx, s, o.path, false)
	if err != nil {
		return err
	}
	workloads, err := named(file, o.workloads)
	if err != nil {
		return err
	}
	if !s.OutTerminal || !s.InTerminal {
		return usageError("top needs a terminal; `backstop status` says the same in a pipe")
	}
	v := &topView{s: s, file: file, workloads: workloads}
	return term.WatchTop(ctx, s.In, s.Out, glyphs(s), v.fetch)
}

// topView reads the store for the view. Its fetch is called by one goroutine at a time, or a few at once when
// somebody moves fast; the store takes that.
type topView struct {
	s         IO
	file      *config.File
	workloads []config.Workload
}

// fetch reads what there is now.
func (v *topView) fetch(ctx context.Context, selected string) term.Top {
	store, err := openStore(ctx, v.file, reading) // anew each time: it may be made, or restored, meanwhile
	if err != nil {
		return term.Top{Err: err.Error()}
	}
	all := make([]seen, len(v.workloads))
	for i := range v.workloads {
		all[i].workload = v.workloads[i]
	}
	if store != nil {
		defer func() { _ = store.Close() }()
		if err := v.read(ctx, store, all); err != nil {
			return term.Top{Err: err.Error()}
		}
	}
	now := nowOf(v.s.Now(), all)
	top := term.Top{At: now}
	order := make([]int, len(all))
	for i := range all {
		order[i] = i
		top.Rows = append(top.Rows, topRow(&all[i], now))
	}
	worstFirst(top.Rows, order)
	chosen := slices.IndexFunc(all, func(s seen) bool { return s.workload.Name == selected })
	if chosen < 0 && len(order) > 0 {
		chosen = order[0]
	}
	if store != nil && chosen >= 0 {
		i := slices.IndexFunc(top.Rows, func(r term.TopRow) bool { return r.Name == all[chosen].workload.Name })
		if err := fillRow(ctx, store, &top.Rows[i], &all[chosen], now); err != nil {
			top.Err = err.Error()
		}
	}
	return top
}

func (v *topView) read(ctx context.Context, store control.Store, all []seen) error {
	records, err := store.Load(ctx, workloadNames(v.workloads))
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	for i := range all {
		name := all[i].workload.Name
		all[i].record, all[i].known = records[name]
		entries, err := store.Journal(ctx, journal.Query{Workload: name, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
		if err != nil {
			return fmt.Errorf("read journal of %s: %w", name, err)
		}
		if len(entries) > 0 && entries[0].Decision != nil {
			all[i].entry, all[i].decision = entries[0], entries[0].Decision
		}
	}
	return nil
}

// worstFirst orders rows, and the indices that they came from alike.
func worstFirst(rows []term.TopRow, from []int) {
	at := make([]int, len(rows))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int {
		x, y := &rows[a], &rows[b]
		switch {
		case x.Healthy != y.Healthy:
			if x.Healthy {
				return 1
			}
			return -1
		case x.Missing.High != y.Missing.High:
			return y.Missing.High - x.Missing.High
		case x.OnDemand.High != y.OnDemand.High:
			return y.OnDemand.High - x.OnDemand.High
		}
		return strings.Compare(x.Name, y.Name)
	})
	oldRows, oldFrom := slices.Clone(rows), slices.Clone(from)
	for i, k := range at {
		rows[i], from[i] = oldRows[k], oldFrom[k]
	}
}

// topRow says of one workload what the list shows.
func topRow(s *seen, now time.Time) term.TopRow {
	f := factOf(s, now)
	r := term.TopRow{Name: f.Workload, Healthy: f.Healthy, Mode: f.Mode, Demand: f.Demand, Missing: f.Missing, Health: f.Health, Breaker: "closed"}
	for i := range f.Pools {
		p := &f.Pools[i]
		if p.Capacity == string(failover.Spot) {
			r.Spot.Low += p.InService.Low
			r.Spot.High += p.InService.High
			if p.Breaker != "closed" {
				r.Breaker = p.Breaker
			}
		} else {
			r.OnDemand.Low += p.InService.Low
			r.OnDemand.High += p.InService.High
		}
	}
	switch {
	case len(f.Problems) > 0:
		r.Note = f.Problems[0]
	case f.Pause != nil:
		r.Note = "paused" + order(f.Pause.By, f.Pause.Note, f.Pause.Until)
	case f.Pin != nil:
		r.Note = "pinned to " + string(f.Pin.Mode) + order(f.Pin.By, f.Pin.Note, f.Pin.Until)
	case f.Reason != "":
		r.Note = ago(now, f.DecidedAt) + ": " + f.ReasonText
	}
	r.Detail = lines(func(b *bytes.Buffer) { _ = printWorkload(b, now, f) })
	e := explainOf(s, now)
	r.Explain = lines(func(b *bytes.Buffer) { _ = printExplain(b, &e, now) })
	return r
}

func lines(print func(b *bytes.Buffer)) []string {
	var b bytes.Buffer
	print(&b)
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// fillRow reads the history of one workload: frames for the chart, and what was decided in words.
func fillRow(ctx context.Context, store control.Store, r *term.TopRow, s *seen, now time.Time) error {
	entries, err := store.Journal(ctx, journal.Query{Workload: r.Name, Kinds: []journal.Kind{journal.KindDecision, journal.KindIntent}, From: now.Add(-topHistory), Limit: topEntries})
	if err != nil {
		return fmt.Errorf("read journal of %s: %w", r.Name, err)
	}
	slices.Reverse(entries)
	for i := range entries {
		e := &entries[i]
		if e.Intent != nil {
			r.Log = append(r.Log, term.TopLine{At: e.At, Text: visible("ordered: " + intentWords(*e.Intent))})
		}
		if e.Decision == nil {
			continue
		}
		f := frameOf(e.Decision)
		if n := len(r.Frames); n > 0 { // the counts before it held until it
			held := r.Frames[n-1]
			if held.At = f.At.Add(-time.Second); held.At.After(r.Frames[n-1].At) {
				r.Frames = append(r.Frames, held)
			}
		}
		r.Frames = append(r.Frames, f)
		text := visible(decisionWords(e))
		if n := len(r.Log); n > 0 && r.Log[n-1].Text == text && len(e.Actions) == 0 {
			continue // the same again, for other evidence
		}
		r.Log = append(r.Log, term.TopLine{At: e.Decision.At, Text: text})
	}
	if n := len(r.Frames); n > 0 {
		held := r.Frames[n-1]
		held.At = now
		r.Frames = append(r.Frames, held)
	}
	return nil
}

func frameOf(d *failover.Decision) demo.Frame {
	c := wording.CountsOf(d)
	return demo.Frame{At: d.At, Demand: c.Demand, Spot: c.Spot.Low, OnDemand: c.OnDemand.Low, Working: c.Working, Arriving: c.Arriving(),
		Unknown: !c.Known() || d.Blind(), Mode: string(d.Mode)}
}

// decisionWords says a decision in a line.
func decisionWords(e *journal.Entry) string {
	text := strings.TrimSuffix(wording.Reason(e.Decision.Reason), ".")
	for i, a := range e.Actions {
		if i == 0 {
			text += ": "
		} else {
			text += ", "
		}
		text += journal.Text(a)
	}
	return text
}
