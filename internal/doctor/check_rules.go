package doctor

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// needed is one kind of event that a pool's rules must let through.
type needed struct {
	name string
	// vital says that without it a shortage is seen late; the others only make the picture complete.
	vital bool
	event string
	// tried says that rules are tried with it where EventBridge offers that.
	tried bool
}

// samples are events of a pool as ECS sends them (aws-facts 1.2 to 1.7).
func samples(partition, account string, ref control.ServiceRef) []needed {
	arn := func(kind, name string) string {
		return fmt.Sprintf("arn:%s:ecs:%s:%s:%s/%s/%s", partition, ref.Region, account, kind, ref.Cluster, name)
	}
	cluster := fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", partition, ref.Region, account, ref.Cluster)
	task := func(last, desired, more string) string {
		id := arn("task", "0123456789abcdef0123456789abcdef")
		return fmt.Sprintf(`{"version":"0","id":"sample","detail-type":"ECS Task State Change","source":"aws.ecs","time":"2026-01-01T00:00:00Z","account":%q,"region":%q,"resources":[%q],
"detail":{"clusterArn":%q,"group":%q,"lastStatus":%q,"desiredStatus":%q,"launchType":"FARGATE","capacityProviderName":"FARGATE_SPOT","taskArn":%q%s}}`,
			account, ref.Region, id, cluster, "service:"+ref.Service, last, desired, id, more)
	}
	action := func(detailType, kind, name, more string) string {
		return fmt.Sprintf(`{"version":"0","id":"sample","detail-type":%q,"source":"aws.ecs","time":"2026-01-01T00:00:00Z","account":%q,"region":%q,"resources":[%q],"detail":{"eventType":%q,"eventName":%q%s}}`,
			detailType, account, ref.Region, arn("service", ref.Service), kind, name, more)
	}
	stop := `,"stopCode":"SpotInterruption","stoppedReason":"Your Spot Task was interrupted."`
	provider := fmt.Sprintf(`,"clusterArn":%q,"reason":"RESOURCE:FARGATE","capacityProviderArns":["arn:%s:ecs:%s:%s:capacity-provider/FARGATE_SPOT"]`, cluster, partition, ref.Region, account)
	return []needed{
		{"the two-minute warning", true, task("RUNNING", "STOPPED", stop), true},
		{"stopped tasks", true, task("STOPPED", "STOPPED", stop), false},
		{"started tasks", true, task("RUNNING", "RUNNING", ""), false},
		{"placement failures", true, action("ECS Service Action", "ERROR", "SERVICE_TASK_PLACEMENT_FAILURE", provider), true},
		{"impaired starts", false, action("ECS Service Action", "WARN", "SERVICE_TASK_START_IMPAIRED", fmt.Sprintf(`,"clusterArn":%q`, cluster)), false},
		{"deployments", false, action("ECS Deployment State Change", "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", ""), false},
	}
}

// busesDeep is over how many buses events are followed.
const busesDeep = 3

// ways are the targets of a rule that lead to the queue, or may: the queue itself, a topic and another bus.
func (e *eventFacts) ways(r *rule) []*types.Target {
	var out []*types.Target
	for i := range r.targets {
		arn := aws.ToString(r.targets[i].Arn)
		t, isTopic := e.topics[arn]
		if _, isBus := busOf(arn); arn == e.queueARN || isBus || isTopic && (t.subscribed || t.err != nil) {
			out = append(out, &r.targets[i])
		}
	}
	return out
}

// matches reports whether a rule lets an event through. EventBridge's own answer counts before ours.
func (e *eventFacts) matches(r *rule, event string) answer {
	if is, tried := e.tried[trial{r.arn, event}]; tried {
		return told(is)
	}
	if r.pattern == nil {
		return maybe
	}
	is, err := r.pattern.Matches([]byte(event))
	return told(is && err == nil)
}

// arrives reports whether an event on a bus reaches the queue.
func (e *eventFacts) arrives(at busAt, event string, deep int) answer {
	b := e.buses[at]
	switch {
	case deep > busesDeep:
		return no
	case b == nil || b.err != nil:
		return maybe
	}
	best := no
	for i := range b.rules {
		r := &b.rules[i]
		if !r.enabled {
			continue
		}
		for _, t := range e.ways(r) {
			arn := aws.ToString(t.Arn)
			way := yes
			if to, isBus := busOf(arn); isBus {
				way = e.arrives(to, event, deep+1)
			} else if how := e.topics[arn]; how.err != nil || how.filtered {
				way = maybe
			}
			if way > best {
				best = max(best, min(way, e.matches(r, event)))
			}
		}
	}
	return best
}

// unread names the first bus, topic or pattern that could not be read, and why.
func (e *eventFacts) unread() string {
	for _, b := range e.inOrder() {
		if b.err != nil {
			return fmt.Sprintf("the rules of account %s in %s cannot be read (%s)", b.at.account, b.at.region, b.err)
		}
		for i := range b.rules {
			switch r := &b.rules[i]; {
			case r.enabled && r.pattern == nil && len(e.ways(r)) > 0:
				return fmt.Sprintf("the rule %s was not understood", r.name)
			case r.enabled:
				for _, t := range e.ways(r) {
					switch how := e.topics[aws.ToString(t.Arn)]; {
					case how.err != nil:
						return how.err.Error()
					case how.filtered:
						return fmt.Sprintf("the queue's subscription to the topic %s has a filter", lastPart(aws.ToString(t.Arn)))
					}
				}
			}
		}
	}
	return ""
}

// paths counts the rules that send to the queue and names the topics that put events into envelopes.
func (e *eventFacts) paths() (rules int, envelopes []string) {
	all := e.feeders()
	for _, s := range all {
		for _, t := range s.ways {
			arn := aws.ToString(t.Arn)
			if how, is := e.topics[arn]; is && how.subscribed && !how.raw {
				envelopes = append(envelopes, lastPart(arn))
			}
		}
	}
	return len(all), envelopes
}

// feeder is an enabled rule with its targets that lead to the queue.
type feeder struct {
	bus  *bus
	rule *rule
	ways []*types.Target
}

func (e *eventFacts) feeders() (out []feeder) {
	for _, b := range e.inOrder() {
		for i := range b.rules {
			r := &b.rules[i]
			if ways := e.ways(r); r.enabled && len(ways) > 0 {
				out = append(out, feeder{b, r, ways})
			}
		}
	}
	return out
}

func checkRules(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	e := &x.f.events
	var lost, doubtful []string
	vital := false
	var first control.ServiceRef
	for i := range x.f.workloads {
		w := &x.f.workloads[i]
		for k, ref := range w.Refs {
			for _, n := range samples(x.f.partition(), x.f.accountOfPool(ref), ref) {
				is := e.arrives(x.f.home(ref), n.event, 0)
				if is == yes || is == maybe && !health.EventAt(x.f.state.beats, w.Name, w.Policy.Pools[k].Name).IsZero() {
					continue
				}
				if len(lost)+len(doubtful) == 0 {
					first = ref
				}
				if is == maybe {
					doubtful = append(doubtful, n.name+" of "+ref.Service)
					continue
				}
				vital = vital || n.vital
				lost = append(lost, n.name+" of "+ref.Service)
			}
		}
	}
	unread := e.unread()
	switch {
	case len(lost) > 0:
		text := "no enabled rule sends to the queue: " + few(lost)
		if unread != "" {
			text += "; " + unread
		}
		status := Warn
		if vital {
			status = Fail
		}
		return bad(status, x.f.ruleFor(first), "%s", text)
	case len(doubtful) > 0:
		return bad(Warn, x.f.ruleFor(first), "%s, and no event has arrived that would show that these do: %s", unread, few(doubtful))
	}
	rules, envelopes := e.paths()
	text := fmt.Sprintf("%s %s through what is needed", wording.Count(rules, "rule"), wording.Verb(rules, "lets", "let"))
	if len(e.tried) > 0 {
		text += ", tried with EventBridge itself"
	}
	if len(envelopes) > 0 {
		text += "; the topic " + wording.Some(envelopes) + " puts events into an envelope, which is taken off"
	}
	return okay("%s", text)
}

// few names the first few of many.
func few(all []string) string {
	text := strings.Join(all[:min(len(all), 4)], ", ")
	if n := len(all) - 4; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// ruleFor is the commands that bring a pool's events to the queue: a rule at the queue, and one that forwards where the pool is elsewhere.
func (f *facts) ruleFor(ref control.ServiceRef) string {
	e := &f.events
	from := f.home(ref)
	to := busAt{e.place.region, accountOf(e.queueARN), defaultBus}
	cluster := fmt.Sprintf("arn:%s:ecs:%s:%s:cluster/%s", f.partition(), ref.Region, from.account, ref.Cluster)
	pattern := fmt.Sprintf(`{"source":["aws.ecs"],"$or":[{"detail":{"clusterArn":[%q]}},{"resources":[{"prefix":%q}]}]}`, cluster, strings.Replace(cluster, ":cluster/", ":service/", 1)+"/")
	put := func(region, name, target string) string {
		return fmt.Sprintf("aws events put-rule --region %s --name %s --event-pattern '%s'\naws events put-targets --region %s --rule %s --targets %s", region, name, pattern, region, name, target)
	}
	fix := put(to.region, "backstop-"+ref.Cluster, "Id=queue,Arn="+e.queueARN)
	if from == to {
		return fix
	}
	bus := fmt.Sprintf("arn:%s:events:%s:%s:event-bus/default", f.partition(), to.region, to.account)
	if from.account != to.account {
		fix += fmt.Sprintf("\naws events put-permission --region %s --statement-id backstop-%s --action events:PutEvents --principal %s", to.region, from.account, from.account)
	}
	return fix + "\n" + put(from.region, "backstop-forward", "Id=bus,Arn="+bus+",RoleArn=ROLE") +
		fmt.Sprintf("   # in account %s; ROLE may events:PutEvents to that bus. Terraform: terraform/modules/forward makes rule and role", from.account)
}

// checkTargets looks for targets that give the queue something else than the event.
func checkTargets(x *exam) verdict {
	if v, none := x.noQueue(); none {
		return v
	}
	all := x.f.events.feeders()
	for _, s := range all {
		for _, t := range s.ways {
			if how := changes(t); how != "" {
				return bad(Fail, targetFix(s.bus, s.rule, t), "the target %s of the rule %s changes the event: %s; what arrives is no event and goes to the dead-letter queue", aws.ToString(t.Id), s.rule.name, how)
			}
		}
	}
	return okay("%s %s the whole event", wording.Count(len(all), "rule"), wording.Verb(len(all), "sends", "send"))
}

// wholeEvent is the template that is the event as it is.
const wholeEvent = "<aws.events.event.json>"

// changes says what a target makes of the event; empty: it is left alone.
func changes(t *types.Target) string {
	switch {
	case t.Input != nil:
		return "it sends a constant (Input)"
	case t.InputPath != nil && aws.ToString(t.InputPath) != "$":
		return fmt.Sprintf("it sends a part of it (InputPath %s)", *t.InputPath)
	case t.InputTransformer != nil && strings.TrimSpace(aws.ToString(t.InputTransformer.InputTemplate)) != wholeEvent:
		return "it rewrites it (InputTransformer)"
	}
	return ""
}

// targetFix is the command that puts a target as it is, but with the whole event.
func targetFix(b *bus, r *rule, t *types.Target) string {
	whole := *t
	whole.Input, whole.InputPath, whole.InputTransformer = nil, nil, nil
	text, err := json.Marshal(whole)
	var fields any
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err == nil {
		text, err = json.Marshal([]any{filled(fields)})
	}
	if err != nil {
		return err.Error()
	}
	fix := fmt.Sprintf("aws events put-targets --region %s --rule %s --targets %s", b.at.region, r.name, quoted(string(text)))
	if b.at.name != defaultBus {
		fix += " --event-bus-name " + b.at.name
	}
	return fix
}

// filled takes what is null out of a JSON value.
func filled(v any) any {
	fields, is := v.(map[string]any)
	if !is {
		return v
	}
	out := map[string]any{}
	for k, f := range fields {
		if f != nil {
			out[k] = filled(f)
		}
	}
	return out
}
