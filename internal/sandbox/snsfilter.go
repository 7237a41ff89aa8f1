package sandbox

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"

	"github.com/backstop-ecs/backstop/internal/eventpattern"
)

// Limits of SNS's filter policies (SNS developer guide, filter policy constraints).
const (
	filterBytesMax        = 256 << 10
	filterKeysMax         = 5
	filterCombinationsMax = 150
	filterNumberMax       = 1e9

	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// filterPolicy chooses the messages of a subscription. Nil lets all through.
type filterPolicy struct {
	pattern *eventpattern.Pattern
	body    bool // looks at the message's body, not at its attributes
}

// readFilter reads a filter policy. SNS's language is the one of event patterns, less their wildcards.
func readFilter(text, scope string) (*filterPolicy, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	refused := func(why string) error { return snsInvalid("FilterPolicy: " + why) }
	var root map[string]any
	if len(text) > filterBytesMax || json.Unmarshal([]byte(text), &root) != nil {
		return nil, refused("failed to parse JSON")
	}
	f := &filterPolicy{body: scope == scopeBody}
	size := filterSize{combinations: 1}
	if err := size.count(root, 1, !f.body); err != nil {
		return nil, err
	}
	switch {
	case size.keys > filterKeysMax:
		return nil, refused("Filter policy can not have more than 5 keys")
	case size.combinations > filterCombinationsMax:
		return nil, refused("Filter policy is too complex")
	}
	pattern, err := eventpattern.Parse(fiveDigits([]byte(text)))
	if err != nil {
		return nil, refused(err.Error())
	}
	f.pattern = pattern
	return f, nil
}

// filterSize is what SNS limits: keys with values, and the product of their numbers of values, each by its depth.
type filterSize struct{ keys, combinations int }

func (n *filterSize) count(object map[string]any, depth int, flat bool) error {
	for _, key := range sortedKeys(object) {
		switch value := object[key].(type) {
		case map[string]any:
			if flat {
				return snsInvalid("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			if err := n.count(value, depth+1, flat); err != nil {
				return err
			}
		case []any:
			if key == "$or" {
				if err := n.alternatives(value, depth, flat); err != nil {
					return err
				}
				continue
			}
			if err := checkAlternatives(value); err != nil {
				return err
			}
			n.keys++
			n.combinations = min(n.combinations*len(value)*depth, filterCombinationsMax+1) // no overflow
		default:
			return snsInvalid(`FilterPolicy: "` + clip(key) + `" must be an object or an array`)
		}
	}
	return nil
}

// alternatives counts the objects of an $or, whose combinations add up.
func (n *filterSize) alternatives(objects []any, depth int, flat bool) error {
	sum := 0
	for _, one := range objects {
		object, ok := one.(map[string]any)
		if !ok {
			return snsInvalid("FilterPolicy: $or must be an array of objects")
		}
		part := filterSize{combinations: 1}
		if err := part.count(object, depth, flat); err != nil {
			return err
		}
		n.keys, sum = n.keys+part.keys, sum+part.combinations
	}
	n.combinations = min(n.combinations*max(sum, 1), filterCombinationsMax+1)
	return nil
}

// checkAlternatives refuses what is no value and no operator of SNS's.
func checkAlternatives(values []any) error {
	if len(values) == 0 {
		return snsInvalid("FilterPolicy: Empty arrays are not allowed")
	}
	for _, value := range values {
		switch v := value.(type) {
		case []any:
			return snsInvalid("FilterPolicy: Match value must be String, number, true, false, or null")
		case float64:
			if v < -filterNumberMax || v > filterNumberMax {
				return &apiError{Code: "InternalError", Message: "Unknown", Status: 500} // SNS's own answer
			}
		case map[string]any:
			for _, operator := range sortedKeys(v) {
				switch operator {
				case "anything-but", "numeric", "prefix", "suffix", "equals-ignore-case":
				case "exists":
					if _, is := v[operator].(bool); !is {
						return snsInvalid("FilterPolicy: exists match pattern must be either true or false.")
					}
				case "cidr":
					return snsInvalid("FilterPolicy: the sandbox does not evaluate cidr")
				default:
					return snsInvalid("FilterPolicy: Unrecognized match type " + clip(operator))
				}
			}
		}
	}
	return nil
}

// lets reports whether a message passes.
func (f *filterPolicy) lets(m *notification, body string) bool {
	if f == nil {
		return true
	}
	seen := []byte(body)
	if !f.body {
		seen = attributesJSON(m.attributes)
	} else if !json.Valid(seen) || !strings.HasPrefix(strings.TrimSpace(body), "{") {
		return false // SNS drops what is no JSON object
	}
	matched, err := f.pattern.Matches(fiveDigits(seen))
	return err == nil && matched
}

// longNumber is a number with more digits after the point than SNS compares, wherever it stands.
var longNumber = regexp.MustCompile(`-?[0-9]+\.[0-9]{6,}([eE][+-]?[0-9]+)?`)

// fiveDigits cuts the numbers of a JSON text to the five digits after the point that SNS compares.
func fiveDigits(text []byte) []byte {
	if !longNumber.Match(text) {
		return text
	}
	var value any
	if json.Unmarshal(text, &value) != nil {
		return text
	}
	out, err := json.Marshal(cut(value))
	if err != nil { // what was read is written: always encodes
		return text
	}
	return out
}

func cut(value any) any {
	switch v := value.(type) {
	case float64:
		return math.Trunc(v*1e5) / 1e5
	case []any:
		for i := range v {
			v[i] = cut(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = cut(v[name])
		}
	}
	return value
}

// attributesJSON is a message's attributes as a filter policy looks at them. Binary ones are not seen.
func attributesJSON(attributes map[string]messageAttribute) []byte {
	seen := map[string]any{}
	for name, a := range attributes {
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case a.DataType == "String.Array" && json.Valid([]byte(a.StringValue)):
			seen[name] = json.RawMessage(a.StringValue)
		case kind == "Number" && json.Valid([]byte(a.StringValue)):
			seen[name] = json.RawMessage(a.StringValue)
		case kind == "String":
			seen[name] = a.StringValue
		}
	}
	out, err := json.Marshal(seen)
	if err != nil { // texts and valid JSON: always encodes
		return []byte("{}")
	}
	return out
}
