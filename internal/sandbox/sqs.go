package sandbox

import (
	"context"
	"encoding/xml"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

var sqsOperations = map[string]operation{
	"CreateQueue":                  op((*Sandbox).createQueue),
	"DeleteQueue":                  op((*Sandbox).deleteQueue),
	"GetQueueUrl":                  op((*Sandbox).getQueueURL),
	"ListQueues":                   op((*Sandbox).listQueues),
	"GetQueueAttributes":           op((*Sandbox).getQueueAttributes),
	"SetQueueAttributes":           op(setQueueAttributes),
	"PurgeQueue":                   op((*Sandbox).purgeQueue),
	"SendMessage":                  op((*Sandbox).sendMessage),
	"SendMessageBatch":             op((*Sandbox).sendMessageBatch),
	"ReceiveMessage":               waiting((*Sandbox).receiveMessage),
	"DeleteMessage":                op((*Sandbox).deleteMessage),
	"DeleteMessageBatch":           op((*Sandbox).deleteMessageBatch),
	"ChangeMessageVisibility":      op((*Sandbox).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": op((*Sandbox).changeMessageVisibilityBatch),
	"TagQueue":                     op(tagQueue),
	"UntagQueue":                   op(untagQueue),
	"ListQueueTags":                op(listQueueTags),
}

// stringMap is a map that the query protocol writes as a flat list of name/value pairs.
type stringMap map[string]string

// MarshalXML writes one element a pair.
func (m stringMap) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type pair struct{ Name, Value string }
	for _, name := range sortedKeys(m) {
		if err := e.EncodeElement(pair{name, m[name]}, start); err != nil {
			return err
		}
	}
	return nil
}

// attributeMap is the same for message attributes.
type attributeMap map[string]messageAttribute

// MarshalXML writes one element a pair.
func (m attributeMap) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type pair struct {
		Name  string
		Value messageAttribute
	}
	for _, name := range sortedKeys(m) {
		if err := e.EncodeElement(pair{name, m[name]}, start); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func noSuchQueue() *apiError {
	return &apiError{Code: "QueueDoesNotExist", QueryCode: "AWS.SimpleQueueService.NonExistentQueue",
		Message: "The specified queue does not exist.", QueryMessage: "The specified queue does not exist for this wsdl version."}
}

func sqsInvalid(code, format string, args ...any) *apiError {
	e := refuse(code, format, args...)
	e.QueryCode = code
	return e
}

func (s *Sandbox) account() string { return s.accountID }

func (s *Sandbox) queuePath(name string) string { return "/" + s.account() + "/" + name }

// addQueue makes a queue with SQS's defaults.
func (s *Sandbox) addQueue(name string) *queue {
	now := s.world.Now()
	q := &queue{name: name, arn: "arn:aws:sqs:" + s.opts.Region + ":" + s.account() + ":" + name, createdAt: now, changedAt: now,
		queueSettings: defaultSettings, tags: map[string]string{}, all: map[string]*message{}, now: now}
	q.seen = func(m *message) {
		s.stir = true
		d := Delivery{Queue: name, ID: m.id, At: m.visibleAt, Wall: time.Now()}
		if s.opts.OnMessage != nil {
			s.opts.OnMessage(d)
		}
		if s.log.Enabled(context.Background(), slog.LevelDebug) {
			s.log.Debug("message visible", slog.String("queue", name), slog.String("message_id", m.id), slog.Time("at", d.At))
		}
	}
	s.queues[name] = q
	return q
}

// queueAt finds the queue that a queue URL names: its last path element. Host and region do not matter, as
// this account lives behind whatever endpoint the caller uses.
func (s *Sandbox) queueAt(queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, sqsInvalid("MissingParameter", "The request must contain the parameter QueueUrl.")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, sqsInvalid("InvalidAddress", "The address %s is not valid for this endpoint.", clip(queueURL))
	}
	if q := s.queues[u.Path[strings.LastIndexByte(u.Path, '/')+1:]]; q != nil {
		return q, nil
	}
	return nil, noSuchQueue()
}

type queueInput struct{ QueueUrl string }

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

type queueOutput struct{ QueueUrl string }

func (s *Sandbox) createQueue(c *call, in *createQueueInput) (*queueOutput, error) {
	name := strings.TrimSuffix(in.QueueName, ".fifo")
	if !plainName(name) || len(in.QueueName) > 80 {
		return nil, sqsInvalid("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if strings.HasSuffix(in.QueueName, ".fifo") || in.Attributes["FifoQueue"] == "true" {
		return nil, sqsInvalid("UnsupportedOperation", "The sandbox has standard queues only.")
	}
	q, exists := s.queues[in.QueueName]
	probe := queue{name: in.QueueName, queueSettings: defaultSettings}
	if exists {
		probe = *q
	}
	if err := probe.setAttributes(in.Attributes); err != nil {
		return nil, err
	}
	if err := checkRedrive(s, probe.redrive); err != nil {
		return nil, err
	}
	switch {
	case exists && probe.queueSettings == q.queueSettings:
		return &queueOutput{s.queueURL(c, q)}, nil
	case exists:
		return nil, &apiError{Code: "QueueNameExists", QueryCode: "QueueAlreadyExists",
			Message: "A queue already exists with the same name and a different value for an attribute"}
	case len(s.queues) >= queuesMax:
		return nil, sqsInvalid("UnsupportedOperation", "The sandbox holds %d queues, no more fit.", queuesMax)
	}
	q = s.addQueue(in.QueueName)
	if err := q.setAttributes(in.Attributes); err != nil {
		return nil, err
	}
	maps.Copy(q.tags, in.Tags)
	return &queueOutput{s.queueURL(c, q)}, nil
}

func (s *Sandbox) queueURL(c *call, q *queue) string { return c.origin + s.queuePath(q.name) }

func (s *Sandbox) deleteQueue(_ *call, in *queueInput) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	delete(s.queues, q.name)
	s.stir = true
	return empty{}, nil
}

func (s *Sandbox) getQueueURL(c *call, in *struct{ QueueName string }) (*queueOutput, error) {
	q, ok := s.queues[in.QueueName]
	if !ok {
		return nil, noSuchQueue()
	}
	return &queueOutput{s.queueURL(c, q)}, nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty" xml:"QueueUrl"`
	NextToken string   `json:",omitempty" xml:"NextToken,omitempty"`
}

func (s *Sandbox) listQueues(c *call, in *listQueuesInput) (*listQueuesOutput, error) {
	var names []string
	for _, name := range sortedKeys(s.queues) {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			names = append(names, name)
		}
	}
	size := in.MaxResults
	if size <= 0 || size > 1000 {
		size = 1000
	}
	names, next, err := page(names, size, in.NextToken)
	if err != nil {
		return nil, sqsInvalid("InvalidParameterValue", "Invalid or expired next token.")
	}
	out := &listQueuesOutput{}
	if in.MaxResults > 0 { // without MaxResults SQS gives no token
		out.NextToken = next
	}
	for _, name := range names {
		out.QueueUrls = append(out.QueueUrls, s.queueURL(c, s.queues[name]))
	}
	return out, nil
}

type queueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type queueAttributesOutput struct {
	Attributes stringMap `json:",omitempty" xml:"Attribute"`
}

func (s *Sandbox) getQueueAttributes(_ *call, in *queueAttributesInput) (*queueAttributesOutput, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.attributesNow()
	out := &queueAttributesOutput{Attributes: stringMap{}}
	for _, name := range in.AttributeNames {
		if name == "All" {
			out.Attributes = all
			break
		}
		if v, ok := all[name]; ok {
			out.Attributes[name] = v
		} else if !queueAttributeNames[name] {
			return nil, sqsInvalid("InvalidAttributeName", "Unknown Attribute %s.", clip(name))
		}
	}
	return out, nil
}

func (s *Sandbox) purgeQueue(_ *call, in *queueInput) (empty, error) {
	q, err := s.queueAt(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	q.purge()
	return empty{}, nil
}
