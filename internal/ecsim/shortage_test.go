package ecsim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestShortageMakesNoTaskOneEventAndRetriesEachMinute(t *testing.T) {
	f := build(t, exact())
	f.SetSupply(spotKey(), 0)
	f.serve(5)
	f.to(9*time.Minute + 59*time.Second)
	f.want("nothing placed", 5, 0, 0)
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events in 10 minutes, want 1 and then silence", n)
	}
	texts := 0
	for _, m := range f.service().Events {
		if strings.Contains(m.Message, "(service api) was unable to place a task. Reason: Capacity is unavailable at this time.") {
			texts++
		}
	}
	if texts != 10 {
		t.Errorf("%d lines in the service's events, want one for each of 10 attempts", texts)
	}
	f.SetSupply(spotKey(), -1)
	f.to(9*time.Minute + 59*time.Second)
	f.want("capacity is back, nobody has looked yet", 5, 0, 0)
	f.to(10 * time.Minute)
	f.want("the next attempt", 5, 0, 5)
	f.to(10*time.Minute + 90*time.Second)
	f.want("over", 5, 5, 0)
}

func TestPlacementFailureEventNamesTheProvider(t *testing.T) {
	f := build(t, exact())
	f.SetSupply(spotKey(), 0)
	f.serve(1)
	f.to(0)
	i := slices.IndexFunc(f.events, named(ecsim.EventPlacementFailure))
	if i < 0 {
		t.Fatal("no placement-failure event")
	}
	e := f.events[i]
	if e.Kind != ecsim.ServiceAction || e.EventType != "ERROR" || e.Provider != ecsim.FargateSpot || e.Reason != "RESOURCE:FARGATE" || e.Service != "api" || e.Task != nil {
		t.Errorf("event %+v is not what ECS sends", e)
	}
}

func TestPlacementSilenceEndsWithTheFailureOrInTime(t *testing.T) {
	cfg := exact()
	cfg.PlacementSilence = 5 * time.Minute
	f := build(t, cfg)
	f.SetSupply(spotKey(), 0)
	f.serve(1)
	f.to(12 * time.Minute)
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 3 {
		t.Errorf("%d events in 12 minutes, want 3 (at 0, 5 and 10)", n)
	}
}

func TestPlacementRetryMayBackOff(t *testing.T) {
	cfg := exact()
	cfg.PlacementRetry = ecsim.Backoff{First: time.Minute, Factor: 2, Max: 27 * time.Minute}
	f := build(t, cfg)
	f.SetSupply(spotKey(), 0)
	f.serve(1)
	f.to(3 * time.Hour)
	var attempts []float64
	for _, m := range slices.Backward(f.service().Events) {
		if strings.Contains(m.Message, "unable to place") {
			attempts = append(attempts, m.At.Sub(f.start).Minutes())
		}
	}
	want := []float64{0, 1, 3, 7, 15, 31, 58, 85, 112, 139, 166}
	if !slices.Equal(attempts, want) {
		t.Errorf("attempts after %v minutes, want %v", attempts, want)
	}
}

func TestDesiredCountResetsBackOffOnlyWhenAsked(t *testing.T) {
	for _, resets := range []bool{false, true} {
		cfg := exact()
		cfg.PlacementRetry = ecsim.Backoff{First: 10 * time.Minute}
		cfg.DesiredResets = resets
		f := build(t, cfg)
		f.SetSupply(spotKey(), 0)
		f.serve(1)
		f.to(time.Minute)
		f.SetSupply(spotKey(), -1)
		f.desire(2)
		f.to(time.Minute)
		if resets {
			f.want("an attempt at once", 2, 0, 2)
		} else {
			f.want("the back-off goes on", 2, 0, 0)
		}
	}
}

func TestPartialPlacementIsNormal(t *testing.T) {
	f := build(t, exact())
	f.SetSupply(spotKey(), 3)
	f.serve(5)
	f.to(2 * time.Minute)
	f.want("three places", 5, 3, 0)
	texts := f.service().Events
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events, want 1", n)
	}
	first := texts[len(texts)-1].Message
	if !strings.HasPrefix(first, "(service api) has started 3 tasks: (task ") {
		t.Errorf("first message %q, want the three that were started", first)
	}
}

func TestSinkingSupplyInterruptsExactlyTheExcess(t *testing.T) {
	f := build(t, exact())
	f.serve(10)
	f.to(100 * time.Second)
	f.SetSupply(spotKey(), 6)
	if limit, held := f.Supply(spotKey()); limit != 6 || held != 6 {
		t.Errorf("limit %d, held %d, want 6 and 6: victims do not hold capacity", limit, held)
	}
	f.want("the victims still run", 10, 10, 0)
	f.to(219 * time.Second)
	f.want("no replacement finds room", 10, 10, 0)
	f.to(221 * time.Second)
	f.want("killed", 10, 6, 0)
	f.SetSupply(spotKey(), 10)
	f.to(221*time.Second + 60*time.Second + 90*time.Second)
	f.want("back", 10, 10, 0)
}

func TestZonesAreSpreadAndRunOutOneByOne(t *testing.T) {
	f := build(t, exact())
	f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: "us-west-2a"}, 1)
	f.serve(9)
	f.to(100 * time.Second)
	in := map[string]int{}
	for _, task := range f.tasks(ecsim.Running) {
		in[task.Zone]++
	}
	if in["us-west-2a"] != 1 || in["us-west-2b"] != 4 || in["us-west-2c"] != 4 {
		t.Errorf("zones hold %v, want 1, 4 and 4", in)
	}
	f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot, Zone: "us-west-2b"}, 0)
	for _, task := range f.tasks(ecsim.Stopped) {
		if task.Zone != "us-west-2b" {
			t.Errorf("a task of zone %s was reclaimed with zone b's capacity", task.Zone)
		}
	}
	f.to(300 * time.Second)
	f.want("zone c takes them", 9, 9, 0)
}

func TestOnDemandIsNeverReclaimedButMayBeShort(t *testing.T) {
	f := build(t, exact())
	f.serve(4, func(in *ecsim.CreateServiceInput) {
		in.Strategy = []ecsim.StrategyItem{{Provider: ecsim.Fargate, Weight: 1}}
	})
	f.to(100 * time.Second)
	f.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, 2)
	f.to(300 * time.Second)
	f.want("nothing is reclaimed", 4, 4, 0)
	f.desire(6)
	f.to(500 * time.Second)
	f.want("nothing is placed", 6, 4, 0)
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events, want 1", n)
	}
}

func TestQuotaExhaustionLooksLikeAShortageButSaysSo(t *testing.T) {
	f := build(t, exact())
	f.SetQuota(region, ecsim.FargateSpot, 2) // tasks of one vCPU
	f.serve(5)
	f.to(100 * time.Second)
	f.want("two fit the quota", 5, 2, 0)
	if limit, used := f.Quota(region, ecsim.FargateSpot); limit != 2 || used != 2 {
		t.Errorf("quota %v, used %v, want 2 and 2", limit, used)
	}
	if m := f.service().Events; !slices.ContainsFunc(m, func(m ecsim.ServiceMessage) bool {
		return strings.Contains(m.Message, "You've reached the limit on the number of vCPUs you can run concurrently")
	}) {
		t.Errorf("events %v do not name the quota", m)
	}
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events, want 1", n)
	}
	f.SetQuota(region, ecsim.FargateSpot, 5)
	f.to(4 * time.Minute)
	f.want("raised", 5, 5, 0)
}

func TestHungLaunchesSitInPendingAndGiveUp(t *testing.T) {
	cfg := exact()
	cfg.HungShare = 1
	f := build(t, cfg)
	f.SetSupply(spotKey(), 0)
	f.serve(3)
	f.to(time.Minute)
	f.want("they look as if they started", 3, 0, 3)
	f.to(40 * time.Minute)
	for _, task := range f.tasks(ecsim.Stopped) {
		if task.StopCode != ecsim.StopFailedToStart || task.StoppedReason != ecsim.ReasonNoCapacity || !task.StartedAt.IsZero() {
			t.Errorf("hung task stopped with %q, %q, started %v", task.StopCode, task.StoppedReason, task.StartedAt)
		}
		if life := task.StoppingAt.Sub(task.CreatedAt); life > 23*time.Minute {
			t.Errorf("hung for %v, want at most 23 min", life)
		}
	}
	if n := len(f.tasks(ecsim.Stopped)); n == 0 {
		t.Error("no launch has given up in 40 minutes")
	}
	if u := f.Usage(ecsim.FargateSpot); u.TaskSeconds != 0 {
		t.Errorf("%v s billed for tasks that pulled nothing", u.TaskSeconds)
	}
	f.SetSupply(spotKey(), -1)
	f.to(80 * time.Minute)
	f.want("recovered", 3, 3, 0)
}

func TestSomeLaunchesHangAndSomeFail(t *testing.T) {
	cfg := exact()
	cfg.HungShare = 0.5
	f := build(t, cfg)
	f.SetSupply(spotKey(), 0)
	f.serve(100)
	f.to(0)
	_, _, pending := f.Counts(api)
	if pending < 30 || pending > 70 {
		t.Errorf("%d of 100 launches hang, want about half", pending)
	}
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events, want 1 for those that failed", n)
	}
}

func TestRaisedPlacementFailureChangesNothing(t *testing.T) {
	f := build(t, exact())
	f.serve(2)
	f.to(100 * time.Second)
	f.forget()
	f.must(f.RaisePlacementFailure(api))
	f.to(200 * time.Second)
	f.want("healthy", 2, 2, 0)
	if n := f.count(named(ecsim.EventPlacementFailure)); n != 1 {
		t.Errorf("%d placement-failure events, want the false one", n)
	}
}

func TestRunTaskReportsShortageInFailuresWithoutEvent(t *testing.T) {
	f := build(t, exact())
	f.SetSupply(spotKey(), 1)
	f.forget()
	in := ecsim.RunTaskInput{Cluster: cluster, TaskDefinition: "web", Count: 3, Strategy: []ecsim.StrategyItem{{Provider: ecsim.FargateSpot, Weight: 1}}}
	tasks, failures, err := f.RunTask(region, in)
	f.must(err)
	if len(tasks) != 1 || len(failures) != 2 || failures[0].Reason != ecsim.ReasonNoCapacity {
		t.Fatalf("%d tasks, failures %v; want 1 and two of capacity", len(tasks), failures)
	}
	f.to(0)
	if n := len(f.events); n != 1 || f.events[0].Task == nil || f.events[0].Task.Group != "family:web" {
		t.Errorf("events %+v, want only the PROVISIONING of the one task", f.events)
	}
	f.to(100 * time.Second)
	got, _, err := f.DescribeTasks(region, cluster, []string{tasks[0].ARN})
	f.must(err)
	if got[0].LastStatus != ecsim.Running || got[0].Service != "" {
		t.Errorf("task %+v, want RUNNING and of no service", got[0])
	}
	f.SetSupply(spotKey(), 0)
	if got, _, _ := f.DescribeTasks(region, cluster, []string{tasks[0].ID}); got[0].StopCode != ecsim.StopSpot {
		t.Errorf("stop code %q, want SpotInterruption for a task of RunTask too", got[0].StopCode)
	}
}
