package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// queueAttributeNames are those that a queue may have without a value here.
var queueAttributeNames = map[string]bool{"Policy": true, "RedrivePolicy": true, "RedriveAllowPolicy": true, "KmsMasterKeyId": true,
	"KmsDataKeyReusePeriodSeconds": true, "FifoQueue": true, "ContentBasedDeduplication": true, "DeduplicationScope": true, "FifoThroughputLimit": true}

func (q *queue) attributesNow() stringMap {
	visible, notVisible, delayed := q.counts()
	seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	all := stringMap{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(notVisible),
		"ApproximateNumberOfMessagesDelayed": strconv.Itoa(delayed), "CreatedTimestamp": strconv.FormatInt(q.createdAt.Unix(), 10),
		"LastModifiedTimestamp": strconv.FormatInt(q.changedAt.Unix(), 10), "QueueArn": q.arn, "VisibilityTimeout": seconds(q.visibility),
		"DelaySeconds": seconds(q.delay), "ReceiveMessageWaitTimeSeconds": seconds(q.poll), "MessageRetentionPeriod": seconds(q.retention),
		"MaximumMessageSize": strconv.Itoa(q.bytesMax), "SqsManagedSseEnabled": strconv.FormatBool(q.key == "" && !q.plain),
	}
	if q.policy.text != "" {
		all["Policy"] = q.policy.text
	}
	if q.key != "" {
		all["KmsMasterKeyId"] = q.key
		if q.keyReuse == 0 {
			all["KmsDataKeyReusePeriodSeconds"] = "300"
		}
	}
	if q.keyReuse > 0 {
		all["KmsDataKeyReusePeriodSeconds"] = seconds(q.keyReuse)
	}
	if q.redrive != nil {
		all["RedrivePolicy"] = `{"deadLetterTargetArn":"` + q.redrive.Target + `","maxReceiveCount":` + strconv.Itoa(q.redrive.ReceivesMax) + `}`
	}
	return all
}

type setQueueAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func setQueueAttributes(s *Sandbox, _ *call, in *setQueueAttributesInput) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	probe := *q
	if err := probe.setAttributes(in.Attributes); err != nil {
		return empty{}, err
	}
	if err := checkRedrive(s, probe.redrive); err != nil {
		return empty{}, err
	}
	q.changedAt = s.world.Now()
	return empty{}, q.setAttributes(in.Attributes)
}

func invalidAttribute(name string) *apiError {
	return sqsInvalid("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// setAttributes takes the attributes that mean something here; the others are checked by name.
func (q *queue) setAttributes(attributes map[string]string) error {
	for _, name := range sortedKeys(attributes) {
		value := attributes[name]
		switch name {
		case "Policy":
			if value != "" && !json.Valid([]byte(value)) {
				return invalidAttribute(name)
			}
			q.policy = newPolicy(value)
		case "KmsMasterKeyId":
			q.key = value
		case "RedrivePolicy":
			redrive, err := parseRedrive(value)
			if err != nil {
				return err
			}
			q.redrive = redrive
		case "SqsManagedSseEnabled":
			on, err := strconv.ParseBool(value)
			if err != nil {
				return invalidAttribute(name)
			}
			q.plain = !on
		case "MaximumMessageSize":
			n, err := strconv.Atoi(value)
			if err != nil || n < sizeLimitMin || n > messageBytesMax {
				return invalidAttribute(name)
			}
			q.bytesMax = n
		default:
			if err := q.setDuration(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// setDuration takes the attributes that are a number of seconds.
func (q *queue) setDuration(name, value string) error {
	var into *time.Duration
	var least, most time.Duration
	switch name {
	case "VisibilityTimeout":
		into, most = &q.visibility, visibilityMax
	case "DelaySeconds":
		into, most = &q.delay, delayMax
	case "ReceiveMessageWaitTimeSeconds":
		into, most = &q.poll, pollMax
	case "MessageRetentionPeriod":
		into, least, most = &q.retention, retentionMin, retentionMax
	case "KmsDataKeyReusePeriodSeconds":
		into, least, most = &q.keyReuse, keyReuseMin, keyReuseMax
	default:
		if !queueAttributeNames[name] {
			return sqsInvalid("InvalidAttributeName", "Unknown Attribute %s.", clip(name))
		}
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || time.Duration(n)*time.Second < least || time.Duration(n)*time.Second > most {
		return invalidAttribute(name)
	}
	*into = time.Duration(n) * time.Second
	return nil
}

func parseRedrive(value string) (*redrivePolicy, error) {
	if value == "" {
		return nil, nil
	}
	var policy struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // SQS takes a number and a string
	}
	err := json.Unmarshal([]byte(value), &policy)
	most, badCount := strconv.Atoi(strings.Trim(string(policy.MaxReceiveCount), `"`))
	if err != nil || badCount != nil || most < 1 || most > 1000 || policy.DeadLetterTargetArn == "" {
		return nil, sqsInvalid("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid.", clip(value))
	}
	return &redrivePolicy{Target: policy.DeadLetterTargetArn, ReceivesMax: most}, nil
}

// checkRedrive refuses a dead-letter queue that is not there.
func checkRedrive(s *Sandbox, policy *redrivePolicy) error {
	if policy != nil && s.queueOf(policy.Target) == nil {
		return sqsInvalid("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", clip(policy.Target))
	}
	return nil
}
