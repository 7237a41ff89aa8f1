package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/eventpattern"
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

// words is a JSON value that is one string or a list of them.
type words []string

// UnmarshalJSON reads either form; anything else is no word.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*w = many
	}
	return nil
}

// sender is the principal of a statement: "*", or by kind.
type sender struct{ services words }

// UnmarshalJSON reads what a policy says.
func (p *sender) UnmarshalJSON(b []byte) error {
	var kinds struct{ Service, AWS words }
	if json.Unmarshal(b, &p.services) == nil && len(p.services) > 0 {
		return nil
	}
	if json.Unmarshal(b, &kinds) == nil {
		p.services = append(kinds.Service, kinds.AWS...)
	}
	return nil
}

// maySend reports whether a queue's policy lets EventBridge send to it. Conditions are not judged: one that names
// the rules' ARNs is what should be there.
func maySend(policy, queueARN string) bool {
	var p struct {
		Statement []struct {
			Effect    string
			Principal sender
			Action    words
			Resource  words
		}
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return false
	}
	for _, s := range p.Statement {
		who := slices.Contains(s.Principal.services, "events.amazonaws.com") || slices.Contains(s.Principal.services, "*")
		what := slices.ContainsFunc(s.Action, func(a string) bool {
			a = strings.ToLower(a)
			return a == "sqs:sendmessage" || a == "sqs:*" || a == "*" || a == "sqs:send*"
		})
		where := len(s.Resource) == 0 || slices.Contains(s.Resource, "*") || slices.Contains(s.Resource, queueARN)
		if s.Effect == "Allow" && who && what && where {
			return true
		}
	}
	return false
}

func checkQueuePolicy(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	if maySend(e.policy, e.queueARN) {
		return okay("events.amazonaws.com may send")
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"%s"}]}`, e.queueARN)
	attributes, err := json.Marshal(map[string]string{"Policy": policy})
	if err != nil {
		attributes = []byte("Policy=...")
	}
	return bad(Fail, fmt.Sprintf("aws sqs set-queue-attributes --region %s --queue-url %s --attributes '%s'", e.place.region, e.url, attributes),
		"EventBridge may not send to the queue: rules match, and nothing arrives")
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

// needed is one kind of event that a pool's rules must let through.
type needed struct {
	name string
	// vital says that without it a shortage is seen late; the others only make the picture complete.
	vital bool
	event string
}

// samples are events of a pool as ECS sends them (aws-facts 1.2 to 1.7).
func samples(account string, ref control.ServiceRef) []needed {
	arn := func(kind, name string) string {
		return fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s/%s", ref.Region, account, kind, ref.Cluster, name)
	}
	cluster := fmt.Sprintf("arn:aws:ecs:%s:%s:cluster/%s", ref.Region, account, ref.Cluster)
	task := func(last, desired, more string) string {
		id := arn("task", "0123456789abcdef0123456789abcdef")
		return fmt.Sprintf(`{"version":"0","id":"sample","detail-type":"ECS Task State Change","source":"aws.ecs","account":%q,"region":%q,"resources":[%q],
"detail":{"clusterArn":%q,"group":%q,"lastStatus":%q,"desiredStatus":%q,"launchType":"FARGATE","capacityProviderName":"FARGATE_SPOT","taskArn":%q%s}}`,
			account, ref.Region, id, cluster, "service:"+ref.Service, last, desired, id, more)
	}
	action := func(detailType, kind, name, more string) string {
		return fmt.Sprintf(`{"version":"0","id":"sample","detail-type":%q,"source":"aws.ecs","account":%q,"region":%q,"resources":[%q],"detail":{"eventType":%q,"eventName":%q%s}}`,
			detailType, account, ref.Region, arn("service", ref.Service), kind, name, more)
	}
	stop := `,"stopCode":"SpotInterruption","stoppedReason":"Your Spot Task was interrupted."`
	provider := fmt.Sprintf(`,"clusterArn":%q,"reason":"RESOURCE:FARGATE","capacityProviderArns":["arn:aws:ecs:%s:%s:capacity-provider/FARGATE_SPOT"]`, cluster, ref.Region, account)
	return []needed{
		{"the two-minute warning", true, task("RUNNING", "STOPPED", stop)},
		{"stopped tasks", true, task("STOPPED", "STOPPED", stop)},
		{"started tasks", true, task("RUNNING", "RUNNING", "")},
		{"placement failures", true, action("ECS Service Action", "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", provider)},
		{"impaired starts", false, action("ECS Service Action", "WARN", "SERVICE_TASK_START_IMPAIRED", fmt.Sprintf(`,"clusterArn":%q`, cluster))},
		{"deployments", false, action("ECS Deployment State Change", "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", "")},
	}
}

func checkRules(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	patterns, unread := x.f.events.patterns()
	var lost []string
	vital := false
	var first control.ServiceRef
	for i := range x.f.workloads {
		for _, ref := range x.f.workloads[i].Refs {
			if ref.RoleARN != "" {
				continue // its account's rules cannot be read from here
			}
			for _, n := range samples(x.f.account, ref) {
				if matches(patterns, ref.Region, n.event) {
					continue
				}
				if len(lost) == 0 {
					first = ref
				}
				vital = vital || n.vital
				lost = append(lost, n.name+" of "+ref.Service)
			}
		}
	}
	if len(lost) == 0 {
		return okay("%s %s through what is needed", wording.Count(len(patterns), "rule"), wording.Verb(len(patterns), "lets", "let"))
	}
	text := "no enabled rule sends to the queue: " + strings.Join(lost[:min(len(lost), 4)], ", ")
	if n := len(lost) - 4; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	if unread != "" {
		text += "; " + unread
	}
	cluster := fmt.Sprintf("arn:aws:ecs:%s:%s:cluster/%s", first.Region, x.f.account, first.Cluster)
	pattern := fmt.Sprintf(`{"source":["aws.ecs"],"$or":[{"detail":{"clusterArn":[%q]}},{"resources":[{"prefix":%q}]}]}`, cluster, strings.Replace(cluster, ":cluster/", ":service/", 1)+"/")
	fix := fmt.Sprintf("aws events put-rule --region %s --name backstop --event-pattern '%s'\naws events put-targets --region %s --rule backstop --targets Id=queue,Arn=%s",
		first.Region, pattern, first.Region, x.f.events.queueARN)
	if vital {
		return bad(Fail, fix, "%s", text)
	}
	return bad(Warn, fix, "%s", text)
}

// regional is a pattern and the region that its rule is in.
type regional struct {
	region  string
	pattern *eventpattern.Pattern
}

// patterns are those of the rules that are enabled and send to the queue; unread names a rule that could not be
// understood.
func (e *eventFacts) patterns() (all []regional, unread string) {
	for _, r := range e.rules {
		if !r.enabled || !r.toQueue {
			continue
		}
		p, err := eventpattern.Parse([]byte(r.pattern))
		if err != nil {
			unread = fmt.Sprintf("the rule %s was not understood (%v)", r.name, err)
			continue
		}
		all = append(all, regional{r.region, p})
	}
	return all, unread
}

func matches(all []regional, region, event string) bool {
	return slices.ContainsFunc(all, func(p regional) bool {
		if p.region != region {
			return false
		}
		ok, err := p.pattern.Matches([]byte(event))
		return err == nil && ok
	})
}
