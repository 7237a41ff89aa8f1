package doctor

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// rulesMax bounds the rules that are looked at in a region: EventBridge's own default quota for a bus.
const rulesMax = 300

// events looks at the queue, its dead-letter queue and the rules of every region that has pools.
func (l *looker) events(ctx context.Context) {
	e := &l.f.events
	if e.url == "" {
		return
	}
	s := Subject{Kind: KindEvents}
	e.place = place{region: queueRegion(e.url, l.o.AWS.Region)}
	client := sqs.NewFromConfig(l.config(e.place))
	var redrive string
	ok := l.call(ctx, s, e.place, "sqs:GetQueueAttributes", "read the queue "+e.url, func(ctx context.Context) error {
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &e.url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			return err
		}
		e.queueARN, e.policy, redrive = out.Attributes["QueueArn"], out.Attributes["Policy"], out.Attributes["RedrivePolicy"]
		e.waiting = count(out.Attributes["ApproximateNumberOfMessages"])
		return nil
	})
	if !ok {
		return
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(redrive), &policy) == nil {
		e.dead = policy.Target
	}
	if e.dead != "" {
		l.deadLetters(ctx, s, client)
	}
	for _, region := range l.ruleRegions() {
		l.rules(ctx, s, region)
	}
}

func (l *looker) deadLetters(ctx context.Context, s Subject, client *sqs.Client) {
	e := &l.f.events
	l.call(ctx, s, e.place, "sqs:GetQueueAttributes (dead-letter queue)", "read the dead-letter queue "+lastPart(e.dead), func(ctx context.Context) error {
		at, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(lastPart(e.dead))})
		if err != nil {
			return err
		}
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: at.QueueUrl,
			AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
		if err == nil {
			e.deadLen = count(out.Attributes["ApproximateNumberOfMessages"])
		}
		return err
	})
}

func count(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// ruleRegions are the regions whose events the process's own account can be asked for; those of another account's
// role are not looked at.
func (l *looker) ruleRegions() []string {
	var out []string
	for _, p := range places(l.o.Workloads) {
		if p.role == "" && !slices.Contains(out, p.region) {
			out = append(out, p.region)
		}
	}
	return out
}

// rules reads the rules of the default bus whose events reach the queue. A rule of another region reaches it
// through that region's own forwarding, which is counted as reaching it when its target is a bus or the queue.
func (l *looker) rules(ctx context.Context, s Subject, region string) {
	at := place{region: region}
	client := eventbridge.NewFromConfig(l.config(at))
	var found []types.Rule
	ok := l.call(ctx, s, at, "events:ListRules", "list rules of EventBridge in "+region, func(ctx context.Context) error {
		in := &eventbridge.ListRulesInput{}
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
		r := rule{name: aws.ToString(found[i].Name), pattern: aws.ToString(found[i].EventPattern), enabled: found[i].State != types.RuleStateDisabled, region: region}
		if !strings.Contains(r.pattern, "aws.ecs") {
			continue
		}
		l.call(ctx, s, at, "events:ListTargetsByRule", "list targets of rule "+r.name, func(ctx context.Context) error {
			out, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.name})
			if err != nil {
				return err
			}
			for _, t := range out.Targets {
				arn := aws.ToString(t.Arn)
				r.toQueue = r.toQueue || arn == l.f.events.queueARN || (region != l.f.events.place.region && strings.Contains(arn, ":event-bus/"))
			}
			return nil
		})
		l.f.events.rules = append(l.f.events.rules, r)
	}
}

// queueRegion returns the region in a queue's URL, or the one that stands for it.
func queueRegion(queueURL, otherwise string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return otherwise
	}
	if host := strings.Split(u.Hostname(), "."); len(host) >= 4 && host[0] == "sqs" && host[2] == "amazonaws" {
		return host[1]
	}
	return otherwise
}
