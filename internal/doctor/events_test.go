package doctor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/doctor"
	"github.com/backstop-ecs/backstop/internal/ecsim"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/pulse"
)

const (
	otherAccount = "210987654321"
	topicARN     = "arn:aws:sns:us-east-1:123456789012:ecs-events"
)

// subscriptions answers what the sandbox's SNS does not offer: that the queue is subscribed to a topic, raw or not.
func (l *lab) subscriptions(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	text := `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult><Subscriptions><member><Protocol>sqs</Protocol>
<SubscriptionArn>` + topicARN + `:1</SubscriptionArn><Endpoint>` + l.queueARN() + `</Endpoint><TopicArn>` + topicARN + `</TopicArn></member></Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`
	if form.Get("Action") == "GetSubscriptionAttributes" {
		text = `<GetSubscriptionAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetSubscriptionAttributesResult><Attributes>`
		for k, v := range l.subscription {
			text += fmt.Sprintf("<entry><key>%s</key><value>%s</value></entry>", k, v)
		}
		text += `</Attributes></GetSubscriptionAttributesResult></GetSubscriptionAttributesResponse>`
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func (l *lab) queueARN() string { return "arn:aws:sqs:" + region + ":123456789012:backstop-events" }

func (l *lab) events(region string) *eventbridge.Client {
	cfg := l.cfg.Copy()
	cfg.Region = region
	return eventbridge.NewFromConfig(cfg)
}

// target changes the target of the rule that the sandbox has from the start.
func (l *lab) target(change func(*ebtypes.Target)) {
	l.t.Helper()
	t := ebtypes.Target{Id: aws.String("backstop-events"), Arn: aws.String(l.queueARN())}
	change(&t)
	must[*eventbridge.PutTargetsOutput](l)(l.events(region).PutTargets(l.t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("backstop-events"), Targets: []ebtypes.Target{t}}))
}

func (l *lab) queueAttribute(name, value string) {
	l.t.Helper()
	must[*sqs.SetQueueAttributesOutput](l)(sqs.NewFromConfig(l.cfg).SetQueueAttributes(l.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: aws.String(l.box.QueueURL()),
		Attributes: map[string]string{name: value}}))
}

// overTopic lets the rule send to a topic, to which the queue is subscribed with attributes.
func overTopic(attributes map[string]string) func(l *lab) {
	return func(l *lab) {
		l.subscription = attributes
		l.target(func(t *ebtypes.Target) { t.Arn = aws.String(topicARN) })
		l.queuePolicy(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + topicARN + `"}}}]}`)
	}
}

// abroad adds a pool in another account and region, whose events no rule forwards.
func abroad(l *lab) {
	elsewhere(failover.OnDemand, 1)(l)
	w := &l.file.Workloads[0]
	w.Pools[len(w.Pools)-1].RoleARN = "arn:aws:iam::" + otherAccount + ":role/backstop"
	must[*eventbridge.DisableRuleOutput](l)(l.events(far).DisableRule(l.t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("backstop-events")}))
}

// forwarded lets the other account's events go to the bus at the queue.
func forwarded(l *lab) {
	must[*eventbridge.PutRuleOutput](l)(l.events(far).PutRule(l.t.Context(), &eventbridge.PutRuleInput{Name: aws.String("forward"), EventPattern: aws.String(`{"source":["aws.ecs"]}`)}))
	must[*eventbridge.PutTargetsOutput](l)(l.events(far).PutTargets(l.t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("forward"),
		Targets: []ebtypes.Target{{Id: aws.String("bus"), Arn: aws.String("arn:aws:events:us-east-1:123456789012:event-bus/default")}}}))
}

// pathRow is a row of testdata/events-path.json.
type pathRow struct {
	What    string
	Queue   map[string]string
	Target  *ebtypes.Target
	Policy  json.RawMessage
	Pattern json.RawMessage
	Right   string
}

// plant makes a row's world.
func (row *pathRow) plant(l *lab) {
	for name, value := range row.Queue {
		l.queueAttribute(name, value)
	}
	if row.Target != nil {
		l.target(func(t *ebtypes.Target) {
			t.Input, t.InputPath, t.InputTransformer = row.Target.Input, row.Target.InputPath, row.Target.InputTransformer
		})
	}
	if row.Policy != nil {
		l.queuePolicy(string(row.Policy))
	}
	if row.Pattern != nil {
		must[*eventbridge.PutRuleOutput](l)(l.events(region).PutRule(l.t.Context(), &eventbridge.PutRuleInput{Name: aws.String("backstop-events"), EventPattern: aws.String(string(row.Pattern))}))
	}
}

// pathWant is what the doctor must say of a row.
type pathWant struct {
	check     string
	status    doctor.Status
	says, fix string
	do        func(*lab)
}

var pathWants = map[string]pathWant{
	"two installations with other clusters on one queue": {check: "queue-own", status: doctor.Warn, says: "7 events of clusters that are not guarded here came to the queue: staging", fix: "a queue for each installation", do: shared},
	"queue encrypted with the AWS-managed key":           {check: "queue-key", status: doctor.Fail, says: "every event is lost", fix: "SqsManagedSseEnabled"},
	"target cuts the event down":                         {check: "rule-targets", status: doctor.Fail, says: "changes the event: it sends a part of it (InputPath $.detail)", fix: "put-targets"},
	"target rewrites the event":                          {check: "rule-targets", status: doctor.Fail, says: "changes the event: it rewrites it", fix: "put-targets"},
	"target sends a constant":                            {check: "rule-targets", status: doctor.Fail, says: "changes the event: it sends a constant", fix: "put-targets"},
	"policy allows another rule only":                    {check: "queue-policy", status: doctor.Fail, says: "its policy names rule/another, what sends here is rule/backstop-events", fix: "rule/another"},
	"policy with a single object as Statement":           {check: "queue-policy", status: doctor.OK},
	"pattern by account only":                            {check: "rules-match", status: doctor.OK},
	"pattern by source prefix":                           {check: "rules-match", status: doctor.OK},
	"pattern without source":                             {check: "rules-match", status: doctor.OK},
	"pool in another account, no forwarding rule":        {check: "rules-match", status: doctor.Fail, says: "the two-minute warning of api-standard", fix: "put-permission", do: abroad},
	"SNS between rule and queue without raw delivery":    {check: "rules-match", status: doctor.OK, says: "puts events into an envelope, which is taken off", do: overTopic(map[string]string{"RawMessageDelivery": "false"})},
}

// shared lets the guard have received events of another installation's cluster.
func shared(l *lab) {
	l.deaf()
	l.guard.Meeting(func() control.Strangers { return control.Strangers{Count: 7, Clusters: []string{"staging"}} })
}

func TestEveryRowOfTheEventsPath(t *testing.T) {
	text, err := os.ReadFile("testdata/events-path.json")
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.ReplaceAll(string(text), "111122223333", "123456789012")) // the sandbox's account
	var rows []pathRow
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.What, func(t *testing.T) {
			want, known := pathWants[row.What]
			if !known {
				t.Fatalf("nothing is expected of the row whose right answer is %q", row.Right)
			}
			l := newLab(t)
			row.plant(l)
			if want.do != nil {
				want.do(l)
			}
			r := l.examine()
			i := slices.IndexFunc(r.Results, func(res doctor.Result) bool { return res.Check == want.check })
			if res := r.Results[i]; res.Status != want.status || !strings.Contains(res.Text, want.says) || !strings.Contains(res.Fix, want.fix) {
				say(t, r)
				t.Errorf("%s is %s: %q, fix %q; want %s, %q and %q", want.check, res.Status, res.Text, res.Fix, want.status, want.says, want.fix)
			}
			for _, res := range r.Results {
				if res.Status == doctor.Fail && res.Check != want.check {
					t.Errorf("%s fails too: %s", res.Check, res.Text)
				}
			}
		})
	}
}

// TestAFixOfThePolicyAddsAStatement: what is there stays as it is written, and the rule may send afterwards.
func TestAFixOfThePolicyAddsAStatement(t *testing.T) {
	for name, was := range map[string]string{
		"nothing there": "",
		"an object":     `{"Version":"2012-10-17","Id":"mine","Statement":{"Sid":"Backstop","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:role/o'hara"},"Action":"sqs:SendMessage","Resource":"*"}}`,
		"a list": `{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"},
{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"999999999999"}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.queuePolicy(was)
			fix := result(t, l.examine(), "queue-policy", doctor.Fail).Fix
			_, rest, _ := strings.Cut(fix, "--attributes ")
			rest, _, _ = strings.Cut(rest, "   #")
			var attributes struct{ Policy string }
			if err := json.Unmarshal([]byte(strings.ReplaceAll(strings.Trim(rest, "'"), `'\''`, "'")), &attributes); err != nil {
				t.Fatalf("%v in %s", err, fix)
			}
			l.queuePolicy(attributes.Policy)
			result(t, l.examine(), "queue-policy", doctor.OK)
			for _, kept := range []string{"o'hara", "s3.amazonaws.com", "999999999999", `"Id":"mine"`} {
				if strings.Contains(was, kept) && !strings.Contains(attributes.Policy, kept) {
					t.Errorf("%s is gone from %s", kept, attributes.Policy)
				}
			}
		})
	}
}

// result returns what a check said, which must be a status.
func result(t *testing.T, r doctor.Report, check string, status doctor.Status) doctor.Result {
	t.Helper()
	i := slices.IndexFunc(r.Results, func(res doctor.Result) bool { return res.Check == check })
	if r.Results[i].Status != status {
		say(t, r)
		t.Fatalf("%s is %s, want %s: %s", check, r.Results[i].Status, status, r.Results[i].Text)
	}
	return r.Results[i]
}

// TestAFixOfATargetKeepsTheRestOfIt: its role and its dead-letter queue.
func TestAFixOfATargetKeepsTheRestOfIt(t *testing.T) {
	l := newLab(t)
	l.target(func(t *ebtypes.Target) {
		t.InputPath, t.DeadLetterConfig = aws.String("$.detail"), &ebtypes.DeadLetterConfig{Arn: aws.String(l.queueARN() + "-dlq")}
	})
	fix := result(t, l.examine(), "rule-targets", doctor.Fail).Fix
	want := `--targets '[{"Arn":"` + l.queueARN() + `","DeadLetterConfig":{"Arn":"` + l.queueARN() + `-dlq"},"Id":"backstop-events"}]'`
	if !strings.Contains(fix, want) {
		t.Errorf("fix %s, want %s", fix, want)
	}
}

// TestTheWholeEventInATemplateIsTheEvent, and the path of everything.
func TestTheWholeEventInATemplateIsTheEvent(t *testing.T) {
	l := newLab(t)
	l.target(func(t *ebtypes.Target) {
		t.InputTransformer = &ebtypes.InputTransformer{InputTemplate: aws.String("<aws.events.event.json>")}
	})
	result(t, l.examine(), "rule-targets", doctor.OK)
	l.target(func(t *ebtypes.Target) { t.InputPath = aws.String("$") })
	result(t, l.examine(), "rule-targets", doctor.OK)
}

func TestAPoolElsewhereIsFollowedOverItsForwardingRule(t *testing.T) {
	l := newLab(t)
	abroad(l)
	forwarded(l)
	result(t, l.examine(), "rules-match", doctor.OK)
}

// TestEventBridgesOwnWordOnAPatternCounts: where it is offered, its answer stands before ours.
func TestEventBridgesOwnWordOnAPatternCounts(t *testing.T) {
	l := newLab(t)
	if res := result(t, l.examine(), "rules-match", doctor.OK); !strings.Contains(res.Text, "tried with EventBridge itself") {
		t.Errorf("it was not tried: %s", res.Text)
	}
	l.noMatch = true
	if res := result(t, l.examine(), "rules-match", doctor.Fail); !strings.Contains(res.Text, "the two-minute warning of api-spot") {
		t.Errorf("the rule is said to match: %s", res.Text)
	}
	deny("events:TestEventPattern")(l)
	r := l.examine()
	if res := result(t, r, "rules-match", doctor.OK); strings.Contains(res.Text, "tried") || r.Warn+r.Fail > 0 {
		t.Errorf("a call that is not needed is a problem: %+v", res)
	}
}

// deaf lets a guard live that has heard nothing since now.
func (l *lab) deaf() { l.guard = pulse.New("lab", []string{"api"}, time.Minute, l.box.Now) }

// replaced lets a guard live that counts events, and Spot take a task that ECS replaces.
func (l *lab) replaced() {
	l.deaf()
	l.advance(5 * time.Minute)
	l.box.World(func(w *ecsim.World) {
		w.Interrupt(ecsim.Ref{Region: region, Cluster: cluster, Service: "api-spot"}, 1, "", false)
	})
	l.advance(10 * time.Minute)
	l.pass()
}

// hears lets the guard deal with an event of a Spot task.
func (l *lab) hears(kind failover.SignalKind) {
	l.guard.Tell(&control.Report{Workload: "api", Result: control.Unchanged, Observation: failover.Observation{Signals: []failover.Signal{{ID: "1", Kind: kind, Task: "t", Pool: "spot"}}}})
}

func TestEventsOfWhatHappenedProveTheirWay(t *testing.T) {
	l := newLab(t)
	l.replaced()
	l.hears(failover.SignalRunning)
	l.hears(failover.SignalInterruption)
	l.queueAttribute("KmsMasterKeyId", "alias/mine") // whose policy nothing reads: the events show that it lets them through
	l.queuePolicy(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}}`)
	if r := l.examine(); r.Warn+r.Fail+r.Skip > 0 {
		say(t, r)
		t.Error("events that came prove nothing")
	}
}

// key answers DescribeKey and GetKeyPolicy.
func (l *lab) key(r *http.Request) (*http.Response, error) {
	text, err := json.Marshal(map[string]any{"Policy": l.keyPolicy, "KeyMetadata": map[string]string{"KeyId": "0000-mine"}})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
}

// TestAKeyThatLetsEventBridgeInIsFine: without any event so far.
func TestAKeyThatLetsEventBridgeInIsFine(t *testing.T) {
	l := newLab(t)
	withKey(`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}`)(l)
	for _, res := range l.examine().Results {
		if res.Check == "queue-key" && (res.Status != doctor.OK || !strings.Contains(res.Text, "may use its key mine")) {
			t.Errorf("%s: %s", res.Status, res.Text)
		}
	}
}
