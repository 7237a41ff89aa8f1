package ecsevent

import (
	"strings"
	"testing"
	"time"
)

const standaloneEvent = `{"id":"1","source":"aws.ecs","detail-type":"ECS Task State Change","account":"123456789012","region":"us-east-1","time":"2026-11-30T12:10:00Z",
 "detail":{"taskArn":"arn:aws:ecs:us-east-1:123456789012:task/jobs/0123","clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/jobs","group":"family:report",
 "lastStatus":"STOPPED","desiredStatus":"STOPPED","launchType":"FARGATE","capacityProviderName":"FARGATE_SPOT","stopCode":"SpotInterruption","stoppedReason":"Your Spot Task was interrupted.",
 "taskDefinitionArn":"arn:aws:ecs:us-east-1:123456789012:task-definition/report:3","cpu":"1024","memory":"2048","pullStartedAt":"2026-11-30T12:00:00Z","startedAt":"2026-11-30T12:01:00Z",
 "stoppedAt":"2026-11-30T12:09:00Z","attributes":[{"name":"ecs.cpu-architecture","value":"arm64"}],"containers":[{"name":"report","exitCode":143},{"name":"log"}]}}`

func TestTheStopOfATaskOfNoServiceIsRead(t *testing.T) {
	got, ok := ParseStandalone([]byte(standaloneEvent))
	at := func(text string) time.Time { v, _ := time.Parse(time.RFC3339, text); return v }
	if !ok || got.Region != "us-east-1" || got.Cluster != "jobs" || got.Account != "123456789012" || TaskID(got.ARN) != "0123" || got.CPU != 1024 || got.Memory != 2048 || !got.ARM64 ||
		!got.PulledAt.Equal(at("2026-11-30T12:00:00Z")) || !got.StoppedAt.Equal(at("2026-11-30T12:09:00Z")) || len(got.Exits) != 1 || got.Exits["report"] != 143 ||
		got.Code != "SpotInterruption" || got.StartedAt.IsZero() || !got.Exited || !strings.HasSuffix(got.Definition, "report:3") {
		t.Errorf("%v: %+v", ok, got)
	}
	for what, change := range map[string][2]string{
		"a service's":        {"family:report", "service:report"},
		"one that runs":      {`"lastStatus":"STOPPED"`, `"lastStatus":"RUNNING"`},
		"one on an instance": {`"launchType":"FARGATE"`, `"launchType":"EC2"`},
		"another event":      {"ECS Task State Change", "ECS Service Action"},
		"one without a task": {`"taskArn":"arn:aws:ecs:us-east-1:123456789012:task/jobs/0123",`, ""},
		"no event":           {`{"id"`, `["id"`},
	} {
		if _, ok := ParseStandalone([]byte(strings.Replace(standaloneEvent, change[0], change[1], 1))); ok {
			t.Errorf("%s is taken", what)
		}
	}
}
