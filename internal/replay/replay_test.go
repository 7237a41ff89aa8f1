package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/trace"
)

// exact is a world in which every start takes 90 s, so that results can be computed by hand.
var exact = World{StartUp: ecsim.StartUp{P50: 90 * time.Second, P95: 90 * time.Second, P99: 90 * time.Second}}

func parse(t testing.TB, text string) *trace.Trace {
	t.Helper()
	tr, err := trace.Parse(strings.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func simulate(t testing.TB, r Run) Result {
	t.Helper()
	r.Check = true
	res, err := Simulate(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range res.Violations {
		t.Errorf("%s on %s: %s", res.Policy, r.Trace.Name, v)
	}
	return res
}

func policy(t testing.TB, name string) Policy {
	t.Helper()
	p, err := ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near fails unless got is want to the given accuracy.
func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %.6f, want %.6f", what, got, want)
	}
}

// One task of 200 is interrupted at 1:00:00 and its place is gone for a minute. Everything that follows is known: the warned task works
// until +120 s and is billed until +140 s; ECS tries to replace it at +5 s, fails, tries again at +65 s, and the new task is billed from
// the pull at +83 s and RUNNING at +155 s.
const oneInterruption = "seconds,spot\n0,inf\n3600,199\n3660,inf\n7200,inf\n"

func TestOneInterruptionOnSpotAloneToTheSecondAndTheCent(t *testing.T) {
	r := simulate(t, Run{Trace: parse(t, oneInterruption), Policy: policy(t, RivalSpot), World: exact})
	near(t, "task-seconds short", r.ShortMinutes*60, 155-120, 0.001)
	near(t, "the longest gap", r.LongestGap, 35, 0.001)
	near(t, "the cost", r.CostUSD, (200*7200+140-83)*0.11796/3600, 0.005)
	near(t, "the share of time with everything at work", r.Availability, 1-35.0/7200, 1e-6)
	if r.Lost != 1 || r.TaskStarts != 1 || r.Availability90 != 1 {
		t.Errorf("%d lost, %d started, 90 %% at work %v of the time", r.Lost, r.TaskStarts, r.Availability90)
	}
}

// decided is how long after the first interruption, at 1:00:00, fill decided on cover, in seconds. The warning is known at +1 s; where the
// warned task works on, cover may wait for ECS's own attempt to replace it (failover.proofAfter at the longest).
func decided(t *testing.T, r Result) float64 {
	t.Helper()
	at := (r.Timeline.Choices[0].At - time.Hour).Seconds()
	if at < 1 || at > 13 {
		t.Errorf("cover was decided on %.3f s after the warning", at)
	}
	return at
}

// Under fill the call is out 0.3 s after the decision, ECS looks a second later, and the cover is billed from 18 s after that and RUNNING
// after 90 s. Spot's replacement is RUNNING at +155 s, and a pass that would find it late (at the age of 90 s) sees that; at +155.3 s the
// cover is let go, ECS looks at +156.3 s, SIGTERM comes two seconds later, the task exits within one and is billed for 20 more: until
// +179.3 s.
func TestOneInterruptionUnderFillToTheSecondAndTheCent(t *testing.T) {
	r := simulate(t, Run{Trace: parse(t, oneInterruption), Policy: policy(t, failover.PresetFill), World: exact, Record: true})
	billed := 179.3 - decided(t, r) - 19.3
	near(t, "task-seconds short", r.ShortMinutes*60, 0, 0)
	near(t, "on-demand seconds billed", r.CoverHours*3600, billed, 0.01)
	near(t, "the cost", r.CostUSD, (200*7200+140-83)*0.11796/3600+billed*0.268/3600, 0.005)
	if r.Lost != 1 || r.TaskStarts != 2 || r.Updates != 2 || r.Failovers != 0 {
		t.Errorf("%d lost, %d started, %d calls, %d failovers; want 1, 2, 2, 0", r.Lost, r.TaskStarts, r.Updates, r.Failovers)
	}
}

// Spot has nothing for half an hour: ten tasks work until +120 s; ECS tries every minute from +5 s and finds capacity at +1805 s.
const halfAnHour = "seconds,spot\n0,inf\n3600,0\n5400,inf\n10800,inf\n"

func TestAShortageOfKnownLengthToTheSecond(t *testing.T) {
	for _, c := range []struct {
		world Stop
		gap   float64
	}{{UsesWarning, 1895 - 120}, {EndsAtSIGTERM, 1895}, {Unwarned, 1895}} {
		w := exact
		w.Stop = c.world
		r := simulate(t, Run{Trace: parse(t, halfAnHour), Policy: policy(t, RivalSpot), World: w, Tasks: 10})
		near(t, string(c.world)+": task-seconds short", r.ShortMinutes*60, 10*c.gap, 0.001)
		near(t, string(c.world)+": the longest gap", r.LongestGap, c.gap, 0.001)
		near(t, string(c.world)+": recovery", r.RecoveryP50, 1895, 0.001)
	}
	// Under fill the cover runs at +92.3 s where tasks do not use the warning, and so long each is short. Where they do nothing is short.
	for _, c := range []struct {
		world Stop
		short float64
	}{{UsesWarning, 0}, {EndsAtSIGTERM, 10 * 92.3}, {Unwarned, 10 * 92.3}} {
		w := exact
		w.Stop = c.world
		r := simulate(t, Run{Trace: parse(t, halfAnHour), Policy: policy(t, failover.PresetFill), World: w, Tasks: 10, Record: true})
		near(t, string(c.world)+": task-seconds short under fill", r.ShortMinutes*60, c.short, 0.01)
		near(t, string(c.world)+": recovery under fill", r.RecoveryP50, decided(t, r)+91.3, 0.001)
	}
}

// The oracle on the same half hour: the on-demand task must run when the Spot task is killed at +120 s, so it is billed from +48 s (its
// pull begins 72 s before it runs), and until 22 s after the next Spot task runs, which may start at +1800 s, is billed from +1818 s and
// runs at +1890 s.
func TestTheOracleByHand(t *testing.T) {
	o := Oracle(Run{Trace: parse(t, halfAnHour), World: exact, Tasks: 10})
	cover := 10 * (1890 + 22 - 48.0)
	spot := 10 * (3600 + 140 + 7200 - 1818.0)
	near(t, "on-demand seconds", o.CoverHours*3600, cover, 0.001)
	near(t, "Spot seconds", o.SpotHours*3600, spot, 0.001)
	near(t, "the cost", o.CostUSD, (cover*0.268+spot*0.11796)/3600, 0.0001)
	// Capacity that comes for less than what both start-ups cost is left alone.
	short := Oracle(Run{Trace: parse(t, "seconds,spot\n0,0\n600,inf\n660,0\n1200,0\n"), World: World{Stop: EndsAtSIGTERM}, Tasks: 10})
	near(t, "Spot seconds of a minute's capacity", short.SpotHours*3600, 0, 0)
	near(t, "on-demand seconds", short.CoverHours*3600, 12000, 0)
}

func TestTheRivalsDoWhatTheyAreNamedFor(t *testing.T) {
	tr := parse(t, halfAnHour)
	all := simulate(t, Run{Trace: tr, Policy: policy(t, RivalOnDemand), World: exact})
	near(t, "all on-demand", all.CostRatio, 1, 1e-9)
	half := simulate(t, Run{Trace: tr, Policy: policy(t, RivalStatic50), World: exact})
	near(t, "least at work with half on on-demand", half.WorkingMin, 0.5, 1e-9)
	fifth := simulate(t, Run{Trace: tr, Policy: policy(t, RivalStatic20), World: exact})
	near(t, "least at work with a fifth on on-demand", fifth.WorkingMin, 0.2, 1e-9)
	art := simulate(t, Run{Trace: tr, Policy: policy(t, RivalArticle), World: exact})
	if art.Failovers != 1 || art.ShortMinutes == 0 {
		t.Errorf("the article's rule fails over %d times and is %.1f task-minutes short: it must see the loss only when tasks have stopped", art.Failovers, art.ShortMinutes)
	}
	if last := art.SpotShare; last < 0.5 {
		t.Errorf("the article's rule runs %.0f %% on Spot: its probe must bring it back", 100*last)
	}
	dup := simulate(t, Run{Trace: tr, Policy: policy(t, RivalDuplicate), World: exact})
	gap := simulate(t, Run{Trace: tr, Policy: policy(t, RivalGap22), World: exact})
	if gap.CoverHours < 1.5*dup.CoverHours {
		t.Errorf("2.2 times the gap of a total loss is %.1f on-demand hours, the duplicate %.1f", gap.CoverHours, dup.CoverHours)
	}
	hedge := simulate(t, Run{Trace: tr, Policy: policy(t, RivalSpotHedge), World: exact})
	warned := simulate(t, Run{Trace: tr, Policy: policy(t, RivalSpotHedgeW), World: exact})
	if hedge.ShortMinutes == 0 || warned.ShortMinutes != 0 {
		t.Errorf("SpotHedge is %.1f task-minutes short, %.1f with the warning; want some and none", hedge.ShortMinutes, warned.ShortMinutes)
	}
	if _, err := ByName("magic"); err == nil || !strings.Contains(err.Error(), "there are fill, switch, observe, on-demand") {
		t.Errorf("an unknown policy gives %v", err)
	}
}

// fingerprint is text that differs if anything of a result does.
func fingerprint(t *testing.T, r Result) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rounded is the fingerprint without the last digits, which depend on in how many parts a time was summed up.
func rounded(t *testing.T, r Result) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(fingerprint(t, r)), &fields); err != nil {
		t.Fatal(err)
	}
	for k, v := range fields {
		if x, ok := v.(float64); ok {
			fields[k] = fmt.Sprintf("%.10g", x)
		}
	}
	return fmt.Sprint(fields)
}

func TestTheSameRunGivesTheSameResultAndAnotherSeedDoesNot(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	tr, err := trace.Generate("partial", trace.Shape{Days: 1, Seed: 5, Tasks: 25})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if name == OracleName {
			continue
		}
		run := Run{Trace: tr, Policy: policy(t, name), Seed: 7, Tasks: 25, World: World{HungShare: 0.3, UnwarnedShare: 0.1}}
		first := fingerprint(t, simulate(t, run))
		if first != fingerprint(t, simulate(t, run)) {
			t.Errorf("%s: two runs of one seed differ", name)
		}
		run.Seed = 8
		if name != RivalOnDemand && first == fingerprint(t, simulate(t, run)) {
			t.Errorf("%s: another seed gives the same result", name)
		}
	}
}

func TestSkippedPassesChangeNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("one goroutine's work: the race detector sees nothing in it, and the run without it has it")
	}
	for _, name := range []string{"article", "flap", "partial", "article3"} {
		tr, err := trace.Generate(name, trace.Shape{Days: 2, Seed: 2, Tasks: 24})
		if err != nil {
			t.Fatal(err)
		}
		for _, preset := range []string{failover.PresetFill, failover.PresetSwitch, RivalForesightX} {
			for _, zones := range []Zones{Pooled, PerZone} {
				run := Run{Trace: tr, Policy: policy(t, preset), Zones: zones, Seed: 1, Tasks: 24}
				switch {
				case preset == RivalForesightX:
					run.World.Stop = EndsAtSIGTERM
				case name == "article" || name == "flap":
					run.World = World{Stop: Drained, WarmUp: ecsim.WarmUp{P50: 30 * time.Second, P99: 48 * time.Second}}
				}
				a := simulate(t, run)
				run.thorough = true
				b := simulate(t, run)
				if a.Passes >= b.Passes {
					t.Errorf("%s %s: %d passes, and %d when none may be skipped", name, preset, a.Passes, b.Passes)
				}
				a.Passes, b.Passes = 0, 0
				if x, y := rounded(t, a), rounded(t, b); x != y {
					t.Errorf("%s %s %s: skipping passes changes\n%s\nto\n%s", name, preset, zones, y, x)
				}
			}
		}
	}
}

func TestTheMirrorShowsWhatAListingWould(t *testing.T) {
	tr, err := trace.Generate("flap", trace.Shape{Days: 2, Seed: 4, Tasks: 40})
	if err != nil {
		t.Fatal(err)
	}
	looks, steadyMost, worked := 0, 0, 0
	world := World{HungShare: 0.5, UnwarnedShare: 0.2, WarmUp: ecsim.WarmUp{P50: 20 * time.Second}}
	simulate(t, Run{Trace: tr, Policy: policy(t, failover.PresetFill), Tasks: 40, World: world, audit: func(s *sim) {
		looks++
		for _, p := range s.pools {
			var want, got []string
			for _, x := range s.world.AppendTasks(nil, p.ref, ecsim.Running) {
				phase := failover.Placed
				switch x.LastStatus {
				case ecsim.Provisioning:
					phase = failover.Provisioning
				case ecsim.Running:
					phase = failover.Running
				}
				want = append(want, fmt.Sprint(x.ID, phase, x.CreatedAt, x.StartedAt))
			}
			p.refresh(s.clock(), true)
			ready := 0
			for _, x := range p.tasks {
				got = append(got, fmt.Sprint(x.ID, x.Phase, x.CreatedAt, x.StartedAt))
				if x.Health == failover.HealthReady {
					ready++
				}
			}
			works := 0
			for _, x := range p.withLeaving(nil, s.clock()) {
				if x.Works {
					works++
				}
			}
			if in := s.world.InService(p.ref); ready != in || ready+works != s.world.Working(p.ref) {
				t.Fatalf("at %s %s shows %d ready and %d that leave and work, of %d in service and %d at work", s.now, p.name, ready, works, in, s.world.Working(p.ref))
			}
			worked += works
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("at %s %s mirrors\n%v\nof\n%v", s.now, p.name, got, want)
			}
			since := s.clock().Add(-5 * time.Minute) // the law asks for an earlier moment, and it never goes back
			fresh, steady := p.unsteady(since)
			old := 0
			for i, x := range p.tasks {
				if x.Phase == failover.Running && passed(p.due[i].ready, since) {
					old++
				} else if f := p.inFresh[i]; f < 0 || fresh[f] != x {
					t.Fatalf("at %s %s is not among the fresh tasks of %s", s.now, x.ID, p.name)
				}
			}
			if old != steady || steady+len(fresh) != len(p.tasks) {
				t.Fatalf("at %s %s has %d steady tasks and %d others, want %d of %d", s.now, p.name, steady, len(fresh), old, len(p.tasks))
			}
			steadyMost = max(steadyMost, steady)
		}
	}})
	if looks < 100 {
		t.Errorf("only %d passes were looked at", looks)
	}
	if steadyMost == 0 || worked == 0 {
		t.Errorf("no task was ever steady, or left and worked on (%d, %d)", steadyMost, worked)
	}
}

func TestZonesAndPoolsAndDemandOfATrace(t *testing.T) {
	// Zone a goes for an hour; per zone and pooled, everything stays at work and the cover is about a third for as long as ECS needs to move.
	zones := parse(t, "seconds,spot/a,spot/b,spot/c\n0,inf,inf,inf\n3600,0,inf,inf\n7200,inf,inf,inf\n10800,inf,inf,inf\n")
	for _, z := range []Zones{Pooled, PerZone} {
		r := simulate(t, Run{Trace: zones, Policy: policy(t, failover.PresetFill), Zones: z, Tasks: 90})
		if r.ShortMinutes > 0.5 || r.Lost < 25 || r.Lost > 60 {
			t.Errorf("%s: %.2f task-minutes short, %d lost of 90 in the zone that goes", z, r.ShortMinutes, r.Lost)
		}
	}
	// A demand of its own, and on-demand short too.
	demand := parse(t, "seconds,spot,on_demand,demand\n0,inf,inf,50\n3600,0,20,50\n7200,inf,inf,80\n14400,inf,inf,80\n")
	r := simulate(t, Run{Trace: demand, Policy: policy(t, failover.PresetFill)})
	near(t, "task-hours wanted", r.DemandHours, 50*2+80*2, 1e-9)
	near(t, "least at work when 80 are wanted and there are 20 on-demand tasks", r.WorkingMin, 0.25, 1e-9)
	// Two pools: the second is preferred to on-demand when the first is gone.
	two := parse(t, "seconds,spot,arm\n0,inf,inf\n3600,0,inf\n14400,0,inf\n")
	r = simulate(t, Run{Trace: two, Policy: policy(t, failover.PresetFill), Tasks: 20})
	if r.SpotShare < 0.8 {
		t.Errorf("with a second Spot pool to be had, %.0f %% ran on Spot", 100*r.SpotShare)
	}
}

func TestARunCanBeStoppedAndBadRunsAreRefused(t *testing.T) {
	tr := parse(t, oneInterruption)
	if _, err := Simulate(Run{Trace: tr, Policy: policy(t, "fill"), Stop: func() bool { return true }}); !errors.Is(err, ErrStopped) {
		t.Errorf("a run that was told to stop ends with %v", err)
	}
	if _, err := Simulate(Run{Trace: &trace.Trace{Name: "empty"}, Policy: policy(t, "fill")}); err == nil {
		t.Error("a trace with nothing in it was played")
	}
	if _, err := Simulate(Run{Trace: tr, Policy: Policy{Name: OracleName}}); err == nil {
		t.Error("the oracle was played as a policy")
	}
	if _, err := ParseStop("W4"); err == nil {
		t.Error("there is no world W4")
	}
}

func TestATimelineHoldsWhatHappened(t *testing.T) {
	r := simulate(t, Run{Trace: parse(t, halfAnHour), Policy: policy(t, "fill"), World: exact, Tasks: 10, Record: true})
	tl := r.Timeline
	if len(tl.Choices) < 2 || tl.Choices[0].Text != "raise standard from 0 to 14: AWS interrupts Spot tasks: 10 leaving, still working" {
		t.Fatalf("the first decision reads %+v", tl.Choices)
	}
	decided(t, r)
	if first := tl.Moments[0]; first != (Moment{At: 0, Demand: 10, Capacity: trace.NoLimit, Spot: 10}) {
		t.Errorf("it begins with %+v", first)
	}
	for i, m := range tl.Moments {
		if i > 0 && m.At <= tl.Moments[i-1].At {
			t.Errorf("moment %d is not after the one before", i)
		}
	}
}
