package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// waitingMax is how many events may wait in the queue before that is a problem: a burst of some hundred tasks.
const waitingMax = 1000

func checkEventsConfigured(x *exam) verdict {
	if x.f.events.url == "" {
		return bad(Fail, "events: {sqs: https://sqs.REGION.amazonaws.com/ACCOUNT/backstop}   # backstop.yaml; the Terraform module makes queue and rules",
			"no queue: a shortage is seen up to %s late, and the two-minute warning is mostly lost", x.f.tick)
	}
	return okay("%s", x.f.events.url)
}

func checkQueue(x *exam) verdict {
	if x.f.events.url == "" {
		return skip("no queue is configured")
	}
	if err := x.f.failure(x.s, callQueue); err != nil {
		return bad(Fail, fmt.Sprintf("aws sqs get-queue-attributes --region %s --queue-url %s --attribute-names All   # then correct `events.sqs`", x.f.events.place.region, x.f.events.url), "%s", err)
	}
	return okay("%s, %s", lastPart(x.f.events.queueARN), waits(x.f.events.waiting))
}

// noQueue skips what is about a queue where none is configured.
func (x *exam) noQueue() (verdict, bool) {
	if x.f.events.url == "" {
		return skip("no queue is configured"), true
	}
	return verdict{}, false
}

func checkQueueDrained(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	if n := x.f.events.waiting; n > waitingMax {
		return bad(Fail, "backstop run   # or look at the Lambda function's log; a purge loses nothing that the next passes do not see: aws sqs purge-queue --queue-url "+x.f.events.url,
			"%d events wait: nothing reads them", n)
	}
	return okay("%s", waits(x.f.events.waiting))
}

// waits says how many events wait.
func waits(n int) string { return wording.Count(n, "event") + " " + wording.Verb(n, "waits", "wait") }

// managedKey is the alias of the key that AWS manages for SQS. Its policy is AWS's, and does not let EventBridge use it.
const managedKey = "alias/aws/sqs"

func checkQueueKey(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	fix := fmt.Sprintf(`aws sqs set-queue-attributes --region %s --queue-url %s --attributes '{"KmsMasterKeyId":"","SqsManagedSseEnabled":"true"}'   # or a key of your own with the statement %s`,
		e.place.region, e.url, keyStatement)
	switch {
	case e.key == "":
		return okay("no key that EventBridge would need a permission for")
	case strings.HasSuffix(e.key, managedKey):
		return bad(Fail, fix, "the queue is encrypted with %s, which EventBridge cannot use: every event is lost on its way", managedKey)
	}
	if at := x.f.lastEvent(); !at.IsZero() {
		return okay("events come with the key %s, the last at %s", lastPart(e.key), wording.Moment(at))
	}
	return e.keyVerdict()
}

// keyActions are what a service that sends to an encrypted queue does with its key.
var keyActions = []string{"kms:generatedatakey", "kms:decrypt"}

// keyVerdict judges the policy of the queue's own key, where it could be read.
func (e *eventFacts) keyVerdict() verdict {
	fix := fmt.Sprintf("aws kms get-key-policy --region %s --key-id %s --policy-name default   # then add to its statements: %s", e.place.region, e.key, keyStatement)
	_, statements, err := readPolicy(e.keyPolicy)
	if err != nil || e.keyPolicy == "" {
		return bad(Warn, fix, "the queue is encrypted with %s, whose policy must let EventBridge use it; it could not be read (kms:GetKeyPolicy), and no event has come yet", lastPart(e.key))
	}
	doubtful := ""
	for _, d := range e.deliveries() {
		for _, action := range keyActions {
			d.action, d.resource = action, ""
			switch ok, by := allows(statements, d); {
			case ok == no && by != "":
				return bad(Fail, fix, "the statement %s of the policy of the queue's key denies %s to %s: rules match, and nothing arrives", by, action, nameOf(d))
			case ok == no:
				return bad(Fail, fix, "the policy of the queue's key %s does not let %s %s: rules match, and nothing arrives", lastPart(e.key), nameOf(d), action)
			case ok == maybe:
				doubtful = nameOf(d)
			}
		}
	}
	if doubtful != "" {
		return bad(Warn, fix, "whether %s may use the queue's key %s hangs on conditions of its policy that cannot be judged here, and no event has come yet", doubtful, lastPart(e.key))
	}
	return okay("what sends to the queue may use its key %s", lastPart(e.key))
}

// keyStatement is what the policy of a queue's own key must hold.
const keyStatement = `{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}`

// lastEvent is when the last event of any pool came; zero: none is known of.
func (f *facts) lastEvent() time.Time {
	var last time.Time
	for i := range f.workloads {
		w := &f.workloads[i]
		for k := range w.Policy.Pools {
			if at := health.EventAt(f.state.beats, w.Name, w.Policy.Pools[k].Name); at.After(last) {
				last = at
			}
		}
	}
	return last
}

// deliveries are what reaches the queue: of each rule and topic that names it. Where none is known, of any rule.
func (e *eventFacts) deliveries() []delivery {
	var out []delivery
	add := func(service, source, account string) {
		if d := (delivery{service, source, account, sendMessage, e.queueARN}); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	for _, b := range e.inOrder() {
		for i := range b.rules {
			r := &b.rules[i]
			for k := range r.targets {
				switch arn := aws.ToString(r.targets[k].Arn); {
				case !r.enabled:
				case arn == e.queueARN:
					add("events.amazonaws.com", r.arn, b.at.account)
				case e.topics[arn].subscribed:
					add("sns.amazonaws.com", arn, accountOf(arn))
				}
			}
		}
	}
	if len(out) == 0 {
		add("events.amazonaws.com", "", accountOf(e.queueARN))
	}
	return out
}

func checkQueuePolicy(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	policy, statements, err := readPolicy(e.policy)
	if err != nil {
		return bad(Fail, fmt.Sprintf("aws sqs get-queue-attributes --region %s --queue-url %s --attribute-names Policy", e.place.region, e.url), "%s", err)
	}
	var refused, doubtful []delivery
	denied := ""
	for _, d := range e.deliveries() {
		switch ok, by := allows(statements, d); ok {
		case no:
			refused = append(refused, d)
			denied = orElse(denied, by)
		case maybe:
			doubtful = append(doubtful, d)
		}
	}
	switch {
	case denied != "":
		return bad(Fail, fmt.Sprintf("aws sqs get-queue-attributes --region %s --queue-url %s --attribute-names Policy   # except %s from the statement %s", e.place.region, e.url, nameOf(refused[0]), denied),
			"the statement %s of the queue's policy denies %s to send: rules match, and nothing arrives", denied, nameOf(refused[0]))
	case len(refused) > 0:
		return bad(Fail, e.addStatement(policy, statements, refused), "%s", refusedText(statements, refused))
	case len(doubtful) > 0 && x.f.lastEvent().IsZero():
		return bad(Warn, e.addStatement(policy, statements, doubtful),
			"whether %s may send hangs on conditions of the queue's policy that cannot be judged here, and no event has come yet", nameOf(doubtful[0]))
	}
	return okay("what sends to the queue may: %s", wording.Count(len(e.deliveries()), "rule or topic"))
}

// nameOf names who delivers.
func nameOf(d delivery) string {
	if d.source == "" {
		return "EventBridge"
	}
	return resourceOf(d.source)
}

// resourceOf is the last part of an ARN, with its kind.
func resourceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// refusedText says who may not send, and who may in their place.
func refusedText(statements []statementOf, refused []delivery) string {
	var found, others []string
	for _, d := range refused {
		found = append(found, nameOf(d))
	}
	for i := range statements {
		for _, arn := range statements[i].sources() {
			others = append(others, resourceOf(arn))
		}
	}
	text := fmt.Sprintf("%s may not send to the queue: rules match, and nothing arrives", wording.Some(found))
	if len(others) > 0 {
		text += fmt.Sprintf("; its policy names %s, what sends here is %s", wording.Some(others), wording.Some(found))
	}
	return text
}

// addStatement is the command that adds a statement for deliveries to the policy that the queue has.
func (e *eventFacts) addStatement(policy policyOf, taken []statementOf, of []delivery) string {
	statement := map[string]any{"Effect": "Allow", "Principal": map[string]string{"Service": of[0].service}, "Action": "sqs:SendMessage", "Resource": e.queueARN}
	var sources []string
	for _, d := range of {
		if d.source != "" && d.service == of[0].service {
			sources = append(sources, d.source)
		}
	}
	if len(sources) > 0 {
		statement["Condition"] = map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": sources}}
	}
	text, err := withStatement(policy, taken, statement)
	if err != nil {
		return err.Error()
	}
	attributes, err := json.Marshal(map[string]string{"Policy": text})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("aws sqs set-queue-attributes --region %s --queue-url %s --attributes %s   # the policy that is there, and one more statement", e.place.region, e.url, quoted(string(attributes)))
}

func checkDeadLetters(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	switch {
	case e.dead == "":
		return bad(Warn, `redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })   # Terraform, in the queue`,
			"there is none: a message that cannot be handled comes again without end")
	case e.deadLen > 0:
		return bad(Warn, fmt.Sprintf("aws sqs receive-message --region %s --queue-url %s   # read them; then aws sqs purge-queue", e.place.region, strings.ReplaceAll(e.url, lastPart(e.queueARN), lastPart(e.dead))),
			"%s holds %s that could not be handled", lastPart(e.dead), wording.Count(e.deadLen, "message"))
	}
	return okay("%s is empty", lastPart(e.dead))
}
