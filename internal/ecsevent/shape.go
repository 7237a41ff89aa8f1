package ecsevent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unwrap returns what an SNS notification carries, for a queue that hears of events through a topic without raw delivery. Anything else
// is returned as it is. One envelope is taken off: a topic that feeds another topic delivers one as well.
func Unwrap(body []byte) []byte {
	if !bytes.Contains(body, []byte(`"Notification"`)) { // no event of ECS has that word
		return body
	}
	var n struct {
		Type     string
		TopicArn string
		Message  string
	}
	if json.Unmarshal(body, &n) != nil || n.Type != "Notification" || n.TopicArn == "" || n.Message == "" {
		return body
	}
	return []byte(n.Message)
}

// misshapen is a message that is JSON and no event, or an event of which a part is gone. It knows what most likely made it so.
type misshapen struct{ text, hint string }

func (m *misshapen) Error() string { return m.text }

// Hint returns the next step for the person who sees the message.
func (m *misshapen) Hint() string { return m.hint }

const (
	hintWhole   = "let the rule's target send the whole event, without InputPath, InputTransformer and Input: backstop doctor names the rule"
	hintConfirm = "confirm the subscription with the SubscribeURL of the message: until then the topic sends nothing"
	// keysMax is how many keys of an unknown object are named.
	keysMax = 5
)

// shapeOf says what a message without the envelope of an event is. It returns nil for an event.
func shapeOf(body []byte) *misshapen {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		if _, is := errors.AsType[*json.UnmarshalTypeError](err); is {
			return &misshapen{fmt.Sprintf("%s: a part of an event (InputPath), or a text in its place (InputTransformer)", err), hintWhole}
		}
		return nil
	}
	word := func(key string) (s text) {
		_ = json.Unmarshal(fields[key], &s) // text takes any value
		return s
	}
	if word("source") != "" && word("detail-type") != "" {
		return nil
	}
	const none = "no source or no detail-type"
	switch kind := word("Type"); {
	case strings.HasSuffix(string(kind), "Confirmation") && fields["TopicArn"] != nil:
		return &misshapen{fmt.Sprintf("%s: SNS's %s of the topic %s", none, kind, clip(string(word("TopicArn")))), hintConfirm}
	case fields["clusterArn"] != nil && (fields["taskArn"] != nil || fields["eventName"] != nil || fields["deploymentId"] != nil):
		return &misshapen{none + `: the detail of an event alone, as the InputPath "$.detail" of a rule's target cuts it out`, hintWhole}
	}
	keys := slices.Sorted(maps.Keys(fields))
	if len(keys) > keysMax {
		keys = append(keys[:keysMax:keysMax], "...")
	}
	return &misshapen{fmt.Sprintf("%s: an object with the keys [%s]; a rule's target that rewrites the event (InputTransformer, Input) sends such", none, clip(strings.Join(keys, " "))), hintWhole}
}

// cut is the error for an event of which a field that all of its kind have is gone.
func cut(field string) error {
	return &misshapen{fmt.Sprintf("it has no %s: a rule's target rewrites the event (InputTransformer)", field), hintWhole}
}

// clip bounds a text from a message.
func clip(s string) string {
	const most = 200
	return strings.ToValidUTF8(s[:min(len(s), most)], "\uFFFD")
}
