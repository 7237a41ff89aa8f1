package verify

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

var stepFlag = flag.Int("step", 200, "kill runs at each so many calls; 1 takes half an hour")

// got makes a call that must not fail.
func got[I, O, P any](a *account, call func(context.Context, *I, ...func(*P)) (*O, error), in *I) *O {
	a.t.Helper()
	out, err := call(a.t.Context(), in)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// left lists what is there of a run, by the calls that list it.
func (a *account) left() (out []string) {
	a.t.Helper()
	a.kill = 0
	clusters := got(a, ecs.NewFromConfig(a.cfg).ListClusters, &ecs.ListClustersInput{}).ClusterArns
	for _, name := range clusters {
		out = append(out, name)
		out = append(out, got(a, ecs.NewFromConfig(a.cfg).ListServices, &ecs.ListServicesInput{Cluster: &name}).ServiceArns...)
		out = append(out, got(a, ecs.NewFromConfig(a.cfg).ListTasks, &ecs.ListTasksInput{Cluster: &name}).TaskArns...)
	}
	out = append(out, got(a, ecs.NewFromConfig(a.cfg).ListTaskDefinitions, &ecs.ListTaskDefinitionsInput{}).TaskDefinitionArns...)
	for _, url := range got(a, sqs.NewFromConfig(a.cfg).ListQueues, &sqs.ListQueuesInput{}).QueueUrls {
		if strings.Contains(url, namePrefix) {
			out = append(out, url)
		}
	}
	for _, r := range got(a, eventbridge.NewFromConfig(a.cfg).ListRules, &eventbridge.ListRulesInput{}).Rules {
		if strings.HasPrefix(*r.Name, namePrefix) {
			out = append(out, *r.Name)
		}
	}
	for _, s := range got(a, applicationautoscaling.NewFromConfig(a.cfg).DescribeScalableTargets, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: scaling.ServiceNamespaceEcs}).ScalableTargets {
		out = append(out, *s.ResourceId)
	}
	for _, s := range got(a, scheduler.NewFromConfig(a.cfg).ListSchedules, &scheduler.ListSchedulesInput{}).Schedules {
		out = append(out, *s.Name)
	}
	return out
}

// costs is what AWS would have billed by the model's own account, at the prices of a bound.
func (a *account) costs() (usd float64) {
	a.box.World(func(w *ecsim.World) {
		for _, provider := range []string{ecsim.Fargate, ecsim.FargateSpot} {
			u := w.Usage(provider)
			usd += (u.VCPUSeconds*0.04048 + u.GBSeconds*0.004445 + u.TaskSeconds*addressHour) / 3600
		}
	})
	return usd
}

// TestKilledAtAnyCallNothingStays kills a run at its calls in turn, before the call reaches AWS and after. Then either the operator cleans up, or
// nobody does, and the dead man's switch acts alone.
func TestKilledAtAnyCallNothingStays(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	whole := newAccount(t, calm(1))
	if _, err := Run(t.Context(), whole.options(), testRun); err != nil {
		t.Fatal(err)
	}
	step := *stepFlag
	if testing.Short() || racetest.Enabled {
		step = 240
	}
	bound := bound(t)
	kills, most := 0, 0.0
	for n := 1; n <= whole.calls; n += step {
		for _, alone := range []bool{false, true} {
			kills++
			after := (n/step+kills)%2 == 0
			if cost := killed(t, n, after, alone); cost > most {
				most = cost
			}
		}
	}
	if most > bound {
		t.Errorf("the bound of $%.2f was passed: $%.3f", bound, most)
	}
	t.Logf("%d kills over %d calls; the dearest run cost $%.3f of at most $%.2f", kills, whole.calls, most, bound)
}

// TestAFishingRunThatIsKilledLeavesNothing kills experiment 4, whose large tasks no service counts, at its calls.
func TestAFishingRunThatIsKilledLeavesNothing(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	world := calm(1)
	world.SpotVCPU = 64
	fishing := func(kill int, after bool) (*account, error) {
		a := newAccount(t, world)
		a.kill, a.after = kill, after
		o := a.options()
		o.Experiments = []int{4}
		_, err := Run(t.Context(), o, testRun)
		return a, err
	}
	whole, err := fishing(0, false)
	if err != nil {
		t.Fatal(err)
	}
	step := 17
	if *stepFlag < step {
		step = *stepFlag
	}
	kills := 0
	for n := 1; n <= whole.calls; n += step {
		for _, alone := range []bool{false, true} {
			kills++
			a, err := fishing(n, kills%2 == 0)
			if !errors.Is(err, errKilled) {
				t.Fatalf("killed at call %d: %v", n, err)
			}
			if a.kill = 0; alone {
				a.box.AdvanceTo(world.Start.Add(switchEnd + time.Minute))
			} else if _, err := Clean(t.Context(), a.options(), testRun); err != nil {
				t.Fatalf("killed at call %d: %v", n, err)
			}
			if left := a.left(); len(left) > 0 {
				t.Errorf("killed at call %d, switch alone: %t: left %v", n, alone, left)
			}
			if cost := a.costs(); cost > bound(t) {
				t.Errorf("killed at call %d: it cost $%.2f", n, cost)
			}
		}
	}
	t.Logf("%d kills over %d calls", kills, whole.calls)
}

func bound(t *testing.T) float64 {
	t.Helper()
	p, err := PlanOf("us-east-1", Numbers(), false)
	if err != nil {
		t.Fatal(err)
	}
	return p.Bound.Total
}

// killed kills a run at a call and returns what it cost until nothing was left of it.
func killed(t *testing.T, n int, after, alone bool) float64 {
	t.Helper()
	a := newAccount(t, calm(1))
	a.kill, a.after = n, after
	if _, err := Run(t.Context(), a.options(), testRun); !errors.Is(err, errKilled) {
		t.Fatalf("killed at call %d: %v", n, err)
	}
	how := fmt.Sprintf("killed at call %d (after it: %t), switch alone: %t", n, after, alone)
	a.kill = 0
	if alone {
		a.box.AdvanceTo(calm(1).Start.Add(switchEnd + time.Minute))
	} else {
		for range 2 { // the second time has nothing to do
			if _, err := Clean(t.Context(), a.options(), testRun); err != nil {
				t.Fatalf("%s: %v", how, err)
			}
		}
	}
	if left := a.left(); len(left) > 0 {
		t.Errorf("%s: left %v", how, left)
	}
	return a.costs()
}

// TestAKilledCleaningIsFinishedByTheNextOneOrTheSwitch kills the cleaning as well.
func TestAKilledCleaningIsFinishedByTheNextOneOrTheSwitch(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	for n := 1; n < 60; n++ {
		a := newAccount(t, calm(1))
		a.kill = 300
		if _, err := Run(t.Context(), a.options(), testRun); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		a.calls, a.kill, a.after = 0, n, n%2 == 0
		_, err := Clean(t.Context(), a.options(), testRun)
		a.kill = 0
		if err == nil {
			return // it has fewer calls
		}
		if n%3 == 0 {
			a.box.AdvanceTo(calm(1).Start.Add(switchEnd + time.Minute))
		} else if _, err := Clean(t.Context(), a.options(), testRun); err != nil {
			t.Fatal(err)
		}
		if left := a.left(); len(left) > 0 {
			t.Errorf("killed at call %d of the cleaning: left %v", n, left)
		}
	}
}

func TestWithoutASwitchThatActsNothingIsStarted(t *testing.T) {
	a := newAccount(t, calm(1))
	o := a.options()
	wait := o.Wait
	o.Wait = func(ctx context.Context, d time.Duration) error { // the schedules never fire: each is deleted before its time
		for _, s := range got(a, scheduler.NewFromConfig(a.cfg).ListSchedules, &scheduler.ListSchedulesInput{}).Schedules {
			_ = got(a, scheduler.NewFromConfig(a.cfg).DeleteSchedule, &scheduler.DeleteScheduleInput{Name: s.Name})
		}
		return wait(ctx, d)
	}
	if _, err := Run(t.Context(), o, testRun); !errors.Is(err, errNoSwitch) {
		t.Fatalf("%v", err)
	}
	if left, cost := a.left(), a.costs(); len(left) > 0 || cost > 0 {
		t.Errorf("left %v, cost $%g", left, cost)
	}
}

func TestATaskWithoutAServiceIsStopped(t *testing.T) {
	a := newAccount(t, calm(1))
	a.kill = 300
	if _, err := Run(t.Context(), a.options(), testRun); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	a.kill = 0
	a.steer("quota", `{"provider": "FARGATE_SPOT", "vcpu": 64}`)
	l, err := identify(t.Context(), a.options(), testRun)
	if err != nil {
		t.Fatal(err)
	}
	if len(got(a, l.ecs.RunTask, &ecs.RunTaskInput{Cluster: aws.String(l.name()), TaskDefinition: aws.String(l.definition(serviceShort)), CapacityProviderStrategy: spot, NetworkConfiguration: l.network(),
		Tags: []types.Tag{{Key: aws.String(TagKey), Value: &l.id}}}).Tasks) != 1 {
		t.Fatal("it did not start")
	}
	if _, err := Clean(t.Context(), a.options(), testRun); err != nil || len(a.left()) > 0 {
		t.Errorf("%v, left %v", err, a.left())
	}
}

func TestWhatHasNoTagStays(t *testing.T) {
	a := newAccount(t, calm(1))
	name := namePrefix + testRun
	if err := a.box.SetupTwins(name, "api", 2); err != nil {
		t.Fatal(err)
	}
	_, err := Clean(t.Context(), a.options(), testRun)
	if err == nil || !strings.Contains(err.Error(), "does not have the tag") {
		t.Errorf("%v", err)
	}
	if n := len(got(a, ecs.NewFromConfig(a.cfg).ListServices, &ecs.ListServicesInput{Cluster: &name}).ServiceArns); n != 2 {
		t.Errorf("%d services are left", n)
	}
}

func TestARunThatMayCostTooMuchOrTakesTooMuchQuotaMakesNothing(t *testing.T) {
	a := newAccount(t, calm(1))
	o := a.options()
	o.MaxUSD = bound(t) - 0.01
	var refused *Refusal
	if _, err := Run(t.Context(), o, testRun); !errors.As(err, &refused) || a.calls > 0 {
		t.Errorf("cost: %v after %d calls", err, a.calls)
	}
	a.steer("quota", `{"provider": "FARGATE_SPOT", "vcpu": 6}`)
	if _, err := Run(t.Context(), a.options(), testRun); !errors.As(err, &refused) || len(a.left()) > 0 {
		t.Errorf("quota: %v", err)
	}
}
