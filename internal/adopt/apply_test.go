package adopt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/cost"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/twin"
)

// errKilled ends a process in the middle of a call.
var errKilled = errors.New("killed")

// mortal makes calls until it is killed: before the last call reaches AWS, or after it did and before its answer came.
type mortal struct {
	aws.HTTPClient
	left    *atomic.Int64 // calls are made side by side
	arrives bool
}

// Do implements aws.HTTPClient.
func (m mortal) Do(r *http.Request) (*http.Response, error) {
	left := m.left.Add(-1)
	if left > 0 {
		return m.HTTPClient.Do(r)
	}
	if left == 0 && m.arrives {
		if answer, err := m.HTTPClient.Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}
	return nil, errKilled
}

// run applies or undoes an adoption by a new process that makes at most so many calls.
func (a *account) run(back bool, calls int, arrives bool) error {
	a.t.Helper()
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		if s.Name != "web" {
			continue
		}
		name, begun := TwinOf(found, s, "")
		if !begun && !back {
			if _, err := a.plan("web", ""); err != nil {
				return err
			}
		}
		cfg := a.cfg.Copy()
		var left atomic.Int64
		left.Store(int64(calls))
		cfg.HTTPClient = mortal{a.box, &left, arrives}
		cfg.RetryMaxAttempts = 1
		looks := 0
		return Application{AWS: cfg, Scale: 1e6, Service: s, Twin: name, Say: func(string) {}, Wait: func(context.Context, float64) error {
			if looks++; looks > 400 {
				return errors.New("it never ends")
			}
			a.pass(5 * time.Second)
			return nil
		}}.Run(a.t.Context(), back)
	}
	a.t.Fatal("no service web")
	return nil
}

// web is a service behind a target group whose deployments take three quarters of its tasks at a time, with auto scaling.
func (a *account) web(strategy ...types.CapacityProviderStrategyItem) {
	a.t.Helper()
	a.service("web", 12, 120, func(in *ecs.CreateServiceInput) {
		if len(strategy) > 0 {
			on(strategy...)(in)
		}
		in.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &a.group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}
		in.DeploymentConfiguration = &types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(25), MaximumPercent: aws.Int32(100)}
		in.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
	})
	if _, err := applicationautoscaling.NewFromConfig(a.cfg).RegisterScalableTarget(a.t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: "ecs",
		ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String("service/prod/web"), MinCapacity: aws.Int32(4), MaxCapacity: aws.Int32(40)}); err != nil {
		a.t.Fatal(err)
	}
	a.pass(5 * time.Minute)
	a.least["web"] = 12
}

// state is what an adoption may change, in words.
func (a *account) state() string {
	a.t.Helper()
	var out []string
	found := a.find()
	for i := range found.Services {
		s := &found.Services[i]
		strategy := aws.ToString((&Record{Strategy: s.Live.Service.CapacityProviderStrategy}).tag().Value)
		out = append(out, fmt.Sprintf("%s %d %s held %t", s.Name, s.Desired, strings.Fields(strategy)[1], aws.ToBool(s.Suspended.DynamicScalingInSuspended)))
	}
	return strings.Join(out, "; ")
}

const whole = 1 << 30

func TestAnAdoptionAndItsUndoKeepEverythingInService(t *testing.T) {
	strategies := [][]types.CapacityProviderStrategyItem{{provider("FARGATE", 1, 2), provider("FARGATE_SPOT", 3, 0)}, nil, {provider("FARGATE", 1, 0)}, {provider("FARGATE_SPOT", 1, 0)}}
	if testing.Short() || racetest.Enabled {
		strategies = strategies[:1]
	}
	for _, strategy := range strategies {
		a := newAccount(t)
		a.web(strategy...)
		before := a.find().Services[0]
		if err := a.run(false, whole, false); err != nil {
			t.Fatal(err)
		}
		if got := a.state(); got != "web 12 strategy=FARGATE_SPOT:1:0 held false; web-standard 0 strategy=FARGATE:1:0 held false" {
			t.Errorf("adopted: %s", got)
		}
		if err := a.run(false, whole, false); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := a.run(true, whole, false); err != nil {
			t.Fatal(err)
		}
		after := a.find()
		d, err := twin.Differences(before.Live, after.Services[0].Live)
		if err != nil || len(d) > 0 || len(after.Services) != 1 || !sameStrategy(before.Live.Service.CapacityProviderStrategy, after.Services[0].Live.Service.CapacityProviderStrategy) ||
			before.Live.Service.LaunchType != after.Services[0].Live.Service.LaunchType || after.Services[0].Desired != 12 || after.Services[0].Suspended.DynamicScalingInSuspended != nil && *after.Services[0].Suspended.DynamicScalingInSuspended {
			t.Errorf("not as it was: %s, %v, %v", a.state(), d, err)
		}
		var refused *RefusedError
		if err := a.run(true, whole, false); !errors.As(err, &refused) {
			t.Errorf("an undo of nothing: %v", err)
		}
	}
}

// TestAnAdoptionGoesOnWhereverItWasKilled kills the process at calls all over the adoption and the undo, before the call and after it.
func TestAnAdoptionGoesOnWhereverItWasKilled(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	kills := []int{5, 70}
	if *allFlag {
		kills = []int{1, 3, 5, 8, 13, 21, 40, 70, 110}
	}
	if testing.Short() || racetest.Enabled {
		kills = []int{40}
	}
	for _, arrives := range []bool{false, true} {
		for _, n := range kills {
			a := newAccount(t)
			a.web()
			for _, back := range []bool{false, true} {
				if err := a.run(back, n, arrives); err != nil && !strings.Contains(err.Error(), errKilled.Error()) {
					t.Fatalf("killed at call %d: %v", n, err)
				}
				a.pass(time.Minute)
				var refused *RefusedError
				if err := a.run(back, whole, false); err != nil && (!back || !errors.As(err, &refused)) { // the killed undo may have been done
					t.Fatalf("killed at call %d, back %t: %v", n, back, err)
				}
			}
			if got := a.state(); got != "web 12 strategy=launch-type held false" {
				t.Errorf("killed at call %d: %s", n, got)
			}
		}
	}
}

// room is how many tasks Spot has room for.
func (a *account) room(tasks int) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://sandbox.localhost/_sandbox/capacity", strings.NewReader(fmt.Sprintf(`{"provider": "FARGATE_SPOT", "tasks": %d}`, tasks)))
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := a.box.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		a.t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}

// TestAnAdoptionOutlivesWhatAWSFailsAt: one call of fifty fails, and of some that were carried out the answer is lost, the last step's too. Without an answer for long
// it ends, and says that it goes on.
func TestAnAdoptionOutlivesWhatAWSFailsAt(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	a := newAccount(t)
	a.web()
	cfg := a.cfg.Copy()
	cfg.RetryMaxAttempts = 1
	for _, back := range []bool{false, true} {
		s := a.find().Services[0]
		faults := []sandbox.Fault{{Kind: sandbox.FaultServerError, Share: 0.02}, {Kind: sandbox.FaultLostAnswer, Operation: "ecs:UpdateService", Count: 1}, {Kind: sandbox.FaultLostAnswer, Operation: "ecs:CreateService", Count: 1},
			{Kind: sandbox.FaultLateError, Operation: "ecs:DeleteService", Count: 1}, {Kind: sandbox.FaultThrottle, Operation: "application-autoscaling:*", Count: 2}}
		for i := range faults {
			if _, err := a.box.AddFault(faults[i]); err != nil {
				t.Fatal(err)
			}
		}
		looks, again := 0, 0
		err := Application{AWS: cfg, Scale: 1e6, Service: &s, Twin: "web-standard", Say: func(text string) {
			if strings.HasPrefix(text, "trying again, as it failed: ") {
				again++
			}
		}, Wait: func(context.Context, float64) error {
			if looks++; looks > 600 {
				return errors.New("it never ends")
			}
			a.pass(5 * time.Second)
			return nil
		}}.Run(t.Context(), back)
		a.box.ClearFaults(0)
		if err != nil || again < 3 {
			t.Fatalf("back %t: %v, %d tries more", back, err, again)
		}
	}
	if got := a.state(); got != "web 12 strategy=launch-type held false" {
		t.Errorf("undone: %s", got)
	}
	if err := a.run(false, 40, false); err == nil || !strings.Contains(err.Error(), "started again, it goes on") {
		t.Errorf("AWS answers no more: %v", err)
	}
}

func TestAMoveThatECSRollsBackIsSaid(t *testing.T) {
	a := newAccount(t)
	a.web()
	if _, err := a.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), DeploymentConfiguration: &types.DeploymentConfiguration{
		MinimumHealthyPercent: aws.Int32(25), MaximumPercent: aws.Int32(100), DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}}}); err != nil {
		t.Fatal(err)
	}
	a.room(0)
	if err := a.run(false, whole, false); !errors.Is(err, errRolledBack) {
		t.Errorf("%v", err)
	}
	if got := a.state(); got != "web 12 strategy=launch-type held true; web-standard 12 strategy=FARGATE:1:0 held false" {
		t.Errorf("rolled back: %s", got)
	}
	a.room(100)
	if err := a.run(false, whole, false); err != nil {
		t.Errorf("with room: %v", err)
	}
}

func TestWithoutRoomOnSpotTheCoverStays(t *testing.T) {
	if racetest.Enabled {
		t.Skip("skipped: nothing runs side by side here; it runs without the race detector")
	}
	a := newAccount(t)
	a.web()
	a.room(5)
	err := a.run(false, whole, false)
	if err == nil || !strings.Contains(err.Error(), "never ends") {
		t.Errorf("%v", err)
	}
	if got := a.state(); got != "web 12 strategy=FARGATE_SPOT:1:0 held true; web-standard 12 strategy=FARGATE:1:0 held false" {
		t.Errorf("without room: %s", got)
	}
	l := Survey(a.find(), "", cost.Table{})
	if r := &l.Services[len(l.Services)-1]; r.Service != "web" || r.Obstacles[0].Short != "adoption under way" || l.Services[0].State != Twin || l.Services[0].Of != "web" {
		t.Errorf("the list: %+v", l.Services)
	}
	if err := a.run(true, whole, false); err != nil {
		t.Fatal(err)
	}
	if got := a.state(); got != "web 12 strategy=launch-type held false" {
		t.Errorf("after the undo: %s", got)
	}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	for _, r := range []Record{{Made: true}, {Made: true, Of: "web-1"}, {In: true, Scheduled: true, Strategy: []types.CapacityProviderStrategyItem{provider("FARGATE", 1, 2), provider("FARGATE_SPOT", 3, 0)}}, {Out: true, Strategy: spotAlone()}} {
		tag := r.tag()
		got, ok, err := readRecord([]types.Tag{{Key: aws.String("team")}, tag})
		if err != nil || !ok || aws.ToString(got.tag().Value) != aws.ToString(tag.Value) {
			t.Errorf("%s: %+v, %t, %v", *tag.Value, got, ok, err)
		}
	}
	for _, text := range []string{"", "made=true", "made=true strategy= in=false out=false scheduled=false", "made=true strategy=FARGATE:x:0 in=false out=false scheduled=false", "made=maybe strategy=launch-type in=false out=false scheduled=false"} {
		if _, err := parseRecord(text); err == nil {
			t.Errorf("%q is a record", text)
		}
	}
	if _, ok, err := readRecord(nil); ok || err != nil {
		t.Errorf("no tag: %t, %v", ok, err)
	}
}
