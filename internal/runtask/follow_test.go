package runtask

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/aws/logs"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// followed is what came of a run whose logs are followed: its lines by where they came from, and its warnings.
type followed struct {
	lines map[string][]string
	warns []string
}

func (l *lab) follow(req *Request) *followed {
	out := &followed{lines: map[string][]string{}}
	cfg := aws.Config{Region: region, BaseEndpoint: aws.String("http://sandbox.localhost"), HTTPClient: l.box,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	req.Follow = &Follow{Reader: logs.New(cfg), Warn: func(text string) { out.warns = append(out.warns, text) },
		Line: func(from, text string) { out.lines[from] = append(out.lines[from], text) }}
	return out
}

// TestTheLogOfATaskIsFollowedToItsEnd: its last line arrives after its end. One task's lines have no prefix.
func TestTheLogOfATaskIsFollowedToItsEnd(t *testing.T) {
	in(t, "echo begin; sleep 30; echo done; exit 3", func(l *lab) {
		req := l.request(1)
		got := l.follow(req)
		res, err := Run(l.t.Context(), l.ecs, region, req)
		if err != nil || res.Exit != 3 || strings.Join(got.lines[""], "|") != "begin|done" || len(got.lines) != 1 || len(got.warns) > 0 {
			t.Errorf("%v, exit code %d: %v, warned %v", err, res.Exit, got.lines, got.warns)
		}
	})
}

// TestLogsAreFollowedAcrossRestarts: the second task's lines say whose they are.
func TestLogsAreFollowedAcrossRestarts(t *testing.T) {
	in(t, "echo begin; sleep 400; echo done", func(l *lab) {
		req := l.request(1)
		got := l.follow(req)
		req.Note = func(text string) {
			if strings.HasSuffix(text, "runs on FARGATE_SPOT") {
				time.AfterFunc(time.Minute, func() { l.supply(0) })
			}
		}
		res, err := Run(l.t.Context(), l.ecs, region, req)
		l.must(err)
		second := aws.ToString(res.Tasks[1].TaskArn)
		second = second[len(second)-32:][:8]
		if res.Starts != 2 || strings.Join(got.lines[""], "|") != "begin" || strings.Join(got.lines[second], "|") != "begin|done" {
			t.Errorf("%d started: %v", res.Starts, got.lines)
		}
	})
}

// TestManyTasksShareTheReads: all is read, and AWS is asked at most five times a second.
func TestManyTasksShareTheReads(t *testing.T) {
	in(t, "echo one; sleep 60; echo two", func(l *lab) {
		_, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "logs:*", Share: 0.1, Count: 20})
		l.must(err)
		l.box.World(func(w *ecsim.World) { w.SetSupply(spot, 1000) })
		req := l.request(100)
		got := l.follow(req)
		began := time.Now()
		res, err := Run(l.t.Context(), l.ecs, region, req)
		took, reads := time.Since(began), l.box.Calls().Counts["logs:GetLogEvents"]
		if err != nil || res.Ends[Finished] != 100 || len(got.lines) != 100 {
			t.Fatalf("%v: %v, logs of %d tasks, %v", err, res.Ends, len(got.lines), got.warns)
		}
		for _, from := range slices.Sorted(maps.Keys(got.lines)) {
			if strings.Join(got.lines[from], "|") != "one|two" {
				t.Errorf("%s wrote %v", from, got.lines[from])
			}
		}
		if most := int(took.Seconds()*5) + 1; reads > most || took > 5*time.Minute {
			t.Errorf("%d reads in %s, at most %d", reads, took, most)
		}
		if len(got.warns) != 1 || !strings.Contains(got.warns[0], "throttled; they are read on") {
			t.Errorf("warned %v", got.warns)
		}
	})
}

// TestARefusalToReadLogsIsToldOnce, and is no failure of the run.
func TestARefusalToReadLogsIsToldOnce(t *testing.T) {
	in(t, "echo one; sleep 60", func(l *lab) {
		_, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "logs:*"})
		l.must(err)
		req := l.request(3)
		got := l.follow(req)
		res, err := Run(l.t.Context(), l.ecs, region, req)
		if err != nil || res.Exit != 0 || len(got.lines) > 0 || len(got.warns) != 1 || !strings.HasPrefix(got.warns[0], "logs of /jobs are not followed: read log group /jobs: ") {
			t.Errorf("%v, exit code %d: %v, warned %q", err, res.Exit, got.lines, got.warns)
		}
		if n := l.box.Calls().Counts["logs:GetLogEvents"]; n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

// TestContainersThatLogElsewhereAreNamed.
func TestContainersThatLogElsewhereAreNamed(t *testing.T) {
	with := func(name string, driver types.LogDriver, options ...string) types.ContainerDefinition {
		c := types.ContainerDefinition{Name: &name, LogConfiguration: &types.LogConfiguration{LogDriver: driver, Options: map[string]string{}}}
		for _, o := range options {
			c.LogConfiguration.Options["awslogs-"+o] = o
		}
		return c
	}
	d := &types.TaskDefinition{ContainerDefinitions: []types.ContainerDefinition{with("app", "awslogs", "group", "stream-prefix"), with("far", "awslogs", "group", "stream-prefix", "region"),
		with("fluent", "awsfirelens"), with("plain", "awslogs", "group"), {Name: aws.String("none")}}}
	var warned string
	f := newFollower(&Request{Follow: &Follow{Warn: func(text string) { warned = text }}}, d, "eu-west-1")
	if len(f.sources) != 2 || f.sources[0].region != "eu-west-1" || f.sources[1].region != "region" || f.sources[0].stream("x") != "stream-prefix/app/x" ||
		!strings.HasPrefix(warned, "logs of fluent, plain, none are not followed") {
		t.Errorf("%+v: %s", f.sources, warned)
	}
}

// TestARunCallsWhatThePagePermits holds the row of docs/iam.md to a run that falls back, stops what is late, looks for room and follows logs.
func TestARunCallsWhatThePagePermits(t *testing.T) {
	page, err := os.ReadFile("../../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(page), "\n| `run-task` | ")
	row, _, _ = strings.Cut(row, "\n")
	listed := regexp.MustCompile("[a-z]+:[A-Z][A-Za-z]+").FindAllString(row, -1)
	slices.Sort(listed)
	in(t, "sleep 20", func(l *lab) {
		l.box.ForgetCalls()
		req := l.request(1)
		req.StartWithin = 5 * time.Second
		req.GiveUp = time.Minute
		l.follow(req)
		if _, err := Run(l.t.Context(), l.ecs, region, req); err != nil {
			l.t.Fatal(err)
		}
		l.supply(0)
		req = l.request(1)
		req.Token, req.Pools, req.Rules.Pools, req.GiveUp = "run-2", req.Pools[:1], 1, time.Minute
		if _, err := Run(l.t.Context(), l.ecs, region, req); !errors.Is(err, ErrNoRoom) {
			l.t.Fatal(err)
		}
		if called := slices.Sorted(maps.Keys(l.box.Calls().Counts)); !slices.Equal(called, listed) {
			t.Errorf("a run calls\n%v\ndocs/iam.md says\n%v", called, listed)
		}
	})
}

// TestOfSeveralTasksEachLineSaysWhose, also while the others have not begun.
func TestOfSeveralTasksEachLineSaysWhose(t *testing.T) {
	in(t, "echo one; sleep 60", func(l *lab) {
		req := l.request(2)
		got := l.follow(req)
		if _, err := Run(l.t.Context(), l.ecs, region, req); err != nil || len(got.lines) != 2 || len(got.lines[""]) > 0 {
			t.Errorf("%v: %v", err, got.lines)
		}
	})
}

// TestWhatCannotBeReadToTheEndIsNamed with the command that shows it: AWS throttles for as long as the rest is read.
func TestWhatCannotBeReadToTheEndIsNamed(t *testing.T) {
	in(t, "echo one; sleep 60; echo two", func(l *lab) {
		req := l.request(1)
		got := l.follow(req)
		req.Note = func(text string) {
			if strings.HasSuffix(text, "has ended with exit code 0") {
				_, err := l.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "logs:*"})
				l.must(err)
			}
		}
		began := time.Now()
		res, err := Run(l.t.Context(), l.ecs, region, req)
		l.must(err)
		id := aws.ToString(res.Tasks[0].TaskArn)
		want := "1 log stream not read to the end; the first: aws logs get-log-events --log-group-name /jobs --log-stream-name run/job/" + id[len(id)-32:] + " --start-from-head --region " + region
		if took := time.Since(began); len(got.warns) != 2 || got.warns[1] != want || took > 5*time.Minute {
			t.Errorf("after %s: %q", took, got.warns)
		}
	})
}

// TestAStreamThatLogsSteadilyIsReadEachTwoSeconds: only behind a full page is there more.
func TestAStreamThatLogsSteadilyIsReadEachTwoSeconds(t *testing.T) {
	in(t, strings.Repeat("echo line; sleep 1; ", 49)+"exit 0", func(l *lab) {
		req := l.request(1)
		got := l.follow(req)
		res, err := Run(l.t.Context(), l.ecs, region, req)
		l.must(err)
		took, reads := time.Since(*res.Tasks[0].StartedAt), l.box.Calls().Counts["logs:GetLogEvents"]
		if most := int(took/logEvery) + 2; len(got.lines[""]) != 49 || reads > most {
			t.Errorf("%d lines by %d reads in %s, want 49 by at most %d", len(got.lines[""]), reads, took, most)
		}
	})
	for events, want := range map[int]bool{logPageEvents - 1: false, logPageEvents: true} {
		if got := full(make([]string, events)); got != want {
			t.Errorf("a page of %d events is full: %v", events, got)
		}
	}
	if !full([]string{strings.Repeat("x", logPageBytes)}) {
		t.Error("a page of half a megabyte is not full")
	}
}

// TestALogIsFollowedAfterADayWithoutALine: the token has expired then, which is no refusal.
func TestALogIsFollowedAfterADayWithoutALine(t *testing.T) {
	in(t, "echo one; sleep 90100; echo two; sleep 600", func(l *lab) {
		req := l.request(1)
		got := l.follow(req)
		req.Input.LaunchType = types.LaunchTypeFargate
		started, err := l.ecs.RunTask(l.t.Context(), &req.Input)
		l.must(err)
		task := started.Tasks[0]
		d, err := l.ecs.DescribeTaskDefinition(l.t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: task.TaskDefinitionArn})
		l.must(err)
		f := newFollower(req, d.TaskDefinition, region)
		task.StartedAt = aws.Time(time.Now())
		f.watch([]*types.Task{&task}, time.Now())
		for _, quiet := range []time.Duration{3 * time.Minute, 24 * time.Hour, 70 * time.Minute} {
			time.Sleep(quiet)
			for range 2 {
				f.read(l.t.Context(), f.tails[0])
			}
		}
		if f.tails[0].over || len(f.refused) > 0 || len(got.warns) > 0 || strings.Join(got.lines[""], "|") != "one|two" {
			t.Errorf("%v, warned %v, refused %v", got.lines, got.warns, f.refused)
		}
	})
}
