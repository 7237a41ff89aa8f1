package drill_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/drill"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const region, cluster = "us-east-1", "prod"

// stage is a guarded workload of 20 tasks behind a target group, warm-up 30 s, in a bubble.
type stage struct {
	box   *sandbox.Sandbox
	app   *app.App
	o     drill.Options
	looks []drill.Report
}

// play runs f once the guard has looked for some minutes.
func play(t *testing.T, change func(*config.File), f func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}})
		if err := box.Setup(sandbox.Twins{Cluster: cluster, Name: "web", Count: 20, TargetGroup: true, WarmUp: 30 * time.Second, StopTimeout: 2 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		p, _ := failover.Preset(failover.PresetFill)
		p.Pools = []failover.Pool{{Name: "spot", Capacity: failover.Spot, TaskHourUSD: 1}, {Name: "standard", Capacity: failover.OnDemand, Tier: 1, TaskHourUSD: 3}}
		file := &config.File{Name: "test.yaml", Version: 1, Region: region, Tick: time.Minute, State: config.State{SQLite: t.TempDir() + "/state.db"}, Events: config.Events{SQS: box.QueueURL()},
			Workloads: []config.Workload{{Name: "web", Policy: p, Pools: []config.PoolRef{{Name: "spot", Cluster: cluster, Service: "web-spot"}, {Name: "standard", Cluster: cluster, Service: "web-standard"}}}}}
		if change != nil {
			change(file)
		}
		cfg := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box}
		a, err := app.New(t.Context(), app.Options{Config: file, AWS: cfg})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ends := make(chan struct{}, 2)
		go func() { box.Drive(ctx); ends <- struct{}{} }()
		go func() {
			if err := a.Run(ctx); err != nil {
				t.Error(err)
			}
			ends <- struct{}{}
		}()
		<-time.After(6 * time.Minute)
		s := &stage{box: box, app: a}
		s.o = drill.Options{AWS: cfg, Services: service.New(cfg, service.Options{}), Store: a.Store, Workload: a.Loop.Workloads[0], Tasks: 3, Beyond: true,
			Every: 2 * time.Second, Timeout: 20 * time.Minute, TaskHourUSD: 3, Progress: func(r drill.Report) { s.looks = append(s.looks, r) }}
		f(t, s)
		<-time.After(time.Minute) // for reads that nobody waits for any more
		stop()
		<-ends
		<-ends
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (s *stage) counts() (spot, onDemand int) {
	s.box.World(func(w *ecsim.World) {
		spot = w.InService(ecsim.Ref{Region: region, Cluster: cluster, Service: "web-spot"})
		onDemand = w.InService(ecsim.Ref{Region: region, Cluster: cluster, Service: "web-standard"})
	})
	return spot, onDemand
}

func TestADrillOfThreeOfTwentyIsCoveredAndEnds(t *testing.T) {
	play(t, nil, func(t *testing.T, s *stage) {
		p, err := drill.Prepare(t.Context(), s.o)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Tasks) != 3 || p.Demand != 20 || p.InService != 20 || p.MinimumPercent != 100 || p.Bound != 1 || !strings.Contains(p.Text(), "stop 3 of the 20 tasks of web-spot") {
			t.Fatalf("the plan is %+v: %s", p, p.Text())
		}
		r, err := drill.Run(t.Context(), s.o, p)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]*float64{"heard": r.Heard, "cover asked": r.Asked, "placed": r.Placed, "running": r.Running, "ready": r.Ready, "whole": r.Whole, "over": r.Over} {
			if v == nil {
				t.Fatalf("%s was never seen: %+v", name, r)
			}
		}
		if *r.Heard > 3 || *r.Asked > 5 || *r.Asked < *r.Heard || *r.Running < 60 || *r.Ready < *r.Running+20 || *r.Whole > 240 || *r.Over < *r.Whole {
			t.Errorf("heard %.1f, asked %.1f, placed %.1f, running %.1f, ready %.1f, whole %.1f, over %.1f", *r.Heard, *r.Asked, *r.Placed, *r.Running, *r.Ready, *r.Whole, *r.Over)
		}
		if r.Cover < 3 || r.Lowest < 17 || r.USD == nil || *r.USD <= 0 || *r.USD > 1 || len(s.looks) < 10 {
			t.Errorf("cover %d, lowest %d, cost %v, %d looks", r.Cover, r.Lowest, r.USD, len(s.looks))
		}
		if spot, onDemand := s.counts(); spot != 20 || onDemand != 0 {
			t.Errorf("after the drill %d serve on Spot and %d on demand", spot, onDemand)
		}
		if n := s.box.Calls().Counts["ecs:StopTask"]; n != 3 {
			t.Errorf("%d calls of StopTask, want one a task", n)
		}
	})
}

func TestADrillIsRefusedInTrouble(t *testing.T) {
	refused := func(t *testing.T, s *stage, want string) {
		t.Helper()
		var r *drill.Refusal
		if _, err := drill.Prepare(t.Context(), s.o); !errors.As(err, &r) || !strings.Contains(err.Error(), want) {
			t.Errorf("it is answered with %v, want a refusal with %q", err, want)
		}
		if s.box.Calls().Counts["ecs:StopTask"] > 0 {
			t.Error("a task was stopped")
		}
	}
	play(t, nil, func(t *testing.T, s *stage) {
		s.o.Beyond = false
		refused(t, s, "3 tasks are more than web-spot can spare")
		s.o.Beyond, s.o.Tasks = true, 21
		refused(t, s, "has 20 tasks in service on Spot")
		s.o.Tasks = 3
		s.box.World(func(w *ecsim.World) {
			w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "web-spot"}, 2, "", true)
		})
		<-time.After(5 * time.Second)
		refused(t, s, "no time for a drill")
		<-time.After(10 * time.Minute)
		in := failover.Intent{Kind: failover.IntentPause, At: time.Now()}
		if _, err := control.Intend(t.Context(), s.app.Store, s.o.Workload, "tester", in, time.Now); err != nil {
			t.Fatal(err)
		}
		refused(t, s, "web is paused")
	})
	play(t, func(f *config.File) { f.Workloads[0].Policy.Observe = true }, func(t *testing.T, s *stage) { refused(t, s, "only observed") })
}

func TestADrillShowsAGuardThatHearsNothing(t *testing.T) {
	play(t, func(f *config.File) { f.Events, f.Tick = config.Events{}, time.Hour }, func(t *testing.T, s *stage) {
		p, err := drill.Prepare(t.Context(), s.o)
		if err != nil {
			t.Fatal(err)
		}
		r, err := drill.Run(t.Context(), s.o, p)
		if err != nil || r.Heard != nil || r.Asked != nil || r.Over == nil || r.Cover != 0 {
			t.Errorf("a guard that hears nothing makes %+v, %v", r, err)
		}
		if text := strings.Join(r.Lines(), "\n"); !strings.Contains(text, "the guard did not hear of it") {
			t.Errorf("the report says\n%s", text)
		}
	})
}

func TestADrillThatIsCutOffLeavesNothing(t *testing.T) {
	play(t, nil, func(t *testing.T, s *stage) {
		p, err := drill.Prepare(t.Context(), s.o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		r, err := drill.Run(ctx, s.o, p)
		if err == nil || r.Began.IsZero() || r.Over != nil {
			t.Errorf("a drill that was cut off ends with %v and %+v", err, r)
		}
		<-time.After(10 * time.Minute)
		if spot, onDemand := s.counts(); spot != 20 || onDemand != 0 {
			t.Errorf("ten minutes later %d serve on Spot and %d on demand", spot, onDemand)
		}
		if !slices.IsSorted(p.Tasks) {
			t.Errorf("the tasks are not told in order: %v", p.Tasks)
		}
	})
}
