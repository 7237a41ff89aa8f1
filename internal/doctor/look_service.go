package doctor

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// revision reads the service revision, which shows what the service does not.
func (l *looker) revision(ctx context.Context, s Subject, at place, client *ecs.Client, p *poolFacts) {
	if len(p.service.CurrentServiceRevisions) != 1 {
		return
	}
	l.call(ctx, s, at, "ecs:DescribeServiceRevisions", "describe the service revision of "+p.ref.String(), func(ctx context.Context) error {
		out, err := client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{aws.ToString(p.service.CurrentServiceRevisions[0].Arn)}})
		if err == nil && len(out.ServiceRevisions) > 0 {
			p.revision = &out.ServiceRevisions[0]
		}
		return err
	})
}

// tasks reads the tasks that run and those that ECS still shows after their stop.
func (l *looker) tasks(ctx context.Context, s Subject, at place, client *ecs.Client, p *poolFacts) {
	p.tasks = l.tasksOf(ctx, s, at, client, p, types.DesiredStatusRunning)
	p.stopped = l.tasksOf(ctx, s, at, client, p, types.DesiredStatusStopped)
}

func (l *looker) tasksOf(ctx context.Context, s Subject, at place, client *ecs.Client, p *poolFacts, desired types.DesiredStatus) (tasks []types.Task) {
	var arns []string
	ok := l.call(ctx, s, at, "ecs:ListTasks", "list tasks of "+p.ref.String(), func(ctx context.Context) error {
		out, err := client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &p.ref.Cluster, ServiceName: &p.ref.Service, DesiredStatus: desired, MaxResults: aws.Int32(tasksMax)})
		if err == nil {
			arns = out.TaskArns
		}
		return err
	})
	// The permission is needed when there are tasks, and there may be none now; an answer about no task costs nothing.
	if !ok || len(arns) == 0 {
		return nil
	}
	l.call(ctx, s, at, "ecs:DescribeTasks", "describe tasks of "+p.ref.String(), func(ctx context.Context) error {
		out, err := client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &p.ref.Cluster, Tasks: arns})
		if err == nil {
			tasks = out.Tasks
		}
		return err
	})
	return tasks
}
