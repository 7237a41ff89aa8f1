package dashboard

import (
	"cmp"
	"slices"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// fact is one workload as the overview shows it.
type fact struct {
	Workload string `json:"workload"`
	health.Verdict
	Known    bool      `json:"known"`
	LookedAt time.Time `json:"looked_at,omitzero"`
	// ReadinessAt is when the health behind the counts was last read, as far as that is stored; ReadinessText says so where it is older
	// than the look.
	ReadinessAt   time.Time `json:"readiness_at,omitzero"`
	ReadinessText string    `json:"readiness_text,omitempty"`
	// Recorded is set for a run that is over.
	Recorded  bool      `json:"recorded,omitempty"`
	Mode      string    `json:"mode"`
	ModeSince time.Time `json:"mode_since,omitzero"`
	Preset    string    `json:"policy"`
	Observing bool      `json:"observing"`
	// Clusters, Regions and Accounts are where its services are.
	Clusters []string `json:"clusters"`
	Regions  []string `json:"regions"`
	Accounts []string `json:"accounts"`
	Demand   int      `json:"demand"`
	workloadCounts
	Health     int           `json:"spot_health"`
	Reason     string        `json:"reason"`
	Words      string        `json:"words"`
	DecidedAt  time.Time     `json:"decided_at,omitzero"`
	Pin        *failover.Pin `json:"pin,omitempty"`
	Pause      *pauseFact    `json:"pause,omitempty"`
	Breakers   []breakerFact `json:"breakers"`
	Failovers  int           `json:"failovers_24h"`
	Generation uint64        `json:"generation"`
}

// workloadCounts are the tasks of a workload, in the words of docs/design.md. A range that is no single number is not known better.
type workloadCounts struct {
	InService failover.Range `json:"in_service"`
	Spot      failover.Range `json:"spot_in_service"`
	OnDemand  failover.Range `json:"on_demand_in_service"`
	Warming   int            `json:"warming"`
	Placed    int            `json:"placed"`
	Late      int            `json:"late"`
	Unhealthy int            `json:"unhealthy"`
	Leaving   int            `json:"leaving"`
	Working   int            `json:"working"`
	// DueAt is when what is warming and placed is due; zero when that is not known.
	DueAt        time.Time      `json:"due_at,omitzero"`
	Missing      failover.Range `json:"missing"`
	MissingSince time.Time      `json:"missing_since,omitzero"`
	// CountsKnown is false where a pool could not be read: the ranges are what it can be.
	CountsKnown bool `json:"counts_known"`
	// Arriving and Goes say the same in words; empty when there is nothing to say.
	Arriving string `json:"arriving_text,omitempty"`
	Goes     string `json:"leaving_text,omitempty"`
}

func workloadCountsOf(d *failover.Decision, since time.Time) workloadCounts {
	c := wording.CountsOf(d)
	return workloadCounts{InService: c.InService, Spot: c.Spot, OnDemand: c.OnDemand, Warming: c.Warming, Placed: c.Placed, Late: c.Late,
		Unhealthy: c.Unhealthy, Leaving: c.Leaving, Working: c.Working, DueAt: c.Due, Missing: c.Missing, MissingSince: since, CountsKnown: c.Known(),
		Arriving: c.ArrivingText(), Goes: c.LeavingText()}
}

type pauseFact = failover.Pause

// breakerFact is a breaker that is not closed.
type breakerFact struct {
	Pool      string    `json:"pool"`
	Mode      string    `json:"mode"`
	Since     time.Time `json:"since,omitzero"`
	Why       string    `json:"why,omitempty"`
	WhyText   string    `json:"why_text,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Manual    bool      `json:"manual,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	By        string    `json:"by,omitempty"`
	Note      string    `json:"note,omitempty"`
}

// factOf says how a workload is at now.
func factOf(w *Workload, c Current, known bool, now time.Time) fact {
	st, d := &c.State, c.Decision
	if !known {
		d = nil
	}
	f := fact{Workload: w.Name, Known: d != nil, Mode: "unknown", Preset: w.Policy.Preset, Observing: w.Policy.Observe, Breakers: []breakerFact{},
		Verdict: health.Of(health.Facts{Workload: w.Name, Policy: &w.Policy, State: st, Decision: d, Look: c.Look}, now)}
	f.Clusters, f.Regions, f.Accounts = places(w)
	if d == nil {
		return f
	}
	f.Recorded = c.Look.Every == 0
	f.ReadinessAt = health.ReadinessAt(st)
	if !f.Silent && !f.Recorded {
		f.ReadinessText = wording.HealthAsOf(now, f.ReadinessAt)
	}
	f.LookedAt, f.Generation = now.Add(-c.Look.Age).Round(time.Second), st.Generation
	if d.Mode != failover.ModeUnknown {
		f.Mode = string(d.Mode)
	}
	f.ModeSince, f.Pin, f.Pause = st.ModeSince, st.Pin, st.Pause
	f.Demand, f.Health, f.workloadCounts = d.Demand, d.Health, workloadCountsOf(d, st.MissingSince)
	f.Reason, f.Words, f.DecidedAt = string(d.Reason), wording.UpperFirst(wording.Decision(d, false)), d.At
	for _, at := range st.Failovers {
		if now.Sub(at) < 24*time.Hour {
			f.Failovers++
		}
	}
	for i := range w.Policy.Pools {
		b := st.Pool(w.Policy.Pools[i].Name).B
		if b.Mode != failover.Closed {
			f.Breakers = append(f.Breakers, breakerFact{Pool: w.Policy.Pools[i].Name, Mode: b.Mode.String(), Since: b.Since, Why: string(b.Why),
				WhyText: wording.Reason(failover.Reason(b.Why)), NotBefore: b.NotBefore, Manual: b.Manual, Until: b.Until, By: b.By, Note: b.Note})
		}
	}
	return f
}

// places says where a workload's services are, each place once.
func places(w *Workload) (clusters, regions, accounts []string) {
	clusters, regions, accounts = []string{}, []string{}, []string{}
	for _, service := range w.Services {
		if p := placeOf(service); p.region != "" {
			clusters, regions = append(clusters, p.cluster), append(regions, p.region)
		}
	}
	for _, account := range w.Accounts {
		if account != "" {
			accounts = append(accounts, account)
		}
	}
	for _, all := range []*[]string{&clusters, &regions, &accounts} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	return clusters, regions, accounts
}

// worstFirst orders facts: by level, by what is missing, by name.
func worstFirst(a, b fact) int {
	missing := func(f fact) float64 { return float64(f.Missing.High) / float64(max(1, f.Demand)) }
	return cmp.Or(cmp.Compare(a.Level.Rank(), b.Level.Rank()), cmp.Compare(missing(b), missing(a)), cmp.Compare(a.Workload, b.Workload))
}
