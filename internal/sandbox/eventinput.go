package sandbox

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/backstop-ecs/backstop/internal/eventpattern"
)

// inputTransformer is what a target makes of an event: a text with values of the event in it.
type inputTransformer struct {
	InputPathsMap map[string]string
	InputTemplate string
}

// inputPath is a path of names, as InputPath and InputPathsMap have it; the sandbox knows no indexes and no wildcards.
var inputPath = regexp.MustCompile(`^\$(\.[A-Za-z0-9_-]+)*$`)

// inputName is a value's place in a template.
var inputName = regexp.MustCompile(`<[A-Za-z0-9_.-]+>`)

// checkInput refuses what a target cannot be given instead of the event.
func (t *ruleTarget) checkInput() error {
	given := 0
	for _, is := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	paths := []string{orDefault(t.InputPath, "$")}
	if t.InputTransformer != nil {
		for _, name := range sortedKeys(t.InputTransformer.InputPathsMap) {
			paths = append(paths, t.InputTransformer.InputPathsMap[name])
		}
	}
	switch {
	case given > 1:
		return refuse("ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target %s.", clip(t.ID))
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return refuse("ValidationException", "The Input of target %s is not JSON", clip(t.ID))
	case t.InputTransformer != nil && t.InputTransformer.InputTemplate == "":
		return refuse("ValidationException", "The InputTransformer of target %s has no InputTemplate", clip(t.ID))
	}
	for _, p := range paths {
		if !inputPath.MatchString(p) {
			return refuse("ValidationException", "The sandbox knows paths of names, as $.detail.taskArn (got %s)", clip(p))
		}
	}
	return nil
}

// bodyFor is what a target gets of an event.
func (t *ruleTarget) bodyFor(event []byte) string {
	switch {
	case t.Input != "":
		return t.Input
	case t.InputPath != "":
		return string(at(event, t.InputPath))
	case t.InputTransformer == nil:
		return string(event)
	}
	return inputName.ReplaceAllStringFunc(t.InputTransformer.InputTemplate, func(place string) string {
		name := place[1 : len(place)-1]
		if name == "aws.events.event.json" {
			return string(event)
		}
		value := at(event, orDefault(t.InputTransformer.InputPathsMap[name], "$.-"))
		var text string
		if json.Unmarshal(value, &text) == nil {
			return text
		}
		return string(value)
	})
}

// at returns the value at a path of an event; nothing where there is none.
func at(event []byte, path string) []byte {
	for _, name := range strings.Split(path, ".")[1:] {
		var fields map[string]json.RawMessage
		if json.Unmarshal(event, &fields) != nil {
			return nil
		}
		event = fields[name]
	}
	return event
}

// eventFields are what TestEventPattern wants an event to have.
var eventFields = []string{"id", "account", "source", "time", "region", "resources", "detail-type"}

func (s *Sandbox) testEventPattern(_ *call, in *struct{ EventPattern, Event string }) (map[string]bool, error) {
	pattern, err := eventpattern.Parse([]byte(in.EventPattern))
	if err != nil {
		return nil, refuse("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err.Error())
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(in.Event), &fields) != nil {
		return nil, refuse("ValidationException", "Parameter Event is not valid.")
	}
	for _, name := range eventFields {
		if fields[name] == nil {
			return nil, refuse("ValidationException", "Parameter Event is not valid. Reason: the event has no %s", name)
		}
	}
	ok, err := pattern.Matches([]byte(in.Event))
	if err != nil {
		return nil, refuse("ValidationException", "Parameter Event is not valid. Reason: %s", err.Error())
	}
	return map[string]bool{"Result": ok}, nil
}
