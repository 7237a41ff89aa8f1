package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

const (
	// largeVCPU is what the task of this experiment needs: it is carried out where the quota is below that.
	largeVCPU = 16
	largeGB   = 32
	// shortFor is how long the service is left to fail, wiggleFor how long its count may be changed after that, wiggles how often.
	shortFor  = 15 * time.Minute
	wiggleFor = 8 * time.Minute
	wiggles   = 3
	// early is the share of the usual time between attempts below which one came before its time.
	early = 0.7
	// unplacedText is in the line of a service that cannot place a task.
	unplacedText     = "was unable to place a task"
	placementFailure = "SERVICE_TASK_PLACEMENT_FAILURE"
)

// skippedError is why an experiment is not carried out in this account.
type skippedError struct{ text string }

func (e *skippedError) Error() string { return e.text }

// shortage is experiment 3: how ECS goes on with a service whose task it cannot place. It never has a task.
func (l *lab) shortage(ctx context.Context, deadline time.Time) error {
	if l.spotQuota >= largeVCPU {
		return &skippedError{fmt.Sprintf("the Spot vCPU quota (%g) has room for a task of %d vCPU, which would start", l.spotQuota, largeVCPU)}
	}
	if err := l.create(ctx, serviceShort, spot, 1); err != nil {
		return err
	}
	var lines []time.Time
	if err := l.until(ctx, l.now().Add(shortFor), func() (done bool, err error) {
		lines, err = l.unplaced(ctx)
		return false, err
	}); err != nil && !errors.Is(err, errLate) {
		return err
	}
	l.attemptsSeen(lines)
	if len(lines) > 2 {
		if err := l.wiggle(ctx, lines, deadline); err != nil && !errors.Is(err, errLate) {
			return err
		}
	}
	return l.runWithoutRoom(ctx)
}

// unplaced returns when ECS said that it cannot place the task, the oldest first, and looks at how many failed tasks it has counted. A task
// that was placed after all ends the experiment.
func (l *lab) unplaced(ctx context.Context) (lines []time.Time, err error) {
	out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceShort}})
	if err != nil || len(out.Services) == 0 {
		return nil, l.wrap("ecs:DescribeServices", "describe "+serviceShort, err)
	}
	s := &out.Services[0]
	if s.PendingCount+s.RunningCount > 0 {
		return nil, &skippedError{"the task was placed; it is stopped"}
	}
	for i := range s.Events {
		if e := &s.Events[i]; strings.Contains(aws.ToString(e.Message), unplacedText) && e.CreatedAt != nil {
			lines = append(lines, *e.CreatedAt)
		}
	}
	slices.SortFunc(lines, time.Time.Compare)
	if n := len(lines); n > 0 && len(s.Deployments) > 0 {
		l.seen.Set("A21", "share of placement failures that do not count as failed tasks", 1-min(1, float64(s.Deployments[0].FailedTasks)/float64(n)), n)
	}
	return lines, nil
}

// attemptsSeen looks at the times between attempts and at the events that came meanwhile.
func (l *lab) attemptsSeen(lines []time.Time) {
	gaps := gapsOf(lines)
	var growth []float64
	for i := 1; i < len(gaps); i++ {
		growth = append(growth, gaps[i]/gaps[i-1])
	}
	if len(gaps) > 0 {
		l.seen.Set("A17", "placement failure to the next attempt", gaps[0], len(gaps))
	}
	l.seen.Set("A17", "growth of that time", quantile(growth, 0.5), len(growth))
	var told []time.Time
	ids := map[string]bool{}
	for i := range l.events {
		e := &l.events[i]
		if e.Detail.EventName == placementFailure && !ids[e.ID] && slices.ContainsFunc(e.About, func(arn string) bool { return strings.HasSuffix(arn, "/"+serviceShort) }) {
			ids[e.ID] = true
			told = append(told, e.Time)
		}
	}
	l.seen.Set("A20", "placement-failure events in 15 minutes", float64(len(told)), len(told)) // none: whether events come is not known
	if slices.SortFunc(told, time.Time.Compare); len(told) > 1 {
		l.seen.Set("A20", "first to second event", told[1].Sub(told[0]).Seconds(), 1)
	}
}

func gapsOf(at []time.Time) (gaps []float64) {
	for i := 1; i < len(at); i++ {
		gaps = append(gaps, at[i].Sub(at[i-1]).Seconds())
	}
	return gaps
}

// wiggle changes the count right after an attempt, and looks whether the next one comes before its time.
func (l *lab) wiggle(ctx context.Context, lines []time.Time, deadline time.Time) error {
	usual := quantile(gapsOf(lines), 0.5)
	next := func() error { // waits for one more line
		known := len(lines)
		return l.until(ctx, deadline, func() (done bool, err error) {
			if lines, err = l.unplaced(ctx); err != nil {
				return false, err
			}
			return len(lines) > known, nil
		})
	}
	tried, soon := 0, 0
	for i := range wiggles {
		if err := next(); err != nil {
			return err
		}
		if _, err := l.count(ctx, serviceShort, int32(2-i%2)); err != nil {
			return err
		}
		last := lines[len(lines)-1]
		if err := next(); err != nil {
			return err
		}
		tried++
		if i := slices.IndexFunc(lines, last.Before); i >= 0 && lines[i].Sub(last).Seconds() < early*usual {
			soon++
		}
		l.seen.Set("A19", "share of changes of the count that an attempt follows before its time", float64(soon)/float64(tried), tried)
	}
	return nil
}

// runWithoutRoom asks for the same task by RunTask, with a command that ends at once: the dead man's switch could not stop one that starts after
// all, since its ID is not known before.
func (l *lab) runWithoutRoom(ctx context.Context) error {
	out, err := l.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(l.name()), TaskDefinition: aws.String(l.definition(serviceShort)), CapacityProviderStrategy: spot, NetworkConfiguration: l.network(),
		Tags:      []types.Tag{{Key: aws.String(TagKey), Value: &l.id}},
		Overrides: endsAtOnce()})
	var api smithy.APIError
	switch {
	case err == nil && len(out.Tasks) > 0:
		_, err = l.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(l.name()), Task: out.Tasks[0].TaskArn})
		return l.wrap("ecs:StopTask", "stop a task that should not have started", err)
	case err == nil:
		l.seen.Set("A42", "share of RunTask calls without room that are errors", 0, 1)
	case errors.As(err, &api) && api.ErrorFault() == smithy.FaultClient && api.ErrorCode() != "AccessDeniedException":
		l.seen.Set("A42", "share of RunTask calls without room that are errors", 1, 1)
	default:
		return l.wrap("ecs:RunTask", "ask for a task that has no room", err)
	}
	return nil
}
