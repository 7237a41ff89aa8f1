package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// runIntent shows what will happen, asks once, and writes the intents into the state; the next passes act on them. An order that fails
// keeps none of the others back.
func runIntent(ctx context.Context, s IO, o intentOptions) error {
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	workloads, err := o.of(file)
	if err != nil {
		return err
	}
	for _, w := range workloads {
		if names := poolNames(w); o.pool != "" && !slices.Contains(names, o.pool) {
			return usageError("--pool: workload %s has no pool %q; there are: %s", w.Name, o.pool, strings.Join(names, ", "))
		}
	}
	store, err := openStore(ctx, file, writing)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	records, err := store.Load(ctx, workloadNames(workloads))
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	var orders []intentFacts
	var out gathered
	for _, w := range workloads {
		f, err := o.plan(ctx, s, store, file, w, records[w.Name].State)
		switch {
		case err != nil && len(workloads) == 1:
			return err
		case err != nil: // of many, those are left out for which the order makes no sense
			out.add(w.Name, "left out: "+err.Error())
			continue
		}
		orders = append(orders, f)
	}
	for _, line := range out.lines() {
		say(s.Err, "%s", line)
	}
	if len(orders) == 0 {
		return refuse("%s: no workload is left for it", o.kind)
	}
	if err := o.confirm(s, orders, len(file.Workloads)); err != nil {
		return err
	}
	given, failed := o.record(ctx, s, store, orders)
	if o.wait > 0 && len(given) > 0 {
		failed = worse(failed, o.await(ctx, s, store, given))
	}
	if o.output == outputJSON {
		for i := range given {
			failed = worse(failed, printJSON(s.Out, given[i]))
		}
	}
	return failed
}

// gathered are names under what is said of them.
type gathered struct {
	texts []string
	names map[string][]string
}

func (g *gathered) add(name, text string) {
	if g.names == nil {
		g.names = map[string][]string{}
	}
	if g.names[text] == nil {
		g.texts = append(g.texts, text)
	}
	g.names[text] = append(g.names[text], name)
}

// lines says each thing once, with the names or how many they are.
func (g *gathered) lines() []string {
	var out []string
	for _, text := range g.texts {
		names := g.names[text]
		who := names[0]
		if n := len(names); n > 1 {
			who = fmt.Sprintf("%s (%s)", wording.Count(n, "workload"), wording.Some(names))
		}
		out = append(out, who+": "+text)
	}
	return out
}

// record writes the orders into the state, and returns those that were taken.
func (o *intentOptions) record(ctx context.Context, s IO, store control.Store, orders []intentFacts) (given []intentFacts, failed error) {
	for i := range orders {
		f := &orders[i]
		state, err := control.Intend(ctx, store, control.Workload{Name: f.Workload, Policy: f.policy}, owner(), f.Intent, s.Now)
		if err != nil {
			err = intentError(err)
			if len(orders) > 1 {
				err = fmt.Errorf("%s: %w", f.Workload, err)
			}
			failed = worse(failed, err)
			continue
		}
		f.Generation, f.given = state.Generation, s.Now()
		given = append(given, *f)
		if o.output == outputJSON {
			continue
		}
		say(s.Out, "%s: %s; recorded as generation %d, the next pass acts on it", f.Workload, wording.Order(&f.Intent), state.Generation)
		if f.Runs != nil && len(orders) == 1 {
			say(s.Out, "%s: %s", f.Workload, f.Runs.Text())
		}
	}
	if failed != nil && len(orders) > 1 {
		say(s.Err, "recorded for %d of %s", len(given), wording.Count(len(orders), "workload"))
	}
	return given, failed
}

// worse joins two errors under the exit code of the worse one: what failed is worse than what was refused, and that than what only takes
// longer.
func worse(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	code := codeOf(ranError{a})
	if other := codeOf(ranError{b}); slices.Index(byBadness, other) > slices.Index(byBadness, code) {
		code = other
	}
	return &exitError{code, errors.Join(a, b)}
}

// byBadness are the exit codes of orders, the mildest first.
var byBadness = []int{ExitUnhealthy, ExitRefused, ExitFailed}

// confirm says what will happen and asks once, on a terminal. all is how many workloads are configured.
func (o *intentOptions) confirm(s IO, orders []intentFacts, all int) error {
	subject := orders[0].Workload
	if len(orders) > 1 {
		subject = wording.Count(len(orders), "workload")
		_ = s.asked().wrapped(func(w io.Writer) error { previewMany(w, orders, all); return nil })
	} else {
		_ = s.asked().wrapped(func(w io.Writer) error { orders[0].preview(w, o.yes); return nil })
	}
	return confirmed(s, string(o.kind)+" "+subject, o.yes)
}

// preview says what an order would lead to. answered says that the answer has how many tasks would run.
func (f *intentFacts) preview(w io.Writer, answered bool) {
	say(w, "%s: %s", f.Workload, wording.Order(&f.Intent))
	if !f.ExpectedFrom.IsZero() {
		_, _ = fmt.Fprintf(w, "if all is as it was at %s, the next pass will:\n", wording.Moment(f.ExpectedFrom))
		for _, line := range f.changes() {
			say(w, "  %s", line)
		}
	}
	if f.Runs != nil && !answered {
		say(w, "  %s", f.Runs.Text())
	}
}

// previewMany says how many workloads an order is for and which, a line each, and what they come to.
func previewMany(w io.Writer, orders []intentFacts, all int) {
	say(w, "%s, for %d of %s:", wording.Order(&orders[0].Intent), len(orders), wording.Count(all, "workload"))
	rows := [][]string{{"  WORKLOAD", "THE NEXT PASS, IF ALL IS AS IT WAS"}}
	sum := wording.Outlook{Priced: true}
	known := 0
	for i := range orders {
		f := &orders[i]
		what := "not known: nothing was seen of it yet"
		if !f.ExpectedFrom.IsZero() {
			what = strings.Join(f.changes(), ", ")
		}
		rows = append(rows, []string{"  " + f.Workload, what})
		if f.Runs != nil {
			sum = sum.Plus(f.Runs)
			known++
		}
	}
	_ = table(w, rows)
	switch {
	case known == len(orders):
		say(w, "  together: %s", sum.Text())
	case known > 0:
		say(w, "  together, of the %d that are known: %s", known, sum.Text())
	}
}

// changes are the counts that the next pass would change.
func (f *intentFacts) changes() []string {
	if len(f.Expected) == 0 {
		return []string{"change no count"}
	}
	var out []string
	for _, a := range f.Expected {
		out = append(out, wording.Action(a))
	}
	return out
}

func intentError(err error) error {
	var refused *control.RefusedError
	var held *control.LeaseHeldError
	switch {
	case errors.As(err, &refused), errors.Is(err, control.ErrStale):
		return refuse("%w", err)
	case errors.As(err, &held):
		return refuse("%w; try again then", err)
	}
	return fmt.Errorf("record intent: %w", err)
}

func poolNames(w config.Workload) []string {
	var out []string
	for _, p := range w.Policy.Pools {
		out = append(out, p.Name)
	}
	return out
}

// owner names this process in leases.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("cli-%s-%d", host, os.Getpid())
}

// moves reports whether an order moves a workload, and where to.
func moves(in *failover.Intent) (to failover.Mode, ok bool) {
	switch {
	case in.Kind == failover.IntentRestore || in.Kind == failover.IntentPin && in.Mode == failover.ModeSpot:
		return failover.ModeSpot, true
	case in.Kind == failover.IntentFailover || in.Kind == failover.IntentPin && in.Mode == failover.ModeOnDemand:
		return failover.ModeOnDemand, true
	}
	return "", false
}
