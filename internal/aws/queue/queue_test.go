package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

func newQueue(t *testing.T) (*sandbox.Sandbox, *Queue) {
	t.Helper()
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1}})
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box,
		BaseEndpoint: aws.String("http://sandbox.localhost"), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	return box, New(cfg, box.QueueURL())
}

func TestMessagesComeUntilTheyAreAcknowledged(t *testing.T) {
	box, q := newQueue(t)
	for range 23 {
		if _, err := q.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String("body")}); err != nil {
			t.Fatal(err)
		}
	}
	take := func() int {
		n := 0
		for {
			msgs, err := q.Receive(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(msgs) == 0 {
				return n
			}
			n += len(msgs)
			for _, m := range msgs {
				if m.ID == "" || m.Receipt == "" || string(m.Body) != "body" || m.SentAt.IsZero() || m.Received < 1 {
					t.Fatalf("a message is read as %+v", m)
				}
			}
			if n == 23 {
				if err := q.Ack(t.Context(), msgs); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if n := take(); n != 23 {
		t.Fatalf("%d messages came, want 23", n)
	}
	box.AdvanceTo(box.Now().Add(invisible + time.Second))
	if n := take(); n < 13 || n > 22 {
		t.Errorf("%d messages came again, want all but the acknowledged batch", n)
	}
}

func TestAReceiveWithoutWaitingSaysSo(t *testing.T) {
	box, q := newQueue(t)
	for _, test := range []struct {
		wait time.Duration
		want string
	}{{0, `"WaitTimeSeconds":0`}, {300 * time.Millisecond, `"WaitTimeSeconds":1`}, {time.Hour, `"WaitTimeSeconds":20`}} {
		box.ForgetCalls()
		if _, err := q.Receive(t.Context(), test.wait); err != nil {
			t.Fatal(err)
		}
		if calls := box.Calls().Of("sqs:ReceiveMessage"); len(calls) != 1 || !strings.Contains(calls[0].Input, test.want) {
			t.Errorf("a wait of %s was asked for as %+v, want %s", test.wait, calls, test.want)
		}
	}
}

func TestErrorsOfTheQueueAreClassified(t *testing.T) {
	_, q := newQueue(t)
	q.url += "-missing"
	_, err := q.Receive(t.Context(), 0)
	if failure.Kind(err) != failover.ErrNotFound || !strings.Contains(err.Error(), "-missing") {
		t.Errorf("a missing queue gave %v (%s)", err, failure.Kind(err))
	}
}
