package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	wideTasks, narrowTasks, extraTasks = 10, 6, 4

	scaleRounds = 5
	scaleLeast  = 3 // rounds that tell something
)

// scaleIn is experiment 2: which tasks a scale-in stops, and how soon the scheduler reacts.
func (l *lab) scaleIn(ctx context.Context, deadline time.Time) error {
	if err := l.create(ctx, serviceScaleIn, spot, 0); err != nil {
		return err
	}
	if _, err := l.count(ctx, serviceScaleIn, wideTasks); err != nil {
		return err
	}
	var reactions, ages, starting []float64
	var late error
	for range scaleRounds {
		ran, err := l.settled(ctx, serviceScaleIn, wideTasks, deadline)
		if errors.Is(err, errLate) {
			late = err
			break
		}
		if err != nil {
			return err
		}
		at, stopped, err := l.narrow(ctx, ran, narrowTasks, deadline)
		if err != nil {
			return err
		}
		ages = append(ages, rank(ran, stopped))
		reactions = append(reactions, firstStop(stopped).Sub(at).Seconds())
		if at, err = l.count(ctx, serviceScaleIn, wideTasks); err != nil {
			return err
		}
		made, err := l.widened(ctx, deadline)
		if err != nil {
			return err
		}
		reactions = append(reactions, made.Sub(at).Seconds())
	}
	if late == nil {
		share, err := l.duringStart(ctx, deadline)
		if err != nil && !errors.Is(err, errLate) {
			return err
		}
		if err == nil {
			starting = append(starting, share)
		}
	}
	if len(ages) >= scaleLeast {
		l.seen.Set("A22", "age of what a scale-in stops, from 0 (oldest) to 1 (youngest)", mean(ages), len(ages))
	}
	if len(starting) > 0 {
		l.seen.Set("A22", "share of starting tasks in what it stops", starting[0], extraTasks)
	}
	l.seen.Set("A13", "UpdateService to first reaction", quantile(reactions, 0.5), len(reactions))
	return nil
}

// narrow lowers the count and returns the tasks of those given that ECS stops for it, STOPPED, and when ECS was told.
func (l *lab) narrow(ctx context.Context, ran []types.Task, to int, deadline time.Time) (at time.Time, stopped []types.Task, err error) {
	if at, err = l.count(ctx, serviceScaleIn, int32(to)); err != nil {
		return at, nil, err
	}
	if _, err = l.settled(ctx, serviceScaleIn, to, deadline); err != nil {
		return at, nil, err
	}
	gone, err := l.stopped(ctx, serviceScaleIn, deadline)
	for i := range gone {
		if slices.ContainsFunc(ran, func(t types.Task) bool { return aws.ToString(t.TaskArn) == aws.ToString(gone[i].TaskArn) }) {
			stopped = append(stopped, gone[i])
		}
	}
	return at, stopped, err
}

// widened waits for the tasks that a rise of the count makes, and returns when the first of them was.
func (l *lab) widened(ctx context.Context, deadline time.Time) (first time.Time, err error) {
	err = l.until(ctx, deadline, func() (bool, error) {
		tasks, err := l.tasks(ctx, serviceScaleIn, types.DesiredStatusRunning)
		if err != nil || len(tasks) != wideTasks {
			return false, err
		}
		slices.SortFunc(tasks, func(a, b types.Task) int { return aws.ToTime(a.CreatedAt).Compare(aws.ToTime(b.CreatedAt)) })
		first = aws.ToTime(tasks[narrowTasks].CreatedAt)
		return true, nil
	})
	return first, err
}

// duringStart raises the count and takes it back while the new tasks start: the share of them in what ECS stops.
func (l *lab) duringStart(ctx context.Context, deadline time.Time) (float64, error) {
	ran, err := l.settled(ctx, serviceScaleIn, wideTasks, deadline)
	if err != nil {
		return 0, err
	}
	if _, err := l.count(ctx, serviceScaleIn, wideTasks+extraTasks); err != nil {
		return 0, err
	}
	var tasks []types.Task
	if err := l.until(ctx, deadline, func() (bool, error) {
		tasks, err = l.tasks(ctx, serviceScaleIn, types.DesiredStatusRunning)
		return len(tasks) == wideTasks+extraTasks, err
	}); err != nil {
		return 0, err
	}
	for i := range tasks {
		if fresh := !slices.ContainsFunc(ran, func(t types.Task) bool { return aws.ToString(t.TaskArn) == aws.ToString(tasks[i].TaskArn) }); fresh && aws.ToString(tasks[i].LastStatus) == "RUNNING" {
			return 0, errLate // they start too quickly for this
		}
	}
	_, stopped, err := l.narrow(ctx, tasks, wideTasks, deadline)
	if err != nil || len(stopped) == 0 {
		return 0, cmp.Or(err, errLate)
	}
	starting := 0
	for i := range stopped {
		if stopped[i].StartedAt == nil {
			starting++
		}
	}
	return float64(starting) / float64(len(stopped)), nil
}

// rank is the mean age rank of the stopped tasks among those that ran, from 0 (the oldest) to 1 (the youngest).
func rank(ran, stopped []types.Task) float64 {
	slices.SortFunc(ran, func(a, b types.Task) int { return aws.ToTime(a.StartedAt).Compare(aws.ToTime(b.StartedAt)) })
	sum, n := 0, 0
	for i := range ran {
		if slices.ContainsFunc(stopped, func(t types.Task) bool { return aws.ToString(t.TaskArn) == aws.ToString(ran[i].TaskArn) }) {
			sum += i
			n++
		}
	}
	least, most := n*(n-1)/2, n*len(ran)-n*(n+1)/2
	if most == least {
		return 0
	}
	return float64(sum-least) / float64(most-least)
}

func firstStop(stopped []types.Task) (first time.Time) {
	for i := range stopped {
		if at := aws.ToTime(stopped[i].StoppingAt); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
