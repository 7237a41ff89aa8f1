package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestWhatACommandPrintsCanBeReadLater: not before its stream is there, in order, in pages, and no more of it than ran.
func TestWhatACommandPrintsCanBeReadLater(t *testing.T) {
	s := manual(t)
	c := connect(s)
	logs := cloudwatchlogs.NewFromConfig(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: s,
		BaseEndpoint: new("http://sandbox.localhost"), RetryMaxAttempts: 1})
	must[*ecs.CreateClusterOutput](t)(c.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: new("jobs")}))
	d := fargate("256", "512")
	d.ContainerDefinitions[0].Command = []string{"sh", "-c", "echo one; sleep 30; sleep 60 && echo three; exit 4"}
	d.ContainerDefinitions[0].LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs,
		Options: map[string]string{"awslogs-group": "/jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"}}
	d.ContainerDefinitions = append(d.ContainerDefinitions, types.ContainerDefinition{Name: new("side"), Image: new("side"), Essential: new(false)})
	must[*ecs.RegisterTaskDefinitionOutput](t)(c.ecs.RegisterTaskDefinition(t.Context(), d))
	task := must[*ecs.RunTaskOutput](t)(c.ecs.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: new("jobs"), TaskDefinition: new("f"), NetworkConfiguration: in("subnet-a"),
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: new("side"), Command: []string{"sh", "-c", "echo aside; exit 9"}}, {Name: new("app"), Command: []string{"sh", "-c", "echo one; sleep 30; echo 'two, and'; sleep 60 && echo three; exit 4"}}}}})).Tasks[0]
	arn := aws.ToString(task.TaskArn)
	read := func(token *string, limit int32) (*cloudwatchlogs.GetLogEventsOutput, error) {
		return logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: new("/jobs"), LogStreamName: new("run/app/" + arn[len(arn)-32:]), NextToken: token,
			StartFromHead: new(true), Limit: &limit})
	}
	_, err := read(nil, 10)
	wantRefused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	started := start
	for range 300 {
		s.AdvanceTo(started.Add(time.Second))
		started = s.Now()
		now := must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("jobs"), Tasks: []string{arn}})).Tasks[0]
		if now.StartedAt != nil {
			break
		}
	}
	_, err = read(nil, 10)
	wantRefused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	s.AdvanceTo(started.Add(50 * time.Second))
	first := must[*cloudwatchlogs.GetLogEventsOutput](t)(read(nil, 1))
	second := must[*cloudwatchlogs.GetLogEventsOutput](t)(read(first.NextForwardToken, 10))
	end := must[*cloudwatchlogs.GetLogEventsOutput](t)(read(second.NextForwardToken, 10))
	if len(first.Events) != 1 || *first.Events[0].Message != "one" || len(second.Events) != 1 || *second.Events[0].Message != "two, and" ||
		len(end.Events) != 0 || *end.NextForwardToken != *second.NextForwardToken {
		t.Errorf("got %v, %v, %v", first.Events, second.Events, end.Events)
	}
	if late := *second.Events[0].IngestionTime - *second.Events[0].Timestamp; late < 2000 || late > 8000 {
		t.Errorf("it arrived after %d ms", late)
	}
	s.AdvanceTo(started.Add(5 * time.Minute))
	if rest := must[*cloudwatchlogs.GetLogEventsOutput](t)(read(end.NextForwardToken, 10)); len(rest.Events) != 1 || *rest.Events[0].Message != "three" {
		t.Errorf("the end is %v", rest.Events)
	}
	stopped := must[*ecs.DescribeTasksOutput](t)(c.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: new("jobs"), Tasks: []string{arn}})).Tasks[0]
	if code := stopped.Containers[0].ExitCode; code == nil || *code != 4 {
		t.Errorf("exit code %v", code)
	}
	found := must[*cloudwatchlogs.FilterLogEventsOutput](t)(logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: new("/jobs"), FilterPattern: new("t"), Limit: aws.Int32(1)}))
	more := must[*cloudwatchlogs.FilterLogEventsOutput](t)(logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: new("/jobs"), FilterPattern: new("t"), NextToken: found.NextToken,
		LogStreamNamePrefix: new("run/app/")}))
	if len(found.Events) != 1 || *found.Events[0].Message != "two, and" || len(more.Events) != 1 || *more.Events[0].Message != "three" || more.NextToken != nil || *more.Events[0].LogStreamName != "run/app/"+arn[len(arn)-32:] {
		t.Errorf("found %+v, then %+v", found.Events, more.Events)
	}
	_, err = logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: new("/jobs"), LogStreamNames: []string{"run/app/none"}})
	wantRefused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	for range 30 {
		_, err = read(nil, 10)
	}
	wantRefused(t, err, "ThrottlingException", "Rate exceeded")
}
