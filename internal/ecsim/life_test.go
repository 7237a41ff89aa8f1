package ecsim_test

import (
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsim"
)

func TestScaleOutStartsExactlyWhatIsMissing(t *testing.T) {
	f := build(t, exact())
	f.serve(4)
	f.to(0)
	f.want("launched at once", 4, 0, 4)
	f.to(90*time.Second - 1)
	f.want("a moment before the start-up time", 4, 0, 4)
	f.to(90 * time.Second)
	f.want("after the start-up time", 4, 4, 0)
	f.desire(10)
	f.to(100 * time.Second)
	f.want("scaled out", 10, 4, 6)
	f.to(180 * time.Second)
	f.want("scale-out done", 10, 10, 0)
	if n := f.count(func(e ecsim.Event) bool { return e.Task != nil && e.Task.LastStatus == ecsim.Running }); n != 10 {
		t.Errorf("%d RUNNING events, want one a task", n)
	}
}

func TestLaunchesFollowTheAccountRate(t *testing.T) {
	f := build(t, exact())
	f.serve(200)
	f.to(0)
	f.want("the burst", 200, 0, 100)
	f.to(time.Second)
	f.want("20 a second", 200, 0, 120)
	f.to(5 * time.Second)
	f.want("all launched", 200, 0, 200)
	f.to(95 * time.Second)
	f.want("all running", 200, 200, 0)
}

func TestLaunchesFollowTheServiceRate(t *testing.T) {
	cfg := exact()
	cfg.ServiceLaunches = 30
	f := build(t, cfg)
	f.serve(70)
	f.to(59 * time.Second)
	f.want("the first minute", 70, 0, 30)
	f.to(60 * time.Second)
	f.want("the second minute", 70, 0, 60)
	f.to(120 * time.Second)
	f.want("the third minute", 70, 30, 40)
}

func TestOneInterruptionIsWarnedReplacedAndKilled(t *testing.T) {
	f := build(t, exact())
	f.serve(3)
	f.to(200 * time.Second)
	f.forget()
	ids := f.Interrupt(api, 1, "", false)
	if len(ids) != 1 {
		t.Fatalf("interrupted %v, want one task", ids)
	}
	f.want("warned tasks count as running", 3, 3, 0)
	f.to(205 * time.Second)
	f.want("replacement launched 5 s after the warning", 3, 3, 1)
	f.to(295 * time.Second)
	f.want("replacement runs 90 s later, the victim too", 3, 4, 0)
	if n := f.Working(api); n != 4 {
		t.Errorf("%d tasks work, want 4: the victim uses its warning", n)
	}
	f.to(320 * time.Second)
	f.want("killed 120 s after the warning", 3, 3, 0)
	f.to(400 * time.Second)
	equalLines(t, "events of the victim", f.ofTask(ids[0]), []string{
		"+200 RUNNING/STOPPED v5", "+320 DEACTIVATING/STOPPED v6", "+325 STOPPING/STOPPED v7", "+330 DEPROVISIONING/STOPPED v8",
		"+340 STOPPED/STOPPED v9",
	})
	last := f.tasks(ecsim.Stopped)[0]
	if last.StopCode != ecsim.StopSpot || last.StoppedReason != ecsim.ReasonSpotInterruption || last.ExitCode != 137 {
		t.Errorf("stopped with %q, %q, exit code %d", last.StopCode, last.StoppedReason, last.ExitCode)
	}
	if u := f.Usage(ecsim.FargateSpot); u.Interruptions != 1 || u.Created != 4 || u.Started != 4 {
		t.Errorf("usage %+v, want 1 interruption and 4 tasks created and started", u)
	}
}

func TestStartGoesThroughEveryStatus(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(100 * time.Second)
	task := f.tasks(ecsim.Running)[0]
	equalLines(t, "events of a start", f.ofTask(task.ID), []string{
		"+0 PROVISIONING/RUNNING v1", "+18 PENDING/RUNNING v2", "+85.5 ACTIVATING/RUNNING v3", "+90 RUNNING/RUNNING v4",
	})
	if task.Provider != ecsim.FargateSpot || task.Group != "service:api" || task.StartedBy != f.service().Deployments[0].ID || task.Zone == "" {
		t.Errorf("task %+v lacks what ECS shows of a service's task", task)
	}
	if got := task.PullStartedAt.Sub(f.start); got != 18*time.Second {
		t.Errorf("pull started after %v, want 18s", got)
	}
}

func TestOrderlyStopGoesThroughEveryStatus(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(200 * time.Second)
	f.forget()
	id := f.tasks(ecsim.Running)[0].ID
	f.desire(0)
	f.to(400 * time.Second)
	equalLines(t, "events of a scale-in", f.ofTask(id), []string{
		"+200 RUNNING/STOPPED v5", "+201 DEACTIVATING/STOPPED v6", "+202 STOPPING/STOPPED v7", "+322 DEPROVISIONING/STOPPED v8",
		"+342 STOPPED/STOPPED v9",
	})
	task := f.tasks(ecsim.Stopped)[0]
	if task.StopCode != ecsim.StopScheduler || task.StoppedReason != "Scaling activity initiated by (deployment "+task.StartedBy+")" {
		t.Errorf("stopped with %q, %q", task.StopCode, task.StoppedReason)
	}
}

func TestTaskThatObeysSIGTERMWastesTheWarning(t *testing.T) {
	cfg := exact()
	cfg.OnSIGTERM = ecsim.ObeySIGTERM
	f := build(t, cfg)
	f.serve(2)
	f.to(100 * time.Second)
	f.Interrupt(api, 1, "", false)
	if n := f.Working(api); n != 1 {
		t.Errorf("%d tasks work, want 1: the victim has obeyed", n)
	}
	f.to(101 * time.Second)
	f.want("gone within a second", 2, 1, 0)
	f.to(130 * time.Second)
	if task := f.tasks(ecsim.Stopped)[0]; task.ExitCode != 143 {
		t.Errorf("exit code %d, want 143", task.ExitCode)
	}
}

func TestStopTimeoutCutsTheWarningShort(t *testing.T) {
	f := build(t, exact())
	_, err := f.RegisterTaskDefinition(region, ecsim.TaskDefinitionInput{Family: "short"})
	f.must(err)
	f.serve(1, func(in *ecsim.CreateServiceInput) { in.TaskDefinition = "short" })
	f.to(100 * time.Second)
	f.Interrupt(api, 1, "", false)
	f.to(130*time.Second - 1)
	f.want("within ECS's default stop timeout of 30 s, the replacement starting", 1, 1, 1)
	f.to(130 * time.Second)
	f.want("killed", 1, 0, 1)
}

func TestUnwarnedInterruptionStopsAtOnce(t *testing.T) {
	cfg := exact()
	cfg.UnwarnedShare = 1
	f := build(t, cfg)
	f.serve(2)
	f.to(100 * time.Second)
	f.forget()
	id := f.Interrupt(api, 1, "", false)[0]
	f.want("gone at once", 2, 1, 0)
	f.to(130 * time.Second)
	if lines := f.ofTask(id); lines[0] != "+100 DEACTIVATING/STOPPED v5" {
		t.Errorf("first event %q, want no warning", lines[0])
	}
}

func TestWarnedTasksMayBeLeftOutOfTheCount(t *testing.T) {
	cfg := exact()
	cfg.WarnedNotCounted = true
	f := build(t, cfg)
	f.serve(2)
	f.to(100 * time.Second)
	f.Interrupt(api, 1, "", false)
	f.want("the warned one is not counted", 2, 1, 0)
	if n := f.Working(api); n != 2 {
		t.Errorf("%d tasks work, want 2", n)
	}
}

func TestWarningFormsOfTheYears(t *testing.T) {
	for form, want := range map[ecsim.WarningForm]string{
		ecsim.WarningSpotInterruption: "SpotInterruption", ecsim.WarningTerminationNotice: "TerminationNotice", ecsim.WarningNoStopCode: "",
	} {
		cfg := exact()
		cfg.WarningForm = form
		f := build(t, cfg)
		f.serve(1)
		f.to(100 * time.Second)
		f.Interrupt(api, 1, "", false)
		if got := f.tasks(ecsim.Stopped)[0]; got.StopCode != want || got.LastStatus != ecsim.Running {
			t.Errorf("form %d: stop code %q, status %s; want %q, RUNNING", form, got.StopCode, got.LastStatus, want)
		}
	}
}

func TestStoppedTasksStayVisibleForAnHour(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(100 * time.Second)
	id := f.tasks(ecsim.Running)[0].ID
	f.desire(0)
	f.to(300 * time.Second) // STOPPED at 242 s
	list := func() int {
		arns, err := f.ListTasks(region, ecsim.ListTasksInput{Cluster: cluster, Service: "api", DesiredStatus: ecsim.Stopped})
		f.must(err)
		return len(arns)
	}
	f.to(242*time.Second + time.Hour - 1)
	if n := list(); n != 1 {
		t.Fatalf("%d stopped tasks within the hour, want 1", n)
	}
	f.to(242*time.Second + time.Hour)
	if n := list(); n != 0 {
		t.Errorf("%d stopped tasks after the hour, want 0", n)
	}
	if _, missing, _ := f.DescribeTasks(region, cluster, []string{id}); len(missing) != 1 || missing[0].Reason != "MISSING" {
		t.Errorf("a forgotten task is %v, want MISSING", missing)
	}
}

func TestBilledFromThePullToTheEnd(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(100 * time.Second)
	if u := f.Usage(ecsim.FargateSpot); u.TaskSeconds != 82 {
		t.Errorf("%v s billed so far, want 82 (18 s to the pull)", u.TaskSeconds)
	}
	f.Interrupt(api, 1, "", false)
	f.desire(0)
	f.to(time.Hour)
	u := f.Usage(ecsim.FargateSpot) // pull at 18 s, exit at 220 s, STOPPED at 240 s
	if u.TaskSeconds != 222 || u.VCPUSeconds != 222 || u.GBSeconds != 444 {
		t.Errorf("billed %+v, want 222 task-seconds, 222 vCPU-seconds, 444 GB-seconds", u)
	}
	if s := f.ServiceUsage(api); s != u {
		t.Errorf("the service's usage %+v is not the provider's %+v", s, u)
	}
}

func TestOneMinuteIsTheLeastThatIsBilled(t *testing.T) {
	f := build(t, exact())
	f.serve(1)
	f.to(20 * time.Second)
	f.desire(0)
	f.to(10 * time.Minute)
	if u := f.Usage(ecsim.FargateSpot); u.TaskSeconds != 60 {
		t.Errorf("%v s billed, want 60", u.TaskSeconds)
	}
}
