package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/wording"
)

type statusOptions struct {
	path      string
	output    string
	workloads []string
}

// statusFacts is the answer of `backstop status`.
type statusFacts struct {
	At        time.Time      `json:"at"`
	Healthy   bool           `json:"healthy"`
	Workloads []workloadFact `json:"workloads"`
}

// workloadFact is what is known of one workload, as it was last seen.
type workloadFact struct {
	Workload string `json:"workload"`
	Healthy  bool   `json:"healthy"`
	// Problems say why it is not healthy.
	Problems   []string  `json:"problems"`
	Known      bool      `json:"known"`
	ObservedAt time.Time `json:"observed_at,omitzero"`
	AgeSeconds float64   `json:"age_seconds"`
	Mode       string    `json:"mode"`
	ModeSince  time.Time `json:"mode_since,omitzero"`
	Demand     int       `json:"demand"`
	taskCounts
	Missing      failover.Range  `json:"missing"`
	MissingSince time.Time       `json:"missing_since,omitzero"`
	Health       int             `json:"spot_health"`
	Reason       string          `json:"reason"`
	ReasonText   string          `json:"reason_text"`
	DecidedAt    time.Time       `json:"decided_at,omitzero"`
	Pools        []poolFact      `json:"pools"`
	Pin          *failover.Pin   `json:"pin,omitempty"`
	Pause        *failover.Pause `json:"pause,omitempty"`
	Failovers    int             `json:"failovers_24h"`
	Generation   uint64          `json:"generation"`
	// CountsAt is when the counts of tasks were seen: a look that changes nothing is not recorded, and they may
	// have moved since.
	CountsAt time.Time `json:"counts_at,omitzero"`
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
	// DueAt is when what is warming and placed is due; zero when that is not known.
	DueAt time.Time `json:"due_at,omitzero"`
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
}

func newStatusCommand(s IO) *cobra.Command { return newStatus(s, runStatus) }

func newStatus(s IO, run func(context.Context, IO, statusOptions) error) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [WORKLOAD...]",
		Short: "Say how the workloads are; exit code 3 when one is not as it should be",
		Long: "Status reads what the last pass has left behind, whether or not the daemon runs. It exits with 3 when a workload was never looked at, " +
			"or not for 15 minutes, cannot be read, or has missed capacity for longer than start_limit. Missing is the demand less what serves: tasks in service, and " +
			"tasks under notice that still work.",
		Example:           "backstop status\nbackstop status analytics -o json",
		Args:              between(0, -1, ""),
		ValidArgsFunction: completeWorkloads(s, &o.path),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.workloads = args
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	outputFlag(cmd, &o.output)
	return cmd
}

func runStatus(ctx context.Context, s IO, o statusOptions) error {
	seen, err := lookAt(ctx, s, o.path, o.workloads)
	if err != nil {
		return err
	}
	now := nowOf(s.Now(), seen)
	facts := statusFacts{At: now.UTC(), Healthy: true, Workloads: []workloadFact{}}
	for i := range seen {
		f := factOf(&seen[i], now)
		facts.Healthy = facts.Healthy && f.Healthy
		facts.Workloads = append(facts.Workloads, f)
	}
	if o.output == outputJSON {
		err = printJSON(s.Out, facts)
	} else {
		err = printStatus(s.Out, facts)
	}
	if err != nil {
		return err
	}
	if !facts.Healthy {
		return quiet(ExitUnhealthy)
	}
	return nil
}

// silentMax is how old the last record of a workload may be: a daemon that runs writes one every five minutes,
// or every tick if that is longer.
const silentMax = 15 * time.Minute

// factOf makes the facts of one workload.
func factOf(v *seen, now time.Time) workloadFact {
	st, d := &v.record.State, v.decision
	f := workloadFact{Workload: v.workload.Name, Known: v.known, Problems: []string{}, Pools: []poolFact{}, Mode: "unknown"}
	if !v.known {
		f.Problems = append(f.Problems, "it was never looked at; is `backstop run` running?")
		return f
	}
	f.ObservedAt, f.AgeSeconds = v.observedAt(), now.Sub(v.observedAt()).Seconds()
	if st.Mode != failover.ModeUnknown {
		f.Mode = string(st.Mode)
	}
	f.ModeSince, f.Demand, f.MissingSince, f.Generation = st.ModeSince, st.Demand, st.MissingSince, st.Generation
	f.Pin, f.Pause = st.Pin, st.Pause
	for _, at := range st.Failovers {
		if now.Sub(at) < 24*time.Hour {
			f.Failovers++
		}
	}
	if d != nil {
		c := wording.CountsOf(d)
		f.taskCounts = taskCounts{c.InService, c.Warming, c.Placed, c.Late, c.Unhealthy, c.Leaving, c.Working, c.Due}
		f.Missing, f.Health, f.DecidedAt, f.CountsAt = d.Missing, d.Health, d.At, d.At
		f.Reason, f.ReasonText = string(d.Reason), wording.Reason(d.Reason)
	}
	for i, p := range v.workload.Policy.Pools {
		ps := st.Pool(p.Name)
		pf := poolFact{Pool: p.Name, Capacity: string(p.Capacity), Service: v.workload.Pools[i].Service, Breaker: ps.B.Mode.String(),
			BreakerSince: ps.B.Since, NotBefore: ps.B.NotBefore}
		if ps.Asked != nil {
			pf.Asked = ps.Asked.Count
		}
		if d != nil && i < len(d.Pools) {
			pd := &d.Pools[i]
			pf.Asked, pf.Sight = pd.Ask, pd.Sight
			pf.taskCounts = taskCounts{pd.InService, pd.Warming, pd.Placed, pd.Late, pd.Unhealthy, pd.Leaving, pd.Working, pd.ReadyBy}
		}
		f.Pools = append(f.Pools, pf)
	}
	switch {
	case st.BlindSince.IsZero():
	case d != nil && !d.Blind() && d.Unread():
		f.Problems = append(f.Problems, "a pool could not be read since "+clock(st.BlindSince)+", and its tasks count as lost")
	default:
		f.Problems = append(f.Problems, "a pool could not be read since "+clock(st.BlindSince)+"; only what is certain is done meanwhile")
	}
	if since := st.MissingSince; !since.IsZero() && now.Sub(since) > v.workload.Policy.StartLimit {
		f.Problems = append(f.Problems, fmt.Sprintf("capacity has been missing since %s", clock(since)))
	}
	if silent := now.Sub(v.observedAt()); silent > silentMax {
		f.Problems = append(f.Problems, fmt.Sprintf("nothing was recorded for %s; is `backstop run` running?", silent.Round(time.Minute)))
	}
	f.Healthy = len(f.Problems) == 0
	return f
}

func printStatus(w io.Writer, facts statusFacts) error {
	for i, f := range facts.Workloads {
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		if err := printWorkload(w, facts.At, f); err != nil {
			return err
		}
	}
	return nil
}

func printWorkload(w io.Writer, now time.Time, f workloadFact) error {
	word := "healthy"
	switch {
	case !f.Healthy:
		word = "NOT HEALTHY"
	case f.Missing.High > 0: // no problem before start_limit is over
		word = "missing capacity"
	}
	say(w, "%s: %s", f.Workload, word)
	for _, p := range f.Problems {
		say(w, "  problem   %s", p)
	}
	if !f.Known {
		return nil
	}
	say(w, "  mode      %s%s", f.Mode, since(now, f.ModeSince))
	for _, line := range countLines(&f) {
		say(w, "  %s", line)
	}
	if !f.CountsAt.IsZero() {
		say(w, "  as of     %s", asOf(now, &f))
	}
	if f.Pin != nil {
		say(w, "  pinned    to %s%s", f.Pin.Mode, order(f.Pin.By, f.Pin.Note, f.Pin.Until))
	}
	if f.Pause != nil {
		say(w, "  paused    nothing is changed%s", order(f.Pause.By, f.Pause.Note, f.Pause.Until))
	}
	if f.Reason != "" {
		say(w, "  decided   %s: %s (%s)", ago(now, f.DecidedAt), f.ReasonText, f.Reason)
	}
	say(w, "  recorded  %s, at %s\n", ago(now, f.ObservedAt), f.ObservedAt.UTC().Format(time.RFC3339))
	rows := [][]string{{"  POOL", "CAPACITY", "SERVICE", "TARGET", "IN SERVICE", "WARMING", "PLACED", "LATE", "LEAVING", "BREAKER"}}
	for _, p := range f.Pools {
		breaker := p.Breaker
		if p.Breaker != "closed" {
			breaker += since(now, p.BreakerSince)
		}
		rows = append(rows, []string{"  " + p.Pool, p.Capacity, p.Service, fmt.Sprint(p.Asked), p.InService.String(), fmt.Sprint(p.Warming),
			fmt.Sprint(p.Placed), fmt.Sprint(p.Late), fmt.Sprint(p.Leaving), breakerWord(breaker, p.Sight)})
	}
	return table(w, rows)
}

// breakerWord adds to a breaker's mode what the pool's counts are worth, if it could not be read.
func breakerWord(mode string, sight failover.Sight) string {
	if sight == failover.Fresh {
		return mode
	}
	return mode + "; " + wording.Sight(sight)
}

// countLines say the tasks of a workload: what serves, what is missing, what is arriving and leaving.
func countLines(f *workloadFact) []string {
	out := []string{fmt.Sprintf("demand    %d, in service %s, missing %s", f.Demand, f.InService, f.Missing)}
	c := wording.Counts{Warming: f.Warming, Placed: f.Placed, Due: f.DueAt, Leaving: f.Leaving, Working: f.Working}
	if text := c.ArrivingText(); text != "" {
		out = append(out, "arriving  "+text)
	}
	if text := c.LeavingText(); text != "" {
		out = append(out, "leaving   "+text)
	}
	if f.Late > 0 {
		out = append(out, fmt.Sprintf("late      %s past the limit, not in service", count(f.Late, "task")))
	}
	if f.Unhealthy > 0 {
		out = append(out, fmt.Sprintf("unhealthy %s that were in service", count(f.Unhealthy, "task")))
	}
	return out
}

// asOf says of when the counts are, and that they may be old.
func asOf(now time.Time, f *workloadFact) string {
	text := clock(f.CountsAt) + ", " + ago(now, f.CountsAt)
	if f.ObservedAt.Sub(f.CountsAt) >= time.Minute {
		text += "; looks since then changed nothing, and counts may have moved"
	}
	return text
}

func since(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " for " + span(now.Sub(at))
}

func order(by, note string, until time.Time) string {
	var b strings.Builder
	if by != "" {
		b.WriteString(" by " + visible(by))
	}
	if note != "" {
		b.WriteString(" (" + visible(note) + ")")
	}
	if !until.IsZero() {
		b.WriteString(" until " + clock(until))
	}
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
