package ecsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

// serving compares the truth about the service api.
func (f *fixture) serving(when string, inService, working int) {
	f.Helper()
	if i, n := f.InService(api), f.Working(api); i != inService || n != working {
		f.Fatalf("%s (at %v): in service %d, serving %d, want %d and %d", when, f.Now().Sub(f.start), i, n, inService, working)
	}
}

// stops counts the tasks with a stopped reason that begins so.
func (f *fixture) stops(reason string) int {
	n := 0
	for _, task := range f.tasks(ecsim.Stopped) {
		if strings.HasPrefix(task.StoppedReason, reason) {
			n++
		}
	}
	return n
}

func TestATaskServesWhenItHasWarmedUp(t *testing.T) {
	cfg := exact()
	cfg.WarmUp = ecsim.WarmUp{P50: 60 * time.Second}
	f := build(t, cfg)
	f.serve(3)
	f.to(149 * time.Second)
	f.want("warming", 3, 3, 0)
	f.serving("warming", 0, 0)
	f.to(150 * time.Second)
	f.serving("warm", 3, 3)
	if g, _ := f.Glance(api); g.InService != 3 {
		t.Errorf("a glance shows %d in service, want 3", g.InService)
	}
	if f.Shifts() != 3 {
		t.Errorf("%d shifts, want 3", f.Shifts())
	}
	f.Interrupt(api, 1, "", false)
	f.serving("warned, working on", 2, 3)
	f.to(150*time.Second + 2*time.Minute)
	f.serving("gone, its replacement warming", 2, 2)
	f.to(150*time.Second + 5*time.Second + 150*time.Second)
	f.serving("replaced", 3, 3)
}

func TestWarmUpIsDrawnAndCanBeChangedWhileTheWorldRuns(t *testing.T) {
	cfg := exact()
	cfg.WarmUp = ecsim.WarmUp{P50: 30 * time.Second, P95: 60 * time.Second, P99: 120 * time.Second}
	f := build(t, cfg)
	f.serve(400)
	f.to(125 * time.Second) // launches come over 15 s
	if n := f.InService(api); n < 150 || n > 350 {
		t.Errorf("%d of 400 are in service near the median", n)
	}
	f.to(20 * time.Minute)
	f.serving("all warm", 400, 400)
	f.SetWarmUp(ecsim.FargateSpot, ecsim.WarmUp{P50: time.Hour})
	f.desire(401)
	f.to(70 * time.Minute)
	f.serving("the new one takes an hour", 400, 400)
	f.to(20*time.Minute + 90*time.Second + time.Hour)
	f.serving("and is there", 401, 401)
	f.SetWarmUp(ecsim.FargateSpot, ecsim.WarmUp{})
	f.desire(402)
	f.to(85 * time.Minute)
	f.serving("no warm-up", 402, 402)
}

func TestATaskDefinitionsWarmUpGoesBeforeTheWorlds(t *testing.T) {
	cfg := exact()
	cfg.WarmUp = ecsim.WarmUp{P50: time.Hour}
	f := build(t, cfg)
	_, err := f.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", WarmUp: ecsim.WarmUp{P50: -1}})
	f.must(err)
	f.serve(2)
	f.to(90 * time.Second)
	f.serving("no warm-up of its own", 2, 2)
}

func TestATaskThatObeysSIGTERMServesNoMore(t *testing.T) {
	cfg := exact()
	cfg.OnSIGTERM = ecsim.ObeySIGTERM
	cfg.WarmUp = ecsim.WarmUp{P50: time.Second}
	f := build(t, cfg)
	f.serve(2)
	f.to(2 * time.Minute)
	f.Interrupt(api, 2, "", false)
	f.serving("obeying", 0, 0)
}

func TestSomeTasksNeverAnswer(t *testing.T) {
	cfg := exact()
	cfg.UnhealthyShare = 0.3
	f := build(t, cfg)
	f.serve(200)
	f.to(time.Hour)
	f.want("all run", 200, 200, 0)
	if n := f.InService(api); n < 120 || n > 160 {
		t.Errorf("%d of 200 in service where three in ten never are", n)
	}
}

func TestHungStartsStayWhereTheyAre(t *testing.T) {
	f := build(t, exact())
	f.SetHungStarts(ecsim.FargateSpot, 1)
	f.serve(20)
	f.to(24 * time.Hour)
	f.want("a day later", 20, 0, 20)
	byStatus := map[ecsim.Status]int{}
	for _, task := range f.tasks(ecsim.Running) {
		byStatus[task.LastStatus]++
	}
	if byStatus[ecsim.Provisioning] == 0 || byStatus[ecsim.Pending] == 0 || byStatus[ecsim.Provisioning]+byStatus[ecsim.Pending] != 20 {
		t.Errorf("they hang in %v, want some in PROVISIONING and some in PENDING", byStatus)
	}
	if _, held := f.Supply(spotKey()); held != 20 {
		t.Errorf("%d hold capacity, want 20", held)
	}
	f.SetHungStarts(ecsim.FargateSpot, 0)
	for _, task := range f.tasks(ecsim.Running) {
		_, err := f.StopTask(region, cluster, task.ID, "")
		f.must(err)
	}
	f.to(25 * time.Hour)
	f.want("stopped and replaced", 20, 20, 0)
}

func TestStartUpCanBeChangedWhileTheWorldRuns(t *testing.T) {
	f := build(t, exact())
	f.SetStartUp(ecsim.FargateSpot, ecsim.StartUp{P50: 10 * time.Minute})
	f.serve(5)
	f.to(599 * time.Second)
	f.want("not yet", 5, 0, 5)
	f.to(600 * time.Second)
	f.want("ten minutes", 5, 5, 0)
}

func TestPrivateAddressesComeWithPendingAndAreUnique(t *testing.T) {
	f := build(t, exact())
	f.serve(1000)
	f.to(5 * time.Second)
	for _, task := range f.tasks(ecsim.Running) {
		if task.PrivateIP() != "" {
			t.Fatalf("%s has the address %s", task.LastStatus, task.PrivateIP())
		}
	}
	f.to(10 * time.Minute)
	seen := map[string]bool{}
	for _, task := range f.tasks(ecsim.Running) {
		if ip := task.PrivateIP(); seen[ip] || !strings.HasPrefix(ip, "10.") {
			t.Fatalf("the address %q is a second task's, or none", ip)
		}
		seen[task.PrivateIP()] = true
	}
}

func TestContainerHealth(t *testing.T) {
	f := build(t, exact())
	check := &ecsim.ContainerCheck{Interval: 10 * time.Second, Retries: 3, StartPeriod: 20 * time.Second}
	register := func(warmUp time.Duration) {
		_, err := f.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "web", WarmUp: ecsim.WarmUp{P50: warmUp}, HealthCheck: check})
		f.must(err)
	}
	health := func(want ecsim.HealthStatus) {
		t.Helper()
		if got := f.tasks(ecsim.Running)[0].Health; got != want {
			t.Fatalf("at %v it is %q, want %s", f.Now().Sub(f.start), got, want)
		}
	}
	register(30 * time.Second)
	f.serve(1)
	f.to(129 * time.Second) // RUNNING at 90, warm at 120
	health(ecsim.HealthUnknown)
	f.to(130 * time.Second)
	health(ecsim.HealthHealthy)
	id := f.tasks(ecsim.Running)[0].ID

	f.SetAnswering(api, 1, false)
	f.serving("down", 0, 0)
	f.to(159 * time.Second)
	if len(f.SetAnswering(api, 1, true)) != 1 {
		t.Fatal("no task was put right")
	}
	f.to(5 * time.Minute)
	health(ecsim.HealthHealthy) // two failures do not do
	if f.tasks(ecsim.Running)[0].ID != id {
		t.Fatal("the task was replaced")
	}
	f.SetAnswering(api, 1, false)
	f.to(5*time.Minute + 31*time.Second)
	if f.stops("Task failed container health checks") != 1 {
		t.Fatalf("not stopped: %+v", f.tasks(ecsim.Stopped))
	}

	register(time.Hour) // slower than its own check allows
	f.to(9 * time.Minute)
	_, err := f.UpdateService(api, ecsim.UpdateServiceInput{TaskDefinition: "web"})
	f.must(err)
	f.to(25 * time.Minute)
	if f.stops("Task failed container health checks") < 3 {
		t.Error("tasks that never pass are not stopped")
	}
	if f.InService(api) != 1 {
		t.Errorf("%d in service, want the old one", f.InService(api))
	}
}

func TestScaleInTakesWhatItIsToldToTakeFirst(t *testing.T) {
	for pick, want := range map[ecsim.ScaleInPick]int{
		ecsim.PickServingFirst: 0, ecsim.PickRunningFirst: 2, ecsim.PickStartingFirst: 4,
	} {
		cfg := exact()
		cfg.ScaleIn = pick
		f := build(t, cfg)
		f.serve(4)
		f.to(5 * time.Minute)
		f.SetAnswering(api, 2, false) // the two oldest, whom nobody checks
		f.desire(6)
		f.to(8 * time.Minute)
		f.SetWarmUp(ecsim.FargateSpot, ecsim.WarmUp{P50: time.Hour})
		f.desire(8)
		f.to(10 * time.Minute)
		f.serving("before", 4, 4)
		f.desire(4)
		f.to(15 * time.Minute)
		f.serving("after", want, want)
	}
}

func TestTheNewKnobsChangeNothingInACalmWorld(t *testing.T) {
	play := func(cfg ecsim.Config) []string {
		f := build(t, cfg)
		f.serve(20)
		f.to(10 * time.Minute)
		f.Interrupt(api, 5, "", true)
		f.desire(10)
		f.to(time.Hour)
		var lines []string
		for _, e := range f.events {
			if e.Task != nil {
				lines = append(lines, e.At.String()+" "+e.Task.ID+" "+string(e.Task.LastStatus))
			}
		}
		return lines
	}
	bent := ecsim.Config{Seed: 5, WarmUp: ecsim.WarmUp{P50: time.Second}, UnhealthyShare: 0.5, ScaleIn: ecsim.PickRunningFirst}
	bent.SpotDeregistration = ecsim.SpotDeregistration{AtWarning: true, HoldsGrace: true}
	equalLines(t, "task events with warm-ups and without", play(bent), play(ecsim.Config{Seed: 5}))
}
