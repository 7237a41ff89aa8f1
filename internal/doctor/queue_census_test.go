package doctor

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queueAttributes decide about each attribute of a queue that AWS's SDK knows: judged by the check of the name, or of no account for the reason.
var queueAttributes = map[types.QueueAttributeName]struct{ check, why string }{
	types.QueueAttributeNameAll:                                   {"", "asks for the others"},
	types.QueueAttributeNamePolicy:                                {"queue-policy", ""},
	types.QueueAttributeNameVisibilityTimeout:                     {"", "each receive call of Backstop names its own"},
	types.QueueAttributeNameMaximumMessageSize:                    {"", "an event of ECS is below 256 KiB, and EventBridge delivers no larger one; the smallest limit that is set by hand shows as dead letters"},
	types.QueueAttributeNameMessageRetentionPeriod:                {"", "an event older than the shortest retention, a minute, is no news: the services are read"},
	types.QueueAttributeNameApproximateNumberOfMessages:           {"queue-drained", ""},
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: {"", "what is being worked on, which is as it should be"},
	types.QueueAttributeNameCreatedTimestamp:                      {"", "a time"},
	types.QueueAttributeNameLastModifiedTimestamp:                 {"", "a time of the last change of an attribute"},
	types.QueueAttributeNameQueueArn:                              {"rules-match", ""},
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    {"", "EventBridge sends without a delay, and that of the queue shows in start-up-time"},
	types.QueueAttributeNameDelaySeconds:                          {"", "delays what the tick sees anyhow; zero unless it is set"},
	types.QueueAttributeNameReceiveMessageWaitTimeSeconds:         {"", "each receive call of Backstop names its own"},
	types.QueueAttributeNameRedrivePolicy:                         {"dead-letter-queue", ""},
	types.QueueAttributeNameFifoQueue:                             {"", "a FIFO queue as EventBridge's target wants a message group; duplicates and order do not matter to Backstop"},
	types.QueueAttributeNameContentBasedDeduplication:             {"", "for FIFO queues: an event counts once by its own ID"},
	types.QueueAttributeNameKmsMasterKeyId:                        {"queue-key", ""},
	types.QueueAttributeNameKmsDataKeyReusePeriodSeconds:          {"", "how often SQS asks KMS, which is money alone"},
	types.QueueAttributeNameDeduplicationScope:                    {"", "for FIFO queues: as ContentBasedDeduplication"},
	types.QueueAttributeNameFifoThroughputLimit:                   {"", "for FIFO queues: hundreds of events a second are enough"},
	types.QueueAttributeNameRedriveAllowPolicy:                    {"", "which queues may use this one for dead letters"},
	types.QueueAttributeNameSqsManagedSseEnabled:                  {"", "a key of SQS's own needs no permission"},
}

// TestEveryAttributeOfAQueueIsDecidedAbout: one that AWS adds fails here until a person has decided whether a check has to judge it.
func TestEveryAttributeOfAQueueIsDecidedAbout(t *testing.T) {
	code, err := os.ReadFile("look_events.go")
	if err != nil {
		t.Fatal(err)
	}
	all := types.QueueAttributeName("").Values()
	for _, name := range all {
		d, ok := queueAttributes[name]
		switch {
		case !ok || (d.check == "") == (d.why == ""):
			t.Errorf("AWS's SDK has the attribute %s of queues, and nothing says what it is for the events' way", name)
		case d.check != "" && !isCheck(d.check):
			t.Errorf("%s: there is no check %s", name, d.check)
		case d.check != "" && !strings.Contains(string(code), string(name)):
			t.Errorf("%s is judged by %s, and nothing reads it", name, d.check)
		}
	}
	for name := range queueAttributes {
		if !slices.Contains(all, name) {
			t.Errorf("AWS's SDK has no attribute %s", name)
		}
	}
}
