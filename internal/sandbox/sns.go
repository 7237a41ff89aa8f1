package sandbox

import (
	"encoding/xml"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Limits of SNS, and how many notices are kept for inspection.
const (
	noticeBytesMax      = 256 << 10
	noticesKept         = 1000
	topicsMax           = 1000
	subscriptionsMax    = 10_000 // of a topic; AWS holds 12.5 million
	filtersMax          = 200    // of a topic
	topicsPage          = 100
	sentAttributesOfRaw = 10 // more than SQS takes of a raw message
	pendingConfirmation = "PendingConfirmation"
)

var snsOperations = map[string]operation{
	"CreateTopic":        op(createTopic),
	"DeleteTopic":        op(deleteTopic),
	"ListTopics":         op(listTopics),
	"GetTopicAttributes": op(getTopicAttributes),
	"SetTopicAttributes": op(setTopicAttributes),
	"Publish":            op(publish),
	"PublishBatch":       op(publishBatch),

	"Subscribe":                 op(subscribe),
	"Unsubscribe":               op(unsubscribe),
	"ListSubscriptions":         op(listSubscriptions),
	"ListSubscriptionsByTopic":  op(listSubscriptionsByTopic),
	"GetSubscriptionAttributes": op(getSubscriptionAttributes),
	"SetSubscriptionAttributes": op(setSubscriptionAttributes),

	"TagResource":         op(tagTopic),
	"UntagResource":       op(untagTopic),
	"ListTagsForResource": op(listTagsOfTopic),
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// topic is an SNS topic.
type topic struct {
	arn, region   string
	attributes    map[string]string // those that were set
	policy        accessPolicy
	tags          []tag
	subscriptions []*subscription // in the order they were made
	unsubscribed  int
}

// topics are an account's, by ARN.
type topics map[string]*topic

// at finds a topic of a region.
func (all topics) at(region, arn string) (*topic, error) {
	if parts := strings.Split(arn, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != serviceSNS {
		return nil, snsInvalid("TopicArn")
	}
	if t := all[arn]; t != nil && t.region == region {
		return t, nil
	}
	return nil, snsMissing("Topic does not exist")
}

// tagged finds a topic for the operations on tags, which have an error of their own.
func (all topics) tagged(region, arn string) (*topic, error) {
	if t := all[arn]; t != nil && t.region == region {
		return t, nil
	}
	return nil, &apiError{Code: "ResourceNotFound", Message: "Resource does not exist", Status: http.StatusNotFound}
}

func snsInvalid(what string) *apiError {
	return refuse("InvalidParameter", "Invalid parameter: %s", what)
}

func snsMissing(what string) *apiError {
	return &apiError{Code: "NotFound", Message: what, Status: http.StatusNotFound}
}

// attributeEntries is a map as SNS's XML has it.
type attributeEntries map[string]string

// MarshalXML writes one entry a pair.
func (m attributeEntries) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type entry struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	var out struct {
		Entries []entry `xml:"entry"`
	}
	for _, name := range sortedKeys(m) {
		out.Entries = append(out.Entries, entry{name, m[name]})
	}
	return e.EncodeElement(out, start)
}

type snsAttributesOutput struct{ Attributes attributeEntries }

type topicInput struct {
	Name, TopicArn, ResourceArn, NextToken string
	Attributes                             map[string]string
	AttributeNames                         []string
	AttributeValue                         string
	Tags                                   []tag
	TagKeys                                []string
}

// oneName is the attribute that a call sets: the form decoder makes a list of its name.
func oneName(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return ""
}

type topicOutput struct{ TopicArn string }

func createTopic(s *Sandbox, c *call, in *topicInput) (*topicOutput, error) {
	if strings.HasSuffix(in.Name, ".fifo") && in.Attributes["FifoTopic"] == "true" {
		return nil, snsInvalid("Topic Name: the sandbox has standard topics only")
	}
	if in.Attributes["FifoTopic"] == "true" {
		return nil, snsInvalid("Topic Name: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	}
	if !topicName.MatchString(in.Name) {
		return nil, snsInvalid("Topic Name")
	}
	arn := "arn:aws:sns:" + c.region + ":" + s.account() + ":" + in.Name
	t := &topic{arn: arn, region: c.region, attributes: map[string]string{}, policy: newPolicy(defaultTopicPolicy(arn, s.account())), tags: withTags(nil, in.Tags)}
	for _, name := range sortedKeys(in.Attributes) {
		if err := t.set(name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	if err := checkTopicTags(t.tags); err != nil {
		return nil, err
	}
	old := s.topics[arn]
	switch {
	case old == nil && len(s.topics) >= topicsMax:
		return nil, refuse("TopicLimitExceeded", "The sandbox holds %d topics, no more fit", topicsMax)
	case old == nil:
		s.topics[arn] = t
	case differs(old, t, in):
		return nil, snsInvalid("Attributes Reason: Topic already exists with different attributes")
	case len(in.Tags) > 0 && !slices.Equal(sortedTags(old.tags), sortedTags(t.tags)):
		return nil, snsInvalid("Tags Reason: Topic already exists with different tags")
	}
	return &topicOutput{arn}, nil
}

// differs reports whether a topic that is there has other attributes than a call to make it names.
func differs(old, t *topic, in *topicInput) bool {
	for name := range in.Attributes {
		if old.attributes[name] != t.attributes[name] {
			return true
		}
	}
	return in.Attributes["Policy"] != "" && old.policy.text != t.policy.text
}

func sortedTags(tags []tag) []tag {
	return slices.SortedFunc(slices.Values(tags), func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
}

func deleteTopic(s *Sandbox, c *call, in *topicInput) (empty, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	switch {
	case err == nil:
		delete(s.topics, t.arn)
	case asAPIError(err).Code != "NotFound": // twice is as good as once
		return empty{}, err
	}
	return empty{}, nil
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

func listTopics(s *Sandbox, c *call, in *topicInput) (*topicsOutput, error) {
	arns := slices.Sorted(maps.Keys(s.topics))
	arns = slices.DeleteFunc(arns, func(arn string) bool { return s.topics[arn].region != c.region })
	arns, next, err := page(arns, topicsPage, in.NextToken)
	if err != nil {
		return nil, snsInvalid("NextToken")
	}
	out := &topicsOutput{NextToken: next}
	for _, arn := range arns {
		out.Topics = append(out.Topics, topicOutput{arn})
	}
	return out, nil
}

func getTopicAttributes(s *Sandbox, c *call, in *topicInput) (*snsAttributesOutput, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return &snsAttributesOutput{t.shown(s.account())}, nil
}

func setTopicAttributes(s *Sandbox, c *call, in *topicInput) (empty, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	if err != nil {
		return empty{}, err
	}
	name := oneName(in.AttributeNames)
	if name == "Policy" && in.AttributeValue == "" {
		return empty{}, snsInvalid("Policy is empty")
	}
	if name == "FifoTopic" {
		return empty{}, snsInvalid("AttributeName")
	}
	return empty{}, t.set(name, in.AttributeValue)
}

// checkTopicTags applies SNS's rules for tags.
func checkTopicTags(tags []tag) error {
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 {
			return snsInvalid("Tags: a key has 1 to 128 characters, a value at most 256")
		}
	}
	if len(tags) > tagsMax {
		return refuse("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	return nil
}

func tagTopic(s *Sandbox, c *call, in *topicInput) (empty, error) {
	t, err := s.topics.tagged(c.region, in.ResourceArn)
	if err != nil {
		return empty{}, err
	}
	tags := withTags(t.tags, in.Tags)
	if err := checkTopicTags(tags); err != nil {
		return empty{}, err
	}
	t.tags = tags
	return empty{}, nil
}

func untagTopic(s *Sandbox, c *call, in *topicInput) (empty, error) {
	t, err := s.topics.tagged(c.region, in.ResourceArn)
	if err != nil {
		return empty{}, err
	}
	t.tags = withoutTags(t.tags, in.TagKeys)
	return empty{}, nil
}

type topicTagsOutput struct {
	Tags []tag `xml:"Tags>member"`
}

func listTagsOfTopic(s *Sandbox, c *call, in *topicInput) (*topicTagsOutput, error) {
	t, err := s.topics.tagged(c.region, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &topicTagsOutput{t.tags}, nil
}
