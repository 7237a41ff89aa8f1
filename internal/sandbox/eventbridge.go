package sandbox

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/backstop-ecs/backstop/internal/eventpattern"
)

// A rule whose targets are queues or topics of the sandbox delivers the events that its pattern matches. One rule is there from the start: it
// brings every ECS event to the events queue, and can be disabled, changed and deleted like any other.
var eventsOperations = map[string]operation{
	"PutRule":             op((*Sandbox).putRule),
	"DescribeRule":        op((*Sandbox).describeRule),
	"ListRules":           op((*Sandbox).listRules),
	"DeleteRule":          op((*Sandbox).deleteRule),
	"EnableRule":          op((*Sandbox).enableRule),
	"DisableRule":         op((*Sandbox).disableRule),
	"PutTargets":          op((*Sandbox).putTargets),
	"RemoveTargets":       op((*Sandbox).removeTargets),
	"ListTargetsByRule":   op((*Sandbox).listTargetsByRule),
	"PutEvents":           op(putEvents),
	"TagResource":         op(tagRule),
	"UntagResource":       op(untagRule),
	"ListTagsForResource": op(listTagsOfRule),
	"TestEventPattern":    op((*Sandbox).testEventPattern),
}

// Limits of EventBridge, and the name of the rule that is there from the start.
const (
	rulesMax       = 300
	ruleTargetsMax = 5
	rulePageMax    = 100
	implicitRule   = "backstop-events"
	ruleEnabled    = "ENABLED"
	ruleDisabled   = "DISABLED"
	defaultBus     = "default"
	everyEvent     = `{"source":["aws.ecs"]}` // all that the sandbox sends
)

type ruleKey struct{ region, name string }

type rule struct {
	Name               string
	Arn                string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	Description        string `json:",omitempty"`
	EventBusName       string

	tags    []tag
	pattern *eventpattern.Pattern // nil: a schedule, which matches no event
	targets []*ruleTarget
	deleted bool // the rule of the start, deleted
}

// ruleTarget is a target as it came, and what routing needs of it.
type ruleTarget struct {
	raw json.RawMessage

	ID  string `json:"Id"`
	Arn string
	// Input is what the target gets instead of the event, InputPath the part of it that it gets.
	Input            string
	InputPath        string
	InputTransformer *inputTransformer
	DeadLetterConfig struct{ Arn string }
}

type ruleInput struct {
	ResourceARN string
	Tags        []tag
	TagKeys     []string

	Name, Rule, EventPattern, ScheduleExpression, State, Description, NamePrefix, EventBusName string

	Targets []json.RawMessage
	Ids     []string
	Force   bool

	Limit     *int
	NextToken string
}

// page cuts a page out of sorted names.
func (in *ruleInput) page(names []string) ([]string, string, error) {
	size := rulePageMax
	if in.Limit != nil {
		size = *in.Limit
	}
	if size < 1 || size > rulePageMax {
		return nil, "", refuse("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", size, rulePageMax)
	}
	names, next, err := page(names, size, in.NextToken)
	if err != nil {
		return nil, "", refuse("ValidationException", "Invalid nextToken.")
	}
	return names, next, nil
}

func (s *Sandbox) ruleARN(region, name string) string {
	return "arn:aws:events:" + region + ":" + s.account() + ":rule/" + name
}

// rulesOf returns the rules of a region by name, the one of the start among them until it is deleted.
func (s *Sandbox) rulesOf(region string) map[string]*rule {
	s.startRule(region)
	byName := map[string]*rule{}
	for key, r := range s.rules {
		if key.region == region && !r.deleted {
			byName[r.Name] = r
		}
	}
	return byName
}

// startRule makes the rule of the start of a region that has not been looked at yet.
func (s *Sandbox) startRule(region string) {
	key := ruleKey{region, implicitRule}
	if s.rules[key] != nil {
		return
	}
	parsed, err := eventpattern.Parse([]byte(everyEvent))
	if err != nil {
		panic(err) // a constant that does not parse
	}
	target := &ruleTarget{ID: EventsQueue, Arn: "arn:aws:sqs:" + s.opts.Region + ":" + s.account() + ":" + EventsQueue}
	target.raw = json.RawMessage(`{"Id":"` + target.ID + `","Arn":"` + target.Arn + `"}`)
	s.rules[key] = &rule{Name: implicitRule, Arn: s.ruleARN(region, implicitRule), EventPattern: everyEvent, State: ruleEnabled, EventBusName: defaultBus,
		Description: "From the start: every ECS event of the sandbox goes to the queue " + EventsQueue, pattern: parsed, targets: []*ruleTarget{target}}
}

// ruleAt finds a rule.
func (s *Sandbox) ruleAt(c *call, name string) (*rule, error) {
	if r := s.rulesOf(c.region)[name]; r != nil {
		return r, nil
	}
	return nil, refuse("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", clip(name))
}

func (s *Sandbox) putRule(c *call, in *ruleInput) (map[string]string, error) {
	old := s.rulesOf(c.region)[in.Name]
	switch {
	case !plainName(in.Name):
		return nil, refuse("ValidationException", "The rule name %q cannot be used", clip(in.Name))
	case in.EventBusName != "" && in.EventBusName != defaultBus:
		return nil, refuse("ResourceNotFoundException", "Event bus %s does not exist.", clip(in.EventBusName))
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return nil, refuse("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.State != "" && in.State != ruleEnabled && in.State != ruleDisabled:
		return nil, refuse("ValidationException", "The state of a rule is ENABLED or DISABLED (got %s)", clip(in.State))
	case old == nil && len(s.rules) >= rulesMax:
		return nil, refuse("LimitExceededException", "The sandbox holds %d rules, no more fit", rulesMax)
	}
	r := &rule{Name: in.Name, Arn: s.ruleARN(c.region, in.Name), EventPattern: in.EventPattern, ScheduleExpression: in.ScheduleExpression,
		State: orDefault(in.State, ruleEnabled), Description: in.Description, EventBusName: defaultBus}
	if in.EventPattern != "" {
		var err error
		if r.pattern, err = eventpattern.Parse([]byte(in.EventPattern)); err != nil {
			return nil, refuse("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err.Error())
		}
	}
	if len(in.Tags) > tagsMax {
		return nil, tooManyRuleTags()
	}
	r.tags = in.Tags
	if old != nil { // tags are given when a rule is made, and kept after that
		r.targets, r.tags = old.targets, old.tags
	}
	s.rules[ruleKey{c.region, in.Name}] = r
	s.ruled = true
	return map[string]string{"RuleArn": r.Arn}, nil
}

func (s *Sandbox) describeRule(c *call, in *ruleInput) (*rule, error) { return s.ruleAt(c, in.Name) }

func (s *Sandbox) enableRule(c *call, in *ruleInput) (empty, error) {
	return s.setRule(c, in, ruleEnabled)
}

func (s *Sandbox) disableRule(c *call, in *ruleInput) (empty, error) {
	return s.setRule(c, in, ruleDisabled)
}

func (s *Sandbox) setRule(c *call, in *ruleInput, state string) (empty, error) {
	r, err := s.ruleAt(c, in.Name)
	if err == nil {
		r.State = state
	}
	return empty{}, err
}

func (s *Sandbox) listRules(c *call, in *ruleInput) (map[string]any, error) {
	byName := s.rulesOf(c.region)
	names := slices.DeleteFunc(sortedKeys(byName), func(name string) bool { return !strings.HasPrefix(name, in.NamePrefix) })
	names, next, err := in.page(names)
	if err != nil {
		return nil, err
	}
	rules := []*rule{}
	for _, name := range names {
		rules = append(rules, byName[name])
	}
	return paged(map[string]any{"Rules": rules}, next), nil
}

func (s *Sandbox) deleteRule(c *call, in *ruleInput) (empty, error) {
	r := s.rulesOf(c.region)[in.Name]
	switch {
	case r == nil:
	case len(r.targets) > 0:
		return empty{}, refuse("ValidationException", "Rule can't be deleted since it has targets.")
	case r.Name == implicitRule:
		r.deleted = true
	default:
		delete(s.rules, ruleKey{c.region, in.Name})
	}
	return empty{}, nil
}

func (s *Sandbox) putTargets(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.targets)
	for _, raw := range in.Targets {
		t := &ruleTarget{raw: raw}
		if err := json.Unmarshal(raw, t); err != nil {
			return nil, refuse("SerializationException", "%s", serializationMessage(err))
		}
		switch {
		case t.ID == "" || t.Arn == "":
			return nil, refuse("ValidationException", "A target needs an Id and an Arn")
		case strings.Count(t.Arn, ":") < 5 || !strings.HasPrefix(t.Arn, "arn:"):
			return nil, refuse("ValidationException", "Parameter %s is not valid. Reason: Provided Arn is not in correct format.", clip(t.Arn))
		}
		if err := t.checkInput(); err != nil {
			return nil, err
		}
		targets = append(withoutTarget(targets, t.ID), t)
	}
	if len(targets) > ruleTargetsMax {
		return nil, refuse("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	r.targets = targets // all of them or none
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []empty{}}, nil
}

func withoutTarget(targets []*ruleTarget, id string) []*ruleTarget {
	return slices.DeleteFunc(slices.Clone(targets), func(t *ruleTarget) bool { return t.ID == id })
}

func (s *Sandbox) removeTargets(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Ids {
		r.targets = withoutTarget(r.targets, id)
	}
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []empty{}}, nil
}

func (s *Sandbox) listTargetsByRule(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	byID := map[string]json.RawMessage{}
	for _, t := range r.targets {
		byID[t.ID] = t.raw
	}
	ids, next, err := in.page(sortedKeys(byID))
	if err != nil {
		return nil, err
	}
	targets := []json.RawMessage{}
	for _, id := range ids {
		targets = append(targets, byID[id])
	}
	return paged(map[string]any{"Targets": targets}, next), nil
}
