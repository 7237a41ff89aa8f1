package topic_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/aws/awstest"
	"github.com/backstop-ecs/backstop/internal/aws/queue"
	"github.com/backstop-ecs/backstop/internal/aws/topic"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

var message = notice.Message{Version: 1, ID: "ntc_1", Kind: notice.OnDemandShort, Status: notice.Opened, Severity: failover.Critical, Workload: "api",
	Key: "api/on_demand_short/standard", At: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Title: "on-demand is short too", What: []string{"standard misses 3 of 5"}}

func config() aws.Config {
	return aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
}

func TestANoticeIsTextForPeopleAndFactsForPrograms(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true, World: ecsim.Config{Seed: 1}})
	cfg := config()
	cfg.HTTPClient, cfg.BaseEndpoint = box, aws.String("http://sandbox.localhost")
	home := cfg.Copy()
	home.Region = "us-east-1"
	made, err := sns.NewFromConfig(home).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("notices")})
	if err != nil {
		t.Fatal(err)
	}
	to := topic.New(cfg, *made.TopicArn) // of another region than the configuration's
	if err := to.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	got := box.Notices()
	if len(got) != 1 {
		t.Fatalf("%d notices were published", len(got))
	}
	n := got[0]
	if n.Subject != "[CRITICAL] api: on-demand is short too" || !strings.Contains(n.Message, "standard misses 3 of 5") {
		t.Errorf("people read %q, %q", n.Subject, n.Message)
	}
	if n.Attributes["kind"] != "on_demand_short" || n.Attributes["severity"] != "critical" || n.Attributes["status"] != "opened" || n.Attributes["workload"] != "api" {
		t.Errorf("filter policies see %v", n.Attributes)
	}
	var facts notice.Message
	if err := json.Unmarshal([]byte(n.Attributes["json"]), &facts); err != nil || facts.ID != message.ID || facts.Kind != message.Kind {
		t.Errorf("programs read %s, %v", n.Attributes["json"], err)
	}
	if err := topic.New(cfg, "arn:aws:sns:us-east-1:123456789012:gone").Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "publish to arn:aws:sns:us-east-1:123456789012:gone") {
		t.Errorf("a topic that is not there gave %v", err)
	}
}

// TestANoticeGoesThroughAForeignSNSAndSQS publishes to moto's SNS, which hands the notice to a queue of its SQS. There
// it is read by our own adapter, left there, and buried in the dead-letter queue when nobody ever acknowledges it.
func TestANoticeGoesThroughAForeignSNSAndSQS(t *testing.T) {
	cfg := config()
	cfg.BaseEndpoint = aws.String(awstest.Moto(t))
	ctx := t.Context()
	queues, topics := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	dead, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("events-dead")})
	if err != nil {
		t.Fatal(err)
	}
	arn := func(name string) string { return "arn:aws:sqs:eu-west-1:123456789012:" + name }
	events, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("events"), Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, arn("events-dead"))}})
	if err != nil {
		t.Fatal(err)
	}
	made, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("notices")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("events")),
		Attributes: map[string]string{"FilterPolicy": `{"severity":["critical"]}`}}); err != nil {
		t.Fatal(err)
	}
	to := topic.New(cfg, *made.TopicArn)
	info := message
	info.Severity = failover.Info
	for _, m := range []notice.Message{info, message} {
		if err := to.Send(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	q := queue.New(cfg, *events.QueueUrl)
	expire := func(receipt string) { // what time would do in a minute
		if _, err := queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: events.QueueUrl, ReceiptHandle: &receipt, VisibilityTimeout: 0}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := q.Receive(ctx, 0)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d messages came, %v; want the critical notice alone", len(got), err)
	}
	var envelope struct {
		Subject, Message  string
		MessageAttributes map[string]struct{ Value string }
	}
	if err := json.Unmarshal(got[0].Body, &envelope); err != nil || envelope.Message != message.Text() || envelope.Subject != message.Subject() {
		t.Errorf("the queue has %s, %v", got[0].Body, err)
	}
	if !json.Valid([]byte(envelope.MessageAttributes["json"].Value)) {
		t.Errorf("the facts arrive as %q", envelope.MessageAttributes["json"].Value)
	}
	expire(got[0].Receipt)
	if got, err = q.Receive(ctx, 0); err != nil || len(got) != 1 || got[0].Received != 2 {
		t.Fatalf("the second time came %+v, %v", got, err)
	}
	expire(got[0].Receipt)
	if got, err = q.Receive(ctx, 0); err != nil || len(got) != 0 {
		t.Errorf("after two receives came %+v, %v", got, err)
	}
	buried, err := queue.New(cfg, *dead.QueueUrl).Receive(ctx, 0)
	if err != nil || len(buried) != 1 {
		t.Errorf("the dead-letter queue has %d messages, %v; want the one that nobody acknowledged", len(buried), err)
	}
}
