package sandbox

import (
	"crypto/md5" // #nosec G501 -- SQS's own checksum of bodies, not a safeguard
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// traceHeader is the one system attribute that a sender may give.
const traceHeader = "AWSTraceHeader"

type sendMessageInput struct {
	QueueUrl          string
	Id                string // in a batch
	MessageBody       string
	DelaySeconds      *int
	MessageAttributes map[string]messageAttribute

	MessageSystemAttributes map[string]messageAttribute
}

type sendMessageOutput struct {
	Id                     string `json:",omitempty" xml:",omitempty"`
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty" xml:",omitempty"`
}

type batchError struct {
	Id          string
	Code        string
	Message     string
	SenderFault bool
}

func (s *Sandbox) sendMessage(c *call, in *sendMessageInput) (*sendMessageOutput, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return s.send(c, q, in)
}

func (s *Sandbox) send(c *call, q *queue, in *sendMessageInput) (*sendMessageOutput, error) {
	size := len(in.MessageBody)
	for name, a := range in.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	delay := q.delay
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	switch {
	case in.MessageBody == "":
		return nil, sqsInvalid("MissingParameter", "The request must contain the parameter MessageBody.")
	case size > q.bytesMax:
		return nil, sqsInvalid("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.bytesMax)
	case len(in.MessageAttributes) > 10:
		return nil, sqsInvalid("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(in.MessageAttributes))
	case delay < 0 || delay > delayMax:
		return nil, sqsInvalid("InvalidParameterValue", "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
	}
	if why := checkAttributes(in.MessageAttributes); why != "" {
		return nil, sqsInvalid("InvalidParameterValue", "%s", why)
	}
	for _, name := range sortedKeys(in.MessageSystemAttributes) {
		if a := in.MessageSystemAttributes[name]; name != traceHeader || a.DataType != "String" || a.StringValue == "" {
			return nil, sqsInvalid("InvalidParameterValue", "Message system attribute name '%s' is invalid.", clip(name))
		}
	}
	m := s.newMessage(in.MessageBody, c.now, c.now.Add(delay))
	m.attributes, m.trace = in.MessageAttributes, in.MessageSystemAttributes[traceHeader].StringValue
	m.sender = c.accessKey
	s.enqueue(q, m)
	return &sendMessageOutput{Id: in.Id, MessageId: m.id, MD5OfMessageBody: m.md5, MD5OfMessageAttributes: attributesMD5(m.attributes)}, nil
}

func (s *Sandbox) newMessage(body string, sent, visible time.Time) *message {
	sum := md5.Sum([]byte(body)) // #nosec G401
	return &message{id: s.newID(), body: body, md5: hex.EncodeToString(sum[:]), sentAt: sent, visibleAt: visible, place: -1}
}

func (s *Sandbox) enqueue(q *queue, m *message) {
	if q.add(m) && !s.overflowed {
		s.overflowed = true
		s.log.Warn("queue is full, the oldest messages go", slog.String("queue", q.name), slog.Int("messages", messagesMax))
	}
}

// attributesMD5 is SQS's checksum of message attributes, which SDKs compare.
func attributesMD5(attributes map[string]messageAttribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var buf []byte
	put := func(b []byte) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(b))) //nolint:gosec // bounded by messageBytesMax
		buf = append(buf, b...)
	}
	for _, name := range sortedKeys(attributes) {
		a := attributes[name]
		put([]byte(name))
		put([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			buf = append(buf, 2)
			put(a.BinaryValue)
		} else {
			buf = append(buf, 1)
			put([]byte(a.StringValue))
		}
	}
	sum := md5.Sum(buf) // #nosec G401
	return hex.EncodeToString(sum[:])
}

type receiveInput struct {
	QueueUrl                    string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             stringMap    `json:",omitempty" xml:"Attribute"`
	MD5OfMessageAttributes string       `json:",omitempty" xml:",omitempty"`
	MessageAttributes      attributeMap `json:",omitempty" xml:"MessageAttribute"`
}

type receiveOutput struct {
	Messages []receivedMessage `json:",omitempty" xml:"Message"`
}

// receiveMessage runs unlocked: a long poll waits for messages, for virtual time to pass, or for as many real
// seconds as were asked for, whichever comes first. With a manual clock it never waits.
func (s *Sandbox) receiveMessage(c *call, in *receiveInput) (*receiveOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := time.Now()
	started := s.catchUpLocked()
	for {
		q, err := s.queueAt(in.QueueUrl)
		if err != nil {
			return nil, err
		}
		most, visibility, poll, err := in.limits(q)
		if err != nil {
			return nil, err
		}
		taken := q.receive(most, visibility, func(m *message) { s.bury(q, m) })
		if len(taken) > 0 || s.clock.manual {
			return in.output(s, taken), nil
		}
		left := poll - time.Since(start)
		if end, comes := s.clock.until(started.Add(poll), time.Now()); comes {
			left = min(left, end)
		}
		if left <= 0 || c.ctx.Err() != nil {
			return &receiveOutput{}, nil
		}
		wait, changed := min(left, s.waitLocked()), s.changed
		s.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-c.ctx.Done():
		}
		timer.Stop()
		s.mu.Lock()
		s.catchUpLocked()
		s.settleLocked()
	}
}

func (in *receiveInput) limits(q *queue) (most int, visibility, poll time.Duration, err error) {
	most, visibility, poll = 1, q.visibility, q.poll
	if in.MaxNumberOfMessages != nil {
		most = *in.MaxNumberOfMessages
	}
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if in.WaitTimeSeconds != nil {
		poll = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	invalid := func(value time.Duration, name, limits string) error {
		return sqsInvalid("InvalidParameterValue", "Value %d for parameter %s is invalid. Reason: Must be %s.", int64(value/time.Second), name, limits)
	}
	switch {
	case most < 1 || most > 10:
		return 0, 0, 0, invalid(time.Duration(most)*time.Second, "MaxNumberOfMessages", "between 1 and 10, if provided")
	case visibility < 0 || visibility > visibilityMax:
		return 0, 0, 0, invalid(visibility, "VisibilityTimeout", "between 0 and 43200, if provided")
	case poll < 0 || poll > pollMax:
		return 0, 0, 0, invalid(poll, "WaitTimeSeconds", ">= 0 and <= 20, if provided")
	}
	return most, visibility, poll, nil
}

func (in *receiveInput) output(s *Sandbox, taken []*message) *receiveOutput {
	out := &receiveOutput{}
	for _, m := range taken {
		given := receivedMessage{MessageId: m.id, ReceiptHandle: m.receipt(), MD5OfBody: m.md5, Body: m.body}
		given.Attributes = m.systemAttributes(append(in.AttributeNames[:len(in.AttributeNames):len(in.AttributeNames)], in.MessageSystemAttributeNames...), s.account())
		chosen := attributeMap{}
		for name, a := range m.attributes {
			for _, pattern := range in.MessageAttributeNames {
				prefix, many := strings.CutSuffix(pattern, "*")
				if pattern == "All" || pattern == name || (many && strings.HasPrefix(name, strings.TrimSuffix(prefix, "."))) {
					chosen[name] = a
				}
			}
		}
		given.MessageAttributes, given.MD5OfMessageAttributes = chosen, attributesMD5(chosen)
		out.Messages = append(out.Messages, given)
	}
	return out
}

func (m *message) systemAttributes(names []string, account string) stringMap {
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	all := stringMap{"SenderId": account, "SentTimestamp": millis(m.sentAt), "ApproximateReceiveCount": strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": millis(m.firstAt)}
	if m.sender != "" {
		all["SenderId"] = m.sender
	}
	if m.trace != "" {
		all[traceHeader] = m.trace
	}
	given := stringMap{}
	for _, name := range names {
		if name == "All" {
			return all
		}
		if v, ok := all[name]; ok {
			given[name] = v
		}
	}
	return given
}

// bury moves a message received too often to the dead-letter queue. SQS keeps its id and the time it was sent.
func (s *Sandbox) bury(q *queue, m *message) {
	for _, dead := range s.queues {
		if dead.arn == q.redrive.Target {
			s.enqueue(dead, &message{id: m.id, body: m.body, md5: m.md5, attributes: m.attributes, trace: m.trace, sender: m.sender,
				sentAt: m.sentAt, visibleAt: q.now, place: -1})
			return
		}
	}
	s.log.Warn("dead-letter queue is missing, message lost", slog.String("queue", q.name), slog.String("target", q.redrive.Target))
}
