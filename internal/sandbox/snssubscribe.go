package sandbox

import (
	"encoding/xml"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// subscription brings a topic's messages to an endpoint. Only queues of the sandbox get any.
type subscription struct {
	arn, topic, protocol, endpoint string
	pending                        bool // its endpoint would have to confirm it
	attributes                     map[string]string
	filter                         *filterPolicy
	deadLetters                    string // ARN of the queue for what cannot be delivered
}

type subscribeInput struct {
	TopicArn, Protocol, Endpoint, SubscriptionArn, NextToken string
	Attributes                                               map[string]string
	AttributeNames                                           []string
	AttributeValue, ReturnSubscriptionArn                    string
}

type subscribeOutput struct{ SubscriptionArn string }

var (
	phoneNumber  = regexp.MustCompile(`^\+?[0-9]([./-]?[0-9]){0,20}$`)
	functionARN  = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_:-]+$`)
	streamARN    = regexp.MustCompile(`^arn:aws[a-z-]*:firehose:[a-z0-9-]+:[0-9]{12}:deliverystream/.+$`)
	endpointARN  = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:endpoint/.+$`)
	queueARNForm = regexp.MustCompile(`^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$`)
)

// checkEndpoint refuses what cannot be an endpoint of a protocol. pending tells whether an endpoint has to confirm.
func checkEndpoint(protocol, endpoint, account string) (pending bool, err error) {
	matches := func(form *regexp.Regexp, why string) error {
		if !form.MatchString(endpoint) {
			return snsInvalid(why)
		}
		return nil
	}
	switch protocol {
	case "sqs":
		owner, name, _ := queueOfARN(endpoint)
		if strings.HasSuffix(name, ".fifo") {
			return false, snsInvalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
		return owner != account, matches(queueARNForm, "SQS endpoint ARN")
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" {
			return true, snsInvalid("Endpoint must match the specified protocol")
		}
		return true, nil
	case "email", "email-json":
		if a, err := mail.ParseAddress(endpoint); err != nil || a.Address != endpoint {
			return true, snsInvalid("Email address")
		}
		return true, nil
	case "sms":
		if !phoneNumber.MatchString(endpoint) {
			return false, refuse("InvalidParameter", "Invalid SMS endpoint: %s", clip(endpoint))
		}
		return false, nil
	case "lambda":
		return false, matches(functionARN, "Lambda endpoint ARN")
	case "firehose":
		return false, matches(streamARN, "Firehose endpoint ARN")
	case "application":
		return false, matches(endpointARN, "Application endpoint arn invalid:"+clip(endpoint))
	}
	return false, snsInvalid("Amazon SNS does not support this protocol string: " + clip(protocol))
}

func subscribe(s *Sandbox, c *call, in *subscribeInput) (*subscribeOutput, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	if err != nil {
		return nil, err
	}
	pending, err := checkEndpoint(in.Protocol, in.Endpoint, s.account())
	if err != nil {
		return nil, err
	}
	sub := &subscription{topic: t.arn, protocol: in.Protocol, endpoint: in.Endpoint, pending: pending, attributes: map[string]string{}}
	for _, name := range sortedKeys(in.Attributes) {
		if err := sub.set(name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	if err := sub.settle(); err != nil {
		return nil, err
	}
	for _, old := range t.subscriptions {
		if old.protocol != in.Protocol || old.endpoint != in.Endpoint {
			continue
		}
		for name, value := range sub.attributes {
			if old.attributes[name] != value {
				return nil, snsInvalid("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		return old.subscribed(in), nil
	}
	switch {
	case len(t.subscriptions) >= subscriptionsMax:
		return nil, refuse("SubscriptionLimitExceeded", "The sandbox holds %d subscriptions of a topic, no more fit", subscriptionsMax)
	case sub.filter != nil && t.filters() >= filtersMax:
		return nil, refuse("FilterPolicyLimitExceeded", "Filter policy limit exceeded: a topic has at most %d", filtersMax)
	}
	sub.arn = t.arn + ":" + s.newID()
	t.subscriptions = append(t.subscriptions, sub)
	return sub.subscribed(in), nil
}

// subscribed is the answer to Subscribe: the ARN of what has to be confirmed is told only if asked for.
func (sub *subscription) subscribed(in *subscribeInput) *subscribeOutput {
	if sub.pending && in.ReturnSubscriptionArn != "true" {
		return &subscribeOutput{"pending confirmation"}
	}
	return &subscribeOutput{sub.arn}
}

// filters counts the subscriptions with a filter policy.
func (t *topic) filters() int {
	n := 0
	for _, sub := range t.subscriptions {
		if sub.filter != nil {
			n++
		}
	}
	return n
}

// subscription finds a subscription and its topic; both nil: there is none.
func (all topics) subscription(region, arn string) (*topic, *subscription, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 {
		return nil, nil, refuse("InvalidParameter", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", len(parts))
	}
	if len(parts) != 7 {
		return nil, nil, snsInvalid("SubscriptionArn")
	}
	t := all[strings.Join(parts[:6], ":")]
	if t == nil || t.region != region {
		return nil, nil, nil
	}
	for _, sub := range t.subscriptions {
		if sub.arn == arn {
			return t, sub, nil
		}
	}
	return nil, nil, nil
}

// unsubscribe succeeds for a subscription that is gone already, as on AWS.
func unsubscribe(s *Sandbox, c *call, in *subscribeInput) (empty, error) {
	t, sub, err := s.topics.subscription(c.region, in.SubscriptionArn)
	if err != nil || sub == nil {
		return empty{}, err
	}
	t.subscriptions = slices.DeleteFunc(slices.Clone(t.subscriptions), func(o *subscription) bool { return o == sub })
	t.unsubscribed++
	return empty{}, nil
}

type subscriptionXML struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }

type subscriptionsOutput struct {
	Subscriptions []subscriptionXML
	NextToken     string
}

// MarshalXML wraps the subscriptions in the members that SNS's answers have.
func (o *subscriptionsOutput) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		Subscriptions []subscriptionXML `xml:"Subscriptions>member"`
		NextToken     string            `xml:",omitempty"`
	}{o.Subscriptions, o.NextToken}, start)
}

// listed is a page of subscriptions.
func listed(subs []*subscription, account, token string) (*subscriptionsOutput, error) {
	byARN := map[string]*subscription{}
	for _, sub := range subs {
		byARN[sub.arn] = sub
	}
	arns, next, err := page(sortedKeys(byARN), topicsPage, token)
	if err != nil {
		return nil, snsInvalid("NextToken")
	}
	out := &subscriptionsOutput{NextToken: next}
	for _, arn := range arns {
		sub := byARN[arn]
		if sub.pending {
			arn = pendingConfirmation
		}
		out.Subscriptions = append(out.Subscriptions, subscriptionXML{arn, account, sub.protocol, sub.endpoint, sub.topic})
	}
	return out, nil
}

func listSubscriptions(s *Sandbox, c *call, in *subscribeInput) (*subscriptionsOutput, error) {
	var all []*subscription
	for _, t := range s.topics {
		if t.region == c.region {
			all = append(all, t.subscriptions...)
		}
	}
	return listed(all, s.account(), in.NextToken)
}

func listSubscriptionsByTopic(s *Sandbox, c *call, in *subscribeInput) (*subscriptionsOutput, error) {
	t, err := s.topics.at(c.region, in.TopicArn)
	if err != nil {
		return nil, err
	}
	return listed(t.subscriptions, s.account(), in.NextToken)
}

func getSubscriptionAttributes(s *Sandbox, c *call, in *subscribeInput) (*snsAttributesOutput, error) {
	_, sub, err := s.topics.subscription(c.region, in.SubscriptionArn)
	switch {
	case err != nil:
		return nil, err
	case sub == nil:
		return nil, snsMissing("Subscription does not exist")
	}
	return &snsAttributesOutput{sub.shown(s.account())}, nil
}

func setSubscriptionAttributes(s *Sandbox, c *call, in *subscribeInput) (empty, error) {
	t, sub, err := s.topics.subscription(c.region, in.SubscriptionArn)
	switch {
	case err != nil:
		return empty{}, err
	case sub == nil:
		return empty{}, snsMissing("Subscription does not exist")
	}
	changed := *sub
	changed.attributes = maps.Clone(sub.attributes)
	if err := changed.set(oneName(in.AttributeNames), in.AttributeValue); err != nil {
		return empty{}, err
	}
	if err := changed.settle(); err != nil {
		return empty{}, err
	}
	if changed.filter != nil && sub.filter == nil && t.filters() >= filtersMax {
		return empty{}, refuse("FilterPolicyLimitExceeded", "Filter policy limit exceeded: a topic has at most %d", filtersMax)
	}
	*sub = changed
	return empty{}, nil
}
