package ecsim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// shifting makes a service behind a load balancer with a strategy that shifts traffic.
func shifting(c ecsim.RolloutConfig) func(*ecsim.CreateServiceInput) {
	return func(in *ecsim.CreateServiceInput) {
		in.LoadBalanced = true
		in.Deployment.Rollout = &c
	}
}

// shares are the parts of the production traffic of the newest revision and the one before it.
func (f *fixture) shares() (green, blue float64) {
	f.Helper()
	d := f.newest()
	if len(d.Source) > 0 {
		blue = d.Source[0].Production
	}
	return d.Target.Production, blue
}

// until advances to the stage, and returns when that was.
func (f *fixture) until(stage string) time.Duration {
	f.Helper()
	at := f.Now().Sub(f.start)
	for range 24 * 3600 {
		if f.newest().Stage == stage {
			return at
		}
		at += time.Second
		f.to(at)
	}
	f.Fatalf("stage %s does not come; %s", stage, f.newest().Stage)
	return 0
}

func TestBlueGreenRunsBothThenShiftsThenCleansUp(t *testing.T) {
	f := build(t, exact())
	f.serve(20, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: 30 * time.Minute}))
	f.to(5 * time.Minute)
	if f.rollout() != ecsim.RolloutCompleted {
		t.Fatalf("first deployment %s, want COMPLETED", f.rollout())
	}
	f.forget()
	f.release(ecsim.TaskDefinitionInput{})
	f.to(7 * time.Minute)
	if green, blue := f.shares(); green != 0 || blue != 100 {
		t.Errorf("while green starts: %v %% to green, %v %% to blue", green, blue)
	}
	at := f.until(ecsim.StageBake)
	f.want("both revisions run in the bake", 20, 40, 0)
	if green, blue := f.shares(); green != 100 || blue != 0 {
		t.Errorf("in the bake: %v %% to green, %v %% to blue", green, blue)
	}
	f.to(at + 29*time.Minute)
	if n := f.running(); n["1"] != 20 || n["2"] != 20 {
		t.Errorf("%v run at the end of the bake, want 20 of each", n)
	}
	f.to(at + 35*time.Minute)
	s := f.service()
	if n := f.running(); n["1"] != 0 || n["2"] != 20 || len(s.Deployments) != 1 || f.newest().Status != ecsim.ReleaseSuccessful {
		t.Errorf("%v run in the end in %d deployments, %s", n, len(s.Deployments), f.newest().Status)
	}
	if f.count(named(ecsim.EventDeploymentInProgress)) != 1 || f.count(named(ecsim.EventDeploymentCompleted)) != 1 {
		t.Error("want one IN_PROGRESS and one COMPLETED event")
	}
}

// two makes a service's two target groups, both behind the rule of one, and a test rule.
func (f *fixture) two() (groups [2]string, traffic ecsim.TrafficConfig) {
	f.Helper()
	groups[0], traffic.ProductionRule = f.balance()
	g, err := f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "web-alternate", Interval: 10 * time.Second, HealthyThreshold: 2})
	f.must(err)
	groups[1], traffic.Alternate = g.ARN, g.ARN
	rules, err := f.DescribeRules(region, "", []string{traffic.ProductionRule})
	f.must(err)
	test, err := f.CreateRule(region, rules[0].Listener, 1, []ecsim.Forward{{TargetGroup: groups[0], Weight: 1}}, nil)
	f.must(err)
	traffic.TestRule = test.ARN
	return groups, traffic
}

func (f *fixture) weights(rule string) map[string]int {
	f.Helper()
	rules, err := f.DescribeRules(region, "", []string{rule})
	f.must(err)
	weights := map[string]int{}
	for _, forward := range rules[0].Forwards {
		weights[forward.TargetGroup] = forward.Weight
	}
	return weights
}

func TestTargetGroupsAreSwappedAtEachDeployment(t *testing.T) {
	f := build(t, exact())
	groups, traffic := f.two()
	f.serve(2, behind(groups[0]), shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen}), func(in *ecsim.CreateServiceInput) { in.Traffic = traffic })
	for i := range 3 {
		f.to(time.Duration(i+1) * 20 * time.Minute)
		now, other := groups[i%2], groups[1-i%2]
		revisions, _ := f.DescribeServiceRevisions(region, []string{f.newest().Target.ARN})
		if revisions[0].TargetGroup != now || f.service().TargetGroups[0] != groups[0] {
			t.Errorf("deployment %d is in %s, want %s; the service names %s", i+1, revisions[0].TargetGroup, now, f.service().TargetGroups[0])
		}
		if p := f.weights(traffic.ProductionRule); p[now] != 100 || p[other] != 0 {
			t.Errorf("deployment %d: weights %v, want all for %s", i+1, p, now)
		}
		f.wantTargets("the production group", now, map[string]int{"healthy": 2})
		f.wantTargets("the other group", other, nil)
		f.release(ecsim.TaskDefinitionInput{})
	}
}

func TestOnlyTheRevisionWithTheTrafficIsInService(t *testing.T) {
	f := build(t, exact())
	groups, traffic := f.two()
	config := ecsim.RolloutConfig{Strategy: ecsim.Canary, Canary: ecsim.TrafficStep{Percent: 0.5, Bake: 10 * time.Minute}, Bake: 10 * time.Minute,
		Hooks: []ecsim.LifecycleHook{{Pause: true, Stages: []string{ecsim.StagePostTestShift}, Timeout: time.Hour, ContinueOnTimeout: true}}}
	f.serve(6, behind(groups[0]), shifting(config), func(in *ecsim.CreateServiceInput) { in.Traffic = traffic })
	f.to(2 * time.Hour)
	f.release(ecsim.TaskDefinitionInput{})
	f.until(ecsim.StageTestShift)
	f.serving("green is up", 6, 6)
	f.until(ecsim.StagePostTestShift)
	if test := f.weights(traffic.TestRule); test[groups[1]] != 100 || test[groups[0]] != 0 {
		t.Errorf("test weights %v, want all for green", test)
	}
	f.serving("green has the test traffic", 6, 6)
	at := f.until(ecsim.StageProductionShift)
	f.to(at + 5*time.Minute)
	f.serving("green has a little production traffic", 12, 12)
	if p := f.weights(traffic.ProductionRule); p[groups[1]] != 5 || p[groups[0]] != 994 {
		t.Errorf("weights %v, want 0.5 %% for green", p)
	}
	f.until(ecsim.StageBake)
	f.want("in the bake", 6, 12, 0)
	f.serving("in the bake", 6, 6)
	f.InterruptRevision(api, 4, "", false, true)
	if n := f.InService(api); n != 2 {
		t.Errorf("%d in service after four of green are warned, want 2", n)
	}
}

func TestEachRevisionIsReplacedByItselfInTheBake(t *testing.T) {
	for _, bent := range []bool{false, true} {
		cfg := exact()
		cfg.BlueNotReplaced = bent
		f := build(t, cfg)
		f.serve(20, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: time.Hour}))
		f.to(5 * time.Minute)
		f.release(ecsim.TaskDefinitionInput{})
		at := f.until(ecsim.StageBake)
		if n := len(f.InterruptRevision(api, 15, "", false, false)); n != 15 {
			t.Fatalf("%d tasks without traffic interrupted, want 15", n)
		}
		if n := f.running(); n["1"] != 5 || n["2"] != 20 {
			t.Fatalf("%v run, want blue alone hit", n)
		}
		f.InterruptRevision(api, 20, "", false, true)
		f.to(at + 5*time.Minute)
		want := 20
		if bent {
			want = 5
		}
		if n := f.running(); n["1"] != want || n["2"] != 20 {
			t.Errorf("blue not replaced %v: %v run, want %d and 20", bent, n, want)
		}
	}
}

func TestScarceCapacityGoesToTheRevisionWithoutTraffic(t *testing.T) {
	f := build(t, exact())
	f.serve(20, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: time.Hour}))
	f.to(5 * time.Minute)
	f.SetSupply(spotKey(), 25)
	f.release(ecsim.TaskDefinitionInput{}) // 5 of 20 green find room
	f.to(6 * time.Minute)
	f.Interrupt(api, 5, "", false)
	f.to(20 * time.Minute)
	if n := f.running(); n["1"] != 15 || n["2"] != 10 {
		t.Errorf("%v run, want the 5 free places taken by green", n)
	}
	if green, blue := f.shares(); green != 0 || blue != 100 {
		t.Errorf("%v %% to green, %v %% to blue before green is up", green, blue)
	}
	shares := f.Revisions(api)
	if len(shares) != 2 || shares[0].Share != 0 || shares[1].Share != 1 || shares[1].Working != 15 {
		t.Errorf("revisions %+v, want the second with all traffic and 15 tasks", shares)
	}
}

func TestCanaryAndLinearShiftInSteps(t *testing.T) {
	for name, c := range map[string]struct {
		config ecsim.RolloutConfig
		steps  []float64
	}{
		"canary": {ecsim.RolloutConfig{Strategy: ecsim.Canary, Canary: ecsim.TrafficStep{Percent: 50, Bake: 10 * time.Minute}}, []float64{0, 50, 100}},
		"linear": {ecsim.RolloutConfig{Strategy: ecsim.Linear, Linear: ecsim.TrafficStep{Percent: 30, Bake: time.Minute}}, []float64{0, 30, 60, 90, 100}},
	} {
		f := build(t, exact())
		f.serve(4, shifting(c.config))
		f.to(5 * time.Minute)
		f.release(ecsim.TaskDefinitionInput{})
		var steps []float64
		for at := 5 * time.Minute; at < time.Hour; at += time.Second {
			f.to(at)
			green, blue := f.shares()
			if green+blue != 100 {
				t.Fatalf("%s: %v and %v %%", name, green, blue)
			}
			if len(steps) == 0 || steps[len(steps)-1] != green {
				steps = append(steps, green)
			}
			if f.newest().Status == ecsim.ReleaseSuccessful {
				break
			}
		}
		if !slices.Equal(steps, c.steps) || f.newest().Status != ecsim.ReleaseSuccessful {
			t.Errorf("%s: shares %v, want %v; %s", name, steps, c.steps, f.newest().Status)
		}
	}
}

func TestPauseHookWaitsForAnAction(t *testing.T) {
	pause := ecsim.LifecycleHook{Stages: []string{ecsim.StagePostTestShift}, Pause: true, Timeout: 14 * 24 * time.Hour}
	for _, action := range []string{ecsim.ContinueDeployment, ecsim.RollbackDeployment, ""} {
		f := build(t, exact())
		f.serve(4, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen}))
		f.to(5 * time.Minute)
		config := ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Hooks: []ecsim.LifecycleHook{pause}}
		_, err := f.UpdateService(api, ecsim.UpdateServiceInput{Deployment: &ecsim.DeploymentConfig{Rollout: &config}})
		f.must(err)
		f.forget()
		f.release(ecsim.TaskDefinitionInput{})
		at := f.until(ecsim.StagePostTestShift)
		f.to(at + 5*24*time.Hour)
		d := f.newest()
		if n := f.running(); n["1"] != 4 || n["2"] != 4 || d.Stage != ecsim.StagePostTestShift || d.Source[0].Production != 100 {
			t.Fatalf("after five days %v run at stage %s", n, d.Stage)
		}
		if f.count(named(ecsim.EventHookAwaitingAction)) != 1 || len(d.Hooks) != 1 || d.Hooks[0].Status != ecsim.HookAwaitingAction {
			t.Fatalf("hooks %+v, want one that waits and said so once", d.Hooks)
		}
		isError(t, f.ContinueServiceDeployment(region, d.ARN, "ecs-pause-nowhere", action), "InvalidParameterException", "")
		wantStatus, wantHook, older := ecsim.ReleaseSuccessful, ecsim.HookSucceeded, 0
		switch action {
		case "":
			wantStatus, wantHook, older = ecsim.ReleaseRollbackSuccessful, ecsim.HookTimedOut, 4
			f.to(at + 14*24*time.Hour)
		case ecsim.RollbackDeployment:
			wantStatus, wantHook, older = ecsim.ReleaseRollbackSuccessful, ecsim.HookFailed, 4
			fallthrough
		default:
			f.must(f.ContinueServiceDeployment(region, d.ARN, d.Hooks[0].ID, action))
		}
		f.to(f.Now().Sub(f.start) + 10*time.Minute)
		d = f.newest()
		if n := f.running(); d.Status != wantStatus || d.Hooks[0].Status != wantHook || n["1"] != older || n["2"] != 4-older {
			t.Errorf("%q: status %s, hook %s, %v run", action, d.Status, d.Hooks[0].Status, n)
		}
	}
}

func TestRollingBackInTheBakeBringsTheTrafficBack(t *testing.T) {
	f := build(t, exact())
	f.serve(10, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: time.Hour}))
	f.to(5 * time.Minute)
	first := f.service().Deployments[0].ID
	f.release(ecsim.TaskDefinitionInput{})
	at := f.until(ecsim.StageBake)
	f.must(f.StopServiceDeployment(region, f.newest().ARN))
	f.to(at + 10*time.Minute)
	s := f.service()
	if green, blue := f.shares(); green != 0 || blue != 100 || f.newest().Status != ecsim.ReleaseRollbackSuccessful {
		t.Errorf("%v %% to green, %v %% to blue, %s", green, blue, f.newest().Status)
	}
	if n := f.running(); n["1"] != 10 || n["2"] != 0 || len(s.Deployments) != 1 || s.Deployments[0].ID != first {
		t.Errorf("%v run, deployments %+v", n, s.Deployments)
	}
}

func TestCircuitBreakerRollsAGreenRevisionBack(t *testing.T) {
	f := build(t, exact())
	f.serve(4, shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen}), func(in *ecsim.CreateServiceInput) {
		in.Deployment.CircuitBreaker, in.Deployment.Rollback = true, true
	})
	f.to(5 * time.Minute)
	f.forget()
	f.release(ecsim.TaskDefinitionInput{Broken: ecsim.FailImagePull})
	f.to(20 * time.Minute)
	if n := f.running(); n["1"] != 4 || f.newest().Status != ecsim.ReleaseRollbackSuccessful || f.count(named(ecsim.EventDeploymentFailed)) != 1 {
		t.Errorf("%v run, %s, %d FAILED events", n, f.newest().Status, f.count(named(ecsim.EventDeploymentFailed)))
	}
}

func TestADeploymentOverAnotherStartsFromTheRevisionWithTheTraffic(t *testing.T) {
	f := build(t, exact())
	f.serve(4, shifting(ecsim.RolloutConfig{Strategy: ecsim.Canary, Canary: ecsim.TrafficStep{Percent: 10, Bake: time.Hour}}))
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{})
	f.until(ecsim.StageProductionShift)
	f.release(ecsim.TaskDefinitionInput{})
	if got := f.newest(); got.Stage != "" && got.Stage != ecsim.StageReconcile {
		t.Errorf("stage %s, want RECONCILE_SERVICE", got.Stage)
	}
	at := f.until(ecsim.StageScaleUp)
	if n := f.running(); n["2"] != 0 || n["1"] != 4 {
		t.Errorf("%v run after the reconciliation, want the first revision alone", n)
	}
	f.to(at + 2*time.Hour)
	all, err := f.ListServiceDeployments(api)
	f.must(err)
	if n := f.running(); n["3"] != 4 || all[0].Status != ecsim.ReleaseSuccessful || all[1].Status != ecsim.ReleaseStopped {
		t.Errorf("%v run, %s over %s", n, all[0].Status, all[1].Status)
	}
}

func TestHeadlessBlueGreenShiftsNothing(t *testing.T) {
	f := build(t, exact())
	f.serve(4, func(in *ecsim.CreateServiceInput) {
		in.Deployment.Rollout = &ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: time.Hour}
	})
	f.to(5 * time.Minute)
	f.release(ecsim.TaskDefinitionInput{})
	at := f.until(ecsim.StageBake)
	if d := f.newest(); d.Target.Weighted || d.Source[0].Weighted || f.Working(api) != 8 {
		t.Errorf("%+v with %d tasks working, want no weights and 8", d, f.Working(api))
	}
	f.to(at + 70*time.Minute)
	if n := f.running(); n["1"] != 0 || n["2"] != 4 {
		t.Errorf("%v run in the end", n)
	}
}

func TestRolloutConfigurationsAreChecked(t *testing.T) {
	f := build(t, exact())
	for name, change := range map[string]func(*ecsim.CreateServiceInput){
		"strategy":        shifting(ecsim.RolloutConfig{Strategy: "SIDEWAYS"}),
		"bake":            shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Bake: 25 * time.Hour}),
		"step":            shifting(ecsim.RolloutConfig{Strategy: ecsim.Linear, Linear: ecsim.TrafficStep{Percent: 2}}),
		"early and shift": shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, EarlySuccess: ecsim.EarlySuccess{Enabled: true, HealthyPercent: 100}}),
		"early below":     early(50, true),
		"pause mid shift": shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Hooks: []ecsim.LifecycleHook{{Pause: true, Stages: []string{ecsim.StageTestShift}}}}),
		"pause too long":  shifting(ecsim.RolloutConfig{Strategy: ecsim.BlueGreen, Hooks: []ecsim.LifecycleHook{{Pause: true, Stages: []string{ecsim.StagePreScaleUp}, Timeout: 15 * 24 * time.Hour}}}),
		"canary, headless": func(in *ecsim.CreateServiceInput) {
			in.Deployment.Rollout = &ecsim.RolloutConfig{Strategy: ecsim.Canary}
		},
	} {
		in := ecsim.CreateServiceInput{Cluster: cluster, Name: "bad", TaskDefinition: "web", Desired: 1}
		change(&in)
		_, err := f.CreateService(region, in)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		isError(t, err, "InvalidParameterException", "")
	}
}
