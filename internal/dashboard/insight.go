package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/cost"
)

// insight is what a workload's history adds up to.
type insight struct {
	Workload      string        `json:"workload"`
	Savings       savings       `json:"savings"`
	Interruptions interruptions `json:"interruptions"`
}

// savings are estimates in US dollars against running the wanted tasks on on-demand alone.
type savings struct {
	// Known is false when there are no prices or no history; Note then says why, else of when the prices are.
	Known         bool      `json:"known"`
	Note          string    `json:"note"`
	PriceDate     string    `json:"price_date,omitempty"`
	TodayUSD      float64   `json:"today_usd"`
	MonthUSD      float64   `json:"month_usd"`
	MonthPaidUSD  float64   `json:"month_paid_usd"`
	MonthAloneUSD float64   `json:"month_all_on_demand_usd"`
	OnDemandShare float64   `json:"on_demand_share"`
	Since         time.Time `json:"since,omitzero"`
}

// interruptions are counted by when and where they happened.
type interruptions struct {
	From  time.Time `json:"from"`
	Total int       `json:"total"`
	// Hours counts by weekday (0 is Monday) and hour, UTC.
	Hours [7][24]int  `json:"hours"`
	Zones []zoneCount `json:"zones"`
	// LeftOut counts events that the journal knows only by number.
	LeftOut int `json:"left_out"`
}

type zoneCount struct {
	Zone  string `json:"zone"`
	Count int    `json:"count"`
}

// month returns the beginning of the month of now, in UTC.
func month(now time.Time) time.Time {
	y, m, _ := now.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// insightFrom is how far back the insight needs the history.
func insightFrom(now time.Time) time.Time { return earlier(month(now), now.Add(-insightFor)) }

// insight adds up what was read. Savings end at known: of what ran after the last look nothing is known.
func (t *chronicle) insight(w *Workload, now, known time.Time) (insight, error) {
	in := insight{Workload: w.Name, Interruptions: t.interruptions(now)}
	s, err := t.savings(w, now, known)
	in.Savings = s
	return in, err
}

func (t *chronicle) interruptions(now time.Time) interruptions {
	out := interruptions{From: now.Add(-insightFor), Zones: []zoneCount{}, LeftOut: t.dropped}
	zones := make(map[string]int)
	for _, l := range t.lost {
		if l.at.Before(out.From) {
			continue
		}
		at := l.at.UTC()
		out.Total++
		out.Hours[(int(at.Weekday())+6)%7][at.Hour()]++
		zones[cmp.Or(l.zone, "unknown")]++
	}
	for z, n := range zones {
		out.Zones = append(out.Zones, zoneCount{z, n})
	}
	slices.SortFunc(out.Zones, func(a, b zoneCount) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Zone, b.Zone)) })
	return out
}

func (t *chronicle) savings(w *Workload, now, known time.Time) (savings, error) {
	s := savings{Note: w.Prices.note(), PriceDate: w.Prices.Date}
	if w.Prices.Unknown != "" {
		return s, nil
	}
	begin := month(now)
	steps := slices.Clone(t.steps)
	first := 0
	for first+1 < len(steps) && !steps[first+1].Decision.At.After(begin) {
		first++
	}
	steps = steps[first:]
	if len(steps) == 0 || !steps[0].Decision.At.Before(known) {
		s.Note = "no history yet"
		return s, nil
	}
	if d := steps[0].Decision; d.At.Before(begin) { // it holds at the month's beginning
		held := *d
		held.At = begin
		steps[0].Decision = &held
	}
	ledger, err := cost.Add(w.Name, steps, w.Prices.Pools, w.Prices.OnDemandTaskHour, known)
	if err != nil {
		return s, fmt.Errorf("estimate savings: %w", err)
	}
	s.Known, s.Since = true, ledger.From
	s.MonthUSD, s.MonthPaidUSD, s.MonthAloneUSD = ledger.Total.SavedUSD, ledger.Total.PaidUSD, ledger.Total.AllOnDemandUSD
	s.OnDemandShare = ledger.OnDemandShare
	if n := len(ledger.Days); n > 0 && ledger.Days[n-1].Date == now.UTC().Format(time.DateOnly) {
		s.TodayUSD = ledger.Days[n-1].SavedUSD
	}
	return s, nil
}
