package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/backstop-ecs/backstop/internal/aws/failure"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/eventpattern"
)

const (
	// rulesMax bounds the rules that are looked at on a bus: EventBridge's own default quota. busesMax bounds the buses.
	rulesMax = 300
	busesMax = 40
	// triesMax bounds the calls of TestEventPattern, subscriptionsMax the subscriptions of a topic that are looked through.
	triesMax         = 60
	subscriptionsMax = 1000
)

// defaultBus is the bus on which ECS's own events arrive.
const defaultBus = "default"

// busAt is where a bus is.
type busAt struct{ region, account, name string }

// bus is an event bus and its rules that may be about ECS.
type bus struct {
	at    busAt
	role  string // by which it is read
	err   error  // it could not be read
	rules []rule
}

// rule is one rule of EventBridge.
type rule struct {
	name, arn, text string
	enabled         bool
	targets         []types.Target
	pattern         *eventpattern.Pattern // nil: not understood
}

// topic is what is known of a topic that a rule sends to.
type topic struct {
	err                       error // it could not be read
	subscribed, raw, filtered bool
}

// trial is a rule's pattern and an event to try it with.
type trial struct{ ruleARN, event string }

// accountOf returns the account in an ARN (arn:PARTITION:SERVICE:REGION:ACCOUNT:...).
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// busOf reads the ARN of an event bus.
func busOf(arn string) (busAt, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "events" {
		return busAt{}, false
	}
	name, is := strings.CutPrefix(parts[5], "event-bus/")
	return busAt{parts[3], parts[4], name}, is
}

// account is whose services a pool's role reaches.
func (f *facts) accountOfPool(ref control.ServiceRef) string {
	return orElse(accountOf(ref.RoleARN), f.account)
}

// home is the bus on which a pool's events arrive.
func (f *facts) home(ref control.ServiceRef) busAt {
	return busAt{ref.Region, f.accountOfPool(ref), defaultBus}
}

// buses reads the rules of every bus that events of the pools may pass: those on which they arrive, that of the queue's region, and those to
// which rules of either forward.
func (l *looker) buses(ctx context.Context, s Subject) {
	e := &l.f.events
	e.buses, e.topics, e.tried = map[busAt]*bus{}, map[string]topic{}, map[trial]bool{}
	roles := map[string]string{l.f.account: ""}
	var next []busAt
	for i := range l.o.Workloads {
		for _, ref := range l.o.Workloads[i].Refs {
			if at := l.f.home(ref); !slices.Contains(next, at) {
				next = append(next, at)
				if _, known := roles[at.account]; !known {
					roles[at.account] = ref.RoleARN
				}
			}
		}
	}
	for i := range l.f.alone {
		next = append(next, l.f.homeOfAlone(&l.f.alone[i]))
	}
	next = append(next, busAt{e.place.region, accountOf(e.queueARN), defaultBus})
	for ; len(next) > 0 && len(e.buses) < busesMax; next = next[1:] {
		at := next[0]
		if e.buses[at] != nil {
			continue
		}
		role, known := roles[at.account]
		b := &bus{at: at, role: role}
		e.buses[at] = b
		if !known {
			b.err = errors.New("no pool's role is of that account")
			continue
		}
		l.rules(ctx, s, b)
		for i := range b.rules {
			for k := range b.rules[i].targets {
				arn := aws.ToString(b.rules[i].targets[k].Arn)
				if to, is := busOf(arn); is {
					next = append(next, to)
				} else if strings.Contains(arn, ":sns:") && e.topics[arn] == (topic{}) {
					e.topics[arn] = l.topic(ctx, arn)
				}
			}
		}
	}
	l.try(ctx)
}

// busCall makes a call about a bus. For a bus of another account, whose role need not allow it, the error stays with the bus.
func (l *looker) busCall(ctx context.Context, s Subject, b *bus, action, object string, run func(context.Context) error) bool {
	at := place{b.at.region, b.role}
	if b.role == "" {
		return l.call(ctx, s, at, action, object, run)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := run(ctx); err != nil {
		b.err = failure.Wrap(action, object, err)
	}
	return b.err == nil
}

// rules reads the rules of a bus that may match events of ECS, with their targets.
func (l *looker) rules(ctx context.Context, s Subject, b *bus) {
	client := eventbridge.NewFromConfig(l.config(place{b.at.region, b.role}))
	var found []types.Rule
	ok := l.busCall(ctx, s, b, "events:ListRules", "list rules of EventBridge in "+b.at.region, func(ctx context.Context) error {
		in := &eventbridge.ListRulesInput{}
		if b.at.name != defaultBus {
			in.EventBusName = &b.at.name
		}
		for len(found) < rulesMax {
			out, err := client.ListRules(ctx, in)
			if err != nil {
				return err
			}
			found = append(found, out.Rules...)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		return nil
	})
	if !ok {
		return
	}
	for i := range found {
		r := rule{name: aws.ToString(found[i].Name), arn: aws.ToString(found[i].Arn), text: aws.ToString(found[i].EventPattern), enabled: found[i].State != types.RuleStateDisabled}
		if r.text == "" || foreign(r.text) {
			continue
		}
		if p, err := eventpattern.Parse([]byte(r.text)); err == nil {
			r.pattern = p
		}
		l.busCall(ctx, s, b, "events:ListTargetsByRule", "list targets of rule "+r.name, func(ctx context.Context) error {
			out, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.name, EventBusName: found[i].EventBusName})
			if err == nil {
				r.targets = out.Targets
			}
			return err
		})
		b.rules = append(b.rules, r)
	}
}

// foreign reports whether a pattern names sources of which none is ECS. Most rules of an account do, and their targets need not be read.
func foreign(pattern string) bool {
	var p struct {
		Source []string `json:"source"`
	}
	return json.Unmarshal([]byte(pattern), &p) == nil && len(p.Source) > 0 && !slices.Contains(p.Source, "aws.ecs")
}

// topic looks whether the queue is subscribed to a topic, and how.
func (l *looker) topic(ctx context.Context, arn string) (t topic) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	client := sns.NewFromConfig(l.config(place{region: strings.SplitN(arn, ":", 6)[3]}))
	in, seen := &sns.ListSubscriptionsByTopicInput{TopicArn: &arn}, 0
	for seen < subscriptionsMax {
		out, err := client.ListSubscriptionsByTopic(ctx, in)
		if err != nil {
			return topic{err: failure.Wrap("sns:ListSubscriptionsByTopic", "list subscriptions of the topic "+lastPart(arn), err)}
		}
		for _, s := range out.Subscriptions {
			if seen++; aws.ToString(s.Endpoint) != l.f.events.queueARN || !strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				continue // another's, or one that was never confirmed
			}
			t.subscribed = true
			how, err := client.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: s.SubscriptionArn})
			if err != nil {
				return topic{err: failure.Wrap("sns:GetSubscriptionAttributes", "read the queue's subscription to the topic "+lastPart(arn), err)}
			}
			t.raw, t.filtered = how.Attributes["RawMessageDelivery"] == "true", how.Attributes["FilterPolicy"] != ""
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return t
}

// try asks EventBridge itself about the rules that lead somewhere: two events each, and every pool's where the pattern is not understood
// here. Where that is not allowed or not offered, what the patterns say here is all there is.
func (l *looker) try(ctx context.Context) {
	e := &l.f.events
	left := triesMax
	for _, b := range e.inOrder() {
		client := eventbridge.NewFromConfig(l.config(place{b.at.region, b.role}))
		for i := range b.rules {
			r := &b.rules[i]
			if !r.enabled || len(e.ways(r)) == 0 {
				continue
			}
			for _, event := range l.f.trials(b, r) {
				if left--; left < 0 {
					return
				}
				ctx, cancel := context.WithTimeout(ctx, callTimeout)
				out, err := client.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: &r.text, Event: &event})
				cancel()
				if err != nil {
					return
				}
				e.tried[trial{r.arn, event}] = out.Result
			}
		}
	}
}

// trials are the events to try a rule with.
func (f *facts) trials(b *bus, r *rule) []string {
	var all, own []string
	for i := range f.workloads {
		for _, ref := range f.workloads[i].Refs {
			for _, n := range samples(f.partition(), f.accountOfPool(ref), ref) {
				if all = append(all, n.event); n.tried && f.home(ref) == b.at && len(own) < 2 {
					own = append(own, n.event)
				}
			}
		}
	}
	if r.pattern == nil {
		return all
	}
	return own
}

// inOrder are the buses, always in the same order.
func (e *eventFacts) inOrder() []*bus {
	var out []*bus
	for _, b := range e.buses {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *bus) int { return strings.Compare(fmt.Sprint(a.at), fmt.Sprint(b.at)) })
	return out
}
