package cli

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/wording"
)

const (
	// reasonBytesMax bounds what an operator writes down; it is kept in the state.
	reasonBytesMax = 500
	// forMax bounds an order's life: a longer one is a policy.
	forMax = 366 * 24 * time.Hour
)

// intentOptions are what the commands that change an intent have in common.
type intentOptions struct {
	kind   failover.IntentKind
	path   string
	output string
	selection
	mode   string // pin
	pool   string // failover, restore
	reason string
	by     string
	lasts  time.Duration // --for
	until  string
	wait   time.Duration // --wait; 0: not
	yes    bool
	// ends says that the command takes --for and --until.
	ends bool
}

// intentFacts is the answer of a command that changes an intent.
type intentFacts struct {
	Workload   string          `json:"workload"`
	Intent     failover.Intent `json:"intent"`
	Generation uint64          `json:"generation"`
	// Expected are the actions that the next pass would take if everything is as it was last seen, at
	// ExpectedFrom; absent when that is not known.
	Expected     journal.Actions `json:"expected"`
	ExpectedFrom time.Time       `json:"expected_from,omitzero"`
	// Runs says how many tasks an order that moves the workload lets run, and what they cost an hour; absent when that is not known, or
	// nothing moves.
	Runs *wording.Outlook `json:"runs,omitempty"`
	// Effect says with --wait whether the order has taken effect.
	Effect *effectFacts `json:"effect,omitempty"`

	region string // of pools that name none, for prices
	policy failover.Policy
	given  time.Time // when it was recorded, by this machine's clock
}

type intentRun func(context.Context, IO, intentOptions) error

// intentCommand makes the parts that all these commands share.
func intentCommand(s IO, o *intentOptions, run intentRun) *cobra.Command {
	cmd := &cobra.Command{
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.looseSpan(args); err != nil {
				return err
			}
			if err := o.check(s.Now()); err != nil {
				return err
			}
			return run(cmd.Context(), s, *o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	selectionFlags(cmd, s, &o.path, &o.selection)
	cmd.Flags().Var(spanValue{&o.wait}, "wait", "wait until the order has taken effect, at most so long; exit code 3 if it has not")
	cmd.Flags().Lookup("wait").NoOptDefVal = wording.Span(waitDefault)
	cmd.Flags().StringVarP(&o.reason, "reason", "r", "", "why, for those who read the journal")
	cmd.Flags().StringVar(&o.by, "by", defaultBy(s), "who orders it, for the journal")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do it without asking; needed without a terminal")
	if o.ends {
		cmd.Flags().Var(spanValue{&o.lasts}, "for", "it ends by itself after this long (90m, 24h, 2d)")
		cmd.Flags().StringVar(&o.until, "until", "", "it ends by itself at this time (2026-11-01T08:00:00Z)")
		exclusive(cmd, "for", "until")
	}
	return cmd
}

// defaultBy names who gives an order: user@host.
func defaultBy(s IO) string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if v := s.Env(name); v != "" {
			host, err := os.Hostname()
			if err != nil {
				return v
			}
			return v + "@" + host
		}
	}
	return ""
}

// looseSpan refuses a duration among the arguments: --wait takes it after a = alone.
func (o *intentOptions) looseSpan(args []string) error {
	for _, a := range args {
		if _, err := parseSpan(a); err == nil && o.wait > 0 {
			return usageError("--wait takes its duration after a =: --wait=%s", a)
		}
	}
	return nil
}

func (o *intentOptions) check(now time.Time) error {
	if err := o.selection.check(string(o.kind)); err != nil {
		return err
	}
	switch {
	case len(o.reason) > reasonBytesMax:
		return usageError("--reason: at most %d bytes (got %d)", reasonBytesMax, len(o.reason))
	case strings.ContainsFunc(o.reason, unicode.IsControl):
		return usageError("--reason: must be one line without control characters")
	case len(o.by) > reasonBytesMax:
		return usageError("--by: at most %d bytes (got %d)", reasonBytesMax, len(o.by))
	case strings.ContainsFunc(o.by, unicode.IsControl):
		return usageError("--by: must be one line without control characters")
	case o.lasts < 0 || o.lasts > forMax:
		return usageError("--for %s: must be at most %s", wording.Span(o.lasts), wording.Span(forMax))
	case o.wait > forMax:
		return usageError("--wait %s: must be at most %s", wording.Span(o.wait), wording.Span(forMax))
	}
	if o.until != "" {
		switch until, err := time.Parse(time.RFC3339, o.until); {
		case err != nil:
			return usageError("--until %q: must be a time such as 2026-11-01T08:00:00Z", o.until)
		case !until.After(now):
			return usageError("--until %s: is over already; it is %s", o.until, now.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// intent makes what is ordered, at a moment.
func (o *intentOptions) intent(now time.Time) failover.Intent {
	in := failover.Intent{Kind: o.kind, Mode: failover.Mode(o.mode), By: o.by, Note: o.reason, At: now.UTC(), Pool: o.pool}
	if o.lasts > 0 {
		in.Until = in.At.Add(o.lasts)
	}
	if o.until != "" {
		in.Until, _ = time.Parse(time.RFC3339, o.until) // checked before
		in.Until = in.Until.UTC()
	}
	return in
}

// plan makes one workload's order, and what it would lead to.
func (o *intentOptions) plan(ctx context.Context, s IO, store control.Store, file *config.File, w config.Workload, before failover.State) (intentFacts, error) {
	now := s.Now()
	if before.Seen.At.After(now) { // AWS's clock is ahead of ours; so is a sandbox's that runs fast
		now = before.Seen.At
	}
	in := o.intent(now)
	after, err := failover.Apply(w.Policy, before, in)
	if err != nil {
		return intentFacts{}, refuse("%w", err)
	}
	f := intentFacts{Workload: w.Name, Intent: in, Expected: journal.Actions{}, region: cmp.Or(file.Region, s.Env("AWS_REGION"), s.Env("AWS_DEFAULT_REGION")), policy: w.Policy}
	f.expect(ctx, store, file, w, after)
	return f, nil
}

// expect decides once on what was last seen, to show what the intent would lead to.
func (f *intentFacts) expect(ctx context.Context, store control.Store, file *config.File, w config.Workload, after failover.State) {
	entries, err := store.Journal(ctx, journal.Query{Workload: w.Name, Kinds: []journal.Kind{journal.KindDecision}, Limit: 1})
	if err != nil || len(entries) == 0 || entries[0].Observation == nil || !entries[0].Observation.Complete() {
		return
	}
	o := entries[0].Observation.Full()
	if len(o.Pools) != len(w.Policy.Pools) {
		return // the configuration has changed since
	}
	f.ExpectedFrom = o.At
	for i, v := range entries[0].Decision.Pools { // as it should be by now
		if i < len(o.Pools) && o.Pools[i].Err == failover.ErrNone {
			o.Pools[i].Desired = v.Ask
		}
	}
	o.At, o.Signals = f.Intent.At, nil
	_, d := failover.Decide(w.Policy, after, o)
	f.Expected = append(append(f.Expected, d.Actions...), d.Withheld...)
	if look, ok := wording.OutlookOf(&w.Policy, &after, f.Intent, &d, taskHours(file, w.Name, f.region)); ok {
		f.Runs = &look
	}
}

// taskHours returns what a task of each pool of a workload costs for an hour, as far as that is known.
func taskHours(file *config.File, name, region string) map[string]float64 {
	out := map[string]float64{}
	workloads, err := parts.Workloads(file, region)
	if err != nil {
		return out // a pool without a region: its price is not known
	}
	for i := range workloads {
		if workloads[i].Name != name {
			continue
		}
		for _, p := range workloads[i].Policy.Pools {
			out[p.Name] = p.TaskHourUSD
		}
	}
	return out
}
