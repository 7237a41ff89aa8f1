package ecsim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// balance makes a target group with a listener that sends it everything; a check takes 20 s to pass and to fail.
func (f *fixture) balance(change ...func(*ecsim.TargetGroupInput)) (group, rule string) {
	f.Helper()
	in := ecsim.TargetGroupInput{Name: "web", Interval: 10 * time.Second, HealthyThreshold: 2, DeregistrationTime: 30 * time.Second}
	for _, c := range change {
		c(&in)
	}
	g, err := f.CreateTargetGroup(region, in)
	f.must(err)
	lb, err := f.CreateLoadBalancer(region, in.Name, in.Kind)
	f.must(err)
	l, err := f.CreateListener(region, lb.ARN, 80, "HTTP", []ecsim.Forward{{TargetGroup: g.ARN, Weight: 1}})
	f.must(err)
	return g.ARN, l.Default
}

func behind(groups ...string) func(*ecsim.CreateServiceInput) {
	return func(in *ecsim.CreateServiceInput) { in.TargetGroups = groups }
}

// targets counts the targets of a group by "state reason".
func (f *fixture) targets(group string) map[string]int {
	f.Helper()
	all, err := f.DescribeTargetHealth(region, group, nil)
	f.must(err)
	states := map[string]int{}
	for _, h := range all {
		states[strings.TrimSpace(h.State+" "+h.Reason)]++
	}
	return states
}

func (f *fixture) wantTargets(when, group string, want map[string]int) {
	f.Helper()
	got := f.targets(group)
	same := len(got) == len(want)
	for k, n := range want {
		same = same && got[k] == n
	}
	if !same {
		f.Fatalf("%s (at %v): targets %v, want %v", when, f.Now().Sub(f.start), got, want)
	}
}

func TestATargetsLife(t *testing.T) {
	cfg := exact()
	cfg.WarmUp = ecsim.WarmUp{P50: 15 * time.Second}
	f := build(t, cfg)
	group, _ := f.balance()
	f.serve(2, behind(group))
	f.to(84 * time.Second)
	f.wantTargets("before ACTIVATING", group, nil)
	f.to(86 * time.Second)
	f.wantTargets("ACTIVATING", group, map[string]int{"initial Elb.RegistrationInProgress": 2})
	f.to(124 * time.Second) // RUNNING at 90, warm at 105, two checks
	f.wantTargets("being checked", group, map[string]int{"initial Elb.InitialHealthChecking": 2})
	f.serving("being checked", 0, 0)
	f.to(125 * time.Second)
	f.wantTargets("checked", group, map[string]int{"healthy": 2})
	f.serving("checked", 2, 2)

	f.desire(1)
	f.to(127 * time.Second)
	f.wantTargets("scaled in", group, map[string]int{"healthy": 1, "draining Target.DeregistrationInProgress": 1})
	f.serving("draining", 1, 1)
	f.to(157 * time.Second)
	f.wantTargets("drained", group, map[string]int{"healthy": 1})
}

func TestAnOrderlyStopWaitsForItsTargetsToDrainAndIsBilledForIt(t *testing.T) {
	stopped := func(cfg ecsim.Config) time.Duration {
		f := build(t, cfg)
		group, _ := f.balance(func(in *ecsim.TargetGroupInput) { in.DeregistrationTime = 300 * time.Second })
		f.serve(1, behind(group))
		f.to(10 * time.Minute)
		f.desire(0)
		f.to(30 * time.Minute)
		return f.tasks(ecsim.Stopped)[0].ExecutionStoppedAt.Sub(f.start.Add(10 * time.Minute))
	}
	// DEACTIVATING after 1 s, 300 s of draining, SIGTERM, 120 s.
	if got := stopped(exact()); got != 421*time.Second {
		t.Errorf("the containers stop %v after the scale-in, want 421 s", got)
	}
	cfg := exact()
	cfg.DeregistrationWait = -1
	if got := stopped(cfg); got != 122*time.Second {
		t.Errorf("without a wait they stop %v after it, want 122 s", got)
	}
}

func TestHealthChecksStopATaskThatWarmsUpTooSlowlyUnlessItHasGrace(t *testing.T) {
	for grace, want := range map[time.Duration]int{0: 0, 2 * time.Minute: 3} {
		cfg := exact()
		cfg.WarmUp = ecsim.WarmUp{P50: 90 * time.Second}
		f := build(t, cfg)
		group, _ := f.balance()
		f.serve(3, behind(group), func(in *ecsim.CreateServiceInput) { in.HealthGrace = grace })
		f.to(111 * time.Second)
		if n := f.targets(group)["unhealthy Target.FailedHealthChecks"]; want > 0 && n != 3 {
			t.Errorf("grace %v: %d targets unhealthy after two failures, want 3", grace, n)
		}
		f.to(30 * time.Minute)
		if n := f.InService(api); n != want {
			t.Errorf("grace %v: %d in service, want %d", grace, n, want)
		}
		if n := f.stops("Task failed ELB health checks in (target-group " + group + ")"); (n == 0) != (want == 3) {
			t.Errorf("grace %v: %d tasks stopped by health checks", grace, n)
		}
	}
}

func TestAnApplicationThatFailsIsReplaced(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance()
	f.serve(4, behind(group))
	f.to(5 * time.Minute)
	if ids := f.SetAnswering(api, 3, false); len(ids) != 3 {
		t.Fatalf("%d tasks fail, want 3", len(ids))
	}
	f.serving("down", 1, 1)
	f.to(5*time.Minute + 19*time.Second)
	f.wantTargets("not noticed", group, map[string]int{"healthy": 4})
	f.to(5*time.Minute + 20*time.Second)
	f.want("stopped", 4, 4, 0)
	if said := f.service().Events[0].Message; !strings.Contains(said, "is unhealthy in (target-group "+group+") due to (reason Health checks failed)") {
		t.Errorf("the service says %q", said)
	}
	f.to(8 * time.Minute)
	f.serving("replaced", 4, 4)
	if n := f.stops("Task failed ELB health checks"); n != 3 {
		t.Errorf("%d stopped, want 3", n)
	}
}

func TestFailHealthCheckStrikesBehindATargetGroup(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance()
	f.serve(2, behind(group))
	f.to(5 * time.Minute)
	f.must(f.SetBroken(api, ecsim.FailHealthCheck))
	f.desire(3)
	f.to(10 * time.Minute)
	f.serving("the third fails", 2, 2)
	if n := f.stops("Task failed ELB health checks in (target-group " + group + ")"); n < 2 {
		t.Errorf("%d stopped, want more than one", n)
	}
	f.must(f.SetBroken(api, ecsim.FailNone))
	f.to(time.Hour)
	f.serving("repaired", 3, 3)
}

func TestOnlyAGroupWithWeightServes(t *testing.T) {
	f := build(t, exact())
	blue, rule := f.balance()
	green, err := f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "green", Interval: 10 * time.Second, HealthyThreshold: 2})
	f.must(err)
	in := ecsim.CreateServiceInput{Cluster: cluster, Name: "api", TaskDefinition: "web", Desired: 2, TargetGroups: []string{green.ARN}}
	_, err = f.CreateService(region, in)
	isError(t, err, "InvalidParameterException", "does not have an associated load balancer")
	shift := func(b, g int) {
		t.Helper()
		_, err := f.ModifyRule(region, rule, []ecsim.Forward{{blue, b}, {green.ARN, g}})
		f.must(err)
	}
	shift(100, 0)
	f.serve(2, behind(green.ARN))
	f.to(5 * time.Minute)
	f.wantTargets("without weight", green.ARN, map[string]int{"healthy": 2})
	f.serving("without weight", 0, 0)
	shift(0, 100)
	f.serving("with weight", 2, 2)
	if s := f.service(); !s.LoadBalanced || len(s.TargetGroups) != 1 || s.TargetGroups[0] != green.ARN {
		t.Errorf("the service shows %v", s.TargetGroups)
	}
	_, err = f.ModifyRule(region, rule, []ecsim.Forward{{blue, 1}})
	f.must(err)
	f.wantTargets("in no rule", green.ARN, map[string]int{"unused Target.NotInUse": 2})
	f.serving("in no rule", 0, 0)
	shift(50, 50)
	f.serving("looked at anew", 0, 0)
	f.to(6 * time.Minute)
	f.serving("half of the traffic", 2, 2)
	if err := f.DeleteTargetGroup(region, green.ARN); err == nil {
		t.Error("a group in use was deleted")
	}
}

func TestTheNewGroupOfADeploymentTakesItsTasks(t *testing.T) {
	f := build(t, exact())
	blue, rule := f.balance()
	green, err := f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "green", Interval: 10 * time.Second, HealthyThreshold: 2})
	f.must(err)
	_, err = f.ModifyRule(region, rule, []ecsim.Forward{{blue, 1}, {green.ARN, 1}})
	f.must(err)
	f.serve(3, behind(blue))
	f.to(5 * time.Minute)
	_, err = f.UpdateService(api, ecsim.UpdateServiceInput{TargetGroups: []string{green.ARN}})
	f.must(err)
	if n := len(f.service().Deployments); n != 2 {
		t.Errorf("%d deployments, want 2", n)
	}
	f.to(15 * time.Minute)
	f.wantTargets("moved", green.ARN, map[string]int{"healthy": 3})
	f.wantTargets("moved away", blue, nil)
	f.serving("moved", 3, 3)
}

func TestOthersCanDeregisterAndRegister(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance()
	f.serve(2, behind(group))
	f.to(5 * time.Minute)
	ip := f.tasks(ecsim.Running)[0].PrivateIP()
	f.must(f.DeregisterTargets(region, group, []ecsim.Target{{IP: ip}}))
	f.serving("taken out", 1, 1)
	f.to(5*time.Minute + 10*time.Second)
	f.must(f.RegisterTargets(region, group, []ecsim.Target{{IP: ip}}))
	f.to(5*time.Minute + 29*time.Second)
	f.serving("looked at again", 1, 1)
	f.to(5*time.Minute + 30*time.Second)
	f.serving("back", 2, 2)
	isError(t, f.DeregisterTargets(region, group, []ecsim.Target{{IP: "10.1.2.3"}}), "InvalidTarget", "")
	isError(t, f.RegisterTargets(region, group, []ecsim.Target{{IP: "10.1.2"}}), "InvalidTarget", "")
	f.must(f.RegisterTargets(region, group, []ecsim.Target{{IP: "192.0.2.1", Port: 8080}}))
	f.to(7 * time.Minute)
	f.wantTargets("an address without a task", group, map[string]int{"healthy": 2, "unhealthy Target.Timeout": 1})
	asked, err := f.DescribeTargetHealth(region, group, []ecsim.Target{{IP: "192.0.2.1", Port: 8080}, {IP: "192.0.2.2"}})
	f.must(err)
	if len(asked) != 2 || asked[0].State != ecsim.TargetUnhealthy || asked[1].Reason != ecsim.ReasonNotRegistered {
		t.Errorf("those named: %+v", asked)
	}
}

func TestAnInterruptedTaskStaysATargetUntilItIsStopped(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance()
	f.serve(2, behind(group))
	f.to(5 * time.Minute)
	f.SetSupply(spotKey(), 0)
	f.serving("warned", 0, 2)
	f.to(6*time.Minute + 59*time.Second)
	f.wantTargets("working on", group, map[string]int{"healthy": 2})
	f.to(7*time.Minute + 19*time.Second) // exited at 7:00, and the checks have not found out
	f.serving("exited", 0, 0)
	f.wantTargets("exited", group, map[string]int{"healthy": 2})
	f.to(7*time.Minute + 20*time.Second)
	f.wantTargets("STOPPED", group, map[string]int{"draining Target.DeregistrationInProgress": 2})
	f.to(2 * time.Hour) // forgotten
	f.wantTargets("gone", group, nil)
}

func TestWhatECSMayDoWithTheTargetsOfAnInterruptedTask(t *testing.T) {
	warned := func(d ecsim.SpotDeregistration, putBack bool) *fixture {
		cfg := exact()
		cfg.SpotDeregistration, cfg.PutBackServes = d, putBack
		f := build(t, cfg)
		group, _ := f.balance()
		f.serve(1, behind(group))
		f.to(5 * time.Minute)
		ip := f.tasks(ecsim.Running)[0].PrivateIP()
		f.SetSupply(spotKey(), 0)
		f.to(5*time.Minute + 9*time.Second)
		f.serving("before it is taken out", 0, 1)
		f.to(5*time.Minute + 10*time.Second)
		f.serving("taken out", 0, 0)
		f.must(f.RegisterTargets(region, group, []ecsim.Target{{IP: ip}}))
		f.to(5*time.Minute + 35*time.Second)
		return f
	}
	after := ecsim.SpotDeregistration{AtWarning: true, After: 10 * time.Second}
	warned(after, false).serving("put back", 0, 0)
	warned(after, true).serving("put back", 0, 1)

	exit := func(f *fixture) time.Duration {
		f.to(20 * time.Minute)
		return f.tasks(ecsim.Stopped)[0].ExecutionStoppedAt.Sub(f.start.Add(5 * time.Minute))
	}
	if got := exit(warned(after, false)); got != 120*time.Second {
		t.Errorf("killed %v after the warning, want its stop timeout", got)
	}
	after.HoldsGrace = true // SIGTERM after 10 s and 30 s of draining: 80 s of 120 are left
	if got := exit(warned(after, false)); got != 120*time.Second {
		t.Errorf("killed %v after the warning, want 120 s: no later than the warning allows", got)
	}
}

func TestANetworkLoadBalancerTakesItsTime(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance(func(in *ecsim.TargetGroupInput) { in.Kind = ecsim.NetworkBalancer })
	f.serve(1, behind(group))
	f.to(199 * time.Second) // RUNNING at 90 s, looked at from 180 s
	f.wantTargets("not yet", group, map[string]int{"initial Elb.InitialHealthChecking": 1})
	f.serving("not yet", 0, 0)
	f.to(200 * time.Second)
	f.serving("checked", 1, 1)
}

func TestADeploymentWaitsForHealthyTargets(t *testing.T) {
	cfg := exact()
	cfg.WarmUp = ecsim.WarmUp{P50: 5 * time.Minute}
	f := build(t, cfg)
	group, _ := f.balance()
	f.serve(2, behind(group), func(in *ecsim.CreateServiceInput) { in.HealthGrace = 10 * time.Minute })
	f.to(410*time.Second + 24*time.Second) // RUNNING 90, warm 390, healthy 410, said 25 s later
	if s := f.service(); s.Deployments[0].Rollout != ecsim.RolloutInProgress {
		t.Errorf("the deployment is %s before its targets are healthy", s.Deployments[0].Rollout)
	}
	f.to(410*time.Second + 25*time.Second)
	if s := f.service(); s.Deployments[0].Rollout != ecsim.RolloutCompleted {
		t.Errorf("the deployment is %s with healthy targets", s.Deployments[0].Rollout)
	}
	_, err := f.UpdateService(api, ecsim.UpdateServiceInput{ForceNewDeployment: true})
	f.must(err)
	for at := 436 * time.Second; at < 20*time.Minute; at += 5 * time.Second {
		f.to(at)
		if n := f.InService(api); n < 2 {
			t.Fatalf("at %v the rolling deployment leaves %d of 2 in service", at, n)
		}
	}
	f.serving("renewed", 2, 2)
}

func TestTheBalancersCalls(t *testing.T) {
	f := build(t, exact())
	group, rule := f.balance()
	lbs, err := f.DescribeLoadBalancers(region, nil)
	f.must(err)
	listeners, err := f.DescribeListeners(region, lbs[0].ARN, nil)
	f.must(err)
	forward := []ecsim.Forward{{TargetGroup: group, Weight: 1}}
	low, err := f.CreateRule(region, listeners[0].ARN, 5, forward, []byte("conditions"))
	f.must(err)
	rules, err := f.DescribeRules(region, listeners[0].ARN, nil)
	f.must(err)
	if len(rules) != 2 || rules[0].ARN != low.ARN || rules[1].ARN != rule || string(rules[0].Raw) != "conditions" {
		t.Errorf("rules %+v, want the default one last", rules)
	}
	groups, err := f.DescribeTargetGroups(region, nil)
	f.must(err)
	if len(groups) != 1 || groups[0].Weight != 2 || len(groups[0].LoadBalancers) != 1 || groups[0].LoadBalancers[0] != lbs[0].ARN {
		t.Errorf("groups %+v", groups)
	}
	for want, err := range map[string]error{
		"PriorityInUse":            second(f.CreateRule(region, listeners[0].ARN, 5, forward, nil)),
		"DuplicateListener":        second(f.CreateListener(region, lbs[0].ARN, 80, "HTTP", forward)),
		"TargetGroupNotFound":      second(f.ModifyRule(region, rule, []ecsim.Forward{{TargetGroup: "arn:none"}})),
		"OperationNotPermitted":    f.DeleteRule(region, rule),
		"ResourceInUse":            f.DeleteTargetGroup(region, group),
		"ValidationError":          second(f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "a_b"})),
		"DuplicateTargetGroupName": second(f.CreateTargetGroup(region, ecsim.TargetGroupInput{Name: "web", Port: 8080})),
		"RuleNotFound":             f.DeleteRule(region, "arn:none"),
		"ListenerNotFound":         f.DeleteListener(region, "arn:none"),
		"LoadBalancerNotFound":     second(f.DescribeLoadBalancers(region, []string{"arn:none"})),
	} {
		api, ok := errors.AsType[*ecsim.APIError](err)
		if !ok || api.Code != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f.must(f.SetDeregistrationTime(region, group, 7*time.Second))
	f.DeleteLoadBalancer(region, lbs[0].ARN)
	f.must(f.DeleteTargetGroup(region, group))
	if left, _ := f.DescribeTargetGroups(region, nil); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func second[T any](_ T, err error) error { return err }

func TestATargetWhoseApplicationStopsDuringItsFirstChecksIsNeverHealthy(t *testing.T) {
	f := build(t, exact())
	group, _ := f.balance()
	f.serve(1, behind(group), func(in *ecsim.CreateServiceInput) { in.HealthGrace = time.Hour })
	f.to(105 * time.Second) // RUNNING at 90 s, healthy at 110 s had it gone on
	f.SetAnswering(api, 1, false)
	f.to(115 * time.Second)
	f.wantTargets("one check passed", group, map[string]int{"initial Elb.InitialHealthChecking": 1})
	f.to(125 * time.Second)
	f.wantTargets("two failed", group, map[string]int{"unhealthy Target.Timeout": 1})
	f.SetAnswering(api, 1, true)
	f.to(145 * time.Second)
	f.wantTargets("answering again", group, map[string]int{"healthy": 1})
	f.serving("answering again", 1, 1)
}
