package sandbox

import (
	"encoding/xml"
	"regexp"
	"strings"
	"time"
)

// Limits of SNS, and how many notices are kept for inspection.
const (
	noticeBytesMax = 256 << 10
	noticesKept    = 1000
	topicsMax      = 1000
)

var snsOperations = map[string]operation{
	"CreateTopic": op((*Sandbox).createTopic),
	"ListTopics":  op((*Sandbox).listTopics),
	"Publish":     op((*Sandbox).publish),
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

type topic struct{ arn string }

// Notice is a message published to an SNS topic. It goes nowhere: it is kept for inspection.
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

type topicOutput struct{ TopicArn string }

func (s *Sandbox) createTopic(c *call, in *struct{ Name string }) (*topicOutput, error) {
	if !topicName.MatchString(in.Name) {
		return nil, refuse("InvalidParameter", "Invalid parameter: Topic Name")
	}
	arn := "arn:aws:sns:" + c.region + ":" + s.account() + ":" + in.Name
	if s.topics[arn] == nil {
		if len(s.topics) >= topicsMax {
			return nil, refuse("TopicLimitExceeded", "The sandbox holds %d topics, no more fit", topicsMax)
		}
		s.topics[arn] = &topic{arn: arn}
	}
	return &topicOutput{arn}, nil
}

type topicsOutput struct {
	Topics    []topicOutput
	NextToken string
}

// MarshalXML wraps the topics in the members that SNS's answers have.
func (t *topicsOutput) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		Topics    []topicOutput `xml:"Topics>member"`
		NextToken string        `xml:",omitempty"`
	}{t.Topics, t.NextToken}, start)
}

func (s *Sandbox) listTopics(c *call, in *struct{ NextToken string }) (*topicsOutput, error) {
	var arns []string
	for _, arn := range sortedKeys(s.topics) {
		if strings.Contains(arn, ":"+c.region+":") {
			arns = append(arns, arn)
		}
	}
	arns, next, err := page(arns, 100, in.NextToken)
	if err != nil {
		return nil, refuse("InvalidParameter", "Invalid parameter: NextToken")
	}
	out := &topicsOutput{NextToken: next}
	for _, arn := range arns {
		out.Topics = append(out.Topics, topicOutput{arn})
	}
	return out, nil
}

type publishInput struct {
	TopicArn, TargetArn, PhoneNumber, Subject, Message string
	MessageAttributes                                  map[string]messageAttribute
}

type publishOutput struct{ MessageId string }

func (s *Sandbox) publish(c *call, in *publishInput) (*publishOutput, error) {
	arn := in.TopicArn
	if arn == "" {
		arn = in.TargetArn
	}
	parts := strings.Split(arn, ":")
	switch {
	case len(parts) != 6 || parts[2] != "sns":
		return nil, refuse("InvalidParameter", "Invalid parameter: TopicArn")
	case in.Message == "":
		return nil, refuse("InvalidParameter", "Invalid parameter: Empty message")
	case len(in.Message) > noticeBytesMax:
		return nil, refuse("InvalidParameter", "Invalid parameter: Message too long")
	case len(in.Subject) > 100 || strings.ContainsAny(in.Subject, "\r\n"):
		return nil, refuse("InvalidParameter", "Invalid parameter: Subject")
	case s.topics[arn] == nil:
		return nil, &apiError{Code: "NotFound", Message: "Topic does not exist", Status: 404}
	}
	n := Notice{ID: s.newID(), At: c.now, TopicARN: arn, Subject: in.Subject, Message: in.Message}
	for name, a := range in.MessageAttributes {
		if n.Attributes == nil {
			n.Attributes = map[string]string{}
		}
		n.Attributes[name] = a.StringValue
	}
	if len(s.notices) >= noticesKept {
		s.notices = append(s.notices[:0], s.notices[1:]...)
	}
	s.notices = append(s.notices, n)
	return &publishOutput{n.ID}, nil
}
