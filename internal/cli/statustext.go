package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// Widths from which the table has more columns, and the least that is left for what a workload says of itself.
const (
	widthMedium = 72
	widthFull   = 104
	saysLeast   = 28
	nameLeast   = 14
)

// printStatus prints a row for each workload, the worst first, and the next step of those that need a person. width 0 is no terminal: then
// nothing is cut off.
func printStatus(w io.Writer, facts *statusFacts, wide bool, width int) error {
	printGuard(w, &facts.Guard)
	fine := len(facts.Workloads) - facts.NeedYou
	switch {
	case facts.NeedYou == 0:
		say(w, "%s fine\n", wording.Count(fine, "workload"))
	default:
		say(w, "%d of %s %s you, %d fine\n", facts.NeedYou, wording.Count(len(facts.Workloads), "workload"), wording.Verb(facts.NeedYou, "needs", "need"), fine)
	}
	head := []string{"STATE", "WORKLOAD", "SERVING"}
	switch {
	case wide:
		head = append(head, "MISSING", "SPOT", "ON-DEMAND", "ARRIVING", "LEAVING", "MODE", "HEALTH", "CLUSTER", "CHECKED", "GENERATION")
	case width == 0 || width >= widthFull:
		head = append(head, "MISSING", "SPOT", "ON-DEMAND", "LEAVING", "CHECKED")
	case width >= widthMedium:
		head = append(head, "MISSING", "ON-DEMAND")
	}
	rows := [][]string{append(head, "WHAT")}
	for i := range facts.Workloads {
		f := &facts.Workloads[i]
		cells := map[string]string{"STATE": stateWord(f), "WORKLOAD": f.Workload, "WHAT": f.Headline}
		if f.Known {
			fillCells(cells, facts.At, f)
		}
		row := make([]string, 0, len(rows[0]))
		for _, name := range rows[0] {
			row = append(row, orDash(cells[name]))
		}
		rows = append(rows, row)
	}
	if width > 0 {
		fit(rows, width, 1)
	}
	if err := table(w, rows); err != nil {
		return err
	}
	printSteps(w, facts)
	if a := facts.Alone; a != nil && a.Started+a.NotStarted+a.Waiting > 0 {
		say(w, "\n%s", wording.RetrySummary(a.Started, a.NotStarted, a.Waiting))
	}
	return nil
}

func fillCells(cells map[string]string, now time.Time, f *workloadFact) {
	c := &f.counts
	cells["SERVING"] = fmt.Sprintf("%s/%d", servingOf(c), f.Demand)
	cells["MISSING"], cells["SPOT"], cells["ON-DEMAND"] = f.Missing.String(), c.Spot.String(), c.OnDemand.String()
	cells["ARRIVING"], cells["LEAVING"] = fmt.Sprint(c.Arriving()), fmt.Sprint(c.Leaving)
	cells["MODE"], cells["HEALTH"], cells["GENERATION"] = f.Mode, fmt.Sprint(f.Health), fmt.Sprint(f.Generation)
	cells["CLUSTER"] = strings.Join(f.Clusters, ",")
	cells["CHECKED"] = checked(f) + " ago"
	if f.Silent {
		cells["CHECKED"] = "as of " + wording.Span(now.Sub(f.CountsAt)) + " ago"
	}
}

// servingOf is what serves: in service, and leaving tasks that still work, up to the demand.
func servingOf(c *wording.Counts) failover.Range {
	return failover.Range{Low: c.Demand - c.Missing.High, High: c.Demand - c.Missing.Low}
}

func checked(f *workloadFact) string {
	return wording.Span(time.Duration(f.AgeSeconds * float64(time.Second)))
}

// stateWord is the level in the table: loud where a person should look.
func stateWord(f *workloadFact) string {
	switch f.Level {
	case health.Critical, health.Warning:
		return strings.ToUpper(string(f.Level))
	case health.Covering:
		return "on-demand"
	}
	return "fine"
}

// fit cuts the last column, and the names (a column) if need be, so that rows are no wider than the terminal.
func fit(rows [][]string, width, names int) {
	last := len(rows[0]) - 1
	used := 0
	for c := range last {
		most := 0
		for _, r := range rows {
			most = max(most, utf8.RuneCountInString(visible(r[c])))
		}
		used += most + 2
	}
	if over := used + saysLeast - width; over > 0 {
		longest := 0
		for _, r := range rows {
			longest = max(longest, utf8.RuneCountInString(r[names]))
		}
		for _, r := range rows {
			r[names] = cut(r[names], max(longest-over, nameLeast))
		}
		used -= min(over, max(longest-nameLeast, 0))
	}
	for _, r := range rows {
		r[last] = cut(r[last], max(width-used, nameLeast))
	}
}

func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// printSteps prints the problems of the workloads that need a person, each with its next step. What a silent guard explains is said once,
// above the table.
func printSteps(w io.Writer, facts *statusFacts) {
	for i := range facts.Left {
		say(w, "\n%s", facts.Left[i].Text)
		say(w, "  next: %s", wording.LeftRemedy(facts.Left[i].Workload))
	}
	same := alike(facts)
	told := make(map[ask]bool)
	for i := range facts.Workloads {
		f := &facts.Workloads[i]
		first := true
		for k := range f.Problems {
			p := &f.Problems[k]
			key := askOf(p)
			names := same[key]
			if bannered(p) || told[key] {
				continue
			}
			if first {
				say(w, "\n%s", f.Workload)
				first = false
			}
			printProblem(w, p)
			if len(names) >= manyAlike {
				told[key] = true
				say(w, "    the same for %s: %s", wording.Count(len(names)-1, "more workload"), wording.Some(names[1:]))
			}
		}
	}
}

// manyAlike is from how many workloads on a next step is printed once for all of them.
const manyAlike = 3

// ask is what a problem asks of a person.
type ask struct{ kind, do string }

func askOf(p *health.Problem) ask { return ask{p.Kind, p.Do} }

// bannered reports whether the banner of the guard says a problem.
func bannered(p *health.Problem) bool {
	return p.Kind == health.KindSilent || p.Kind == health.KindUnknown
}

// alike lists the workloads whose problems ask the same, in the order of the table.
func alike(facts *statusFacts) map[ask][]string {
	out := make(map[ask][]string)
	for i := range facts.Workloads {
		f := &facts.Workloads[i]
		seen := make(map[ask]bool, len(f.Problems))
		for k := range f.Problems {
			if key := askOf(&f.Problems[k]); !seen[key] {
				seen[key] = true
				out[key] = append(out[key], f.Workload)
			}
		}
	}
	return out
}

func printProblem(w io.Writer, p *health.Problem) {
	say(w, "  %s: %s", p.Level, p.Text)
	if step := (wording.Remedy{Do: p.Do, Command: p.Command}).String(); step != "" {
		say(w, "    next: %s", step)
	}
}

// printGuard prints the banner of a guard that is silent.
func printGuard(w io.Writer, g *health.Guard) {
	if !g.Level.NeedsYou() {
		return
	}
	say(w, "%s: %s", strings.ToUpper(string(g.Level)), g.Text)
	say(w, "  next: %s\n", wording.Remedy{Do: g.Do, Command: g.Command})
}

// printDetails prints all there is to say of workloads.
func printDetails(w io.Writer, facts *statusFacts, width int) error {
	printGuard(w, &facts.Guard)
	for i := range facts.Workloads {
		if i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		if err := printWorkload(w, facts.At, &facts.Workloads[i], width); err != nil {
			return err
		}
	}
	return nil
}

func printWorkload(w io.Writer, now time.Time, f *workloadFact, width int) error {
	say(w, "%s: %s: %s", f.Workload, f.LevelText, f.Headline)
	for i := range f.Problems {
		if p := &f.Problems[i]; !bannered(p) {
			printProblem(w, p)
		}
	}
	if f.Pin != nil {
		say(w, "  order     %s", wording.Pinned(f.Pin))
	}
	if f.Silence != nil {
		say(w, "  order     %s", wording.Silenced(f.Silence))
	}
	if f.Pause != nil {
		say(w, "  order     %s", wording.Paused(f.Pause))
	}
	if !f.Known {
		return nil
	}
	say(w, "  mode      %s%s", wording.Mode(failover.Mode(f.Mode)), lasting(now, f.ModeSince))
	for _, line := range countLines(f, now) {
		say(w, "  %s", line)
	}
	say(w, "  %s", checkedLine(now, f))
	if f.FirstLook != "" {
		say(w, "  first     %s", f.FirstLook)
	}
	say(w, "  decided   %s: %s (%s)\n", wording.Ago(now, f.DecidedAt), f.ReasonText, f.Reason)
	rows := [][]string{{"  POOL", "CAPACITY", "SERVICE", "TARGET", "IN SERVICE", "WARMING", "PLACED", "LATE", "LEAVING", "LAST EVENT", "BREAKER"}}
	for i := range f.Pools {
		p := &f.Pools[i]
		breaker := p.Breaker
		if p.Breaker != "closed" {
			breaker += lasting(now, p.BreakerSince)
		}
		rows = append(rows, []string{"  " + p.Pool, p.Capacity, p.Service, fmt.Sprint(p.Asked), p.InService.String(), fmt.Sprint(p.Warming),
			fmt.Sprint(p.Placed), fmt.Sprint(p.Late), fmt.Sprint(p.Leaving), orDash(eventText(now, p.LastEventAt)), breakerWord(breaker, p.Sight)})
	}
	return fitted(w, rows, width)
}

func eventText(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	if at.After(now) { // the guard's clock is ahead of this one
		at = now
	}
	return wording.Ago(now, at)
}

// breakerWord adds to a breaker's mode what the pool's counts are worth, if it could not be read.
func breakerWord(mode string, sight failover.Sight) string {
	if sight == failover.Fresh {
		return mode
	}
	return mode + "; " + wording.Sight(sight)
}

// countLines say the tasks of a workload: what serves, what is missing, what is arriving and leaving.
func countLines(f *workloadFact, now time.Time) []string {
	c := &f.counts
	out := []string{fmt.Sprintf("demand    %d, in service %s, missing %s", f.Demand, f.InService, f.Missing)}
	if text := c.ArrivingText(); text != "" {
		out = append(out, "arriving  "+text)
	}
	if c.Working > 0 {
		out = append(out, "leaving   "+c.Replacing(now))
	} else if text := c.LeavingText(); text != "" {
		out = append(out, "leaving   "+text)
	}
	if f.Late > 0 {
		out = append(out, fmt.Sprintf("late      %s past the limit, not in service", wording.Count(f.Late, "task")))
	}
	if f.Unhealthy > 0 {
		out = append(out, fmt.Sprintf("unhealthy %s that %s in service", wording.Count(f.Unhealthy, "task"), wording.Verb(f.Unhealthy, "was", "were")))
	}
	return out
}

// checkedLine says when the workload was last looked at, and of when its counts are.
func checkedLine(now time.Time, f *workloadFact) string {
	if f.Silent {
		return fmt.Sprintf("as of     %s, %s; not checked since", wording.Moment(f.CountsAt), wording.Ago(now, f.CountsAt))
	}
	text := fmt.Sprintf("checked   %s ago; no change since %s", checked(f), wording.Moment(f.CountsAt))
	if of := wording.HealthAsOf(now, f.ReadinessAt); of != "" {
		text += "; " + of
	}
	return text
}

func lasting(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " for " + wording.Span(now.Sub(at))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
