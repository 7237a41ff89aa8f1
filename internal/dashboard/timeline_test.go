package dashboard

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/journal"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// decided makes an entry of a decision with counts.
func decided(at time.Time, id uint32, demand, spot, onDemand int, signals ...failover.Signal) journal.Entry {
	return journal.Entry{Version: 1, ID: journal.NewID(at, id), Workload: "api", At: at, Kind: journal.KindDecision,
		Observation: &journal.Observation{At: at, Signals: signals},
		Decision: &failover.Decision{At: at, Workload: "api", Reason: failover.ReasonCovering, Demand: demand, InService: failover.Exactly(spot + onDemand),
			Missing: failover.Exactly(max(0, demand-spot-onDemand)), Pools: []failover.PoolDecision{{Pool: "spot", Capacity: failover.Spot, Running: spot, InService: failover.Exactly(spot), Live: spot},
				{Pool: "standard", Capacity: failover.OnDemand, Running: onDemand, InService: failover.Exactly(onDemand), Live: onDemand}}}}
}

func readAll(t *testing.T, entries []journal.Entry, from, now time.Time) *chronicle {
	t.Helper()
	c := chronicle{keep: keep{length: historyMax, steps: stepsMax}}
	if err := c.read(t.Context(), NewRecording(nil, entries, now), "api", from, now); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestWhatHeldBeforeTheTimeShownHoldsAtItsBeginning(t *testing.T) {
	c := readAll(t, []journal.Entry{decided(noon.Add(-5*time.Hour), 1, 10, 7, 0), decided(noon.Add(-30*time.Minute), 2, 10, 7, 3)}, noon.Add(-time.Hour), noon)
	h := c.history("api", noon.Add(-time.Hour), noon, noon, noon)
	want := []float64{float64(noon.Add(-time.Hour).Unix()), float64(noon.Add(-30 * time.Minute).Unix()), float64(noon.Unix())}
	if len(h.Times) != 3 || h.Times[0] != want[0] || h.Times[1] != want[1] || h.Times[2] != want[2] || *h.OnDemand[0] != 0 || *h.OnDemand[1] != 3 || *h.OnDemand[2] != 3 {
		t.Errorf("times %v, on-demand %v", h.Times, h.OnDemand)
	}
	if h.ShortTaskMinutes != 90 || h.FullShare != 0.5 { // 3 tasks for 30 minutes
		t.Errorf("%v task-minutes missing, full for %v of the time", h.ShortTaskMinutes, h.FullShare)
	}
}

func TestNothingIsDrawnBeforeTheJournalBegins(t *testing.T) {
	c := readAll(t, []journal.Entry{decided(noon.Add(-10*time.Minute), 1, 10, 10, 0)}, noon.Add(-time.Hour), noon)
	h := c.history("api", noon.Add(-time.Hour), noon, noon, noon)
	if len(h.Times) != 2 || h.Times[0] != float64(noon.Add(-10*time.Minute).Unix()) {
		t.Errorf("times %v", h.Times)
	}
}

func TestAFirstLookIsToldWithItsPlan(t *testing.T) {
	first := decided(noon.Add(-10*time.Minute), 1, 20, 14, 0)
	first.First = true
	first.Decision.Pools[0].InForce = 20
	first.Decision.Actions = []failover.Action{failover.SetDesiredCount{Pool: "standard", From: 0, Count: 9}}
	c := readAll(t, []journal.Entry{first}, noon.Add(-time.Hour), noon)
	if want := "Found spot 14 of 20 in service, standard 0 of 0; raise standard from 0 to 9 (20 tasks asked, then 29): "; len(c.marks) != 1 || !strings.HasPrefix(c.marks[0].Text, want) {
		t.Errorf("the marks are %+v", c.marks)
	}
}

func TestAShortageOfSecondsIsSeenAmongWeeks(t *testing.T) {
	var entries []journal.Entry
	begin := noon.Add(-30 * 24 * time.Hour)
	for i := range 12_000 { // every 216 s a change, and a shortage of a second in one of them
		at := begin.Add(time.Duration(i) * 216 * time.Second)
		entries = append(entries, decided(at, uint32(i), 100, 90+i%2, 10))
		if i == 7001 {
			entries = append(entries, decided(at.Add(time.Second), 0, 100, 40, 10), decided(at.Add(2*time.Second), 1, 100, 91, 10))
		}
	}
	h := readAll(t, entries, begin, noon).history("api", begin, noon, noon, noon)
	if !h.Thinned || len(h.Times) > pointsMax+1 {
		t.Errorf("thinned %v to %d points", h.Thinned, len(h.Times))
	}
	worst := 0
	for i := range h.Times {
		worst = max(worst, *h.Missing[i])
		if i > 0 && h.Times[i] < h.Times[i-1] {
			t.Fatalf("time goes back at point %d", i)
		}
	}
	if worst != 50 {
		t.Errorf("the worst point misses %d tasks, want 50", worst)
	}
	if math.Abs(h.ShortTaskMinutes-50.0/60) > 1e-9 {
		t.Errorf("%v task-minutes are missing", h.ShortTaskMinutes)
	}
}

func TestMoreEntriesThanAPageAreAllRead(t *testing.T) {
	var entries []journal.Entry
	for i := range 3*pageEntries + 17 {
		entries = append(entries, decided(noon.Add(-time.Duration(i/5)*time.Second), uint32(i), 100, i%100, 0)) // five at a time
	}
	c := readAll(t, entries, noon.Add(-24*time.Hour), noon)
	if len(c.steps) != len(entries) {
		t.Errorf("%d steps of %d entries", len(c.steps), len(entries))
	}
}

func TestWhatIsWrittenLateIsReadOnce(t *testing.T) {
	first := decided(noon.Add(-10*time.Minute), 1, 10, 10, 0)
	late := decided(noon.Add(-30*time.Second), 2, 10, 8, 0)
	r := NewRecording(nil, []journal.Entry{first}, noon)
	c := chronicle{keep: keep{length: historyMax, steps: stepsMax}}
	if err := c.read(t.Context(), r, "api", noon.Add(-time.Hour), noon); err != nil {
		t.Fatal(err)
	}
	r = NewRecording(nil, []journal.Entry{first, late}, noon)
	for i := range 3 {
		if err := c.read(t.Context(), r, "api", noon.Add(-time.Hour), noon.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.steps) != 2 || c.steps[1].Decision.Pools[0].Running != 8 {
		t.Errorf("%d steps", len(c.steps))
	}
	if err := c.read(t.Context(), r, "api", noon.Add(-time.Hour), noon.Add(lateFor-30*time.Second)); err != nil { // the entry is as old as what is read again
		t.Fatal(err)
	}
	if err := c.read(t.Context(), r, "api", noon.Add(-time.Hour), noon.Add(lateFor-30*time.Second)); err != nil {
		t.Fatal(err)
	}
	if len(c.steps) != 2 {
		t.Errorf("%d steps of two entries", len(c.steps))
	}
}

// TestDeploymentsAndScalingAreMarked: a look at which a pool's primary deployment is another, or another number of tasks is wanted, has a
// mark of its own. A pool that could not be read says nothing of its deployment.
func TestDeploymentsAndScalingAreMarked(t *testing.T) {
	look := func(ago time.Duration, id uint32, demand int, deployment string, err failover.ErrorKind) journal.Entry {
		e := decided(noon.Add(-ago), id, demand, demand, 0)
		e.Observation.Pools = []failover.PoolObservation{{Pool: "spot", Err: err, Current: deployment, TaskDefinition: "arn:aws:ecs:us-east-1:1:task-definition/api:7"}}
		return e
	}
	c := readAll(t, []journal.Entry{look(2*time.Hour, 1, 10, "a", ""), look(50*time.Minute, 2, 10, "a", ""), look(40*time.Minute, 3, 12, "a", ""),
		look(30*time.Minute, 4, 12, "", failover.ErrThrottled), look(20*time.Minute, 5, 12, "b", "")}, noon.Add(-time.Hour), noon)
	var got []string
	for _, m := range c.history("api", noon.Add(-time.Hour), noon, noon, noon).Marks {
		if m.Kind == "deployment" || m.Kind == "scaling" {
			got = append(got, m.At.Format("15:04 ")+m.Kind+": "+m.Text)
		}
	}
	want := []string{"11:40 deployment: Deployment to spot: api:7", "11:20 scaling: 12 tasks wanted instead of 10"}
	if !slices.Equal(got, want) {
		t.Errorf("marks %q, want %q", got, want)
	}
}

func TestAServiceHasAPageInTheConsole(t *testing.T) {
	for service, want := range map[string]string{
		"eu-central-1/prod/api": "https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/api/tasks?region=eu-central-1",
		"cn-north-1/arn:aws-cn:ecs:cn-north-1:123456789012:cluster/prod/api": "https://cn-north-1.console.amazonaws.cn/ecs/v2/clusters/prod/services/api/tasks?region=cn-north-1",
		"simulated, all Spot pools together":                                 "",
	} {
		if got := placeOf(service).console(); got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
	}
}

func TestTheWarningAndTheStopAreOneInterruption(t *testing.T) {
	sig := func(id, task, zone string, at time.Time) failover.Signal {
		return failover.Signal{ID: id, Kind: failover.SignalInterruption, Task: task, Zone: zone, At: at, Pool: "spot"}
	}
	at := noon.Add(-3 * time.Hour) // Wednesday, 09 UTC
	c := readAll(t, []journal.Entry{
		decided(at, 1, 10, 9, 0, sig("a", "t1", "us-east-1a", at), sig("b", "t2", "us-east-1b", at)),
		decided(at.Add(2*time.Minute), 2, 10, 9, 0, sig("c", "t1", "us-east-1a", at.Add(2*time.Minute)), sig("d", "t3", "", at.Add(2*time.Minute))),
	}, noon.Add(-24*time.Hour), noon)
	got := c.interruptions(noon)
	if got.Total != 3 || got.Hours[2][9] != 3 {
		t.Errorf("%d in all, %d on Wednesday at 9", got.Total, got.Hours[2][9])
	}
	if len(got.Zones) != 3 || got.Zones[0] != (zoneCount{"unknown", 1}) && got.Zones[0] != (zoneCount{"us-east-1a", 1}) {
		t.Errorf("zones %v", got.Zones)
	}
}

func TestSavingsAreOfTheMonthAndTheDay(t *testing.T) {
	w := Workload{Name: "api", Prices: newLab(t, map[string]int{"api": 1}).source.Workloads()[0].Prices}
	// 10 tasks on Spot since October: $0.06 instead of $0.20 an hour.
	c := readAll(t, []journal.Entry{decided(noon.Add(-40*24*time.Hour), 1, 10, 10, 0)}, insightFrom(noon), noon)
	s, err := c.savings(&w, noon, noon)
	if err != nil {
		t.Fatal(err)
	}
	hours := 17*24.0 + 12
	if !s.Known || math.Abs(s.MonthUSD-hours*10*0.14) > 1e-6 || math.Abs(s.TodayUSD-12*10*0.14) > 1e-6 || s.PriceDate != "2026-09-29" {
		t.Errorf("%+v", s)
	}
	w.Prices = Prices{Unknown: "no estimate: why"}
	if s, _ = c.savings(&w, noon, noon); s.Known || s.Note != "no estimate: why" {
		t.Errorf("without prices: %+v", s)
	}
}

// TestNothingIsKnownAfterTheLastLook: with a dead guard the chart has a gap and the savings end.
func TestNothingIsKnownAfterTheLastLook(t *testing.T) {
	w := Workload{Name: "api", Prices: newLab(t, map[string]int{"api": 1}).source.Workloads()[0].Prices}
	c := readAll(t, []journal.Entry{decided(noon.Add(-5*time.Hour), 1, 10, 10, 0)}, insightFrom(noon), noon)
	current := Current{Look: health.Look{Age: 2 * time.Hour, Every: time.Minute}}
	s, err := c.savings(&w, noon, current.knownTo(noon))
	if err != nil || math.Abs(s.TodayUSD-3*10*0.14) > 1e-6 {
		t.Errorf("%v: saved %v after three hours that were seen, of five", err, s.TodayUSD)
	}
	h := c.history("api", noon.Add(-4*time.Hour), noon, noon, current.knownTo(noon))
	last := len(h.Times) - 1
	if h.Missing[0] == nil || h.Missing[last] != nil || h.Spot[last] != nil || h.UnknownSeconds != 7200 {
		t.Errorf("the first point is %v, the last one %v, unknown for %v s; want a gap of two hours at the end", h.Missing[0], h.Missing[last], h.UnknownSeconds)
	}
	current.Look.Age = time.Minute
	if !current.knownTo(noon).Equal(noon) {
		t.Error("a quiet guard ends what is known")
	}
}

func TestHistoriesInMemoryAreBounded(t *testing.T) {
	ts := timelines{source: NewRecording(nil, nil, noon), keep: keep{length: historyMax, steps: stepsMax}, most: timelinesMax}
	for i := range 3 * timelinesMax {
		if err := ts.view(context.Background(), strconv.Itoa(i), noon.Add(-time.Hour), noon, func(*chronicle) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(ts.all) > timelinesMax {
		t.Errorf("%d are kept", len(ts.all))
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	short := func(name string, l health.Level, missing, demand int) fact {
		return fact{Workload: name, Verdict: health.Verdict{Level: l}, workloadCounts: workloadCounts{Missing: failover.Exactly(missing)}, Demand: demand}
	}
	order := []fact{short("z", health.Critical, 0, 5), short("b", health.Warning, 5, 10), short("a", health.Warning, 5, 100), short("c", health.Covering, 0, 1), short("d", health.Fine, 0, 1), short("e", health.Fine, 0, 1)}
	for i := range order {
		for k := i + 1; k < len(order); k++ {
			if worstFirst(order[i], order[k]) >= 0 || worstFirst(order[k], order[i]) <= 0 {
				t.Errorf("%s does not come before %s", order[i].Workload, order[k].Workload)
			}
		}
	}
}

// counting counts the questions to the journal.
type counting struct {
	Source
	asked int
}

func (c *counting) History(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	c.asked++
	return c.Source.History(ctx, q)
}

func TestWhatManyPagesAskForIsReadOnce(t *testing.T) {
	source := &counting{Source: NewRecording(nil, []journal.Entry{decided(noon.Add(-10*time.Minute), 1, 10, 10, 0)}, noon)}
	ts := timelines{source: source, keep: keep{recentFor, recentSteps, recentFresh}, most: recentWorkloads}
	read := func(at time.Time) int {
		source.asked = 0
		if err := ts.view(t.Context(), "api", at.Add(-recentFor), at, func(*chronicle) error { return nil }); err != nil {
			t.Fatal(err)
		}
		return source.asked
	}
	if n := read(noon); n != 2 {
		t.Errorf("at first the journal is asked %d times, want 2", n)
	}
	if n := read(noon.Add(recentFresh - time.Second)); n != 0 {
		t.Errorf("what is fresh is read %d times again", n)
	}
	if n := read(noon.Add(recentFresh)); n != 1 {
		t.Errorf("what is old is read %d times, want once", n)
	}
}
