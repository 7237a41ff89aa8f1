package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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
	m := notification{subject: in.Subject, message: in.Message, attributes: in.MessageAttributes, at: c.now, visible: c.now}
	switch {
	case in.Message == "":
		return nil, snsInvalid("Empty message")
	case len(in.Message) > noticeBytesMax:
		return nil, snsInvalid("Message too long")
	case len(in.Subject) > 100 || strings.ContainsFunc(in.Subject, func(r rune) bool { return r < ' ' }):
		return nil, snsInvalid("Subject")
	case in.MessageDeduplicationId != "":
		return nil, snsInvalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case in.MessageStructure != "" && in.MessageStructure != "json":
		return nil, snsInvalid("MessageStructure")
	}
	if why := checkAttributes(in.MessageAttributes); why != "" {
		return nil, refuse("ParameterValueInvalid", "%s", why)
	}
	if in.MessageStructure == "json" {
		var byProtocol map[string]any
		if json.Unmarshal([]byte(in.Message), &byProtocol) != nil {
			return nil, snsInvalid("Message Structure - JSON message body failed to parse")
		}
		standard, ok := byProtocol["default"].(string)
		if !ok {
			return nil, snsInvalid("Message Structure - No default entry in JSON message body")
		}
		m.forQueues = standard
		if own, ok := byProtocol["sqs"].(string); ok {
			m.forQueues = own
		}
	}
	if err != nil {
		return nil, err
	}
	m.id = s.newID()
	publishTo(s, t, m)
	return &publishOutput{m.id}, nil
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
