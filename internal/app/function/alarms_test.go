package function_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/alarm"
	"github.com/backstop-ecs/backstop/internal/app/function"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/racetest"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var update = flag.Bool("update", false, "write the outages of docs/alarms.md")

const (
	// playedTasks are wanted, playedStep is between two looks into the queue.
	playedTasks = 20
	playedStep  = 20 * time.Second
	// playedBefore and playedAfter are what an outage is played with.
	playedBefore, playedAfter = 20 * time.Minute, 45 * time.Minute
)

// platform is what AWS runs the function on, as far as it shows in metrics: the schedule, the event source mapping, the
// queue and its dead letters. It publishes what AWS publishes, and CloudWatch evaluates the alarms that Terraform renders.
type platform struct {
	*world
	f     *function.Function
	lines bytes.Buffer
	data  alarm.Data
	watch *alarm.Watch
	dead  string // URL of the dead-letter queue

	unscheduled, throttled bool
}

func newPlatform(t *testing.T) *platform {
	text, err := os.ReadFile("../../../terraform/testdata/alarms.json")
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := alarm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{watch: alarm.NewWatch(alarms), world: newWorldOn(t, sandbox.Options{NoThrottle: true, World: ecsim.Config{Seed: 1, Start: time.Now(), ReadLag: -1}}, playedTasks, "api")}
	// What AWS publishes of its services is read minutes late (docs/aws-assumptions.md, T27).
	p.data.Late = map[string]time.Duration{"AWS/Events": 3 * time.Minute, "AWS/Lambda": 2 * time.Minute, "AWS/SQS": 2 * time.Minute, "Fargate/Failover": time.Minute}
	p.f = p.function(function.Options{Metrics: &p.lines, Scale: 1})
	client := sqs.NewFromConfig(p.aws())
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	if err != nil {
		t.Fatal(err)
	}
	p.dead = *made.QueueUrl
	if _, err := client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: aws.String(p.box.QueueURL()), Attributes: map[string]string{
		"VisibilityTimeout": "360", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":"5"}`}}); err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	ofFunction = map[string]string{"FunctionName": "backstop"}
	ofSchedule = map[string]string{"RuleName": "backstop-schedule"}
)

var errThrottled = errors.New("out of concurrency")

// invoke invokes the function and publishes what Lambda and the metric lines say.
func (p *platform) invoke(payload []byte) ([]byte, error) {
	now := p.box.Now()
	if p.throttled {
		p.data.Put("AWS/Lambda", "Throttles", ofFunction, now, 1)
		return nil, errThrottled
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(p.t.Context(), timeout)
	body, err := p.f.Invoke(ctx, payload)
	cancel()
	failed := 0.0
	if err != nil {
		failed = 1
	}
	p.data.Put("AWS/Lambda", "Invocations", ofFunction, now, 1)
	p.data.Put("AWS/Lambda", "Errors", ofFunction, now, failed)
	p.data.Put("AWS/Lambda", "Duration", ofFunction, now, float64(time.Since(begun).Milliseconds()))
	for line := range bytes.Lines(p.lines.Bytes()) {
		if err := p.data.PutEMF(line); err != nil {
			p.t.Error(err)
		}
	}
	p.lines.Reset()
	return body, err
}

// play lets time pass.
func (p *platform) play(d time.Duration) {
	p.t.Helper()
	looked := time.Now().Truncate(time.Minute)
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Until(time.Now().Truncate(playedStep).Add(playedStep)))
		if now := time.Now().Truncate(time.Minute); now.After(looked) {
			p.minute()
			for ; looked.Before(now); looked = looked.Add(time.Minute) {
				p.watch.Look(&p.data, looked.Add(time.Minute))
			}
		}
		p.poll()
	}
}

// poll is the event source mapping: messages that come back, or that nothing took, are hidden for as long as the queue says.
func (p *platform) poll() {
	client, q := sqs.NewFromConfig(p.aws()), queue.New(p.aws(), p.box.QueueURL())
	for {
		out, err := client.ReceiveMessage(p.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(p.box.QueueURL()), MaxNumberOfMessages: 10})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		var msgs []control.Message
		for _, m := range out.Messages {
			msgs = append(msgs, control.Message{ID: *m.MessageId, Receipt: *m.ReceiptHandle, Body: []byte(*m.Body)})
		}
		if body, err := p.invoke(batch(msgs)); err == nil {
			if err := q.Ack(p.t.Context(), settled(p.t, msgs, body)); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// minute publishes what the queues hold, and makes the schedule's pass.
func (p *platform) minute() {
	now := p.box.Now()
	for _, q := range p.box.State().Queues {
		name := map[string]string{"dead": "backstop-dead"}[q.Name]
		of := map[string]string{"QueueName": cmp.Or(name, "backstop")}
		p.data.Put("AWS/SQS", "ApproximateNumberOfMessagesVisible", of, now.Add(-time.Second), float64(q.Visible))
		p.data.Put("AWS/SQS", "ApproximateAgeOfOldestMessage", of, now.Add(-time.Second), q.OldestSeconds)
	}
	if p.unscheduled {
		return
	}
	p.data.Put("AWS/Events", "Invocations", ofSchedule, now, 1)
	_, _ = p.invoke(schedule) // a failure is counted
}

func (p *platform) take(service string, n int) {
	p.box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: service}, n, "", false)
	})
}

func (p *platform) onDemand(n int) {
	p.box.World(func(w *ecsim.World) { w.SetSupply(ecsim.SupplyKey{Region: region, Provider: ecsim.Fargate}, n) })
}

// outages are what is played, each with the alarms that must fire, the last minute of it in which they may, and how long after its
// end they may stand.
var outages = []struct {
	what       string
	lasts      time.Duration
	begin, end func(p *platform)
	every      func(p *platform) // five minutes, meanwhile
	fires      map[string][2]time.Duration
}{
	{"Spot has no room: 0 of 20, on-demand covers", 26 * time.Minute,
		func(p *platform) { p.supply(0); p.take("api-spot", playedTasks) }, func(p *platform) { p.supply(-1) }, nil,
		map[string][2]time.Duration{"api-spot-health-low": {16 * time.Minute, 16 * time.Minute}}},
	{"Neither Spot nor on-demand has room for half", 30 * time.Minute,
		func(p *platform) { p.supply(playedTasks / 2); p.onDemand(0); p.take("api-spot", playedTasks/2) }, func(p *platform) { p.supply(-1); p.onDemand(-1) }, nil,
		map[string][2]time.Duration{"api-missing": {12 * time.Minute, 8 * time.Minute}, "api-spot-health-low": {16 * time.Minute, 0}}},
	{"The account is out of concurrency", 20 * time.Minute,
		func(p *platform) { p.throttled = true }, func(p *platform) { p.throttled = false }, loseOne,
		map[string][2]time.Duration{"throttles": {8 * time.Minute, 8 * time.Minute}, "no-pass": {12 * time.Minute, 8 * time.Minute}, "queue-old": {12 * time.Minute, 12 * time.Minute}}},
	{"The state table does not answer; a Spot task is lost every five minutes", 30 * time.Minute,
		func(p *platform) { p.mishap(true) }, func(p *platform) { p.mishap(false) }, loseOne,
		map[string][2]time.Duration{"errors": {14 * time.Minute, 20 * time.Minute}, "queue-old": {16 * time.Minute, 16 * time.Minute},
			"dead-letters": {60 * time.Minute, 120 * time.Minute}}},
	{"The state table does not answer, and no event comes", 30 * time.Minute,
		func(p *platform) { p.mishap(true) }, func(p *platform) { p.mishap(false) }, nil,
		map[string][2]time.Duration{"errors": {14 * time.Minute, 20 * time.Minute}, "no-pass": {12 * time.Minute, 8 * time.Minute}}},
	{"A rule's target sends texts instead of events", 30 * time.Minute,
		func(p *platform) {}, func(p *platform) {}, sendText,
		map[string][2]time.Duration{"dead-letters": {45 * time.Minute, 0}, "queue-old": {16 * time.Minute, 45 * time.Minute}}},
	{"The schedule is deleted; events go on", 30 * time.Minute,
		func(p *platform) { p.unscheduled = true }, func(p *platform) { p.unscheduled = false }, loseOne,
		map[string][2]time.Duration{"no-pass": {12 * time.Minute, 8 * time.Minute}}},
	{"ECS takes 15 s for each answer", 30 * time.Minute,
		func(p *platform) { p.before = slowECS }, func(p *platform) { p.before = nil }, nil,
		map[string][2]time.Duration{"duration": {14 * time.Minute, 20 * time.Minute}}},
}

func (p *platform) mishap(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func sendText(p *platform) {
	if _, err := sqs.NewFromConfig(p.aws()).SendMessage(p.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(p.box.QueueURL()), MessageBody: aws.String("a task has stopped")}); err != nil {
		p.t.Fatal(err)
	}
}

func loseOne(p *platform) { p.take("api-spot", 1) }

func slowECS(target string) {
	if strings.Contains(target, "ContainerService") {
		time.Sleep(15 * time.Second)
	}
}

// TestAlarmsFireInOutagesAndEndAfterThem plays each outage on the sandbox, with the function's own code, and evaluates the alarms of the
// module on the metrics that come of it. docs/alarms.md has the times.
func TestAlarmsFireInOutagesAndEndAfterThem(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("plays twelve hours")
	}
	rows := []string{"| outage | lasts | alarm | fires after | ends, compared with the outage |", "| --- | --- | --- | --- | --- |"}
	for _, o := range outages {
		t.Run(o.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t)
				p.play(playedBefore) // from the first apply on
				if len(p.watch.Spells) > 0 {
					t.Errorf("before the outage %+v", p.watch.Spells)
				}
				begun := time.Now()
				o.begin(p)
				for ; time.Since(begun) < o.lasts; p.play(5 * time.Minute) {
					if o.every != nil {
						o.every(p)
					}
				}
				ended := time.Now()
				o.end(p)
				p.play(playedAfter)
				seen := map[string]bool{}
				for _, s := range p.watch.Spells {
					name := strings.TrimPrefix(s.Alarm, "backstop-")
					within, known := o.fires[name]
					after, stands := s.Begin.Sub(begun).Round(time.Minute), "when the dead letters are purged"
					if d := s.End.Sub(ended); !s.End.IsZero() && d > 0 {
						stands = short(d) + " later"
					} else if !s.End.IsZero() {
						stands = short(-d) + " earlier"
					}
					if !known || seen[name] || after > within[0] || !s.End.IsZero() && s.End.Sub(ended) > within[1] || s.End.IsZero() && name != "dead-letters" {
						t.Errorf("%s fired after %s and ended %s; want %v", name, after, stands, within)
					}
					seen[name] = true
					rows = append(rows, fmt.Sprintf("| %s | %s | `%s` | %s | %s |", o.what, short(o.lasts), strings.Replace(name, "api-", "WORKLOAD-", 1), short(after), stands))
				}
				for name := range o.fires {
					if !seen[name] {
						t.Errorf("%s did not fire", name)
					}
				}
			})
		})
	}
	checkTable(t, "outages", rows, *update)
}

func short(d time.Duration) string { return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes())) }

// checkTable compares a generated table of docs/alarms.md, between two comments, or writes it.
func checkTable(t *testing.T, name string, rows []string, write bool) {
	t.Helper()
	const path = "../../../docs/alarms.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	head, rest, ok := strings.Cut(string(text), begin)
	have, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no table %s", path, name)
	}
	want := strings.Join(rows, "\n") + "\n"
	switch {
	case write:
		if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	case !slices.Equal(strings.Split(have, "\n"), strings.Split(want, "\n")):
		t.Errorf("docs/alarms.md has another table than was played; -update writes it:\n%s", want)
	}
}
