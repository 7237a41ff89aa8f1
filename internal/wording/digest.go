package wording

import (
	"fmt"
	"time"
)

// Day is what the daily digest tells of all workloads.
type Day struct {
	From, To  time.Time
	Workloads int
	// SpotHours and OnDemandHours are task-hours; PaidUSD and SavedUSD are of the workloads whose prices are known, all but Unpriced.
	SpotHours, OnDemandHours, PaidUSD, SavedUSD float64
	Unpriced                                    int
	// Interruptions counts the Spot tasks that AWS took; at least so many if More.
	Interruptions int
	More          bool
	// MissingMinutes are task-minutes.
	MissingMinutes float64
	// Unusual are sentences, the worst first.
	Unusual []string
}

// unusualMax bounds the unusual things that are told one by one.
const unusualMax = 5

// Lines are the sentences of the digest.
func (d *Day) Lines() []string {
	form := "2006-01-02 15:04"
	out := []string{fmt.Sprintf("%s to %s UTC, %s", d.From.UTC().Format(form), d.To.UTC().Format(form), Count(d.Workloads, "workload"))}
	hours := fmt.Sprintf("%.0f task-hours on Spot, %.0f on demand", d.SpotHours, d.OnDemandHours)
	if sum := d.SpotHours + d.OnDemandHours; sum > 0 {
		hours += fmt.Sprintf(" (%.1f %%)", 100*d.OnDemandHours/sum)
	}
	out = append(out, hours)
	if d.Unpriced < d.Workloads {
		money := fmt.Sprintf("about $%.2f paid, $%.2f less than all on demand", d.PaidUSD, d.SavedUSD)
		if d.SavedUSD < 0 {
			money = fmt.Sprintf("about $%.2f paid, $%.2f more than all on demand", d.PaidUSD, -d.SavedUSD)
		}
		if d.Unpriced > 0 {
			money += fmt.Sprintf("; without %s whose prices are not known", Count(d.Unpriced, "workload"))
		}
		out = append(out, money)
	}
	least := ""
	if d.More {
		least = "at least "
	}
	out = append(out, fmt.Sprintf("%s%s of Spot tasks; %.0f task-minutes missing", least, Count(d.Interruptions, "interruption"), d.MissingMinutes))
	for i, line := range d.Unusual {
		if i == unusualMax {
			out = append(out, fmt.Sprintf("and %d more", len(d.Unusual)-i))
			break
		}
		out = append(out, line)
	}
	if len(d.Unusual) == 0 {
		out = append(out, "nothing unusual")
	}
	return out
}

// ShortDay says that tasks of a workload were missing.
func ShortDay(workload string, minutes float64, lasted time.Duration) string {
	return fmt.Sprintf("%s: %.0f task-minutes missing in %s", workload, minutes, Span(lasted))
}

// CoveredDay says that on-demand ran for a large part of the day.
func CoveredDay(workload string, lasted time.Duration) string {
	return fmt.Sprintf("%s: on-demand ran for %s", workload, Span(lasted))
}

// UnknownDay says that nothing is known of a part of the day.
func UnknownDay(workload string, lasted time.Duration) string {
	return fmt.Sprintf("%s: nothing is known of %s", workload, Span(lasted))
}
