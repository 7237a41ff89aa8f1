package report

import (
	"fmt"
	"slices"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/replay"
)

// Conclusion says in a sentence or two what a section's numbers come to: what the product's own policy costs and leaves short, and how the
// nearest of the others does. It is empty for a section without rows.
func Conclusion(s Section) string {
	own, rival := judged(s.Rows)
	if own < 0 {
		return ""
	}
	o := &s.Rows[own]
	text := fmt.Sprintf("%s costs %.1f %% of running everything on demand", o.Policy, 100*o.CostRatio)
	switch more := 100 * o.OverOracle; {
	case o.OracleUSD > 0 && more < 0:
		text += fmt.Sprintf(", %.2f %% less than perfect foresight, which leaves nothing short,", -more)
	case o.OracleUSD > 0:
		text += fmt.Sprintf(", %.2f %% more than perfect foresight would,", more)
	}
	text += " and leaves " + shortage(o) + "."
	if rival < 0 {
		return text
	}
	r := &s.Rows[rival]
	switch does := fmt.Sprintf("%s, costs %.1f %% and leaves %s.", r.Policy, 100*r.CostRatio, shortage(r)); {
	case beats(r, o):
		return text + " A policy is better here, in both: " + does
	case r.CostRatio < o.CostRatio:
		return text + " What costs less leaves more short: the best of that, " + does
	default:
		return text + " No other policy costs less; the next, " + does
	}
}

func shortage(r *Row) string {
	if r.ShortPer1000 == 0 {
		return "nothing short"
	}
	n := fmt.Sprintf("%.3g", r.ShortPer1000)
	if n == "1" {
		return "1 task-minute short in 1,000 task-hours"
	}
	return n + " task-minutes short in 1,000 task-hours"
}

// beats reports whether a is no worse than b in cost and shortfall, and better in one of them.
func beats(a, b *Row) bool {
	return a.CostRatio <= b.CostRatio && a.ShortRatio <= b.ShortRatio && (a.CostRatio < b.CostRatio || a.ShortRatio < b.ShortRatio)
}

// judged are the row that a conclusion is about, the product's own, and the one that it is held against; -1 where there is none. A row that
// beats the own comes first, then the least short of the cheaper ones, then the cheapest.
func judged(rows []Row) (own, rival int) {
	own, rival = -1, -1
	for _, name := range []string{failover.PresetFill, failover.PresetSwitch} {
		if own < 0 {
			own = slices.IndexFunc(rows, func(r Row) bool { return r.Policy == name })
		}
	}
	if own < 0 {
		if f := Frontier(rows); len(f) > 0 {
			own = f[len(f)-1]
		}
	}
	if own < 0 {
		return own, rival
	}
	o := &rows[own]
	rank := func(r *Row) int {
		switch {
		case beats(r, o):
			return 0
		case r.CostRatio < o.CostRatio:
			return 1
		}
		return 2
	}
	for i := range rows {
		r := &rows[i]
		if i == own || r.Policy == replay.OracleName || r.Policy == failover.PresetObserve || len(r.Fields) > 0 {
			continue
		}
		if rival < 0 || rank(r) < rank(&rows[rival]) ||
			rank(r) == rank(&rows[rival]) && (rank(r) == 1 && r.ShortRatio < rows[rival].ShortRatio || rank(r) != 1 && r.CostRatio < rows[rival].CostRatio) {
			rival = i
		}
	}
	return own, rival
}

// charts are the runs over time that a page draws: of the two policies that its conclusion is about.
func charts(s Section) []Chart {
	own, rival := judged(s.Rows)
	var out []Chart
	for _, k := range []int{own, rival} {
		for i := range s.Timeline {
			if k >= 0 && s.Timeline[i].Policy == s.Rows[k].Policy {
				out = append(out, s.Timeline[i])
				break
			}
		}
	}
	return out
}
