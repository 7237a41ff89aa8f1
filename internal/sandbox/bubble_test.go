package sandbox_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// A program that long-polls the events and looks at the services every minute, for two hours of a bubble's time: nothing
// in the sandbox may wait for anything but time, and events arrive at the moment they are due.
func TestTwoHoursOfPollingInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		visible := map[string]time.Time{}
		s := sandbox.New(sandbox.Options{World: ecsim.Config{Seed: 3}, OnMessage: func(d sandbox.Delivery) { visible[d.ID] = d.At }})
		c := connect(s)
		if err := s.SetupTwins("prod", "api", 20); err != nil {
			t.Fatal(err)
		}
		begin, url := s.Now(), s.QueueURL()
		received, late := 0, 0
		reads := time.NewTicker(time.Minute)
		defer reads.Stop()
		for s.Now().Sub(begin) < 2*time.Hour {
			select {
			case <-reads.C:
				must[*ecs.DescribeServicesOutput](t)(c.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: new("prod"), Services: []string{"api-spot", "api-standard"}}))
				s.World(func(w *ecsim.World) {
					w.Interrupt(ecsim.Ref{Region: "us-east-1", Cluster: "prod", Service: "api-spot"}, 1, "", false)
				})
			default:
			}
			got := must[*sqs.ReceiveMessageOutput](t)(c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20}))
			for _, m := range got.Messages {
				received++
				if s.Now().Sub(visible[*m.MessageId]) > 10*time.Millisecond {
					late++
				}
				must[*sqs.DeleteMessageOutput](t)(c.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(url), ReceiptHandle: m.ReceiptHandle}))
			}
		}
		if received < 500 || late > 0 {
			t.Errorf("%d events received, %d of them later than 10 ms", received, late)
		}
		if n := stateOf(s, "api-spot").Desired; n != 20 {
			t.Errorf("desired count: %d", n)
		}
	})
}
