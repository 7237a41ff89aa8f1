package verify

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

const (
	roundTasks  = 5
	rounds      = 8
	burstTasks  = 16
	standbyTask = 10
	// roundApart keeps the launches of two rounds in different minutes, tail is how long late events are waited for.
	roundApart = 61 * time.Second
	tail       = 90 * time.Second
	// startFor and burstFor bound the rounds and each of the two larger launches.
	startFor = 40 * time.Minute
	burstFor = 10 * time.Minute
	// lateFactor times the lower quartile is when a start is late for reasons that the distribution does not know.
	lateFactor = 2.5
)

// startUp is experiment 1: rounds of starts a minute or more apart, a burst, and on-demand starts.
func (l *lab) startUp(ctx context.Context, deadline time.Time) error {
	if err := l.create(ctx, serviceStart, spot, 0); err != nil {
		return err
	}
	var groups [][]types.Task
	until := l.now().Add(startFor)
	for range rounds {
		began := l.now()
		tasks, err := l.launch(ctx, serviceStart, roundTasks, until)
		if errors.Is(err, errLate) {
			break
		}
		if err != nil {
			return err
		}
		groups = append(groups, tasks)
		if rest := roundApart - l.now().Sub(began); rest > 0 {
			if err := l.wait(ctx, rest); err != nil {
				return err
			}
		}
	}
	burst, err := l.launch(ctx, serviceStart, burstTasks, l.now().Add(burstFor))
	if err != nil && !errors.Is(err, errLate) {
		return err
	}
	var standby []types.Task
	if err := l.create(ctx, serviceOnDemand, onDemand, 0); err != nil {
		return err
	}
	if l.now().Add(burstFor).Before(deadline) {
		if standby, err = l.launch(ctx, serviceOnDemand, standbyTask, l.now().Add(burstFor)); err != nil && !errors.Is(err, errLate) {
			return err
		}
	}
	if err := l.wait(ctx, tail); err != nil {
		return err
	}
	if err := l.drain(ctx); err != nil {
		return err
	}
	l.startsSeen(groups, burst, standby)
	return nil
}

// launch starts n tasks of a service without any, waits until they run, stops them, and returns them STOPPED. With errLate they are
// stopped, too.
func (l *lab) launch(ctx context.Context, service string, n int, deadline time.Time) ([]types.Task, error) {
	if _, err := l.count(ctx, service, int32(n)); err != nil {
		return nil, err
	}
	ran, late := l.settled(ctx, service, n, deadline)
	if late != nil && !errors.Is(late, errLate) {
		return nil, late
	}
	gone, err := l.empty(ctx, service)
	if err != nil || late != nil {
		return nil, errors.Join(err, late)
	}
	of := map[string]bool{}
	for i := range ran {
		of[aws.ToString(ran[i].TaskArn)] = true
	}
	var tasks []types.Task
	for i := range gone {
		if of[aws.ToString(gone[i].TaskArn)] {
			tasks = append(tasks, gone[i])
		}
	}
	return tasks, nil
}

// begun is the time from creation to RUNNING in seconds.
func begun(t *types.Task) (float64, bool) {
	if t.CreatedAt == nil || t.StartedAt == nil {
		return 0, false
	}
	return t.StartedAt.Sub(*t.CreatedAt).Seconds(), true
}

func (l *lab) startsSeen(groups [][]types.Task, burst, standby []types.Task) {
	every := append(append([][]types.Task{}, groups...), burst, standby)
	var all []float64
	for _, g := range every {
		for i := range g {
			if d, ok := begun(&g[i]); ok {
				all = append(all, d)
			}
		}
	}
	limit := quantile(all, 0.25) * lateFactor
	var usual, late []float64
	for _, d := range all {
		if d > limit {
			late = append(late, d)
		} else {
			usual = append(usual, d)
		}
	}
	for name, q := range map[string]float64{"start-up P50": 0.5, "start-up P95": 0.95, "start-up P99": 0.99} {
		l.seen.Set("A1", name, quantile(usual, q), len(usual))
	}
	l.seen.Set("A3", "share of late starts", float64(len(late))/float64(len(all)), len(all))
	if len(late) > 0 {
		l.seen.Set("A3", "how much later they are", mean(late)-mean(usual), len(late))
	}
	var rounds [][]float64
	for _, g := range groups {
		var round []float64
		for i := range g {
			if d, ok := begun(&g[i]); ok && d <= limit {
				round = append(round, d)
			}
		}
		rounds = append(rounds, round)
	}
	if share, ok := common(rounds); ok {
		l.seen.Set("A2", "variance that starts of one minute have in common", share, len(rounds))
	}
	l.spreadSeen(burst)
	l.lifeSeen(every)
	l.eventsSeen(every)
}

// spreadSeen looks at how launches that were asked for at once follow each other.
func (l *lab) spreadSeen(burst []types.Task) {
	if len(burst) < burstTasks {
		return
	}
	first, last := time.Time{}, time.Time{}
	for i := range burst {
		at := aws.ToTime(burst[i].CreatedAt)
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	atOnce := 0
	for i := range burst {
		if aws.ToTime(burst[i].CreatedAt).Sub(first) < time.Second {
			atOnce++
		}
	}
	spread := last.Sub(first).Seconds()
	l.seen.Set("A25", "first to last of 16 launches", spread, len(burst))
	if spread > 0 {
		l.seen.Set("A25", "launches in the first second", float64(atOnce), len(burst))
		l.seen.Set("A25", "launches a second after that", float64(len(burst)-atOnce)/spread, len(burst))
	}
}

// lifeSeen looks at the shares of a start and at the way from the exit to STOPPED.
func (l *lab) lifeSeen(every [][]types.Task) {
	var before, pulled, drained []float64
	for _, g := range every {
		for i := range g {
			t := &g[i]
			if d, ok := begun(t); ok && d > 0 {
				if t.PullStartedAt != nil {
					before = append(before, t.PullStartedAt.Sub(*t.CreatedAt).Seconds()/d)
				}
				if t.PullStoppedAt != nil {
					pulled = append(pulled, t.PullStoppedAt.Sub(*t.CreatedAt).Seconds()/d)
				}
			}
			if t.ExecutionStoppedAt != nil && t.StoppedAt != nil {
				drained = append(drained, t.StoppedAt.Sub(*t.ExecutionStoppedAt).Seconds())
			}
		}
	}
	l.seen.Set("A4", "share of the start before the pull", quantile(before, 0.5), len(before))
	l.seen.Set("A4", "share before the pull's end", quantile(pulled, 0.5), len(pulled))
	l.seen.Set("A8", "containers' exit to STOPPED", quantile(drained, 0.5), len(drained))
}
