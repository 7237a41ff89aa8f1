package runtask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const region = "us-east-1"

var spot = ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}

// lab is a sandbox with a task definition, in the time of the bubble around it.
type lab struct {
	t   *testing.T
	box *sandbox.Sandbox
	ecs *ecs.Client
}

// in runs a test in a bubble with a lab whose task does what command says.
func in(t *testing.T, command string, test func(l *lab)) {
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}})
		l := &lab{t, box, ecs.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: box,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})}
		ctx, stop := context.WithCancel(t.Context())
		drove := make(chan struct{})
		go func() {
			defer close(drove)
			box.Drive(ctx)
		}()
		_, err := l.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("jobs")})
		l.must(err)
		_, err = l.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("job"), Cpu: aws.String("1024"), Memory: aws.String("2048"),
			RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("job"), Image: aws.String("busybox"), Command: []string{"sh", "-c", command},
				LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": "/jobs", "awslogs-region": region, "awslogs-stream-prefix": "run"}}}}})
		l.must(err)
		test(l)
		stop()
		<-drove
	})
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) request(count int) *Request {
	return &Request{Rules: Rules{Count: count, Pools: 2, StartWithin: 3 * time.Minute, Retries: 3}, Token: "run-1", Wait: true, GiveUp: time.Hour, Poll: 5 * time.Second,
		Pools: []Pool{{Capacity: ecsim.FargateSpot}, {Capacity: ecsim.Fargate}},
		Input: ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: aws.String("job"), StartedBy: aws.String("backstop/run-1"),
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b", "subnet-c"}}}}}
}

func (l *lab) supply(n int) { l.box.World(func(w *ecsim.World) { w.SetSupply(spot, n) }) }

// zeros counts the tasks of the cluster that have ended with exit code 0, and all.
func (l *lab) zeros() (zeros, all int) {
	for _, status := range []types.DesiredStatus{"RUNNING", "STOPPED"} {
		pages := ecs.NewListTasksPaginator(l.ecs, &ecs.ListTasksInput{Cluster: aws.String("jobs"), DesiredStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(l.t.Context())
			l.must(err)
			if len(page.TaskArns) == 0 {
				continue
			}
			out, err := l.ecs.DescribeTasks(l.t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("jobs"), Tasks: page.TaskArns})
			l.must(err)
			for i := range out.Tasks {
				all++
				if code, ok := exitOf(&out.Tasks[i], "job"); ok && code == 0 {
					zeros++
				}
			}
		}
	}
	return zeros, all
}

// TestAThousandTasksThroughAStorm: Spot has room for 600 of 1,000 tasks of five minutes, 50 are interrupted each minute for four minutes, and the
// program is killed three times. Each piece of work is done once, and none again that was done.
func TestAThousandTasksThroughAStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	const count = 1000
	in(t, "sleep 300", func(l *lab) {
		l.supply(600)
		go func() {
			for range 4 {
				<-time.After(time.Minute)
				l.box.World(func(w *ecsim.World) {
					_, held := w.Supply(spot)
					w.SetSupply(spot, max(held-50, 0))
					w.SetSupply(spot, 600)
				})
			}
		}()
		var res Result
		var err error
		kills := 0
		for _, after := range []time.Duration{7 * time.Second, 95 * time.Second, 200 * time.Second, 2 * time.Hour} {
			ctx, cancel := context.WithTimeout(l.t.Context(), after)
			res, err = Run(ctx, l.ecs, region, l.request(count))
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			kills++
		}
		zeros, all := l.zeros()
		if err != nil || kills != 3 || res.Exit != 0 || zeros != count || res.Ends[Finished] != count {
			t.Errorf("killed %d times: %v; exit code %d, %d ended with 0 of %d started; %v", kills, err, res.Exit, zeros, all, res.Ends)
		}
		if lost := res.Ends[Lost]; lost == 0 || all != count+lost+res.Ends[NotStarted] || res.Starts != all {
			t.Errorf("%d lost of %d started: %v", lost, all, res.Ends)
		}
		req := l.request(count)
		req.Token, req.Pools, req.Rules.Pools, req.Input.StartedBy = "run-2", req.Pools[1:], 1, aws.String("backstop/run-2")
		onDemand, err := Run(l.t.Context(), l.ecs, region, req)
		if err != nil || onDemand.Starts != count {
			t.Errorf("all on demand: %v, %d started", err, onDemand.Starts)
		}
		t.Logf("%d started for %d: %d lost while they ran, %d before; $%.2f, all on demand $%.2f", all, count, res.Ends[Lost], res.Ends[NotStarted], res.USD, onDemand.USD)
		if !res.Priced || res.USD <= 0 || res.USD >= onDemand.USD {
			t.Errorf("it cost $%.2f (priced %v), all on demand $%.2f", res.USD, res.Priced, onDemand.USD)
		}
	})
}

// TestWhereSpotHasNoRoomOnDemandTakesTheTask, and the exit code is the container's.
func TestWhereSpotHasNoRoomOnDemandTakesTheTask(t *testing.T) {
	in(t, "sleep 20; exit 7", func(l *lab) {
		l.supply(0)
		res, err := Run(l.t.Context(), l.ecs, region, l.request(1))
		if err != nil || res.Exit != 7 || res.Starts != 1 || aws.ToString(res.Tasks[0].CapacityProviderName) != ecsim.Fargate {
			t.Errorf("%v: exit code %d of %d tasks", err, res.Exit, res.Starts)
		}
	})
}

// TestWhatDoesNotStartInTimeGoesToTheNextPool.
func TestWhatDoesNotStartInTimeGoesToTheNextPool(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		req := l.request(1)
		req.StartWithin = 5 * time.Second
		res, err := Run(l.t.Context(), l.ecs, region, req)
		if err != nil || res.Exit != 0 || res.Ends[NotStarted] != 1 || res.Ends[Finished] != 1 {
			t.Errorf("%v: exit code %d, ends %v", err, res.Exit, res.Ends)
		}
	})
}

// TestWithoutRoomAnywhereItGivesUp, and says ECS's words.
func TestWithoutRoomAnywhereItGivesUp(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		l.supply(0)
		l.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, 0) })
		req := l.request(2)
		req.GiveUp = 5 * time.Minute
		began := time.Now()
		res, err := Run(l.t.Context(), l.ecs, region, req)
		if took := time.Since(began); !errors.Is(err, ErrNoRoom) || !strings.Contains(err.Error(), "(looked for 5m): Capacity is unavailable") || len(res.Failures) == 0 || took < 4*time.Minute || took > 7*time.Minute {
			t.Errorf("after %s: %v, failures %v", took, err, res.Failures)
		}
	})
}

// heard is a sandbox that keeps what it is asked about clusters.
type heard struct {
	*sandbox.Sandbox
	bodies []string
}

func (h *heard) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeClusters") {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		h.bodies = append(h.bodies, string(text))
		r.Body = io.NopCloser(strings.NewReader(string(text)))
	}
	return h.Sandbox.Do(r)
}

// TestTheTimeIsAskedOfTheRunsCluster: a permission may be for that one alone.
func TestTheTimeIsAskedOfTheRunsCluster(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		h := &heard{Sandbox: l.box}
		client := ecs.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: h,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
		l.supply(0)
		req := l.request(1)
		req.Pools, req.Rules.Pools, req.GiveUp = req.Pools[:1], 1, time.Minute
		if _, err := Run(l.t.Context(), client, region, req); !errors.Is(err, ErrNoRoom) {
			t.Fatal(err)
		}
		if len(h.bodies) == 0 || strings.Contains(strings.Join(h.bodies, " "), "{}") {
			t.Errorf("asked: %v", h.bodies)
		}
	})
}

// TestAnInterruptedTaskThatIsDoneIsNotStartedAgain: its work ends within the warning.
func TestAnInterruptedTaskThatIsDoneIsNotStartedAgain(t *testing.T) {
	in(t, "sleep 25", func(l *lab) {
		req := l.request(1)
		req.Note = func(text string) {
			if strings.HasSuffix(text, "runs on FARGATE_SPOT") {
				l.supply(0)
			}
		}
		res, err := Run(l.t.Context(), l.ecs, region, req)
		if err != nil || res.Exit != 0 || fmt.Sprint(res.Ends) != fmt.Sprint(map[End]int{Finished: 1}) {
			t.Errorf("%v: exit code %d, ends %v", err, res.Exit, res.Ends)
		}
		if len(res.Tasks) != 1 || res.Tasks[0].StopCode != types.TaskStopCodeSpotInterruption {
			t.Errorf("it was not interrupted: %+v", res.Tasks)
		}
	})
}

// TestATokenIsOfOneTaskDefinition: what was done of another one is not the work that is asked for.
func TestATokenIsOfOneTaskDefinition(t *testing.T) {
	in(t, "sleep 25", func(l *lab) {
		if _, err := Run(l.t.Context(), l.ecs, region, l.request(1)); err != nil {
			l.t.Fatal(err)
		}
		_, err := l.ecs.RegisterTaskDefinition(l.t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("other"), Cpu: aws.String("1024"), Memory: aws.String("2048"),
			RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, NetworkMode: types.NetworkModeAwsvpc,
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("other"), Image: aws.String("busybox"), Command: []string{"sleep", "25"}}}})
		l.must(err)
		req := l.request(2)
		req.Input.TaskDefinition = aws.String("other")
		if _, err = Run(l.t.Context(), l.ecs, region, req); !errors.Is(err, ErrOtherRun) || !strings.HasSuffix(err.Error(), "of job, not of other") {
			t.Errorf("the run of another task definition goes on: %v", err)
		}
		if _, all := l.zeros(); all != 1 {
			t.Errorf("%d tasks, want the first alone", all)
		}
	})
}

// TestTwoProgramsWithOneTokenStartNothingTwice: the other one's call of the same number has other parameters.
func TestTwoProgramsWithOneTokenStartNothingTwice(t *testing.T) {
	in(t, "sleep 20", func(l *lab) {
		one, other := newRun(l.ecs, l.request(2)), newRun(l.ecs, l.request(2))
		l.must(one.begin(l.t.Context(), region))
		l.must(other.begin(l.t.Context(), region))
		_, err := other.startOn(l.t.Context(), Start{1, 0, 0, 1}, 0)
		l.must(err)
		res, err := one.carryOut(l.t.Context(), region)
		if zeros, all := l.zeros(); err != nil || zeros != 2 || all != 2 || res.Starts != 2 {
			t.Errorf("%v: %d ended with 0 of %d started, of which it knows %d", err, zeros, all, res.Starts)
		}
	})
}

// TestARunThatIsCutOffInACallStopsTheTasksOfThatCall, and counts none that it could not stop.
func TestARunThatIsCutOffInACallStopsTheTasksOfThatCall(t *testing.T) {
	in(t, "sleep 300", func(l *lab) {
		_, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLostAnswer, Operation: "ecs:RunTask"})
		l.must(err)
		ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Second)
		defer cancel()
		req := l.request(2)
		res, err := Run(ctx, l.ecs, region, req)
		if err == nil || res.Starts != 0 || !res.Unheard {
			t.Fatalf("it was not cut off in a call (%v): %v, %d tasks", res.Unheard, err, res.Starts)
		}
		if n, err := Left(l.t.Context(), l.ecs, req, &res); err != nil || n != 2 {
			t.Errorf("%d go on: %v", n, err)
		}
		u := newRun(l.ecs, req)
		l.must(u.find(l.t.Context()))
		known := u.result(region)
		if n, err := Stop(ctx, l.ecs, req, &known); err == nil || n != 0 || len(known.Tasks) != 2 {
			t.Errorf("without time it says that it has stopped %d of %d: %v", n, len(known.Tasks), err)
		}
		if n, err := Stop(l.t.Context(), l.ecs, req, &res); err != nil || n != 2 {
			t.Errorf("stopped %d: %v", n, err)
		}
	})
}
