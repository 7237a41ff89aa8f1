package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/ledger"
)

const (
	// fishTries is how often a large task is asked for, fishFor how long that may take, fishRoom which quota leaves half of it to others.
	fishTries = 6
	fishFor   = 12 * time.Minute
	fishRoom  = 2 * largeVCPU
	// startsWithin is how long a task that was placed may take to run: one that has not by then counts as made without capacity.
	startsWithin = 4 * time.Minute
)

// fish is experiment 4: it asks for a large Spot task in one zone after another until one has no room for it. The task's command ends at once.
func (l *lab) fish(ctx context.Context, deadline time.Time) error {
	if l.spotQuota < fishRoom {
		return &skippedError{fmt.Sprintf("the Spot vCPU quota (%g) is below %d: a task of %d vCPU would take more than half of it", l.spotQuota, fishRoom, largeVCPU)}
	}
	refused, made := 0, 0
	for n := 0; n < fishTries && refused+made == 0 && l.now().Add(startsWithin).Before(deadline); n++ {
		task, words, err := l.ask(ctx, l.o.Subnets[n%len(l.o.Subnets)])
		switch {
		case err != nil:
			return err
		case words != "":
			refused++
			l.said[4] = said(refusal(words))
			continue
		}
		ran, err := l.ends(ctx, task)
		if err != nil {
			return err
		}
		if !ran {
			made++
		}
	}
	if refused+made == 0 {
		return &skippedError{fmt.Sprintf("Spot had room each time, at most %d times", fishTries)}
	}
	l.seen.Set("A23", "share of launches without capacity that made a task", float64(made)/float64(refused+made), refused+made)
	return nil
}

// said are AWS's words, without what identifies an account, and what Backstop takes them for.
func said(s ecsevent.Stop) string {
	return fmt.Sprintf("%s (read as %s)", ledger.NewFakes().Text(s.Reason), ecsevent.Classify(s))
}

// ask asks for the task in one subnet: its ARN, or AWS's words for why there is none.
func (l *lab) ask(ctx context.Context, subnet string) (task, words string, err error) {
	network := l.network()
	network.AwsvpcConfiguration.Subnets = []string{subnet}
	out, err := l.ecs.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(l.name()), TaskDefinition: aws.String(l.definition(serviceShort)), CapacityProviderStrategy: spot, NetworkConfiguration: network,
		Tags: []types.Tag{{Key: aws.String(TagKey), Value: &l.id}}, Overrides: endsAtOnce()})
	var api smithy.APIError
	switch {
	case err == nil && len(out.Tasks) > 0:
		return aws.ToString(out.Tasks[0].TaskArn), "", nil
	case err == nil && len(out.Failures) > 0:
		if words = aws.ToString(out.Failures[0].Reason); !noRoom(words) {
			return "", "", &skippedError{"a large task was refused for another reason than room: " + ledger.NewFakes().Text(words)}
		}
		l.seen.Set("A42", "share of RunTask calls without room that are errors", 0, 1)
		return "", words, nil
	case errors.As(err, &api) && noRoom(api.ErrorMessage()):
		l.seen.Set("A42", "share of RunTask calls without room that are errors", 1, 1)
		return "", api.ErrorMessage(), nil
	}
	return "", "", l.wrap("ecs:RunTask", "ask for a large task", err)
}

// refusal is a task that was refused with these words.
func refusal(words string) ecsevent.Stop {
	return ecsevent.Stop{Code: string(types.TaskStopCodeTaskFailedToStart), Reason: words, Capacity: failover.Spot}
}

// noRoom reports whether AWS's words say that there is no capacity: what else is refused tells nothing of it.
func noRoom(words string) bool {
	return ecsevent.Classify(refusal(words)) == failover.SignalCapacityStop
}

// endsAtOnce lets the task's command end by itself: nothing has to stop it.
func endsAtOnce() *types.TaskOverride {
	return &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("idle"), Command: []string{"sleep", "1"}}}}
}

// ends waits until a task has run, and stops it; it reports whether it ran.
func (l *lab) ends(ctx context.Context, task string) (ran bool, err error) {
	err = l.until(ctx, l.now().Add(startsWithin), func() (bool, error) {
		out, err := l.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(l.name()), Tasks: []string{task}})
		if err != nil || len(out.Tasks) == 0 {
			return false, l.wrap("ecs:DescribeTasks", "describe the large task", err)
		}
		ran = out.Tasks[0].StartedAt != nil
		return ran || aws.ToString(out.Tasks[0].LastStatus) == "STOPPED", nil
	})
	if err != nil && !errors.Is(err, errLate) {
		return ran, err
	}
	_, err = l.ecs.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(l.name()), Task: &task, Reason: aws.String("backstop verify-aws")})
	return ran, l.wrap("ecs:StopTask", "stop the large task", err)
}
