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

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
)

const (
	// brokenFor is how long a service that cannot start its task is looked at, brokenMost how many starts it may make in that time.
	brokenFor  = 17 * time.Minute
	brokenMost = 60
	// waitLeast is by how much the time before a start must exceed the shortest one to be a wait.
	waitLeast = 10.0
	// impairedText is in the message of a service that cannot start its tasks.
	impairedText = "unable to consistently start tasks"
)

// badImage is experiment 5: how ECS goes on with a service whose image cannot be pulled.
func (l *lab) badImage(ctx context.Context, _ time.Time) error {
	if err := l.create(ctx, serviceBroken, spot, 1); err != nil {
		return err
	}
	if l.o.ExecutionRole != "" {
		if err := l.create(ctx, serviceSecret, spot, 1); err != nil {
			return err
		}
	}
	var tasks []types.Task
	err := l.until(ctx, l.now().Add(brokenFor), func() (bool, error) {
		found, err := l.tasks(ctx, serviceBroken, types.DesiredStatusStopped)
		if len(found) >= len(tasks) {
			tasks = found
		}
		return len(tasks) >= brokenMost, err
	})
	if err != nil && !errors.Is(err, errLate) {
		return err
	}
	out, err := l.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(l.name()), Services: []string{serviceBroken}})
	if err != nil || len(out.Services) == 0 {
		return l.wrap("ecs:DescribeServices", "describe "+serviceBroken, err)
	}
	l.failuresSeen(tasks, out.Services[0].Events)
	l.said[5] = wordsOf(tasks)
	if l.o.ExecutionRole == "" {
		return nil
	}
	secret, err := l.tasks(ctx, serviceSecret, types.DesiredStatusStopped)
	if words := wordsOf(secret); words != "" {
		l.said[5] += "; of a secret: " + words
	}
	return err
}

// wordsOf are AWS's for why the first of some tasks stopped, "" where it gave none.
func wordsOf(tasks []types.Task) string {
	for i := range tasks {
		if t := &tasks[i]; t.StoppedReason != nil {
			return string(t.StopCode) + ": " + said(ecsevent.Stop{Code: string(t.StopCode), Reason: *t.StoppedReason, Capacity: failover.Spot})
		}
	}
	return ""
}

// failuresSeen looks at the times between the end of a start and the next one, and at when ECS said that it cannot start tasks.
func (l *lab) failuresSeen(tasks []types.Task, said []types.ServiceEvent) {
	tasks = slices.DeleteFunc(tasks, func(t types.Task) bool { return t.CreatedAt == nil || t.StoppingAt == nil || t.StartedAt != nil })
	slices.SortFunc(tasks, func(a, b types.Task) int { return a.CreatedAt.Compare(*b.CreatedAt) })
	var gaps []float64
	for i := 1; i < len(tasks); i++ {
		gaps = append(gaps, tasks[i].CreatedAt.Sub(*tasks[i-1].StoppingAt).Seconds())
	}
	if len(gaps) == 0 {
		return
	}
	at := slices.IndexFunc(gaps, func(gap float64) bool { return gap > slices.Min(gaps)+waitLeast })
	if at < 0 {
		at = len(gaps)
	}
	l.seen.Set("A18", "failed starts before the first wait", float64(at+1), len(tasks))
	l.seen.Set("A18", "failed starts without a wait", float64(at), len(tasks))
	if waits := gaps[at:]; len(waits) > 0 {
		l.seen.Set("A18", "first wait", waits[0], 1)
		if len(waits) > 1 {
			l.seen.Set("A18", "growth of the waits", waits[1]/waits[0], len(waits)-1)
		}
	}
	var first time.Time
	for i := range said {
		if e := &said[i]; strings.Contains(aws.ToString(e.Message), impairedText) && e.CreatedAt != nil && (first.IsZero() || e.CreatedAt.Before(first)) {
			first = *e.CreatedAt
		}
	}
	if first.IsZero() {
		return
	}
	before := 0
	for i := range tasks {
		if !tasks[i].StoppingAt.After(first.Add(2 * time.Second)) {
			before++
		}
	}
	l.seen.Set("A37", "failed starts before the service is said to be impaired", float64(before), 1)
}
