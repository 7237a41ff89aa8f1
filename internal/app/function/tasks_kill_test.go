package function_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/taskretry"
)

// countdown is a network whose process dies at one of its requests.
type countdown struct {
	mortal
	mu   sync.Mutex
	left int
	late bool // after the request took effect
	n    int
}

func (c *countdown) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.n++
	c.left--
	at := c.left == 0
	c.mu.Unlock()
	if at && !c.late {
		c.dead.Store(true)
	}
	if at && c.late {
		answer, err := c.HTTPClient.Do(r)
		c.dead.Store(true)
		if err == nil {
			_ = answer.Body.Close()
		}
		return nil, errKilled
	}
	return c.mortal.Do(r)
}

// TestAFunctionKilledAtEachOfItsCallsStartsATaskAgainOnce: before the call or after it; the event comes again, and the schedule too.
func TestAFunctionKilledAtEachOfItsCallsStartsATaskAgainOnce(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for at, calls := 1, 2; at <= calls; at++ {
			synctest.Test(t, func(t *testing.T) {
				j := newJobs(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Now(), ReadLag: -1}}, "job", "sleep 3600")
				lost := j.run(1, taskretry.TagRetry, "1")[0]
				j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
				j.receive()
				j.cut(2)
				j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
				var event []control.Message
				for _, m := range j.receive() {
					if e, ok := ecsevent.ParseStandalone(m.Body); ok && e.ARN == lost {
						event = append(event, m)
					}
				}
				if len(event) != 1 {
					t.Fatalf("%d events of the stop", len(event))
				}
				net := &countdown{mortal: mortal{HTTPClient: j.world}, left: at, late: late}
				cfg := j.aws()
				cfg.HTTPClient = net
				f, err := function.New(function.Options{Config: j.config(""), AWS: cfg, Now: j.box.Now})
				j.must(err)
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				_, err = f.Invoke(ctx, batch(event))
				if at == calls && !net.dead.Load() {
					return // it has made fewer calls than that
				}
				calls = max(calls, net.n+1)
				for _, payload := range [][]byte{batch(event), schedule, schedule, batch(event)} {
					j.box.AdvanceTo(j.box.Now().Add(time.Minute))
					if _, err := j.function(function.Options{Scale: 1}).Invoke(ctx, payload); err != nil {
						t.Errorf("killed at %d: %v", at, err)
					}
				}
				j.look()
				b := j.book()
				if again := j.again()[ecsevent.TaskID(lost)]; again != 1 || b.Find(lost) == nil || b.Find(lost).Started == "" {
					t.Errorf("killed at call %d (late %v): started again %d times; %+v, first answer %v", at, late, again, b.Records, err)
				}
				if n := len(j.journal(taskretry.Name("jobs"))); n != 1 {
					t.Errorf("killed at call %d (late %v): the journal has %d entries", at, late, n)
				}
			})
		}
	}
}

// TestATaskThatIsDeniedIsToldOnceAndStartedOnceItMay: it waits for the permission, and for room, and is given up before ECS forgets it.
func TestATaskThatIsDeniedIsToldOnceAndStartedOnceItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Now(), ReadLag: -1}}, "job", "sleep 36000")
		_, err := sns.NewFromConfig(j.aws()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")})
		j.must(err)
		notify := "notify: [{sns: \"" + topic + "\"}]\n"
		f := j.function(function.Options{Scale: 1, Config: j.config(notify)})
		first := j.run(3, taskretry.TagRetry, "1")
		j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
		_, err = j.box.AddFault(sandbox.Fault{Kind: sandbox.FaultDenied, Operation: "ecs:RunTask", Until: j.box.Now().Add(20 * time.Minute)})
		j.must(err)
		j.cut(4)
		j.mapping(f.Invoke, 15*time.Minute, 10*time.Second)
		text := func(kind string) (n int) {
			for _, notice := range j.box.Notices() {
				n += strings.Count(notice.Message, kind)
			}
			return n
		}
		if n := text("could not be started again yet"); n != 3 {
			t.Errorf("%d of 3 tasks are told to wait: %v", n, j.box.Notices())
		}
		j.mapping(f.Invoke, 15*time.Minute, 10*time.Second)
		j.look()
		for _, arn := range first {
			if n := j.again()[ecsevent.TaskID(arn)]; n != 1 {
				t.Errorf("%s was started again %d times", arn, n)
			}
		}
		if n := text("and started again on demand as"); n != 3 {
			t.Errorf("%d of 3 are told to be started again: %v", n, j.box.Notices())
		}
		second := j.run(1, taskretry.TagRetry, "1")[0]
		j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
		j.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, 0) })
		j.cut(2)
		j.mapping(f.Invoke, 70*time.Minute, 20*time.Second)
		b := j.book()
		if r := b.Find(second); r == nil || r.Verdict != taskretry.GivenUp || !strings.Contains(r.Text, "Capacity is unavailable") {
			t.Errorf("without room: %+v", r)
		}
		if n := text("is not started again: Capacity is unavailable"); n != 1 {
			t.Errorf("told %d times to be given up: %v", n, j.box.Notices())
		}
	})
}

// TestAConfigurationThatChangesMeanwhileStartsNothingTwice: the answer of a call is lost, and the guard that comes after makes another call of the same
// name, which ECS refuses.
func TestAConfigurationThatChangesMeanwhileStartsNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Now(), ReadLag: -1}}, "job", "sleep 3600")
		lost := j.run(1, taskretry.TagRetry, "1")[0]
		j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
		_, err := j.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLostAnswer, Operation: "ecs:RunTask", Count: 1})
		j.must(err)
		j.cut(2)
		f := j.function(function.Options{Scale: 1})
		for range 60 { // until the stop is told; the schedule is not reached
			if b := j.book(); len(b.Records) > 0 {
				break
			}
			j.mapping(f.Invoke, 5*time.Second, 5*time.Second)
		}
		if b := j.book(); b.Find(lost) == nil || !b.Find(lost).Open() {
			t.Fatalf("it is not known whether it was started: %+v", b.Records)
		}
		j.tasks = strings.Replace(j.tasks, "sg-1", "sg-2", 1)
		j.mapping(j.function(function.Options{Scale: 1}).Invoke, 5*time.Minute, 30*time.Second)
		j.look()
		b := j.book()
		if r := b.Find(lost); j.again()[ecsevent.TaskID(lost)] != 1 || r.Started != "" || r.Verdict != taskretry.Unsure {
			t.Errorf("started again %d times; %+v", j.again()[ecsevent.TaskID(lost)], r)
		}
	})
}

// TestATaskOfTheDefaultGroupIsStartedAgainInIt, with an ECS that takes neither the group's name nor one of AWS's own; an event of another account is left.
func TestATaskOfTheDefaultGroupIsStartedAgainInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(t, sandbox.Options{Manual: true, NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Now(), ReadLag: -1}}, "job", "sleep 3600")
		out, err := j.ecs.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String("jobs"), TaskDefinition: &j.family,
			CapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String(ecsim.FargateSpot), Weight: 1}},
			NetworkConfiguration:     &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}, SecurityGroups: []string{"sg-1"}}},
			Tags:                     []types.Tag{{Key: aws.String(taskretry.TagRetry), Value: aws.String("1")}}})
		j.must(err)
		lost := aws.ToString(out.Tasks[0].TaskArn)
		j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
		j.cut(2)
		j.box.AdvanceTo(j.box.Now().Add(3 * time.Minute))
		events := j.receive()
		foreign := slices.Clone(events)
		for i := range foreign {
			foreign[i].ID += "-foreign"
			foreign[i].Body = bytes.ReplaceAll(bytes.ReplaceAll(foreign[i].Body, []byte("123456789012"), []byte("999999999999")), []byte("task/jobs/"), []byte("task/jobs/0"))
		}
		body, err := j.function(function.Options{Scale: 1}).Invoke(t.Context(), batch(append(events, foreign...)))
		if back := returned(t, body); err != nil || len(back) > 0 {
			t.Errorf("%v: %v come again", err, back)
		}
		j.look()
		for _, task := range j.seen {
			if of := tagOf(&task, taskretry.TagOf); of != "" && (of != ecsevent.TaskID(lost) || aws.ToString(task.Group) != "family:job") {
				t.Errorf("in place of %s: group %q", of, aws.ToString(task.Group))
			}
		}
		if n := j.again()[ecsevent.TaskID(lost)]; n != 1 || len(j.again()) != 1 {
			t.Errorf("started again %d times; all: %v", n, j.again())
		}
	})
}
