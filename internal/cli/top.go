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
	"github.com/backstop-ecs/backstop/internal/health"
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
	path string
	selection
}

func newTopCommand(s IO) *cobra.Command { return newTop(s, runTop) }

func newTop(s IO, run func(context.Context, IO, topOptions) error) *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top [WORKLOAD...]",
		Short: "Watch the workloads on the terminal: counts, chart, decisions",
		Long: "Top shows what the passes leave in the state, once a second: every workload, the worst first; of the one that is selected a chart of Spot, on-demand and what is " +
			"missing, and its latest decisions. Enter shows its pools, e explains its last decision, / filters by name, n shows only those that need you. It changes nothing, and needs a terminal; `backstop status` is for pipes.",
		Example:           "backstop top\nbackstop top analytics",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.selection.check(""); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	selectionFlags(cmd, s, &o.path, &o.selection)
	return cmd
}

func runTop(ctx context.Context, s IO, o topOptions) error {
	file, err := readConfig(ctx, s, o.path, false)
	if err != nil {
		return err
	}
	workloads, err := o.of(file)
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
// the selection moves fast; the store takes that.
type topView struct {
	s         IO
	file      *config.File
	workloads []config.Workload
}

// fetch reads what there is now.
func (v *topView) fetch(ctx context.Context, selected string, width int) term.Top {
	store, err := openStore(ctx, v.file, reading) // each time: it may be made, or restored, meanwhile
	if err != nil {
		return term.Top{Err: err.Error()}
	}
	view := sight{all: unseen(v.workloads)}
	if store != nil {
		defer func() { _ = store.Close() }()
		if view, err = readSight(ctx, store, v.workloads, v.s.Now()); err != nil {
			return term.Top{Err: err.Error()}
		}
	}
	now := nowOf(v.s.Now(), view.all)
	facts := statusOf(&view, now)
	top := term.Top{At: now, Guard: guardText(&facts.Guard)}
	for i := range facts.Workloads {
		f := &facts.Workloads[i]
		k := slices.IndexFunc(view.all, func(s seen) bool { return s.workload.Name == f.Workload })
		top.Rows = append(top.Rows, topRow(f, &view.all[k], now, width))
	}
	chosen := max(0, slices.IndexFunc(top.Rows, func(r term.TopRow) bool { return r.Name == selected }))
	if store != nil && chosen < len(top.Rows) {
		if err := fillRow(ctx, store, &top.Rows[chosen], now); err != nil {
			top.Err = err.Error()
		}
	}
	return top
}

// guardText is the banner of a guard that is silent; empty while it is not.
func guardText(g *health.Guard) string {
	if !g.Level.NeedsYou() {
		return ""
	}
	return g.Text + "; " + wording.Remedy{Do: g.Do, Command: g.Command}.String()
}

// topRow says of one workload what the list shows.
func topRow(f *workloadFact, s *seen, now time.Time, width int) term.TopRow {
	r := term.TopRow{Name: f.Workload, Healthy: f.Healthy, State: stateWord(f), Mode: f.Mode, Demand: f.Demand, Missing: f.Missing, Spot: f.counts.Spot,
		OnDemand: f.counts.OnDemand, Health: f.Health, Breaker: "closed", Note: visible(f.Headline)}
	for i := range f.Pools {
		if p := &f.Pools[i]; p.Capacity == string(failover.Spot) && p.Breaker != "closed" {
			r.Breaker = p.Breaker
		}
	}
	r.Detail = lines(func(b *bytes.Buffer) { _ = printWorkload(b, now, f, width) })
	e := explainOf(s, now)
	r.Explain = lines(func(b *bytes.Buffer) { _ = printExplain(b, &e, now, width) })
	return r
}

func lines(print func(b *bytes.Buffer)) []string {
	var b bytes.Buffer
	print(&b)
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// fillRow reads the history of one workload: frames for the chart, and what was decided in words.
func fillRow(ctx context.Context, store control.Store, r *term.TopRow, now time.Time) error {
	entries, err := store.Journal(ctx, journal.Query{Workload: r.Name, Kinds: []journal.Kind{journal.KindDecision, journal.KindIntent}, From: now.Add(-topHistory), Limit: topEntries})
	if err != nil {
		return fmt.Errorf("read journal of %s: %w", r.Name, err)
	}
	slices.Reverse(entries)
	for i := range entries {
		e := &entries[i]
		if e.Intent != nil {
			r.Log = append(r.Log, term.TopLine{At: e.At, Text: visible("ordered: " + wording.Entry(e))})
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
		text := visible(wording.Entry(e))
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
