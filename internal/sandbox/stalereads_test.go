package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// TestAWaiterMeetsStaleReads asks over a socket: a waiter that starts at once after RunTask finds no task while reads are stale, and finds it when the
// fault is gone. What was stopped is shown running for a while as well.
func TestAWaiterMeetsStaleReads(t *testing.T) {
	_, url := serve(t, sandbox.Options{Speed: 100}, "127.0.0.1:0")
	ctx := t.Context()
	client := ecs.New(ecs.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	faults := func(method, path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, url+"/_sandbox/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, path, answer.Status)
		}
	}
	prod(t, clients{ecs: client}, 0)
	run := func() []string {
		t.Helper()
		out := must[*ecs.RunTaskOutput](t)(client.RunTask(ctx, &ecs.RunTaskInput{Cluster: new("prod"), TaskDefinition: new("api"), Count: aws.Int32(10), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: in("subnet-a")}))
		var arns []string
		for _, task := range out.Tasks {
			arns = append(arns, *task.TaskArn)
		}
		return arns
	}
	wait := func(arns []string) error {
		waiter := ecs.NewTasksRunningWaiter(client, func(o *ecs.TasksRunningWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 20*time.Millisecond
		})
		return waiter.Wait(ctx, &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: arns}, 20*time.Second)
	}
	faults("POST", "faults", `{"kind": "stale_reads", "latency_seconds": 600}`)
	stale := run()
	if err := wait(stale); err == nil || !strings.Contains(err.Error(), "waiter state transitioned to Failure") {
		t.Errorf("under the fault: %v", err)
	}
	faults("DELETE", "faults", "")
	fresh := run()
	if err := wait(fresh); err != nil {
		t.Errorf("without it: %v", err)
	}
	faults("POST", "faults", `{"kind": "stale_reads", "latency_seconds": 600}`)
	for _, arn := range fresh {
		must[*ecs.StopTaskOutput](t)(client.StopTask(ctx, &ecs.StopTaskInput{Cluster: new("prod"), Task: &arn}))
	}
	running := 0
	for _, task := range must[*ecs.DescribeTasksOutput](t)(client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: new("prod"), Tasks: fresh})).Tasks {
		if *task.DesiredStatus == "RUNNING" {
			running++
		}
	}
	if running == 0 {
		t.Error("every stop is seen at once")
	}
}
