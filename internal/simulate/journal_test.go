package simulate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/trace"
)

var journalBegan = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// decided is the journal's entry of one decision about a workload with one Spot pool.
func decided(minute, asked, running, starting int, findings ...failover.Reason) journal.Entry {
	at := journalBegan.Add(time.Duration(minute) * time.Minute)
	d := &failover.Decision{At: at, Reason: failover.ReasonSpotShort, Demand: 10,
		Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Desired: asked, Running: running, Placed: starting}, {Pool: "standard", Capacity: failover.OnDemand}}}
	for _, r := range findings {
		d.Findings = append(d.Findings, failover.Finding{Reason: r, Pool: "spot"})
	}
	return journal.Entry{ID: journal.NewID(at, 0), Workload: "w", At: at, Kind: journal.KindDecision, Decision: d}
}

var twoPools = []failover.Pool{{Name: "spot", Capacity: failover.Spot}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1}}

func TestCapacityIsRebuiltFromTheJournal(t *testing.T) {
	blind := decided(25, 10, 0, 0)
	blind.Decision.Reason, blind.Decision.Pools[0].Sight = failover.ReasonBlind, failover.Told
	open := decided(70, 6, 6, 0) // holds all that it was asked for, but was not asked for more
	open.Decision.Pools[0].Breaker = failover.Open
	failing := decided(90, 10, 3, 0, failover.ReasonApplicationFailing)
	entries := []journal.Entry{open, decided(0, 10, 10, 0), decided(30, 10, 4, 2), blind, decided(20, 10, 4, 0), decided(60, 10, 10, 0), decided(80, 10, 10, 0), failing,
		{Workload: "other", At: journalBegan, Decision: open.Decision}, {Workload: "w", At: journalBegan, Kind: journal.KindIntent}}
	got, err := FromJournal("w", twoPools, entries, journalBegan.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	wantAt := []time.Duration{0, 20 * time.Minute, 30 * time.Minute, 60 * time.Minute, 70 * time.Minute, 80 * time.Minute}
	want := []int{trace.NoLimit, 10, 4, 10, 6, 10, trace.NoLimit, 10, 6, 10, trace.NoLimit, 10}
	if !slices.Equal(got.At, wantAt) || !slices.Equal(got.Values, want) || got.Duration != 2*time.Hour {
		t.Errorf("%v %v over %s", got.At, got.Values, got.Duration)
	}
	notes := strings.Join(got.Notes, "\n")
	if !strings.Contains(notes, "for 50m0s of 2h0m0s a Spot pool is taken to hold what ran there") || !strings.Contains(notes, "for 30m0s tasks may have been missing for other reasons") {
		t.Errorf("notes %q", got.Notes)
	}
	run, err := Run(t.Context(), Options{Given: []*trace.Trace{got}, Policies: []string{"fill"}, Check: true}, nil)
	if err != nil || run[0].Trace != "w" || run[0].About.Tasks != 10 || run[0].Rows[0].Lost < 6 {
		t.Errorf("played, it gives %+v (%v)", run, err)
	}
}

func TestPoolsOfATierBecomeZones(t *testing.T) {
	pools := []failover.Pool{{Name: "a", Capacity: failover.Spot}, {Name: "b", Capacity: failover.Spot}, {Name: "arm", Capacity: failover.Spot, Tier: 1}, {Name: "standard", Capacity: failover.OnDemand, Tier: 2}}
	columns, names := spotColumns(pools)
	if !slices.Equal(columns, []trace.Column{{Pool: "tier1", Zone: "a"}, {Pool: "tier1", Zone: "b"}, {Pool: "arm"}}) || !slices.Equal(names, []string{"a", "b", "arm"}) {
		t.Errorf("%v %v", columns, names)
	}
}

func TestAJournalThatSaysNothingIsAnError(t *testing.T) {
	for want, entries := range map[string][]journal.Entry{"no decision in it": nil, "cover no time": {decided(0, 10, 10, 0)}} {
		if _, err := FromJournal("w", twoPools, entries, time.Time{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := FromJournal("w", twoPools[1:], []journal.Entry{decided(0, 1, 1, 0), decided(1, 1, 1, 0)}, time.Time{}); err == nil || !strings.Contains(err.Error(), "none of its pools is on Spot") {
		t.Errorf("%v", err)
	}
}
