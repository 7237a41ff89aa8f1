package control_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/journal"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/state/sqlite"
)

// daemon is a loop that runs in a bubble, over a sandbox whose time is the bubble's.
type daemon struct {
	*world
	loop *control.Loop
	logs *logs

	mu      sync.Mutex
	reports []control.Report
	stop    context.CancelFunc
	ran     chan error
}

// inBubble runs a test over a sandbox at real speed, which in a bubble is the bubble's own time.
func inBubble(t *testing.T, count int, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOf(t, sandbox.Options{World: ecsim.Config{Seed: 1, ReadLag: -1}}, count, "api")
		ctx, stop := context.WithCancel(t.Context())
		drove := make(chan struct{})
		go func() {
			defer close(drove)
			w.box.Drive(ctx)
		}()
		defer func() {
			stop()
			<-drove
		}()
		test(t, w)
	})
}

// start runs a daemon. finish stops it and returns how long that took.
func (w *world) start(owner string, store control.Store, change ...func(*control.Loop)) *daemon {
	d := &daemon{world: w, logs: &logs{}, ran: make(chan error, 1)}
	d.loop = w.loop(owner, store, w.services(), "api")
	d.loop.Now = nil // the bubble's
	d.loop.Log = d.logs.logger()
	d.loop.Tell = func(_ context.Context, r control.Report) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.reports = append(d.reports, r)
	}
	for _, c := range change {
		c(d.loop)
	}
	var ctx context.Context
	ctx, d.stop = context.WithCancel(w.t.Context())
	go func() { d.ran <- d.loop.Run(ctx) }()
	return d
}

func (d *daemon) finish() time.Duration {
	d.t.Helper()
	begun := time.Now()
	d.stop()
	if err := <-d.ran; err != nil {
		d.t.Errorf("run ended with %v", err)
	}
	for _, r := range d.seen() {
		d.check(d.loop, r)
	}
	return time.Since(begun)
}

func (d *daemon) seen() []control.Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reports)
}

// memory opens a store that is closed before the bubble ends.
func (w *world) open() (*sqlite.Store, func()) {
	s, err := sqlite.Open(context.Background(), w.path, journal.Retention{})
	if err != nil {
		w.t.Fatal(err)
	}
	return s, func() { _ = s.Close() }
}

// sleep lets the bubble's time go by.
func sleep(t testing.TB, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
	synctest.Wait()
}

func (w *world) sqs() *sqs.Client { return sqs.NewFromConfig(w.aws()) }

func (w *world) send(body string) {
	w.t.Helper()
	if _, err := w.sqs().SendMessage(w.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(w.box.QueueURL()), MessageBody: &body}); err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

// queued returns how many messages a queue holds, those in flight included.
func (w *world) queued(name string) string {
	w.t.Helper()
	url := strings.TrimSuffix(w.box.QueueURL(), sandbox.EventsQueue) + name
	out, err := w.sqs().GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		w.t.Fatalf("read attributes of %s: %v", name, err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// wantDrained waits until every message was acknowledged: some seconds after the last of them came.
func (w *world) wantDrained() {
	w.t.Helper()
	got := ""
	for range 20 {
		if got = w.queued(sandbox.EventsQueue); got == "0+0" {
			return
		}
		sleep(w.t, time.Second)
	}
	w.t.Errorf("%s messages are left in the queue", got)
}

func TestTheTickVisitsAndEventsWake(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		begun := time.Now()
		d := w.start("a", store)
		sleep(t, 3*time.Minute+30*time.Second)
		onTick := 0
		for _, r := range d.seen() {
			if r.Started.Sub(begun)%time.Minute == 0 {
				onTick++
			}
		}
		if onTick != 4 {
			t.Errorf("%d passes on the minute in three and a half minutes, want 4", onTick)
		}
		w.box.World(func(e *ecsim.World) {
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 5, "", true)
		})
		sleep(t, 10*time.Second)
		w.wantDesired("api-standard", 5)
		if n := w.calls("ecs:UpdateService"); n != 1 {
			t.Errorf("%d UpdateService calls, want 1", n)
		}
		w.wantDrained()
		if took := d.finish(); took > time.Second {
			t.Errorf("stopping a quiet daemon took %s", took)
		}
	})
}

func TestMessagesThatCannotBeReadGoToTheDeadLetterQueueAndStrangersAreAcknowledged(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		w.send(`{"truncated`)
		w.send(`{"id":"1","source":"aws.s3","detail-type":"Object Created","detail":{}}`)
		w.send(`{"id":"2","source":"aws.ecs","detail-type":"ECS Task State Change","region":"us-east-1","detail":{"group":"service:unknown",` +
			`"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","taskArn":"arn:aws:ecs:us-east-1:123456789012:task/prod/1","lastStatus":"RUNNING","desiredStatus":"STOPPED"}}`)
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		if got := w.queued(sandbox.EventsQueue); got != "0+1" {
			t.Errorf("the queue holds %s messages, want only the broken one, in flight", got)
		}
		sleep(t, 10*time.Minute)
		if queue, dead := w.queued(sandbox.EventsQueue), w.queued(sandbox.EventsDeadLetterQueue); queue != "0+0" || dead != "1+0" {
			t.Errorf("the queue holds %s and the dead-letter queue %s messages, want 0+0 and 1+0", queue, dead)
		}
		if d.logs.has("left for the dead-letter queue") == 0 {
			t.Error("the broken message was not logged")
		}
		d.finish()
	})
}

func TestMessagesWaitForTheStore(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		inner, done := w.open()
		defer done()
		store := &switchable{Store: inner}
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		store.set(errors.New("disk full"))
		w.box.World(func(e *ecsim.World) {
			e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 20) // ECS could place replacements else
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 4, "", true)
		})
		sleep(t, 50*time.Second)
		w.wantDesired("api-standard", 0)
		if got := w.queued(sandbox.EventsQueue); strings.HasSuffix(got, "+0") {
			t.Errorf("the queue holds %s messages: some were acknowledged without a commit", got)
		}
		before := len(d.seen())
		store.set(nil)
		sleep(t, 31*time.Second) // the greatest back-off
		w.wantDesired("api-standard", 4)
		if before > 12 {
			t.Errorf("%d passes in 50 seconds without a store: the back-off does not grow", before)
		}
		w.wantDrained()
		d.finish()
	})
}

func TestStoppingInTheMiddleOfAnActionIsBoundedAndKeepsTheLeaseWhileTheCallMayArrive(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultLatency, Operation: "ecs:UpdateService", LatencySeconds: 300}); err != nil {
			t.Fatal(err)
		}
		w.box.World(func(e *ecsim.World) {
			e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 20) // ECS could place replacements else
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 4, "", true)
		})
		for range 200 { // until the action is under way
			if w.record(store, "api").Lease.Owner != "" {
				break
			}
			sleep(t, 50*time.Millisecond)
		}
		lease := w.record(store, "api").Lease
		if lease.Owner != "a" || !lease.Until.After(time.Now().Add(control.ActDeadline)) {
			t.Errorf("while acting the lease is %+v, want a's, beyond the deadline of the action", lease)
		}
		if took := d.finish(); took > control.StopGrace+control.ReleaseTimeout {
			t.Errorf("stopping took %s, want at most %s", took, control.StopGrace+control.ReleaseTimeout)
		}
		if got := w.record(store, "api").Lease; got != lease {
			t.Errorf("the call was cut off and may still arrive, but the lease is %+v, want %+v", got, lease)
		}
		if o := w.history(store, journal.KindOutcome); len(o) != 1 || o[0].Outcomes[0].Err != failover.ErrTimeout {
			t.Errorf("the abandoned action is not in the journal as a time-out: %+v", o)
		}
		w.box.ClearFaults(0)
		next := w.start("b", store)
		sleep(t, control.LeaseFor)
		w.wantDesired("api-standard", 4)
		next.finish()
	})
}

func TestACommandOfAnotherProcessIsActedOnWithinSeconds(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		other, doneOther := w.open()
		defer doneOther()
		d := w.start("a", store)
		sleep(t, 10*time.Second)
		in := failover.Intent{Kind: failover.IntentPin, Mode: failover.ModeOnDemand, By: "op", Note: "drill", At: time.Now()}
		if _, err := control.Intend(t.Context(), other, d.loop.Workloads[0], "cli", in, time.Now); err != nil {
			t.Fatal(err)
		}
		sleep(t, 3*time.Second)
		w.wantDesired("api-standard", 20)
		entries := w.history(store, journal.KindIntent)
		if len(entries) != 1 || entries[0].Intent.By != "op" || entries[0].Intent.Note != "drill" {
			t.Errorf("the intent is not in the journal: %+v", entries)
		}
		in.Kind = failover.IntentResume
		var refused *control.RefusedError
		if _, err := control.Intend(t.Context(), other, d.loop.Workloads[0], "cli", in, time.Now); !errors.As(err, &refused) {
			t.Errorf("resuming what is not paused gave %v, want a refusal", err)
		}
		d.finish()
	})
}

func TestAFailedActionIsTriedAgainSoonAndMoreSlowly(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		sleep(t, 5*time.Second)
		if _, err := w.box.AddFault(sandbox.Fault{Kind: sandbox.FaultThrottle, Operation: "ecs:UpdateService"}); err != nil {
			t.Fatal(err)
		}
		w.box.ForgetCalls()
		w.box.World(func(e *ecsim.World) {
			e.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.FargateSpot}, 20) // ECS could place replacements else
			e.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 4, "", true)
		})
		sleep(t, 20*time.Second)
		if n := w.calls("ecs:UpdateService"); n < 3 || n > 8 {
			t.Errorf("%d tries in 20 seconds, want some, ever more slowly", n)
		}
		w.box.ClearFaults(0)
		sleep(t, 31*time.Second)
		w.wantDesired("api-standard", 4)
		w.wantDrained()
		d.finish()
	})
}

func TestASlowListenerDropsReportsAndHoldsUpNoPass(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		release := make(chan struct{})
		d := w.start("a", store, func(l *control.Loop) {
			l.Tell = func(context.Context, control.Report) { <-release }
		})
		sleep(t, 5*time.Minute+time.Second)
		if n := w.calls("ecs:DescribeServices"); n < 5 {
			t.Errorf("%d looks in five minutes while nobody listens, want a look a minute", n)
		}
		close(release)
		d.finish()
	})
}

func TestRunRefusesToRunTwice(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, w *world) {
		store, done := w.open()
		defer done()
		d := w.start("a", store)
		sleep(t, time.Second)
		if err := d.loop.Run(t.Context()); err == nil {
			t.Error("a second Run gave no error")
		}
		d.finish()
	})
}

// switchable is a store that can be made to fail.
type switchable struct {
	control.Store
	mu  sync.Mutex
	err error
}

func (s *switchable) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *switchable) fails() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *switchable) Commit(ctx context.Context, by string, next control.Record, now time.Time, entries []journal.Entry) error {
	if err := s.fails(); err != nil {
		return err
	}
	return s.Store.Commit(ctx, by, next, now, entries)
}
