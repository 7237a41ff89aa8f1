package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// test is one alternative of a field: something that a leaf of the event is or is not.
type test interface{ match(leaf any) bool }

type (
	// exact is a string, number, true, false or null that the leaf equals.
	exact struct{ value any }
	// exists is true if a leaf must be there, false if none may be. matchLeaf knows it.
	exists bool
	// prefix, suffix and fold (equals-ignore-case) are about strings.
	prefix struct {
		text string
		fold bool
	}
	suffix struct {
		text string
		fold bool
	}
	fold string
	// wildcard is a string cut at its asterisks.
	wildcard []string
	// numeric are bounds that all hold.
	numeric []bound
	bound   struct {
		op    string
		value float64
	}
	// anythingBut holds if none of its tests does.
	anythingBut []test
)

func (t exact) match(leaf any) bool {
	if want, ok := number(t.value); ok {
		got, ok := number(leaf)
		return ok && got == want
	}
	return leaf == t.value
}

func (exists) match(any) bool { return false }

func (t prefix) match(leaf any) bool {
	s, ok := leaf.(string)
	return ok && len(s) >= len(t.text) && equal(s[:len(t.text)], t.text, t.fold)
}

func (t suffix) match(leaf any) bool {
	s, ok := leaf.(string)
	return ok && len(s) >= len(t.text) && equal(s[len(s)-len(t.text):], t.text, t.fold)
}

func (t fold) match(leaf any) bool {
	s, ok := leaf.(string)
	return ok && strings.EqualFold(s, string(t))
}

func equal(a, b string, ignoreCase bool) bool {
	return a == b || ignoreCase && strings.EqualFold(a, b)
}

func (t wildcard) match(leaf any) bool {
	s, ok := leaf.(string)
	if !ok {
		return false
	}
	if len(t) == 1 {
		return s == t[0]
	}
	if !strings.HasPrefix(s, t[0]) {
		return false
	}
	s = s[len(t[0]):]
	for _, part := range t[1 : len(t)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, t[len(t)-1])
}

func (t numeric) match(leaf any) bool {
	v, ok := number(leaf)
	if !ok {
		return false
	}
	for _, b := range t {
		holds := false
		switch b.op {
		case "=":
			holds = v == b.value
		case "<":
			holds = v < b.value
		case "<=":
			holds = v <= b.value
		case ">":
			holds = v > b.value
		case ">=":
			holds = v >= b.value
		}
		if !holds {
			return false
		}
	}
	return true
}

func (t anythingBut) match(leaf any) bool {
	return !slices.ContainsFunc(t, func(not test) bool { return not.match(leaf) })
}

func number(value any) (float64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// parseTest reads one alternative of a field.
func parseTest(path string, value any) (test, error) {
	switch v := value.(type) {
	case []any:
		return nil, fmt.Errorf("%s: a list in a list", path)
	case map[string]any:
		if len(v) != 1 {
			return nil, fmt.Errorf("%s: an operator is an object with one key, this has %d", path, len(v))
		}
		for op, operand := range v {
			t, err := parseOperator(op, operand)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return t, nil
		}
	}
	return exact{value}, nil
}

func parseOperator(op string, operand any) (test, error) {
	switch op {
	case "exists":
		b, ok := operand.(bool)
		if !ok {
			return nil, errors.New("exists takes true or false")
		}
		return exists(b), nil
	case "numeric":
		return parseNumeric(operand)
	case "anything-but":
		return parseAnythingBut(operand)
	}
	return parseText(op, operand)
}

// parseText reads an operator on strings. prefix and suffix also take {"equals-ignore-case": "..."}.
func parseText(op string, operand any) (test, error) {
	text, isText := operand.(string)
	ignoreCase := false
	if object, ok := operand.(map[string]any); ok && (op == "prefix" || op == "suffix") && len(object) == 1 {
		text, isText = object["equals-ignore-case"].(string)
		ignoreCase = true
	}
	switch op {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		if !isText {
			return nil, fmt.Errorf("%s takes a string", op)
		}
	}
	switch op {
	case "prefix":
		return prefix{text, ignoreCase}, nil
	case "suffix":
		return suffix{text, ignoreCase}, nil
	case "equals-ignore-case":
		return fold(text), nil
	case "wildcard":
		return parseWildcard(text)
	}
	return nil, fmt.Errorf("unknown operator %q", op)
}

// parseWildcard cuts at asterisks; \* and \\ are an asterisk and a backslash.
func parseWildcard(text string) (test, error) {
	parts := wildcard{""}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			i++
			if i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, errors.New(`wildcard: a backslash stands before * or \ only`)
			}
			parts[len(parts)-1] += string(text[i])
		case c == '*' && i > 0 && text[i-1] == '*' && parts[len(parts)-1] == "":
			return nil, errors.New("wildcard: two asterisks in a row")
		case c == '*':
			parts = append(parts, "")
		default:
			parts[len(parts)-1] += string(c)
		}
	}
	return parts, nil
}

func parseNumeric(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New("numeric takes one or two bounds, each an operator and a number")
	}
	var t numeric
	for i := 0; i < len(list); i += 2 {
		op, isText := list[i].(string)
		value, isNumber := number(list[i+1])
		if !isText || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, op) || !isNumber {
			return nil, fmt.Errorf("numeric: %v %v is no bound", list[i], list[i+1])
		}
		t = append(t, bound{op, value})
	}
	return t, nil
}

// parseAnythingBut reads what must not be: a value, a list of values, or one operator on one string or several.
func parseAnythingBut(operand any) (test, error) {
	var t anythingBut
	switch v := operand.(type) {
	case map[string]any:
		if len(v) != 1 {
			return nil, errors.New("anything-but takes one operator")
		}
		for op, inner := range v {
			if op == "exists" || op == "numeric" || op == "anything-but" {
				return nil, fmt.Errorf("anything-but does not take %s", op)
			}
			list, ok := inner.([]any)
			if !ok {
				list = []any{inner}
			}
			for _, item := range list {
				not, err := parseText(op, item)
				if err != nil {
					return nil, fmt.Errorf("anything-but: %w", err)
				}
				t = append(t, not)
			}
		}
	case []any:
		for _, item := range v {
			switch item.(type) {
			case string, json.Number:
				t = append(t, exact{item})
			default:
				return nil, errors.New("anything-but takes strings or numbers")
			}
		}
	case string, json.Number:
		t = anythingBut{exact{v}}
	default:
		return nil, errors.New("anything-but takes a string, a number, a list of them, or an operator")
	}
	if len(t) == 0 {
		return nil, errors.New("anything-but takes at least one value")
	}
	return t, nil
}
