package scaler_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/scaler"
)

var (
	owner   = ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}
	standby = ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-standard"}
	spot    = ecsim.SupplyKey{Region: "us-east-1", Provider: ecsim.FargateSpot}
)

// play is a workload of twins with a scaler on its owner.
type play struct {
	t *testing.T
	w *ecsim.World
	s *scaler.Scaler
}

// twins plays n Spot tasks that run, bounds 1 to 400, and one policy.
func twins(t *testing.T, cfg scaler.Config, n int, policies ...scaler.Policy) *play {
	t.Helper()
	p := &play{t, ecsim.New(ecsim.Config{Seed: 5, StartUp: ecsim.StartUp{P50: 90 * time.Second, P95: 90 * time.Second, P99: 90 * time.Second}}), scaler.New(cfg)}
	_, err := p.w.CreateCluster("us-east-1", "prod", nil)
	p.ok(err)
	_, err = p.w.RegisterTaskDefinition("us-east-1", ecsim.TaskDefinitionInput{Family: "web"})
	p.ok(err)
	for ref, provider := range map[ecsim.Ref]string{owner: ecsim.FargateSpot, standby: ecsim.Fargate} {
		desired := 0
		if ref == owner {
			desired = n
		}
		_, err = p.w.CreateService("us-east-1", ecsim.CreateServiceInput{Cluster: "prod", Name: ref.Service, TaskDefinition: "web", Desired: desired,
			Strategy: []ecsim.StrategyItem{{Provider: provider, Weight: 1}}})
		p.ok(err)
	}
	p.w.AdvanceTo(p.w.Now().Add(10 * time.Minute))
	p.ok(p.s.Register(p.w, scaler.Target{Ref: owner, Min: 1, Max: 400}))
	for _, policy := range policies {
		p.ok(p.s.PutPolicy(p.w.Now(), owner, policy))
	}
	return p
}

func (p *play) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) on(d time.Duration) { p.s.AdvanceTo(p.w, p.w.Now().Add(d)) }

func (p *play) load(rate, perTask float64) {
	p.s.SetLoad(p.w, scaler.Load{Services: []ecsim.Ref{owner, standby}, Rate: rate, PerTask: perTask})
}

func (p *play) desired() int {
	desired, _, _ := p.w.Counts(owner)
	return desired
}

func cpuAt(target float64, change ...func(*scaler.Tracking)) scaler.Policy {
	k := &scaler.Tracking{Metric: scaler.Metric{Kind: scaler.CPU}, Value: target}
	for _, c := range change {
		c(k)
	}
	return scaler.Policy{Name: "cpu", Tracking: k}
}

func TestTargetTrackingFollowsTheLoadBothWays(t *testing.T) {
	p := twins(t, scaler.Config{}, 20, cpuAt(50))
	p.load(1000, 100) // 50 % of 20
	p.on(30 * time.Minute)
	if n := p.desired(); n != 20 {
		t.Fatalf("at the target: %d of 20", n)
	}
	p.load(1500, 100)
	p.on(2 * time.Minute)
	if n := p.desired(); n != 20 {
		t.Errorf("after two of three periods: %d", n)
	}
	p.on(2 * time.Minute)
	if n := p.desired(); n != 30 {
		t.Errorf("half as much again: want 30, got %d", n)
	}
	p.on(30 * time.Minute)
	p.load(500, 100)
	p.on(14 * time.Minute)
	if n := p.desired(); n != 30 {
		t.Errorf("14 minutes of little load: %d", n)
	}
	p.on(2 * time.Minute)
	if n := p.desired(); n != 10 {
		t.Errorf("after 15 minutes of a third: want 10, got %d", n)
	}
	if a := p.s.Activities(owner); len(a) != 2 || a[0].To != 10 || a[1].To != 30 {
		t.Errorf("activities: %+v", a)
	}
}

// L35: all Spot is gone, the owner's metrics vanish, and the load doubles: the demand stays what it was.
func TestTheDemandFreezesWhileTheOwnerRunsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  scaler.Config
		over []ecsim.Ref
		want func(n int) bool
	}{
		"policy over the owner":    {scaler.Config{FromDesired: true}, nil, func(n int) bool { return n == 20 }},
		"policy over both of them": {scaler.Config{FromDesired: true}, []ecsim.Ref{owner, standby}, func(n int) bool { return n >= 40 }},
		// A step that starts from no running task goes nowhere, whatever the metric says.
		"policy over both of them, from the running count": {scaler.Config{}, []ecsim.Ref{owner, standby}, func(n int) bool { return n == 20 }},
	} {
		t.Run(name, func(t *testing.T) {
			p := twins(t, c.cfg, 20, cpuAt(50, func(k *scaler.Tracking) { k.Metric.Services = c.over }))
			p.load(1000, 100)
			p.w.SetSupply(spot, 0)
			p.ok(p.w.SetDesired(standby, 20))
			p.on(10 * time.Minute)
			p.load(2000, 100)
			p.on(2 * time.Hour)
			if n := p.desired(); !c.want(n) {
				t.Errorf("desired count after two hours of twice the load: %d", n)
			}
		})
	}
}

func TestAMetricThatIsZeroInsteadOfMissingScalesIn(t *testing.T) {
	p := twins(t, scaler.Config{ZeroWithoutTasks: true}, 20, cpuAt(50))
	p.load(1000, 100)
	p.w.SetSupply(spot, 0)
	p.on(time.Hour)
	if n := p.desired(); n != 1 {
		t.Errorf("want the minimum, got %d", n)
	}
}

// L36: workers that Spot holds 4 of 20 of, scaled by the backlog per task of the service: 20 becomes hundreds within minutes.
func TestABacklogPerTaskOfTheServiceRunsAway(t *testing.T) {
	p := twins(t, scaler.Config{}, 20, scaler.Policy{Name: "backlog", Tracking: &scaler.Tracking{Metric: scaler.Metric{Kind: scaler.BacklogPerTask}, Value: 100, OutCooldown: time.Minute}})
	p.s.SetLoad(p.w, scaler.Load{Services: []ecsim.Ref{owner, standby}, Rate: 100, PerTask: 5, Queue: "jobs"})
	p.on(10 * time.Minute)
	if n := p.desired(); n != 20 {
		t.Fatalf("in balance: %d", n)
	}
	p.w.SetSupply(spot, 4)
	p.on(2 * time.Minute) // the warned ones work on
	before := p.desired()
	p.on(6 * time.Minute)
	if n := p.desired(); n < 200 || n > 400 || before > 40 {
		t.Errorf("desired count %d, six minutes later %d: want a run from 20 to hundreds", before, n)
	}
}

// L37: a scaler that starts from the running count takes what Spot holds for all there is.
func TestAScaleInFromTheRunningCountEchoesTheLoss(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  scaler.Config
		want int
	}{"running": {scaler.Config{}, 5}, "desired": {scaler.Config{FromDesired: true}, 16}} {
		t.Run(name, func(t *testing.T) {
			p := twins(t, c.cfg, 20, cpuAt(50))
			p.load(1000, 100)
			p.w.SetSupply(spot, 6)
			p.ok(p.w.SetDesired(standby, 14))
			p.on(8 * time.Minute)
			if n := p.desired(); n != 20 {
				t.Fatalf("covered: %d", n)
			}
			p.load(800, 100) // 40 % of 20
			p.on(14 * time.Minute)
			if n := p.desired(); n != 20 {
				t.Fatalf("before the 15 minutes are over: %d", n)
			}
			p.on(2 * time.Minute)
			if n := p.desired(); n != c.want {
				t.Errorf("want %d, got %d", c.want, n)
			}
		})
	}
}

// L39: with metrics each 20 seconds the scaler answers a loss before any cover can serve, and doubles the demand.
func TestTwentySecondMetricsAnswerALossWithinTheStartUp(t *testing.T) {
	for name, c := range map[string]struct {
		period time.Duration
		want   int
	}{"20 s": {20 * time.Second, 40}, "60 s": {time.Minute, 20}} {
		t.Run(name, func(t *testing.T) {
			p := twins(t, scaler.Config{Period: c.period, FromDesired: true}, 20, cpuAt(50))
			p.load(1000, 100)
			p.on(10 * time.Minute)
			p.w.KillTasks(owner, 10, ecsim.StopContainerExited, "gone") // 100 % on those that are left
			p.on(100 * time.Second)
			if n := p.desired(); n != c.want {
				t.Errorf("want %d at the end of a start-up, got %d", c.want, n)
			}
		})
	}
}

// L34: while scaling is suspended the load triples and an action falls due: neither has any effect, and the action is lost.
func TestSuspendedScalingFreezesAndLosesScheduledActions(t *testing.T) {
	for _, late := range []bool{false, true} {
		p := twins(t, scaler.Config{LateActions: late}, 20, cpuAt(50))
		p.load(1000, 100)
		p.ok(p.s.PutAction(p.w.Now(), owner, scaler.Action{Name: "morning", Schedule: "at(" + p.w.Now().Add(time.Hour).Format("2006-01-02T15:04:05") + ")", Min: new(35)}))
		p.ok(p.s.Register(p.w, scaler.Target{Ref: owner, Min: 1, Max: 400, Suspended: scaler.Suspension{In: true, Out: true, Scheduled: true}}))
		p.load(3000, 100)
		p.on(2 * time.Hour)
		if n := p.desired(); n != 20 {
			t.Fatalf("suspended: %d", n)
		}
		p.load(1000, 100)
		p.ok(p.s.Register(p.w, scaler.Target{Ref: owner, Min: 1, Max: 400}))
		want := 20
		if late {
			want = 35
		}
		if n := p.desired(); n != want {
			t.Errorf("resumed, late actions %v: want %d, got %d", late, want, n)
		}
		p.on(time.Minute)
		if got, _ := p.s.Target(owner); (got.Min == 35) != late {
			t.Errorf("late actions %v: minimum %d", late, got.Min)
		}
	}
}

func TestScheduledActionsMoveTheCountInsideTheNewBounds(t *testing.T) {
	p := twins(t, scaler.Config{}, 20)
	p.ok(p.s.PutAction(p.w.Now(), owner, scaler.Action{Name: "up", Schedule: "cron(0 6 ? * MON-FRI *)", Min: new(30)}))
	p.ok(p.s.PutAction(p.w.Now(), owner, scaler.Action{Name: "down", Schedule: "cron(0 20 * * ? *)", Min: new(5), Max: new(10)}))
	day := p.w.Now().Truncate(24 * time.Hour) // a Monday
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{5*time.Hour + 59*time.Minute, 20}, {6 * time.Hour, 30}, {19 * time.Hour, 30}, {20 * time.Hour, 10},
		{30 * time.Hour, 10}, // Tuesday 06:00: a minimum of 30 above the maximum of 10 is refused
	} {
		p.s.AdvanceTo(p.w, day.Add(c.at))
		if n := p.desired(); n != c.want {
			t.Errorf("after %s: want %d, got %d", c.at, c.want, n)
		}
	}
}

func TestNoScaleInDuringADeployment(t *testing.T) {
	for _, anyway := range []bool{false, true} {
		p := twins(t, scaler.Config{InDuringDeployments: anyway}, 20, cpuAt(50))
		p.load(1000, 100)
		p.on(5 * time.Minute)
		p.load(100, 100)
		p.on(14 * time.Minute)
		p.ok(p.w.SetBroken(owner, ecsim.FailImagePull)) // a release that never starts
		_, err := p.w.UpdateService(owner, ecsim.UpdateServiceInput{ForceNewDeployment: true})
		p.ok(err)
		p.on(20 * time.Minute)
		if scaled := p.desired() < 20; scaled != anyway {
			t.Errorf("anyway %v: desired count %d", anyway, p.desired())
		}
	}
}

func TestBelowTheMinimumAScaleOutRaisesToTheMinimumFirst(t *testing.T) {
	p := twins(t, scaler.Config{}, 20, cpuAt(50, func(k *scaler.Tracking) { k.OutCooldown = -1 }))
	p.load(1000, 100)
	p.ok(p.s.Register(p.w, scaler.Target{Ref: owner, Min: 8, Max: 400}))
	p.ok(p.w.SetDesired(owner, 4))
	p.on(4 * time.Minute)
	if a := p.s.Activities(owner); len(a) == 0 || a[len(a)-1].From != 4 || a[len(a)-1].To != 8 {
		t.Errorf("activities: %+v", a)
	}
	p.on(30 * time.Minute)
	if n := p.desired(); n < 20 {
		t.Errorf("later on: %d", n)
	}
}

func TestRequestsPerTargetAreSharedByAllThatServe(t *testing.T) {
	p := twins(t, scaler.Config{}, 20, scaler.Policy{Name: "requests", Tracking: &scaler.Tracking{Metric: scaler.Metric{Kind: scaler.RequestsPerTarget}, Value: 3000}})
	p.load(1000, 100) // 3,000 a minute and task
	p.w.SetSupply(spot, 10)
	p.ok(p.w.SetDesired(standby, 10))
	p.on(30 * time.Minute)
	if n := p.desired(); n != 20 {
		t.Errorf("the loss is covered: want 20, got %d", n)
	}
}

func TestStepScaling(t *testing.T) {
	steps := scaler.Policy{Name: "steps", Steps: &scaler.Steps{Adjustment: scaler.PercentChange, MinMagnitude: 3, Cooldown: 10 * time.Minute,
		Steps: []scaler.Step{{Lower: new(0.0), Upper: new(20.0), By: 10}, {Lower: new(20.0), By: 50}}}}
	p := twins(t, scaler.Config{}, 20, steps)
	p.load(1200, 100) // 60 %
	p.on(20 * time.Minute)
	if n := p.desired(); n != 20 {
		t.Fatalf("without an alarm: %d", n)
	}
	p.ok(p.s.SetAlarm(owner, "steps", &scaler.Alarm{Metric: scaler.Metric{Kind: scaler.CPU}, Threshold: 60, Periods: 2}))
	p.on(3 * time.Minute)
	if n := p.desired(); n != 23 {
		t.Errorf("10 %% of 20 is below the least magnitude of 3: want 23, got %d", n)
	}
	p.load(4000, 100)
	p.on(5 * time.Minute)
	if n := p.desired(); n <= 23 {
		t.Errorf("a greater breach: %d", n)
	}
	if err := p.s.SetAlarm(owner, "none", nil); err == nil {
		t.Error("a policy that is not there takes an alarm")
	}
}

func TestDisableScaleInLeavesTheCount(t *testing.T) {
	p := twins(t, scaler.Config{}, 20, cpuAt(50, func(k *scaler.Tracking) { k.DisableScaleIn = true }))
	p.load(100, 100)
	p.on(time.Hour)
	if n := p.desired(); n != 20 {
		t.Errorf("want 20, got %d", n)
	}
}

func TestAScalerWithNothingToDoHasNoNextAndAddsNothing(t *testing.T) {
	p := twins(t, scaler.Config{}, 5)
	if at, ok := p.s.Next(); ok {
		t.Errorf("something is due at %s", at)
	}
	p.load(100, 100)
	if _, ok := p.s.Next(); !ok {
		t.Error("a load, and nothing is due")
	}
	p.load(0, 100)
	p.on(2 * time.Minute)
	if at, ok := p.s.Next(); ok {
		t.Errorf("after the load: something is due at %s", at)
	}
}

func TestSchedules(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	for schedule, want := range map[string]string{
		"at(2026-11-03T10:00:00)": "2026-11-03T10:00:00Z",
		"rate(5 minutes)":         "2026-11-02T09:35:00Z",
		"cron(0/15 * * * ? *)":    "2026-11-02T09:45:00Z",
		"cron(0 9 ? * TUE,THU *)": "2026-11-03T09:00:00Z",
		"cron(0 0 1 1 ? 2027)":    "2027-01-01T00:00:00Z",
		"cron(30 9 2 11 ? 2026)":  "",
		"at(2020-01-01T00:00:00)": "",
	} {
		p := twins(t, scaler.Config{}, 1)
		p.s.AdvanceTo(p.w, at)
		p.ok(p.s.PutAction(at, owner, scaler.Action{Name: "a", Schedule: schedule}))
		next, ok := p.s.Next()
		if got := next.Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%s: want %q, got %q (%v)", schedule, want, got, ok)
		}
	}
	p := twins(t, scaler.Config{}, 1)
	for _, bad := range []string{"", "at(tomorrow)", "rate(0 days)", "rate(5 weeks)", "cron(* * * *)", "cron(61 * * * ? *)", "cron(0 9 ? * L *)", "every(day)", "at(2026-11-03T10:00:00"} {
		if err := p.s.PutAction(at, owner, scaler.Action{Name: "a", Schedule: bad}); err == nil {
			t.Errorf("%q is taken for a schedule", bad)
		}
	}
}
