package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

const (
	deployTasks = 2
	deployFor   = 15 * time.Minute
	// completeWithin is how long a deployment is waited for.
	completeWithin = 5 * time.Minute
	deployed       = "SERVICE_DEPLOYMENT_COMPLETED"
)

// deployments is experiment 6: when deployments are COMPLETED, when a new task counts as healthy, and what forces one.
func (l *lab) deployments(ctx context.Context, deadline time.Time) error {
	if err := l.create(ctx, serviceDeploy, spot, 0); err != nil {
		return err
	}
	made, done, err := l.completed(ctx)
	if err != nil {
		return err
	}
	if !done.IsZero() {
		l.seen.Set("A15", "deployment without tasks to COMPLETED", done.Sub(made).Seconds(), 1)
	}
	if _, err := l.count(ctx, serviceDeploy, deployTasks); err != nil {
		return err
	}
	old, err := l.settled(ctx, serviceDeploy, deployTasks, deadline)
	if err != nil {
		return err
	}
	if err := l.wait(ctx, time.Minute); err != nil { // they count as healthy
		return err
	}
	if err := l.forced(ctx, old, deadline); err != nil {
		return err
	}
	return l.unforced(ctx)
}

// completed waits until the service's PRIMARY deployment is COMPLETED, and returns when it was made and when the event said so: zero if none came.
func (l *lab) completed(ctx context.Context) (made, done time.Time, err error) {
	id := ""
	err = l.until(ctx, l.now().Add(completeWithin), func() (bool, error) {
		out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceDeploy}})
		if err != nil || len(out.Services) == 0 || len(out.Services[0].Deployments) == 0 {
			return false, l.wrap("ecs:DescribeServices", "describe "+serviceDeploy, err)
		}
		d := &out.Services[0].Deployments[0]
		made, id = aws.ToTime(d.CreatedAt), aws.ToString(d.Id)
		return d.RolloutState == types.DeploymentRolloutStateCompleted, nil
	})
	if err == nil { // its event may be late
		err = l.wait(ctx, pollEvery)
	}
	if err == nil {
		err = l.drain(ctx)
	}
	if err != nil {
		return made, done, err
	}
	for i := range l.events {
		if e := &l.events[i]; e.Detail.EventName == deployed && e.Detail.DeploymentID == id && (done.IsZero() || e.Detail.UpdatedAt.Before(done)) {
			done = e.Detail.UpdatedAt
		}
	}
	return made, done, nil
}

// forced forces a deployment and looks at when ECS stops the tasks before it, and at how many.
func (l *lab) forced(ctx context.Context, old []types.Task, deadline time.Time) error {
	if _, err := l.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(l.name()), Service: aws.String(serviceDeploy), ForceNewDeployment: true}); err != nil {
		return l.wrap("ecs:UpdateService", "force a deployment of "+serviceDeploy, err)
	}
	was := func(t types.Task) bool {
		return slices.ContainsFunc(old, func(o types.Task) bool { return aws.ToString(o.TaskArn) == aws.ToString(t.TaskArn) })
	}
	var fresh []types.Task
	if err := l.until(ctx, deadline, func() (bool, error) { // the new tasks run, and no other is wanted
		now, err := l.tasks(ctx, serviceDeploy, types.DesiredStatusRunning)
		fresh = now
		return len(now) == deployTasks && !slices.ContainsFunc(now, was), err
	}); err != nil {
		return err
	}
	gone, err := l.stopped(ctx, serviceDeploy, deadline)
	if err != nil {
		return err
	}
	_, done, err := l.completed(ctx)
	if err != nil && !errors.Is(err, errLate) {
		return err
	}
	var ran, stopped time.Time
	replaced := 0
	for i := range fresh {
		if at := aws.ToTime(fresh[i].StartedAt); at.After(ran) {
			ran = at
		}
	}
	for i := range gone {
		if was(gone[i]) {
			replaced++
			if at := aws.ToTime(gone[i].StoppingAt); at.After(stopped) {
				stopped = at
			}
		}
	}
	l.seen.Set("A38", "share of tasks that a forced deployment replaces", float64(replaced)/deployTasks, deployTasks)
	if !ran.IsZero() && !stopped.IsZero() {
		l.seen.Set("A14", "RUNNING to the stop of the task before", stopped.Sub(ran).Seconds(), 1)
	}
	if !done.IsZero() && !stopped.IsZero() {
		l.seen.Set("A15", "last stop of a task before to COMPLETED", done.Sub(stopped).Seconds(), 1)
	}
	return nil
}

// unforced asks for another capacity provider without forcing a deployment. The count is 0 before: one that is taken starts nothing.
func (l *lab) unforced(ctx context.Context) error {
	if _, err := l.empty(ctx, serviceDeploy); err != nil {
		return err
	}
	_, err := l.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(l.name()), Service: aws.String(serviceDeploy), CapacityProviderStrategy: onDemand})
	taken := 1.0
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorFault() == smithy.FaultClient && !strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		taken, err = 0, nil
	}
	if err != nil {
		return l.wrap("ecs:UpdateService", "change the capacity of "+serviceDeploy, err)
	}
	l.seen.Set("A38", "share of changes of the strategy without force that are taken", taken, 1)
	return nil
}
