package ecsevent

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/failover"
)

func TestClassifyAStop(t *testing.T) {
	cases := []struct {
		situation string
		stop      Stop
		want      failover.SignalKind
	}{
		{"reclaimed", Stop{Code: "SpotInterruption", Reason: interrupted, Capacity: failover.Spot, StartedAt: started, LastStatus: "STOPPED"}, failover.SignalInterruption},
		{"code in another case", Stop{Code: "spotinterruption", StartedAt: started}, failover.SignalInterruption},
		{"warning before startedAt is known", Stop{Code: "SpotInterruption", LastStatus: "RUNNING"}, failover.SignalInterruption},
		{"reclaimed, only an exit code shows that it ran", Stop{Code: "TerminationNotice", LastStatus: "STOPPED", Exited: true}, failover.SignalInterruption},
		{"reclaimed while pending", Stop{Code: "SpotInterruption", Capacity: failover.Spot, LastStatus: "PENDING"}, failover.SignalCapacityStop},
		{"old form without a code", Stop{Reason: "your spot task was interrupted", Capacity: "fargate_spot", StartedAt: started}, failover.SignalInterruption},
		{"an unknown code with the text", Stop{Code: "SpotReclaimed", Reason: interrupted, Capacity: failover.Spot, StartedAt: started}, failover.SignalInterruption},
		{"the text with no provider and no code", Stop{Reason: interrupted, StartedAt: started}, failover.SignalInfrastructure},
		{"the text in the middle", Stop{Reason: "note: your spot task was interrupted", Capacity: failover.Spot, StartedAt: started}, failover.SignalInfrastructure},
		{"the article's interruption", Stop{Reason: "SpotInterruption: reclaimed", StartedAt: started}, failover.SignalInterruption},
		{"the article's interruption on on-demand", Stop{Reason: "SpotInterruption: reclaimed", Capacity: failover.OnDemand, StartedAt: started}, failover.SignalInfrastructure},
		{"a termination notice on on-demand", Stop{Code: "TerminationNotice", Capacity: failover.OnDemand, StartedAt: started}, failover.SignalInfrastructure},
		{"maintenance by the scheduler's code", Stop{Code: "ServiceSchedulerInitiated", Reason: "ECS is performing maintenance on the underlying infrastructure hosting the task.", StartedAt: started}, failover.SignalInfrastructure},
		{"a cause that is not known", Stop{Code: "New", StartedAt: started}, failover.SignalInfrastructure},
		{"health checks by the scheduler's code", Stop{Code: "ServiceSchedulerInitiated", Reason: "Task failed ELB health checks in (target-group arn:x)", StartedAt: started}, failover.SignalUnhealthyStop},
		{"the article's shortage", Stop{Reason: "ResourcesNotAvailable: No spot capacity available", Capacity: failover.Spot}, failover.SignalCapacityStop},
		{"a broken release that begins with Resource", Stop{Code: "TaskFailedToStart", Reason: "ResourceInitializationError: failed to validate logger args", Capacity: failover.Spot}, failover.SignalApplicationStop},
		{"no capacity, never started", Stop{Code: "TaskFailedToStart", Reason: "Capacity is unavailable at this time.", Capacity: failover.OnDemand}, failover.SignalCapacityStop},
		{"the capacity text on a task that ran", Stop{Code: "EssentialContainerExited", Reason: "Capacity is unavailable at this time.", StartedAt: started}, failover.SignalApplicationStop},
		{"vCPU quota", Stop{Code: "TaskFailedToStart", Reason: "You’ve reached the limit on the number of vCPUs you can run concurrently"}, failover.SignalQuota},
		{"no free address", Stop{Code: "TaskFailedToStart", Reason: "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 'subnet-1': InsufficientFreeAddressesInSubnet"}, failover.SignalConfiguration},
		{"a new image error", Stop{Code: "TaskFailedToStart", Reason: "CannotPullImageManifestError: denied"}, failover.SignalApplicationStop},
		{"failed to start with an unknown text", Stop{Code: "TaskFailedToStart", Reason: "a text of next year", Capacity: failover.Spot}, failover.SignalApplicationStop},
		{"StopTask with a shortage for a reason", Stop{Code: "UserInitiated", Reason: "ResourcesNotAvailable"}, failover.SignalOperatorStop},
		{"StopTask before codes", Stop{Reason: "Task stopped by user"}, failover.SignalOperatorStop},
		{"rebalancing", Stop{Code: "ServiceSchedulerInitiated", Reason: "AZ rebalancing", StartedAt: started}, failover.SignalScaleIn},
		{"scale-in before codes", Stop{Reason: "Scaling activity initiated by (deployment ecs-svc/1)"}, failover.SignalScaleIn},
		{"a container exit before codes", Stop{Exited: true}, failover.SignalApplicationStop},
		{"nothing said", Stop{}, failover.SignalProgress},
	}
	for _, c := range cases {
		t.Run(c.situation, func(t *testing.T) {
			if got := Classify(c.stop); got != c.want {
				t.Errorf("%+v is %s, want %s", c.stop, got, c.want)
			}
		})
	}
}

func TestNoStopIsEverASuccess(t *testing.T) {
	for _, code := range []string{"", codeSpotInterruption, codeTerminationNotice, codeUser, codeScheduler, codeHealth, codeStart, codeContainerExited, "New"} {
		for _, reason := range []string{"", interrupted, "SpotInterruption", "running", "steady state"} {
			for _, last := range []string{"", "RUNNING", "PENDING", "STOPPED"} {
				if k := Classify(Stop{Code: code, Reason: reason, LastStatus: last, Capacity: failover.Spot}); k == failover.SignalRunning || k == failover.SignalSteadyState || k == "" {
					t.Errorf("stop %q %q %q is %q", code, reason, last, k)
				}
			}
		}
	}
}

func TestClassifyAServiceEventLine(t *testing.T) {
	for line, want := range map[string]failover.SignalKind{
		"(service api) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.": failover.SignalPlacementFailure,
		"(service api) was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.":                                                                                                                  failover.SignalQuota,
		"(service api) was unable to place a task. Reason: You've reached the limit on the number of tasks you can run concurrently.":                                                                                                                  failover.SignalQuota,
		"(service api) was unable to place a task. Reason: The requested CPU configuration is above your limit.":                                                                                                                                       failover.SignalQuota,
		"(service api) was unable to place a task. Reason: The requested MEMORY configuration is above your limit.":                                                                                                                                    failover.SignalQuota,
		"(service api) was unable to place a task. Reason: Internal error.":                                                                                                                                                                            failover.SignalConfiguration,
		"(service api) was unable to place a task. Reason: CannotPullContainerError: pull image manifest has been retried 5 time(s): not found":                                                                                                        failover.SignalApplicationStop,
		"(service api) was unable to place a task. Reason: ResourceInitializationError: unable to pull secrets or registry auth":                                                                                                                       failover.SignalApplicationStop,
		"(service api) was unable to place a task. Reason: a reason of next year":                                                                                                                                                                      failover.SignalPlacementFailure,
		"(service api) (task 1) failed container health checks.":                                                                                                                                                                                       failover.SignalUnhealthyStop,
		"(service api) is unable to place a task in AZ us-east-1a during rebalancing":                                                                                                                                                                  failover.SignalProgress,
		"(service api) is unable to place a task in AZ us-east-1a":                                                                                                                                                                                     failover.SignalProgress,
		"(service api) could not launch 3 tasks for deployment ecs-svc/1":                                                                                                                                                                              failover.SignalProgress,
		"(service api) was unable to place a task because no container instance met all of its requirements.":                                                                                                                                          failover.SignalConfiguration,
		"(service api) failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x').":                                                                                                                     failover.SignalConfiguration,
		"(service api) is unable to consistently start tasks successfully.":                                                                                                                                                                            failover.SignalStartImpaired,
		"(service api) operations are being throttled. Will try again later.":                                                                                                                                                                          failover.SignalThrottled,
		"(service api) has reached a steady state.":                                                                                                                                                                                                    failover.SignalSteadyState,
		"(service api) (deployment ecs-svc/1) deployment completed.":                                                                                                                                                                                   failover.SignalDeploymentCompleted,
		"(service api) (deployment ecs-svc/1) deployment failed: tasks failed to start.":                                                                                                                                                               failover.SignalDeploymentFailed,
		"(service api) (port 80) is unhealthy in (target-group arn:x) due to (reason Health checks failed)":                                                                                                                                            failover.SignalUnhealthyStop,
		"(service api) has started 1 tasks: (task 1).":                                                                                                                                                                                                 failover.SignalProgress,
		"(service api) has stopped 1 running tasks: (task 1).":                                                                                                                                                                                         failover.SignalProgress,
		"(service api) registered 1 targets in (target-group arn:x)":                                                                                                                                                                                   failover.SignalProgress,
		"(service api) has begun draining connections on 1 tasks.":                                                                                                                                                                                     failover.SignalProgress,
		"a line of next year": "",
		"":                    "",
	} {
		got, ok := ClassifyServiceMessage(line)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q (ok=%v), want %q", line, got, ok, want)
		}
	}
}

func TestADrillIsAnInterruptionOfSpotTasksThatRan(t *testing.T) {
	for _, c := range []struct {
		s    Stop
		want failover.SignalKind
	}{
		{Stop{Code: codeUser, Reason: DrillReason, Capacity: failover.Spot, LastStatus: "RUNNING"}, failover.SignalInterruption},
		{Stop{Code: codeUser, Reason: DrillReason, Capacity: failover.OnDemand, LastStatus: "RUNNING"}, failover.SignalOperatorStop},
		{Stop{Code: codeUser, Reason: DrillReason, Capacity: failover.Spot, LastStatus: "PENDING"}, failover.SignalOperatorStop},
		{Stop{Code: codeUser, Reason: DrillReason + "?", Capacity: failover.Spot, LastStatus: "RUNNING"}, failover.SignalOperatorStop},
	} {
		if got := Classify(c.s); got != c.want {
			t.Errorf("%+v is %q, want %q", c.s, got, c.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("SpotInterruption", interrupted, "FARGATE_SPOT", "RUNNING", false)
	f.Add("", "Capacity is unavailable", "", "STOPPED", true)
	f.Fuzz(func(t *testing.T, code, reason, provider, last string, exited bool) {
		k := Classify(Stop{Code: code, Reason: reason, Capacity: failover.Capacity(provider), LastStatus: last, Exited: exited})
		if k == "" || k == failover.SignalRunning {
			t.Errorf("kind %q", k)
		}
		if strings.EqualFold(code, codeUser) && k != failover.SignalOperatorStop && !strings.EqualFold(strings.TrimSpace(reason), DrillReason) {
			t.Errorf("a person's stop is %q", k)
		}
	})
}
