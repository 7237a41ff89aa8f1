package function_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// jobs is a world with a cluster of tasks of no service.
type jobs struct {
	*storm
	family string
	ecs    *ecs.Client
	seen   map[string]types.Task // all that ever ran, by ARN
}

// newJobs makes one with a task definition whose tasks do what command says.
func newJobs(t *testing.T, o sandbox.Options, family, command string) *jobs {
	t.Helper()
	j := &jobs{family: family, storm: &storm{draw: rand.New(rand.NewPCG(1, 1)), passes: make(map[control.Result]int)}, seen: make(map[string]types.Task)}
	j.world = newWorldOn(t, o, 1, "api")
	j.tasks = "tasks: [{cluster: jobs, security_groups: [sg-1]}]\n"
	var err error
	j.workloads, err = parts.Workloads(j.config(""), region)
	j.must(err)
	j.ecs = ecs.NewFromConfig(j.aws(), func(o *ecs.Options) { o.HTTPClient = j.box })
	_, err = j.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("jobs")})
	j.must(err)
	_, err = j.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: &family, Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("job"), Image: aws.String("busybox"), Command: []string{"sh", "-c", command}}}})
	j.must(err)
	return j
}

func (j *jobs) must(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// run starts tasks on Spot with tags, given as name, value, name, value.
func (j *jobs) run(n int, tags ...string) (arns []string) {
	j.t.Helper()
	in := &ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: &j.family, StartedBy: aws.String("nightly"), Group: aws.String("night"), EnableExecuteCommand: true,
		CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(ecsim.FargateSpot), Weight: 1}},
		Overrides:                &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("job"), Environment: []types.KeyValuePair{{Name: aws.String("DAY"), Value: aws.String("1")}}}}},
		NetworkConfiguration:     &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}}}}
	for i := 0; i < len(tags); i += 2 {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(tags[i]), Value: aws.String(tags[i+1])})
	}
	for len(arns) < n {
		in.Count, in.ClientToken = aws.Int32(int32(min(n-len(arns), 10))), nil // the SDK makes one
		out, err := j.ecs.RunTask(j.t.Context(), in)
		j.must(err)
		if len(arns) >= 50 {
			<-time.After(time.Second) // twenty a second may be launched, at first a hundred
		}
		if len(out.Failures) > 0 {
			j.t.Fatalf("run tasks: %v", out.Failures)
		}
		for i := range out.Tasks {
			arns = append(arns, aws.ToString(out.Tasks[i].TaskArn))
		}
	}
	return arns
}

// look notes what the cluster has, before ECS forgets it.
func (j *jobs) look() {
	j.t.Helper()
	for _, status := range []types.DesiredStatus{"RUNNING", "STOPPED"} {
		pages := ecs.NewListTasksPaginator(j.ecs, &ecs.ListTasksInput{Cluster: aws.String("jobs"), DesiredStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(j.t.Context())
			j.must(err)
			if len(page.TaskArns) == 0 {
				continue
			}
			out, err := j.ecs.DescribeTasks(j.t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("jobs"), Tasks: page.TaskArns, Include: []types.TaskField{types.TaskFieldTags}})
			j.must(err)
			for _, task := range out.Tasks {
				j.seen[aws.ToString(task.TaskArn)] = task
			}
		}
	}
}

func tagOf(t *types.Task, key string) string {
	for _, tag := range t.Tags {
		if aws.ToString(tag.Key) == key {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}

// again counts the tasks that took each task's place, by its ID.
func (j *jobs) again() map[string]int {
	out := make(map[string]int)
	for _, task := range j.seen {
		if of := tagOf(&task, taskretry.TagOf); of != "" {
			out[of]++
		}
	}
	return out
}

func (j *jobs) book() taskretry.Book {
	j.t.Helper()
	b, err := taskretry.Read(j.t.Context(), j.store())
	j.must(err)
	return b
}

// cut takes so many Spot tasks of all, services' included.
func (j *jobs) cut(n int) {
	key := ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}
	j.box.World(func(w *ecsim.World) {
		_, held := w.Supply(key)
		w.SetSupply(key, max(held-n, 0))
		w.SetSupply(key, -1)
	})
}

// daemonOf runs the daemon of the configuration.
func (j *jobs) daemonOf(ctx context.Context, owner string) {
	a, err := app.New(ctx, app.Options{Config: j.config(""), AWS: j.aws(), Store: j.store(), Owner: owner, Now: j.box.Now, Log: slog.New(slog.NewTextHandler(j.storm, nil)), Metrics: io.Discard})
	if err == nil {
		err = a.Run(ctx)
	}
	if err != nil {
		j.t.Error(err)
	}
}

// TestTaggedTasksThroughAStorm: 100 tagged tasks on Spot, which takes a third of them each time; events come twice and late, calls are throttled, fail
// and lose their answers. Each loss has one further start, no work more than its tag says, and what nobody tagged is left alone.
func TestTaggedTasksThroughAStorm(t *testing.T) {
	t.Parallel()
	for name, guard := range map[string]func(ctx context.Context, j *jobs, all *sync.WaitGroup){
		"a daemon": func(ctx context.Context, j *jobs, all *sync.WaitGroup) {
			all.Go(func() { j.daemonOf(ctx, "daemon") })
		},
		"a function": func(ctx context.Context, j *jobs, all *sync.WaitGroup) {
			for _, name := range []string{"a", "b"} { // two environments share the queue
				e := &environment{s: j.storm, name: name}
				all.Go(func() { e.mapped(ctx) })
			}
			tick := &environment{s: j.storm, name: "tick"}
			all.Go(func() { tick.ticks(ctx) })
		},
		"both": func(ctx context.Context, j *jobs, all *sync.WaitGroup) {
			mapping, tick := &environment{s: j.storm, name: "mapping"}, &environment{s: j.storm, name: "tick"}
			all.Go(func() { j.daemonOf(ctx, "daemon") })
			all.Go(func() { mapping.mapped(ctx) })
			all.Go(func() { tick.ticks(ctx) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			if *stormsFlag == 1 && name != "both" { // -storms 2 plays all three
				t.Skip("both together stand for each alone")
			}
			synctest.Test(t, func(t *testing.T) {
				j := newJobs(t, sandbox.Options{World: ecsim.Config{Seed: 1, Start: time.Now()}}, "job", "sleep 1200")
				j.spoilt()
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				defer all.Wait()
				defer cancel()
				guard(ctx, j, &all)
				all.Go(func() { j.box.Drive(ctx) })
				j.storms(ctx)
			})
		})
	}
}

func (j *jobs) storms(ctx context.Context) {
	n := 100
	if racetest.Enabled {
		n = 30
	}
	j.run(n, taskretry.TagRetry, "1")
	j.run(20)
	j.run(10, taskretry.TagRetry, "3", taskretry.TagAttempt, "3")
	j.run(10, taskretry.TagRetry, "3", taskretry.TagAttempt, "4")
	j.run(5, taskretry.TagRetry, "often")
	j.cut(20) // some of them before they run
	control.Wait(ctx, 3*time.Minute)
	j.raging.Store(true)
	j.box.SetDelivery(sandbox.Trouble{DuplicateShare: 0.5, LateShare: 0.3, LateSeconds: 90})
	for _, f := range []sandbox.Fault{{Kind: sandbox.FaultThrottle, Share: 0.2}, {Kind: sandbox.FaultLostAnswer, Share: 0.15, Operation: "ecs:RunTask"},
		{Kind: sandbox.FaultLateError, Share: 0.1, Operation: "ecs:RunTask"}, {Kind: sandbox.FaultDenied, Share: 0.1, Operation: "ecs:*Task*"}} {
		_, err := j.box.AddFault(f)
		j.must(err)
	}
	for range 3 {
		j.cut((n + 45) / 3)
		control.Wait(ctx, 3*time.Minute)
	}
	j.raging.Store(false)
	j.box.ClearFaults(0)
	control.Wait(ctx, 5*time.Minute) // what is still under way comes again, or is dead as well
	dead := j.redrive()
	for range 12 { // the last of them runs for 20 minutes
		j.look()
		if b := j.book(); !slices.ContainsFunc(b.Records, func(r taskretry.Record) bool { return r.Verdict == taskretry.Again && r.Ended.IsZero() }) {
			break
		}
		control.Wait(ctx, 5*time.Minute)
	}
	j.t.Logf("%d events were taken back from the dead letters", dead)
	j.verify(n / 3)
}

// redrive moves what was received five times in vain from the dead-letter queue back, as a person does when its alarm goes off.
func (j *jobs) redrive() (n int) {
	j.t.Helper()
	client := sqs.NewFromConfig(j.aws(), func(o *sqs.Options) { o.HTTPClient = j.box })
	at := func(name string) *string {
		out, err := client.GetQueueUrl(j.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		j.must(err)
		return out.QueueUrl
	}
	from, to := at(sandbox.EventsDeadLetterQueue), at(sandbox.EventsQueue)
	for {
		got, err := client.ReceiveMessage(j.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: from, MaxNumberOfMessages: 10})
		j.must(err)
		if len(got.Messages) == 0 {
			return n
		}
		for _, m := range got.Messages {
			_, err := client.SendMessage(j.t.Context(), &sqs.SendMessageInput{QueueUrl: to, MessageBody: m.Body})
			j.must(err)
			_, err = client.DeleteMessage(j.t.Context(), &sqs.DeleteMessageInput{QueueUrl: from, ReceiptHandle: m.ReceiptHandle})
			j.must(err)
			n++
		}
	}
}

// verify holds what ran to what is promised; at least so many were lost.
func (j *jobs) verify(least int) {
	again, lost, done := j.again(), 0, 0
	for arn, task := range j.seen {
		id := ecsevent.TaskID(arn)
		want := 0
		allowed := map[string]int{"1": 1, "3": 3}[tagOf(&task, taskretry.TagRetry)]
		var attempt int
		_, _ = fmt.Sscan(tagOf(&task, taskretry.TagAttempt), &attempt)
		if interrupted := task.StopCode == types.TaskStopCodeSpotInterruption; interrupted && allowed > 0 && max(attempt, 1) <= allowed {
			want, lost = 1, lost+1
		}
		if again[id] != want {
			j.t.Errorf("%s (%s, %s, retry %q, attempt %q) was started again %d times, want %d", id, aws.ToString(task.LastStatus), task.StopCode, tagOf(&task, taskretry.TagRetry),
				tagOf(&task, taskretry.TagAttempt), again[id], want)
		}
		if of := tagOf(&task, taskretry.TagOf); of != "" {
			done++
			if attempt < 2 || attempt > allowed+1 || aws.ToString(task.CapacityProviderName) != ecsim.Fargate || aws.ToString(task.Group) != "night" || aws.ToString(task.StartedBy) != "nightly" ||
				!task.EnableExecuteCommand || len(task.Overrides.ContainerOverrides) != 1 || len(task.Overrides.ContainerOverrides[0].Environment) != 1 {
				j.t.Errorf("%s is not as %s was: %+v", id, of, task)
			}
		}
	}
	b := j.book()
	if !slices.ContainsFunc(b.Records, func(r taskretry.Record) bool { return r.End == runtask.NotStarted && r.Started != "" }) {
		j.t.Error("no task was lost before it ran")
	}
	sum := b.Between(time.Time{}, time.Now().Add(24*time.Hour))
	if lost < least || done != lost || sum.Started != lost || sum.Ended != lost || sum.Unpriced > 0 || sum.USD <= sum.SpotUSD || sum.SpotUSD <= 0 {
		j.t.Errorf("%d lost, %d started again; kept: %+v", lost, done, sum)
	}
	bad, used := 0, 0
	for i := range b.Records {
		r := &b.Records[i]
		switch {
		case r.Open():
			j.t.Errorf("%s is still to be started: %+v", r.Task, r)
		case r.Verdict == taskretry.BadTag:
			bad++
		case r.Verdict == taskretry.UsedUp:
			used++
		}
	}
	if sum.Left != bad+used {
		j.t.Errorf("%d could not be started again, of them %d have a wrong tag and %d were started often enough", sum.Left, bad, used)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.t.Logf("%d tasks, %d lost and started again once each, %d with a wrong tag, %d used up; $%.2f, on Spot $%.2f; %d invocations killed", len(j.seen), lost, bad, used, sum.USD, sum.SpotUSD, j.killed)
}
