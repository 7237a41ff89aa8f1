package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Limits. EventBridge's own: a pattern has 2,048 characters, 4,096 on request; an event has 256 KiB.
const (
	patternMax = 4096
	eventMax   = 1 << 20
	depthMax   = 32
)

// ErrPattern is wrapped by every error of [Parse].
var ErrPattern = errors.New("not an event pattern")

// Pattern is an event pattern that was read. The zero value matches every event.
type Pattern struct{ root node }

// node is an object of a pattern: all of its fields must match, and one alternative of each $or.
type node struct {
	fields []field
	or     [][]node
}

// field is one key of a pattern's object: either a nested object or a list of tests of which one must hold.
type field struct {
	key   string
	sub   *node
	tests []test
}

// Parse reads a pattern. The error wraps [ErrPattern] and says where in the pattern it is.
func Parse(pattern []byte) (*Pattern, error) {
	if len(pattern) > patternMax {
		return nil, fmt.Errorf("parse pattern: %w: %d bytes, at most %d", ErrPattern, len(pattern), patternMax)
	}
	value, err := decode(pattern)
	if err != nil {
		return nil, fmt.Errorf("parse pattern: %w: %w", ErrPattern, err)
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return nil, fmt.Errorf("parse pattern: %w: it must be an object with at least one key", ErrPattern)
	}
	root, err := parseNode("$", object, 0)
	if err != nil {
		return nil, fmt.Errorf("parse pattern: %w: %w", ErrPattern, err)
	}
	return &Pattern{root: root}, nil
}

// Matches says whether the event, a JSON object, is one that the pattern describes.
func (p *Pattern) Matches(event []byte) (bool, error) {
	if len(event) > eventMax {
		return false, fmt.Errorf("match event: %d bytes, at most %d are read", len(event), eventMax)
	}
	value, err := decode(event)
	if err != nil {
		return false, fmt.Errorf("match event: %w", err)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return false, errors.New("match event: it is not an object")
	}
	return p.root.match(object), nil
}

// decode reads one JSON value and refuses anything after it.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

func parseNode(path string, object map[string]any, depth int) (node, error) {
	var n node
	if depth > depthMax {
		return n, fmt.Errorf("%s: nested deeper than %d", path, depthMax)
	}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys) // the same error every time
	for _, key := range keys {
		at := path + "." + key
		if key == "$or" {
			alternatives, err := parseOr(at, object[key], depth)
			if err != nil {
				return n, err
			}
			n.or = append(n.or, alternatives)
			continue
		}
		f := field{key: key}
		switch value := object[key].(type) {
		case map[string]any:
			if len(value) == 0 {
				return n, fmt.Errorf("%s: an empty object", at)
			}
			sub, err := parseNode(at, value, depth+1)
			if err != nil {
				return n, err
			}
			f.sub = &sub
		case []any:
			if len(value) == 0 {
				return n, fmt.Errorf("%s: an empty list", at)
			}
			for _, alternative := range value {
				t, err := parseTest(at, alternative)
				if err != nil {
					return n, err
				}
				f.tests = append(f.tests, t)
			}
		default:
			return n, fmt.Errorf("%s: a value must stand in a list", at)
		}
		n.fields = append(n.fields, f)
	}
	return n, nil
}

func parseOr(path string, value any, depth int) ([]node, error) {
	list, ok := value.([]any)
	if !ok || len(list) < 2 {
		return nil, fmt.Errorf("%s: it must be a list of at least two patterns", path)
	}
	nodes := make([]node, 0, len(list))
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok || len(object) == 0 {
			return nil, fmt.Errorf("%s[%d]: it must be an object with at least one key", path, i)
		}
		n, err := parseNode(fmt.Sprintf("%s[%d]", path, i), object, depth+1)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (n *node) match(object map[string]any) bool {
	for i := range n.fields {
		value, present := object[n.fields[i].key]
		if !n.fields[i].match(value, present) {
			return false
		}
	}
	for _, alternatives := range n.or {
		if !slices.ContainsFunc(alternatives, func(a node) bool { return a.match(object) }) {
			return false
		}
	}
	return true
}

func (f *field) match(value any, present bool) bool {
	if f.sub == nil {
		return matchLeaf(f.tests, value, present)
	}
	// A list of objects matches if one of them does; an absent object can still satisfy "exists": false within.
	switch v := value.(type) {
	case map[string]any:
		return f.sub.match(v)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool {
			object, ok := item.(map[string]any)
			return ok && f.sub.match(object)
		})
	}
	return f.sub.match(nil)
}

// matchLeaf says whether one test holds for the value, or for one item of a list. An object is no leaf, and an empty
// list none either: to "exists" they are absent.
func matchLeaf(tests []test, value any, present bool) bool {
	var leaves []any
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if isLeaf(item) {
				leaves = append(leaves, item)
			}
		}
	default:
		if present && isLeaf(v) {
			leaves = []any{v}
		}
	}
	for _, t := range tests {
		if e, ok := t.(exists); ok {
			if bool(e) == (len(leaves) > 0) {
				return true
			}
			continue
		}
		if slices.ContainsFunc(leaves, t.match) {
			return true
		}
	}
	return false
}

func isLeaf(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}
