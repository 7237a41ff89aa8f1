package verify

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	// freshEvery is the time between two reads, freshFor how long reads are looked at after a write, freshLimit how long one may be old.
	freshEvery = 500 * time.Millisecond
	freshFor   = 10 * time.Second
	freshLimit = 60 * time.Second
	// deployedWithin is how long after its tasks run the first deployment of a service is over.
	deployedWithin = 75 * time.Second
	readsTasks     = 4
	readsTrials    = 6
)

// reads is experiment 10: how old what DescribeServices and DescribeTasks show is, and how soon a stopped task is replaced.
func (l *lab) reads(ctx context.Context, deadline time.Time) error {
	if err := l.create(ctx, serviceReads, spot, 0); err != nil {
		return err
	}
	if err := l.serviceLag(ctx); err != nil {
		return err
	}
	if _, err := l.count(ctx, serviceReads, readsTasks); err != nil {
		return err
	}
	if _, err := l.settled(ctx, serviceReads, readsTasks, deadline); err != nil {
		return err
	}
	if err := l.wait(ctx, deployedWithin); err != nil { // the end of the deployment wakes the scheduler
		return err
	}
	return l.stops(ctx, deadline)
}

// longest measures for how long reads show something old: the time of the last read that did, in seconds. All reads count that are made
// within freshFor, and on until one is fresh.
func (l *lab) longest(ctx context.Context, old func() (bool, error)) (float64, error) {
	from, lag := l.now(), 0.0
	for {
		is, err := old()
		if err != nil {
			return 0, err
		}
		past := l.now().Sub(from)
		if is {
			lag = past.Seconds()
		}
		if past >= freshLimit || past >= freshFor && !is {
			return lag, nil
		}
		if err := l.wait(ctx, freshEvery); err != nil {
			return 0, err
		}
	}
}

// serviceLag writes a setting of a service without tasks, which starts no deployment and costs nothing, and reads it.
func (l *lab) serviceLag(ctx context.Context) error {
	lags := []float64{}
	for trial := range readsTrials {
		wrote := int32(150 + 10*trial)
		if _, err := l.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(l.name()), Service: aws.String(serviceReads),
			DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: &wrote, MinimumHealthyPercent: aws.Int32(100)}}); err != nil {
			return l.wrap("ecs:UpdateService", "write a setting of "+serviceReads, err)
		}
		lag, err := l.longest(ctx, func() (bool, error) {
			out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceReads}})
			if err != nil || len(out.Services) == 0 {
				return true, l.wrap("ecs:DescribeServices", "describe "+serviceReads, err)
			}
			c := out.Services[0].DeploymentConfiguration
			return c == nil || aws.ToInt32(c.MaximumPercent) != wrote, nil
		})
		if err != nil {
			return err
		}
		lags = append(lags, lag)
	}
	l.seen.Set("A28", "longest time for which DescribeServices showed what was before a write", slices.Max(lags), len(lags))
	return nil
}

// stops stops running tasks one after another, reads each, and waits for its replacement.
func (l *lab) stops(ctx context.Context, deadline time.Time) error {
	var lags, delays []float64
	known := map[string]bool{}
	for range readsTrials {
		tasks, err := l.settled(ctx, serviceReads, readsTasks, deadline)
		if err != nil {
			return l.stopsSeen(lags, delays, err)
		}
		for i := range tasks {
			known[aws.ToString(tasks[i].TaskArn)] = true
		}
		out, err := l.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(l.name()), Task: tasks[0].TaskArn, Reason: aws.String("backstop verify-aws")})
		if err != nil {
			return l.wrap("ecs:StopTask", "stop a task of "+serviceReads, err)
		}
		lag, err := l.longest(ctx, func() (bool, error) {
			read, err := l.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(l.name()), Tasks: []string{aws.ToString(tasks[0].TaskArn)}})
			if err != nil || len(read.Tasks) == 0 {
				return true, l.wrap("ecs:DescribeTasks", "describe a stopped task", err)
			}
			return aws.ToString(read.Tasks[0].DesiredStatus) == "RUNNING", nil
		})
		if err != nil {
			return err
		}
		lags = append(lags, lag)
		if out.Task == nil || out.Task.StoppingAt == nil {
			continue
		}
		made, err := l.replaced(ctx, known, deadline)
		if err != nil {
			return l.stopsSeen(lags, delays, err)
		}
		delays = append(delays, made.Sub(*out.Task.StoppingAt).Seconds())
	}
	return l.stopsSeen(lags, delays, nil)
}

func (l *lab) stopsSeen(lags, delays []float64, err error) error {
	if len(lags) > 0 {
		l.seen.Set("A45", "longest time for which DescribeTasks showed a stopped task as wanted", slices.Max(lags), len(lags))
	}
	l.seen.Set("A12", "stop to replacement", quantile(delays, 0.5), len(delays))
	return err
}

// replaced waits for a task that is not known, and returns when it was made.
func (l *lab) replaced(ctx context.Context, known map[string]bool, deadline time.Time) (at time.Time, err error) {
	err = l.until(ctx, deadline, func() (bool, error) {
		tasks, err := l.tasks(ctx, serviceReads, types.DesiredStatusRunning)
		for i := range tasks {
			if t := &tasks[i]; !known[aws.ToString(t.TaskArn)] && t.CreatedAt != nil {
				at = *t.CreatedAt
			}
		}
		return !at.IsZero(), err
	})
	return at, err
}
