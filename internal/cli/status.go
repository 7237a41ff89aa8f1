package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type statusOptions struct {
	path   string
	output string
	selection
	watch time.Duration // 0: once
}

// outputWide shows every column.
const outputWide = "wide"

// statusFacts is the answer of `backstop status`.
type statusFacts struct {
	At      time.Time `json:"at"`
	Healthy bool      `json:"healthy"`
	// Guard reports whether anything looks at the workloads.
	Guard health.Guard `json:"guard"`
	// Levels counts the workloads by level; NeedYou are those that a person should look at.
	Levels    levelCounts    `json:"levels"`
	NeedYou   int            `json:"need_you"`
	Workloads []workloadFact `json:"workloads"`
	// Left is what was left of workloads that are configured no more, when a guard last started.
	Left []leftFact `json:"left"`
	// Alone is what became of tasks of no service in the last 24 hours; absent where no cluster is configured for them.
	Alone *aloneFact `json:"tasks_of_no_service,omitempty"`
}

// leftFact is what was left of one workload.
type leftFact struct {
	Workload  string    `json:"workload"`
	Text      string    `json:"text"`
	At        time.Time `json:"at"`
	OnDemand  int       `json:"on_demand"`
	Held      int       `json:"held"`
	Suspended []string  `json:"suspended"`
	Command   string    `json:"command"`
}

// levelCounts counts workloads by level.
type levelCounts struct {
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Covering int `json:"covering"`
	Fine     int `json:"ok"`
}

func (c levelCounts) with(l health.Level) levelCounts {
	switch l {
	case health.Critical:
		c.Critical++
	case health.Warning:
		c.Warning++
	case health.Covering:
		c.Covering++
	default:
		c.Fine++
	}
	return c
}

// workloadFact is what is known of one workload, as it was last seen.
type workloadFact struct {
	Workload string `json:"workload"`
	Healthy  bool   `json:"healthy"`
	health.Verdict
	Known      bool      `json:"known"`
	Clusters   []string  `json:"clusters"`
	ObservedAt time.Time `json:"observed_at,omitzero"`
	// AgeSeconds is how long ago it was last looked at.
	AgeSeconds float64   `json:"age_seconds"`
	Mode       string    `json:"mode"`
	ModeSince  time.Time `json:"mode_since,omitzero"`
	Demand     int       `json:"demand"`
	taskCounts
	Missing      failover.Range `json:"missing"`
	MissingSince time.Time      `json:"missing_since,omitzero"`
	Health       int            `json:"spot_health"`
	Reason       string         `json:"reason"`
	ReasonText   string         `json:"reason_text"`
	DecidedAt    time.Time      `json:"decided_at,omitzero"`
	// FirstLook is the plan of the first look, while nothing was decided after it.
	FirstLook  string          `json:"first_look,omitempty"`
	Pools      []poolFact      `json:"pools"`
	Pin        *failover.Pin   `json:"pin,omitempty"`
	Pause      *failover.Pause `json:"pause,omitempty"`
	Silence    *failover.Pause `json:"silence,omitempty"`
	Failovers  int             `json:"failovers_24h"`
	Generation uint64          `json:"generation"`
	// CountsAt is when the counts of tasks last changed: a look that changes nothing is not recorded.
	CountsAt time.Time `json:"counts_at,omitzero"`
	// ReadinessAt is when the health behind the counts was last read, as far as that is stored: a quiet workload's is read every five
	// minutes. Zero: it has no health checks, or they cannot be read.
	ReadinessAt time.Time `json:"readiness_at,omitzero"`

	counts wording.Counts
}

// taskCounts are tasks in the words of docs/design.md. A range that is no single number is not known better.
type taskCounts struct {
	InService failover.Range `json:"in_service"`
	Warming   int            `json:"warming"`
	Placed    int            `json:"placed"`
	Late      int            `json:"late"`
	Unhealthy int            `json:"unhealthy"`
	Leaving   int            `json:"leaving"`
	Working   int            `json:"working"`
	// DueAt is when what is warming and placed is due, LeavingBy when the first of the leaving tasks stops; zero when that is not known.
	DueAt     time.Time `json:"due_at,omitzero"`
	LeavingBy time.Time `json:"leaving_by,omitzero"`
}

// poolFact is what is known of one pool.
type poolFact struct {
	Pool     string `json:"pool"`
	Capacity string `json:"capacity"`
	Service  string `json:"service"`
	Asked    int    `json:"asked"`
	taskCounts
	// Sight says how the pool is known if it was not read: not_read, written_off or gone.
	Sight        failover.Sight `json:"sight,omitempty"`
	Breaker      string         `json:"breaker"`
	BreakerSince time.Time      `json:"breaker_since,omitzero"`
	NotBefore    time.Time      `json:"not_before,omitzero"`
	// LastEventAt is when ECS's last event of the pool came; zero: none is known.
	LastEventAt time.Time `json:"last_event_at,omitzero"`
}

func newStatusCommand(s IO) *cobra.Command { return newStatus(s, runStatus) }

func newStatus(s IO, run func(context.Context, IO, statusOptions) error) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [WORKLOAD...]",
		Short: "Show workload status, the worst first; exit code 3 when a workload needs you",
		Long: "Status reads what the last pass left in the state, whether or not the daemon runs: a row for each workload, the worst first, and the next step for those " +
			"that need you; all there is to say of a workload that is named. It exits with 3 when a workload is critical or has a warning: tasks are missing or will be, " +
			"something cannot be read, or nothing has checked it for three ticks. Missing is the demand less what serves: tasks in service, and tasks under notice that still work.",
		Example:           "backstop status\nbackstop status analytics\nbackstop status --cluster prod -o wide\nbackstop status --label team=shop --watch=5s\nbackstop status -o json",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.selection.check(""); err != nil {
				return err
			}
			if o.watch != 0 && (o.watch < watchLeast || o.watch > watchMost) {
				return usageError("--watch %s: must be %s to %s", wording.Span(o.watch), wording.Span(watchLeast), wording.Span(watchMost))
			}
			for _, a := range args {
				if _, err := parseSpan(a); err == nil && o.watch > 0 {
					return usageError("--watch takes its interval after a =: --watch=%s", a)
				}
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	selectionFlags(cmd, s, &o.path, &o.selection)
	choiceFlag(cmd, &o.output, "output", "o", outputText, []string{outputText, outputWide, outputJSON}, "form of the answer; json is documented in docs/json.md")
	cmd.Flags().VarP(spanValue{&o.watch}, "watch", "w", "look again and again, this often, until Ctrl-C; the exit code is the last look's")
	cmd.Flags().Lookup("watch").NoOptDefVal = wording.Span(watchEvery)
	return cmd
}

func runStatus(ctx context.Context, s IO, o statusOptions) error {
	if o.watch > 0 {
		return watchStatus(ctx, s, o)
	}
	return showStatus(ctx, s, o)
}

// showStatus looks once and says what is seen.
func showStatus(ctx context.Context, s IO, o statusOptions) error {
	v, err := lookAt(ctx, s, o.path, o.selection)
	if err != nil {
		return err
	}
	facts := statusOf(&v, nowOf(s.Now(), v.all))
	switch {
	case o.output == outputJSON:
		err = printJSON(s.Out, facts)
	case len(o.names) > 0 && o.output == outputText:
		err = s.wrapped(func(w io.Writer) error { return printDetails(w, &facts, s.Width) })
	default:
		width := 0
		if s.OutTerminal && o.output == outputText {
			width = s.Width
		}
		err = printStatus(s.Out, &facts, o.output == outputWide, width)
	}
	if err != nil {
		return err
	}
	if !facts.Healthy {
		return quiet(ExitUnhealthy)
	}
	return nil
}

// statusOf makes the facts of all workloads that were seen, the worst first.
func statusOf(v *sight, now time.Time) statusFacts {
	facts := statusFacts{At: now.UTC(), Guard: v.guard(), Workloads: []workloadFact{}, Left: []leftFact{}}
	for i := range v.all {
		f := factOf(&v.all[i], now)
		facts.Levels = facts.Levels.with(f.Level)
		if f.Level.NeedsYou() {
			facts.NeedYou++
		}
		facts.Workloads = append(facts.Workloads, f)
	}
	for i := range v.left {
		e := &v.left[i]
		facts.Left = append(facts.Left, leftFact{Workload: e.Workload, Text: e.Text(), At: e.Left.At, OnDemand: e.Left.OnDemand, Held: e.Left.Held,
			Suspended: append([]string{}, e.Left.Suspended...), Command: wording.LeftRemedy(e.Workload).Command})
	}
	facts.Alone = aloneOf(v.alone, now)
	facts.Healthy = facts.NeedYou == 0 && !facts.Guard.Level.NeedsYou() && len(facts.Left) == 0
	slices.SortStableFunc(facts.Workloads, func(a, b workloadFact) int { return worstFirst(&a, &b) })
	return facts
}

// worstFirst orders workloads: by level, by the share that is missing, by name.
func worstFirst(a, b *workloadFact) int {
	share := func(f *workloadFact) float64 { return float64(f.Missing.High) / float64(max(1, f.Demand)) }
	return cmp.Or(cmp.Compare(a.Level.Rank(), b.Level.Rank()), cmp.Compare(share(b), share(a)), cmp.Compare(a.Workload, b.Workload))
}

// factOf makes the facts of one workload.
func factOf(v *seen, now time.Time) workloadFact {
	st, d := &v.record.State, v.decision
	f := workloadFact{Workload: v.workload.Name, Verdict: v.verdict(now), Known: v.known && d != nil && (st.DemandSet || d.Demand > 0 || !d.Blind()), Pools: []poolFact{}, Mode: "unknown", Clusters: []string{}}
	f.Healthy = !f.Level.NeedsYou()
	for _, p := range v.workload.Pools {
		if name := clusterName(p.Cluster); !slices.Contains(f.Clusters, name) {
			f.Clusters = append(f.Clusters, name)
		}
	}
	f.Pin, f.Pause, f.Silence = st.Pin, st.Pause, st.Silence
	if !f.Known {
		return f
	}
	f.ObservedAt, f.AgeSeconds = v.observedAt(), v.look.Age.Seconds()
	if st.Mode != failover.ModeUnknown {
		f.Mode = string(st.Mode)
	}
	f.ModeSince, f.Demand, f.MissingSince, f.Generation = st.ModeSince, st.Demand, st.MissingSince, st.Generation
	for _, at := range st.Failovers {
		if now.Sub(at) < 24*time.Hour {
			f.Failovers++
		}
	}
	c := wording.CountsOf(d)
	f.counts = c
	f.taskCounts = taskCounts{c.InService, c.Warming, c.Placed, c.Late, c.Unhealthy, c.Leaving, c.Working, c.Due, c.LeavingBy}
	f.Missing, f.Health, f.DecidedAt, f.CountsAt = d.Missing, d.Health, d.At, d.At
	f.Reason, f.ReasonText = string(d.Reason), wording.Reason(d.Reason)
	if v.entry.First {
		f.FirstLook = wording.FirstLook(d)
	}
	for i, p := range v.workload.Policy.Pools {
		f.Pools = append(f.Pools, poolFactOf(v, i, &p))
	}
	f.ReadinessAt = health.ReadinessAt(st)
	return f
}

func poolFactOf(v *seen, i int, p *failover.Pool) poolFact {
	ps := v.record.State.Pool(p.Name)
	f := poolFact{Pool: p.Name, Capacity: string(p.Capacity), Service: v.workload.Pools[i].Service, Breaker: ps.B.Mode.String(),
		BreakerSince: ps.B.Since, NotBefore: ps.B.NotBefore}
	if ps.Asked != nil {
		f.Asked = ps.Asked.Count
	}
	if i < len(v.events) {
		f.LastEventAt = v.events[i]
	}
	if i < len(v.decision.Pools) {
		d := &v.decision.Pools[i]
		f.Asked, f.Sight = d.Ask, d.Sight
		f.taskCounts = taskCounts{d.InService, d.Warming, d.Placed, d.Late, d.Unhealthy, d.Leaving, d.Working, d.ReadyBy, d.LeavingBy}
	}
	return f
}
