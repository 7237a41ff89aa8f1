package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/backstop-ecs/backstop/internal/sandbox"
)

// workQueue makes a queue with a dead-letter queue after two receives.
func workQueue(t *testing.T, c clients) (url, deadURL string) {
	t.Helper()
	ctx := t.Context()
	dead := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("work-dlq")}))
	arn := must[*sqs.GetQueueAttributesOutput](t)(c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: dead.QueueUrl,
		AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})).Attributes["QueueArn"]
	work := must[*sqs.CreateQueueOutput](t)(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("work"), Attributes: map[string]string{
		"VisibilityTimeout": "30", "RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, arn)}}))
	return *work.QueueUrl, *dead.QueueUrl
}

func receive(t *testing.T, c clients, url string, wait int32) []sqstypes.Message {
	t.Helper()
	return must[*sqs.ReceiveMessageOutput](t)(c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10,
		WaitTimeSeconds: wait, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"}})).Messages
}

func depth(t *testing.T, c clients, url string) (visible, inFlight, delayed string) {
	t.Helper()
	a := must[*sqs.GetQueueAttributesOutput](t)(c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url,
		AttributeNames: []sqstypes.QueueAttributeName{"All"}})).Attributes
	return a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]
}

func TestAMessageNotDeletedComesBackAfterItsVisibilityTimeoutAndDiesAfterTwoReceives(t *testing.T) {
	s := manual(t)
	c := connect(s)
	url, deadURL := workQueue(t, c)
	sent := must[*sqs.SendMessageOutput](t)(c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: new("hello & <goodbye>"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{"kind": {DataType: new("String"), StringValue: new("test")},
			"blob": {DataType: new("Binary"), BinaryValue: []byte{0, 1, 255}}}}))
	if sent.MD5OfMessageAttributes == nil {
		t.Error("no checksum of the message attributes")
	}
	first := receive(t, c, url, 0)
	if len(first) != 1 || *first[0].Body != "hello & <goodbye>" || first[0].Attributes["ApproximateReceiveCount"] != "1" ||
		*first[0].MessageAttributes["kind"].StringValue != "test" || string(first[0].MessageAttributes["blob"].BinaryValue) != "\x00\x01\xff" {
		t.Fatalf("first receive: %+v", first)
	}
	s.AdvanceTo(start.Add(29 * time.Second))
	if again := receive(t, c, url, 0); len(again) != 0 {
		t.Errorf("received while in flight: %+v", again)
	}
	if v, f, _ := depth(t, c, url); v != "0" || f != "1" {
		t.Errorf("in flight: want 0 visible and 1 not, got %s and %s", v, f)
	}
	if next, ok := s.Next(); !ok || !next.Equal(start.Add(30*time.Second)) {
		t.Errorf("next thing to happen: want the end of the visibility timeout, got %v %v", next, ok)
	}
	s.AdvanceTo(start.Add(30 * time.Second))
	second := receive(t, c, url, 0)
	if len(second) != 1 || second[0].Attributes["ApproximateReceiveCount"] != "2" || *second[0].ReceiptHandle == *first[0].ReceiptHandle {
		t.Fatalf("second receive: %+v", second)
	}
	// The handle of the first receive no longer deletes.
	if _, err := c.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: first[0].ReceiptHandle}); err != nil {
		t.Errorf("delete by an old handle: %v", err)
	}
	s.AdvanceTo(start.Add(60 * time.Second))
	if third := receive(t, c, url, 0); len(third) != 0 {
		t.Errorf("a third receive beyond maxReceiveCount: %+v", third)
	}
	buried := receive(t, c, deadURL, 0)
	if len(buried) != 1 || *buried[0].MessageId != *sent.MessageId {
		t.Fatalf("dead-letter queue: %+v", buried)
	}
	if _, err := c.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &deadURL, ReceiptHandle: buried[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if v, f, _ := depth(t, c, deadURL); v != "0" || f != "0" {
		t.Errorf("after delete: %s visible, %s in flight", v, f)
	}
}

func TestChangeMessageVisibilityToZeroGivesTheMessageBackAtOnce(t *testing.T) {
	c := connect(manual(t))
	url, _ := workQueue(t, c)
	must[*sqs.SendMessageOutput](t)(c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: new("x")}))
	m := receive(t, c, url, 0)
	change := &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m[0].ReceiptHandle, VisibilityTimeout: 0}
	must[*sqs.ChangeMessageVisibilityOutput](t)(c.sqs.ChangeMessageVisibility(t.Context(), change))
	_, err := c.sqs.ChangeMessageVisibility(t.Context(), change)
	wantError[*sqstypes.MessageNotInflight](t, err, "AWS.SimpleQueueService.MessageNotInflight")
	if again := receive(t, c, url, 0); len(again) != 1 {
		t.Errorf("want the message back, got %+v", again)
	}
}

func TestBatchesAnswerEntryByEntry(t *testing.T) {
	c := connect(manual(t))
	url, _ := workQueue(t, c)
	var entries []sqstypes.SendMessageBatchRequestEntry
	for i := range 3 {
		entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("m", i)), MessageBody: aws.String(fmt.Sprint("body ", i))})
	}
	entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: new("bad"), MessageBody: new("x"), DelaySeconds: 901})
	sent := must[*sqs.SendMessageBatchOutput](t)(c.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries}))
	if len(sent.Successful) != 3 || len(sent.Failed) != 1 || *sent.Failed[0].Id != "bad" || *sent.Failed[0].Code != "InvalidParameterValue" {
		t.Fatalf("send batch: %+v", sent)
	}
	got := receive(t, c, url, 0)
	if len(got) != 3 {
		t.Fatalf("want 3 messages, got %d", len(got))
	}
	later := must[*sqs.ChangeMessageVisibilityBatchOutput](t)(c.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &url, Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{{Id: new("a"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0}}}))
	if len(later.Successful) != 1 {
		t.Errorf("change visibility batch: %+v", later)
	}
	gone := must[*sqs.DeleteMessageBatchOutput](t)(c.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url,
		Entries: []sqstypes.DeleteMessageBatchRequestEntry{{Id: new("a"), ReceiptHandle: got[1].ReceiptHandle}, {Id: new("b"), ReceiptHandle: new("nonsense")}}}))
	if len(gone.Successful) != 1 || len(gone.Failed) != 1 || *gone.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("delete batch: %+v", gone)
	}
	if v, f, _ := depth(t, c, url); v != "1" || f != "1" {
		t.Errorf("left: want 1 visible, 1 in flight, got %s, %s", v, f)
	}
	_, err := c.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []sqstypes.DeleteMessageBatchRequestEntry{}})
	wantError[*sqstypes.EmptyBatchRequest](t, err, "AWS.SimpleQueueService.EmptyBatchRequest")
	must[*sqs.PurgeQueueOutput](t)(c.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url}))
	if v, f, d := depth(t, c, url); v != "0" || f != "0" || d != "0" {
		t.Errorf("after purge: %s, %s, %s", v, f, d)
	}
}

func TestSQSErrorsArriveTyped(t *testing.T) {
	c := connect(manual(t))
	url, _ := workQueue(t, c)
	_, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: new("nowhere")})
	wantError[*sqstypes.QueueDoesNotExist](t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("work"), Attributes: map[string]string{"VisibilityTimeout": "31"}})
	wantError[*sqstypes.QueueNameExists](t, err, "QueueAlreadyExists")
	_, err = c.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Colour": "red"}})
	wantError[*sqstypes.InvalidAttributeName](t, err, "InvalidAttributeName")
	_, err = c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: new("x")})
	wantError[*sqstypes.ReceiptHandleIsInvalid](t, err, "ReceiptHandleIsInvalid")
	_, err = c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.sqs.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &url})
	wantCode(t, err, "UnknownOperationException")
	if !strings.Contains(err.Error(), "ListDeadLetterSourceQueues") {
		t.Errorf("the error does not name the operation: %v", err)
	}
}

func TestALongPollEndsAtTheVirtualDeadlineOrWithAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.Options{Speed: 10})
		c := connect(s)
		url, _ := workQueue(t, c)
		begin := time.Now()
		if got := receive(t, c, url, 20); len(got) != 0 || time.Since(begin) != 2*time.Second {
			t.Errorf("empty poll of 20 s at speed 10: want 2 s and nothing, got %s and %d messages", time.Since(begin), len(got))
		}
		begin = time.Now()
		go func() {
			time.Sleep(700 * time.Millisecond) //nolint:forbidigo // a bubble's time: the send comes in the middle of the poll
			_, _ = c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: new("x"), DelaySeconds: 5})
		}()
		if got := receive(t, c, url, 20); len(got) != 1 || time.Since(begin) != 1200*time.Millisecond {
			t.Errorf("poll with a message delayed by 5 s sent after 7 s: want it after 1.2 s, got %d after %s", len(got), time.Since(begin))
		}
		s.Pause(true)
		begin = time.Now()
		if got := receive(t, c, url, 3); len(got) != 0 || time.Since(begin) != 3*time.Second {
			t.Errorf("poll in a paused world: want 3 real seconds, got %s", time.Since(begin))
		}
	})
}

func TestWithAManualClockAReceiveNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(manual(t))
		url, _ := workQueue(t, c)
		begin := time.Now()
		if got := receive(t, c, url, 20); len(got) != 0 || time.Since(begin) != 0 {
			t.Errorf("want an empty answer at once, got %d after %s", len(got), time.Since(begin))
		}
	})
}

func TestQueuesAreListedByPrefixAndPage(t *testing.T) {
	c := connect(manual(t))
	workQueue(t, c)
	all := must[*sqs.ListQueuesOutput](t)(c.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}))
	if len(all.QueueUrls) != 4 {
		t.Errorf("want the events queue, its dead-letter queue and two more, got %v", all.QueueUrls)
	}
	var got []string
	pages := sqs.NewListQueuesPaginator(c.sqs, &sqs.ListQueuesInput{QueueNamePrefix: new("backstop-"), MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		p := must[*sqs.ListQueuesOutput](t)(pages.NextPage(t.Context()))
		got = append(got, p.QueueUrls...)
	}
	want := "http://sandbox.localhost/123456789012/backstop-events http://sandbox.localhost/123456789012/backstop-events-dlq"
	if strings.Join(got, " ") != want {
		t.Errorf("want %s, got %v", want, got)
	}
}
