package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"time"
)

// Notice is a message published to an SNS topic, kept for inspection, wherever else it goes.
type Notice struct {
	ID         string            `json:"id"`
	At         time.Time         `json:"at"` // virtual
	TopicARN   string            `json:"topic_arn"`
	Subject    string            `json:"subject,omitempty"`
	Message    string            `json:"message"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Notices returns the last 1,000 published messages, oldest first.
func (s *Sandbox) Notices() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notice{}, s.notices...)
}

type publishInput struct {
	TopicArn, TargetArn, PhoneNumber, Subject, Message string
	MessageStructure, MessageDeduplicationId           string
	MessageAttributes                                  map[string]messageAttribute
}

type publishOutput struct{ MessageId string }

// notification is a message on its way from a topic to its subscriptions.
type notification struct {
	id, subject, message string
	forQueues            string // what queues get instead of the message; empty: the message
	attributes           map[string]messageAttribute
	at, visible          time.Time // virtual: published, and in the queues
}

func publish(s *Sandbox, c *call, in *publishInput) (*publishOutput, error) {
	t, err := s.topics.at(c.region, orDefault(in.TopicArn, in.TargetArn))
	if err != nil && asAPIError(err).Code != "NotFound" {
		return nil, err
	}
	m, refused := in.notification(c.now)
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, err
	}
	m.id = s.newID()
	publishTo(s, t, m)
	return &publishOutput{m.id}, nil
}

// notification is what a call publishes, if it may be.
func (in *publishInput) notification(now time.Time) (notification, error) {
	m := notification{subject: in.Subject, message: in.Message, attributes: in.MessageAttributes, at: now, visible: now}
	switch {
	case in.Message == "":
		return m, snsInvalid("Empty message")
	case len(in.Message) > noticeBytesMax:
		return m, snsInvalid("Message too long")
	case len(in.Subject) > 100 || strings.ContainsFunc(in.Subject, func(r rune) bool { return r < ' ' }):
		return m, snsInvalid("Subject")
	case in.MessageDeduplicationId != "":
		return m, snsInvalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case in.MessageStructure != "" && in.MessageStructure != "json":
		return m, snsInvalid("MessageStructure")
	}
	if why := checkAttributes(in.MessageAttributes); why != "" {
		return m, refuse("ParameterValueInvalid", "%s", why)
	}
	if in.MessageStructure == "" {
		return m, nil
	}
	var byProtocol map[string]any
	if json.Unmarshal([]byte(in.Message), &byProtocol) != nil {
		return m, snsInvalid("Message Structure - JSON message body failed to parse")
	}
	standard, ok := byProtocol["default"].(string)
	if !ok {
		return m, snsInvalid("Message Structure - No default entry in JSON message body")
	}
	m.forQueues = standard
	if own, ok := byProtocol["sqs"].(string); ok {
		m.forQueues = own
	}
	return m, nil
}

type publishEntry struct {
	ID string `json:"Id"`
	publishInput
}

type publishedEntry struct {
	ID        string `xml:"Id"`
	MessageId string
}

type publishBatchOutput struct {
	Successful []publishedEntry
	Failed     []batchError
}

// MarshalXML wraps the entries in the members that SNS's answers have.
func (o *publishBatchOutput) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		Successful []publishedEntry `xml:"Successful>member"`
		Failed     []batchError     `xml:"Failed>member"`
	}{o.Successful, o.Failed}, start)
}

// batchRefusals are SNS's words on batches (API reference, PublishBatch).
var batchRefusals = map[string]string{"EmptyBatchRequest": "The batch request doesn't contain any entries.",
	"TooManyEntriesInBatchRequest": "The batch request contains more entries than permissible.",
	"BatchEntryIdsNotDistinct":     "Two or more batch entries in the request have the same Id.",
	"InvalidBatchEntryId":          "The Id of a batch entry in a batch request doesn't abide by the specification."}

// publishBatch publishes up to ten messages, each on its own.
func publishBatch(s *Sandbox, c *call, in *struct {
	TopicArn                   string
	PublishBatchRequestEntries []publishEntry
}) (*publishBatchOutput, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	if err != nil {
		return nil, err
	}
	var ids []string
	size := 0
	for _, e := range in.PublishBatchRequestEntries {
		ids, size = append(ids, e.ID), size+len(e.Message)
	}
	if err := checkBatch("PublishBatchRequestEntry", ids); err != nil {
		code := asAPIError(err).Code // SNS has SQS's codes without their prefix, and texts of its own
		return nil, refuse(code, "%s", batchRefusals[code])
	}
	if size > noticeBytesMax {
		return nil, refuse("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	out := &publishBatchOutput{}
	for _, e := range in.PublishBatchRequestEntries {
		m, err := e.notification(c.now)
		if err != nil {
			out.Failed = append(out.Failed, failedEntry(e.ID, err))
			continue
		}
		m.id = s.newID()
		publishTo(s, t, m)
		out.Successful = append(out.Successful, publishedEntry{e.ID, m.id})
	}
	return out, nil
}

// publishTo keeps a message as a notice and brings it to the queues that are subscribed.
func publishTo(s *Sandbox, t *topic, m notification) {
	n := Notice{ID: m.id, At: m.at, TopicARN: t.arn, Subject: m.subject, Message: m.message}
	for name, a := range m.attributes {
		if n.Attributes == nil {
			n.Attributes = map[string]string{}
		}
		n.Attributes[name] = a.StringValue
	}
	if len(s.notices) >= noticesKept {
		s.notices = append(s.notices[:0], s.notices[1:]...)
	}
	s.notices = append(s.notices, n)
	body := orDefault(m.forQueues, m.message)
	d := delivery{service: principalSNS, source: t.arn, account: s.account()}
	for _, sub := range t.subscriptions {
		raw := sub.attributes["RawMessageDelivery"] == "true"
		if sub.pending || sub.protocol != "sqs" || !sub.filter.lets(&m, body) {
			continue
		}
		q := queueFor(s, sub.endpoint, d)
		if q == nil || raw && len(m.attributes) > sentAttributesOfRaw {
			q = queueFor(s, sub.deadLetters, d)
		}
		if q == nil {
			continue
		}
		if raw {
			sent := s.newMessage(body, m.at, m.visible)
			sent.attributes = m.attributes
			s.enqueue(q, sent)
			continue
		}
		s.enqueue(q, s.newMessage(m.envelope(t, sub, body), m.at, m.visible))
	}
}

// queueFor finds the queue that an ARN names, if its policy and its key let a delivery through.
func queueFor(s *Sandbox, arn string, d delivery) *queue {
	q := s.queueOf(arn)
	if q == nil || strings.HasSuffix(q.key, managedKey) { // whose policy is AWS's, and lets no service use it
		return nil
	}
	if d.action, d.resource = actionSend, q.arn; !q.policy.lets(d, s.log) {
		return nil
	}
	return q
}

// managedTopicKey is the alias of the key that AWS manages for SNS.
const managedTopicKey = "alias/aws/sns"

// topicFor finds the topic that an ARN names in a region, if its policy and its key let a delivery through.
func topicFor(s *Sandbox, arn, region string, d delivery) *topic {
	t := s.topics[arn]
	if t == nil || t.region != region || strings.HasSuffix(t.attributes["KmsMasterKeyId"], managedTopicKey) {
		return nil
	}
	if d.action, d.resource = actionPublish, t.arn; !t.policy.lets(d, s.log) {
		return nil
	}
	return t
}

// envelope is what SNS makes of a message for a queue that did not ask for it as it is. Nothing is signed here.
func (m *notification) envelope(t *topic, sub *subscription, body string) string {
	type attribute struct{ Type, Value string }
	host := "https://sns." + t.region + ".amazonaws.com/"
	out := struct {
		Type, MessageId, TopicArn                   string
		Subject                                     string `json:",omitempty"`
		Message, Timestamp                          string
		SignatureVersion, Signature, SigningCertURL string
		UnsubscribeURL                              string
		MessageAttributes                           map[string]attribute `json:",omitempty"`
	}{Type: "Notification", MessageId: m.id, TopicArn: t.arn, Subject: m.subject, Message: body, Timestamp: isoTime(m.at),
		SignatureVersion: orDefault(t.attributes["SignatureVersion"], "1"), Signature: base64.StdEncoding.EncodeToString([]byte("the sandbox signs nothing")),
		SigningCertURL: host + "SimpleNotificationService-sandbox.pem",
		UnsubscribeURL: host + "?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(sub.arn)}
	for name, a := range m.attributes {
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]attribute{}
		}
		value := a.StringValue
		if strings.HasPrefix(a.DataType, "Binary") {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		out.MessageAttributes[name] = attribute{a.DataType, value}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(out); err != nil { // texts only: always encodes
		return body
	}
	return strings.TrimSuffix(text.String(), "\n")
}
