package failover

import "time"

// The forecast's numbers. What they are worth was measured in simulation (docs/policies.md, Foresight).
const (
	hoursOfWeek = 7 * 24
	// shrinkHours is how many hours at the mean rate an hour of the week is given before it has a history of its own:
	// four weeks of it.
	shrinkHours = 4
	// shrinkIncidents is how many incidents without a successor a burst's chance is given before there is a history.
	shrinkIncidents = 5
	// incidentGap: losses closer together than this are one incident; the warnings of one sweep come within seconds.
	incidentGap = 2 * time.Minute
	// burstFor is how long after an incident another one is more likely than by the hour.
	burstFor = 15 * time.Minute
	// forecastMemory is the length of history after which the older half is given half its weight: Spot changes with
	// the seasons of a region, and half a year still has 26 of each hour of the week.
	forecastMemory = 26 * hoursOfWeek * time.Hour
	// sizesMax bounds the remembered sizes of incidents: enough for their distribution's upper tenth.
	sizesMax = 64
)

// Forecast is what a workload has learned of its own Spot losses: when in the week they come, how often one follows
// another, and how large they are. It is learned by every policy and used by one with foresight_usd.
type Forecast struct {
	// Since is from when on losses were watched.
	Since time.Time `json:"since"`
	// Hours are the incidents by hour of the week (UTC, from Monday 00:00), weighed; 168 of them, or none yet.
	Hours []float64 `json:"hours,omitempty"`
	// Incidents is their sum, and Followed how many of them came soon after another.
	Incidents float64 `json:"incidents,omitempty"`
	Followed  float64 `json:"followed,omitempty"`
	// Sizes are how many tasks the last incidents took, oldest first, at most 64.
	Sizes []int `json:"sizes,omitempty"`
	// Began and Last are the first and the last loss of the last incident.
	Began time.Time `json:"began,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// hourOfWeek counts from Monday 00:00 UTC.
func hourOfWeek(t time.Time) int {
	t = t.UTC()
	return (int(t.Weekday())+6)%7*24 + t.Hour()
}

// watched is for how many hours an hour of the week has been watched until a moment.
func (f *Forecast) watched(hour int, until time.Time) float64 {
	if !until.After(f.Since) {
		return 0
	}
	const week = hoursOfWeek * time.Hour
	whole := until.Sub(f.Since) / week
	seen := float64(whole)
	for at := f.Since.Add(whole * week); at.Before(until); { // less than a week is left
		end := at.Truncate(time.Hour).Add(time.Hour)
		if end.After(until) {
			end = until
		}
		if hourOfWeek(at) == hour {
			seen += end.Sub(at).Hours()
		}
		at = end
	}
	return seen
}

// own returns a copy that nobody else holds: states are values.
func (f *Forecast) own() *Forecast {
	next := *f
	next.Hours = make([]float64, hoursOfWeek)
	copy(next.Hours, f.Hours)
	next.Sizes = append(make([]int, 0, sizesMax), f.Sizes...)
	return &next
}

// lose adds a loss.
func (f *Forecast) lose(at time.Time) {
	if n := len(f.Sizes); n > 0 && at.Sub(f.Last).Abs() < incidentGap {
		f.Sizes[n-1]++
		f.Last = later(f.Last, at)
		return
	}
	f.forget(at)
	if since := at.Sub(f.Began); !f.Began.IsZero() && since > 0 && since < burstFor {
		f.Followed++
	}
	f.Incidents++
	f.Hours[hourOfWeek(at)]++
	if len(f.Sizes) == sizesMax {
		f.Sizes = f.Sizes[:copy(f.Sizes, f.Sizes[1:])]
	}
	f.Sizes = append(f.Sizes, 1)
	if at.After(f.Last) { // not one that arrives late
		f.Began, f.Last = at, at
	}
}

// forget halves a history that has become long.
func (f *Forecast) forget(now time.Time) {
	if now.Sub(f.Since) < forecastMemory {
		return
	}
	for i := range f.Hours {
		f.Hours[i] /= 2
	}
	f.Incidents, f.Followed = f.Incidents/2, f.Followed/2
	f.Since = now.Add(-now.Sub(f.Since) / 2)
}

// rate is how many incidents an hour are to be expected now. It changes with an incident, with the hour and with the end of
// a burst only, so that what is kept warm does not creep: the history is taken as of the end of the hour.
func (f *Forecast) rate(now time.Time) float64 {
	end := now.Truncate(time.Hour).Add(time.Hour)
	seen := end.Sub(f.Since).Hours()
	if f.Incidents == 0 || seen <= 0 || len(f.Hours) != hoursOfWeek {
		return 0
	}
	hour, mean := hourOfWeek(now), f.Incidents/seen
	rate := (f.Hours[hour] + shrinkHours*mean) / (f.watched(hour, end) + shrinkHours)
	if since := now.Sub(f.Began); since >= 0 && since < burstFor {
		chance := (f.Followed + shrinkIncidents*mean*burstFor.Hours()) / (f.Incidents + shrinkIncidents)
		rate = max(rate, chance/burstFor.Hours())
	}
	return rate
}

// atLeast is the share of the remembered incidents that took at least k tasks.
func (f *Forecast) atLeast(k int) float64 {
	n := 0
	for _, size := range f.Sizes {
		if size >= k {
			n++
		}
	}
	return float64(n) / float64(max(1, len(f.Sizes)))
}

// warm is how many on-demand tasks are worth keeping warm now: one more as long as the shortfall that it is expected
// to avoid in an hour is worth more than the hour, at most so many. usd is the worth of a task-minute short, gap how
// long a lost task is missing otherwise, price that of an on-demand task-hour.
func (f *Forecast) warm(now time.Time, most int, usd, price float64, gap time.Duration) int {
	worth := f.rate(now) * gap.Minutes() * usd // of one task, if every incident were large enough for it
	if worth <= price {
		return 0
	}
	k := 0
	for k < most && worth*f.atLeast(k+1) > price {
		k++
	}
	return k
}

// changes is the moment at which the rate changes by itself: the next hour, or the end of a burst.
func (f *Forecast) changes(now time.Time) time.Time {
	next := now.Truncate(time.Hour).Add(time.Hour)
	if end := f.Began.Add(burstFor); end.After(now) {
		return sooner(next, end)
	}
	return next
}

// ahead settles how many on-demand tasks every pool keeps warm ahead of a loss: the standing `extra`, or as many as the forecast says
// are worth their price by a policy that says what a missing task-minute is worth. It is the first on-demand pool that keeps them.
func ahead(r *Room, p *Policy, s *State, known []Known, fails []*Failing, now time.Time) (warm []int, next time.Time) {
	warm = r.numbers(len(known))
	if s.Demand == 0 {
		return warm, next
	}
	for i := range known {
		if p.Pools[i].Capacity != OnDemand || !known[i].counts() {
			continue
		}
		if known[i].Sight == Told {
			warm[i] = s.Pools[i].Warm // it stays as it is
			return warm, next
		}
		most := min(s.Demand, p.bound(i))
		if p.OnDemandMax > 0 {
			most = min(most, p.OnDemandMax)
		}
		warm[i] = min(p.Extra, most)
		if price := p.Pools[i].TaskHourUSD; p.ForesightUSD > 0 && price > 0 && s.Seen.Forecast != nil {
			warm[i] = max(warm[i], s.Seen.Forecast.warm(now, most, p.ForesightUSD, price, gapOf(s)))
			next = s.Seen.Forecast.changes(now)
		}
		if fails[i] != nil {
			warm[i] = 0 // warm tasks of a release that fails help nobody
		}
		return warm, next
	}
	return warm, next
}

// gapOf is how long a lost task is missing if none is warm: the learned time to come into service, less what the warning leaves.
func gapOf(s *State) time.Duration {
	const assumed = 90 * time.Second // the median start (A1) while none was learned
	start, warned := assumed, time.Duration(0)
	for i := range s.Seen.Pools {
		if at, ok := s.Seen.Pools[i].Serve.Quantile(0.5); ok {
			start = at
		}
		if w := s.Seen.Pools[i].WarnedSeconds; w > 0 {
			warned = min(warningFor, time.Duration(w*float64(time.Second)))
		}
	}
	return max(0, start-warned)
}
