// Package policyeval answers what IAM's identity policies allow: a pure evaluator of policy documents, for tests, for the sandbox and for
// what is said about permissions. It does no I/O and imports no SDK.
//
// It covers what Backstop's own policies and those of its users' roles need, and refuses the rest when a policy is read rather than
// answering wrongly: NotAction, NotResource, principals and policy variables are errors, and so is an operator it does not know.
//
// What it follows is AWS's description of the evaluation logic (IAM User Guide: "Policy evaluation logic", "Condition operators",
// "Multivalued context keys"). It was never compared with AWS itself; moto, which was not written here, evaluates neither resources nor
// conditions, so it has no second opinion to give.
package policyeval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Policy is a parsed policy document.
type Policy struct {
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	SID        string
	Deny       bool
	Actions    []string // patterns with * and ?, compared without regard to case
	Resources  []string // patterns with * and ?
	Conditions []Condition
}

// Condition is one line of a statement's condition: all of a statement's conditions must hold.
type Condition struct {
	Key    string // compared without regard to case
	Values []string
	// what is the operator without prefix and suffix; set is forAll, forAny or "".
	what, set string
	ifExists  bool
}

// Operator returns the operator as it is written in a policy, for example "ForAllValues:StringLike" or "ArnEqualsIfExists".
func (c Condition) Operator() string {
	out := c.set + c.what
	if c.ifExists {
		out += ifExists
	}
	return out
}

// MustParse is Parse for policies that a program has written itself; it panics on an error.
func MustParse(document []byte) Policy {
	p, err := Parse(document)
	if err != nil {
		panic(err)
	}
	return p
}

// Parse reads a policy document. Every element that would change an answer and is not evaluated here is an error.
func Parse(document []byte) (Policy, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement oneOrMany[rawStatement]
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return Policy{}, fmt.Errorf("parse policy: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Policy{}, fmt.Errorf("parse policy: something follows the document")
	}
	if len(raw.Statement) == 0 {
		return Policy{}, fmt.Errorf("parse policy: no statement")
	}
	var p Policy
	for i, s := range raw.Statement {
		out, err := s.statement()
		if err != nil {
			return Policy{}, fmt.Errorf("parse policy: statement %d (%s): %w", i+1, s.Sid, err)
		}
		p.Statements = append(p.Statements, out)
	}
	return p, nil
}

type rawStatement struct {
	Sid, Effect      string
	Action, Resource oneOrMany[string]
	Condition        map[string]map[string]oneOrMany[scalar]
}

func (r rawStatement) statement() (Statement, error) {
	s := Statement{SID: r.Sid, Actions: r.Action, Resources: r.Resource}
	switch r.Effect {
	case "Allow":
	case "Deny":
		s.Deny = true
	default:
		return Statement{}, fmt.Errorf("effect %q is not Allow or Deny", r.Effect)
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return Statement{}, fmt.Errorf("it names no action or no resource")
	}
	for operator, keys := range r.Condition {
		for key, values := range keys {
			c, err := condition(operator, key, values)
			if err != nil {
				return Statement{}, err
			}
			s.Conditions = append(s.Conditions, c)
		}
	}
	slices.SortFunc(s.Conditions, func(a, b Condition) int {
		return strings.Compare(a.Operator()+" "+a.Key, b.Operator()+" "+b.Key)
	})
	for _, text := range slices.Concat(s.Actions, s.Resources) {
		if strings.Contains(text, "${") {
			return Statement{}, fmt.Errorf("policy variable in %q is not evaluated here", text)
		}
	}
	return s, nil
}

func condition(operator, key string, values []scalar) (Condition, error) {
	c := Condition{Key: key, what: operator}
	for _, set := range []string{forAll, forAny} {
		if rest, ok := strings.CutPrefix(c.what, set); ok {
			c.what, c.set = rest, set
		}
	}
	c.what, c.ifExists = strings.CutSuffix(c.what, ifExists)
	if operators[c.what].holds == nil && c.what != null || c.what == null && (c.set != "" || c.ifExists) {
		return Condition{}, fmt.Errorf("operator %q is not evaluated here", operator)
	}
	if len(values) == 0 {
		return Condition{}, fmt.Errorf("operator %q: key %s has no value", operator, key)
	}
	for _, v := range values {
		if strings.Contains(string(v), "${") {
			return Condition{}, fmt.Errorf("policy variable in %q is not evaluated here", v)
		}
		c.Values = append(c.Values, string(v))
	}
	return c, nil
}

// oneOrMany is a value or a list of values, which a policy may write for each other.
type oneOrMany[T any] []T

// UnmarshalJSON reads either form.
func (o *oneOrMany[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		var many []T
		err := d.Decode(&many)
		*o = many
		return err
	}
	var one T
	err := d.Decode(&one)
	*o = oneOrMany[T]{one}
	return err
}

// scalar is a string, a number or a truth value, as text.
type scalar string

// UnmarshalJSON reads any of them.
func (s *scalar) UnmarshalJSON(data []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*s = scalar(v)
	case bool, json.Number:
		*s = scalar(fmt.Sprint(v))
	default:
		return fmt.Errorf("condition value %s is no string, number or truth value", data)
	}
	return nil
}
