package sandbox

import (
	"encoding/json"
	"strings"
)

// The rules that bring ECS events to the events queue are implicit. What EventBridge offers here is enough to look
// at them and to keep rules that somebody puts; those are given back, but route nothing.
var eventsOperations = map[string]operation{
	"PutRule":           op((*Sandbox).putRule),
	"DescribeRule":      op((*Sandbox).describeRule),
	"ListRules":         op((*Sandbox).listRules),
	"DeleteRule":        op((*Sandbox).deleteRule),
	"PutTargets":        op((*Sandbox).putTargets),
	"RemoveTargets":     op((*Sandbox).removeTargets),
	"ListTargetsByRule": op((*Sandbox).listTargetsByRule),
}

// Limits of EventBridge, and the name of the implicit rule.
const (
	rulesMax       = 300
	ruleTargetsMax = 5
	implicitRule   = "backstop-events"
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

	targets []json.RawMessage
}

type ruleInput struct {
	Name, Rule, EventPattern, ScheduleExpression, State, Description, NamePrefix, EventBusName string

	Targets []json.RawMessage
	Ids     []string
}

func (s *Sandbox) ruleARN(region, name string) string {
	return "arn:aws:events:" + region + ":" + s.account() + ":rule/" + name
}

// ruleAt finds a rule; the implicit one is made up on the spot.
func (s *Sandbox) ruleAt(c *call, name string) (*rule, error) {
	if r := s.rules[ruleKey{c.region, name}]; r != nil {
		return r, nil
	}
	if name == implicitRule {
		target, err := json.Marshal(map[string]string{"Id": EventsQueue, "Arn": "arn:aws:sqs:" + s.opts.Region + ":" + s.account() + ":" + EventsQueue})
		if err != nil {
			return nil, err
		}
		return &rule{Name: name, Arn: s.ruleARN(c.region, name), EventPattern: `{"source":["aws.ecs"]}`, State: "ENABLED", EventBusName: "default",
			Description: "Implicit: every ECS event of the sandbox goes to the queue " + EventsQueue, targets: []json.RawMessage{target}}, nil
	}
	return nil, refuse("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", clip(name))
}

func (s *Sandbox) putRule(c *call, in *ruleInput) (map[string]string, error) {
	switch {
	case !plainName(in.Name) || in.Name == implicitRule:
		return nil, refuse("ValidationException", "The rule name %q cannot be used", clip(in.Name))
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return nil, refuse("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.EventPattern != "" && !json.Valid([]byte(in.EventPattern)):
		return nil, refuse("InvalidEventPatternException", "Event pattern is not valid. Reason: not JSON")
	case len(s.rules) >= rulesMax:
		return nil, refuse("LimitExceededException", "The sandbox holds %d rules, no more fit", rulesMax)
	}
	r := &rule{Name: in.Name, Arn: s.ruleARN(c.region, in.Name), EventPattern: in.EventPattern, ScheduleExpression: in.ScheduleExpression,
		State: orDefault(in.State, "ENABLED"), Description: in.Description, EventBusName: "default"}
	if old := s.rules[ruleKey{c.region, in.Name}]; old != nil {
		r.targets = old.targets
	}
	s.rules[ruleKey{c.region, in.Name}] = r
	return map[string]string{"RuleArn": r.Arn}, nil
}

func (s *Sandbox) describeRule(c *call, in *ruleInput) (*rule, error) { return s.ruleAt(c, in.Name) }

func (s *Sandbox) listRules(c *call, in *ruleInput) (map[string]any, error) {
	implicit, err := s.ruleAt(c, implicitRule)
	if err != nil {
		return nil, err
	}
	byName := map[string]*rule{implicitRule: implicit}
	for key, r := range s.rules {
		if key.region == c.region {
			byName[r.Name] = r
		}
	}
	rules := []*rule{}
	for _, name := range sortedKeys(byName) {
		if strings.HasPrefix(name, in.NamePrefix) {
			rules = append(rules, byName[name])
		}
	}
	return map[string]any{"Rules": rules}, nil
}

func (s *Sandbox) deleteRule(c *call, in *ruleInput) (empty, error) {
	r := s.rules[ruleKey{c.region, in.Name}]
	if r != nil && len(r.targets) > 0 {
		return empty{}, refuse("ValidationException", "Rule can't be deleted since it has targets.")
	}
	delete(s.rules, ruleKey{c.region, in.Name})
	return empty{}, nil
}

func targetID(target json.RawMessage) string {
	var t struct{ Id string }
	if json.Unmarshal(target, &t) != nil {
		return ""
	}
	return t.Id
}

func (s *Sandbox) putTargets(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	for _, target := range in.Targets {
		id := targetID(target)
		if id == "" {
			return nil, refuse("ValidationException", "A target needs an Id and an Arn")
		}
		r.dropTarget(id)
		if len(r.targets) >= ruleTargetsMax {
			return nil, refuse("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		r.targets = append(r.targets, target)
	}
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []empty{}}, nil
}

func (r *rule) dropTarget(id string) {
	for i, t := range r.targets {
		if targetID(t) == id {
			r.targets = append(r.targets[:i:i], r.targets[i+1:]...)
			return
		}
	}
}

func (s *Sandbox) removeTargets(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Ids {
		r.dropTarget(id)
	}
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []empty{}}, nil
}

func (s *Sandbox) listTargetsByRule(c *call, in *ruleInput) (map[string]any, error) {
	r, err := s.ruleAt(c, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := r.targets
	if targets == nil {
		targets = []json.RawMessage{}
	}
	return map[string]any{"Targets": targets}, nil
}
