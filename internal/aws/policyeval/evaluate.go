package policyeval

import (
	"math/big"
	"slices"
	"strings"
)

// Request is one use of a permission.
type Request struct {
	Action   string // "ecs:UpdateService"
	Resource string // the ARN, or "*" for an action without a resource
	// Context are the request's condition keys with their values, by the key in any case. A key that is absent is not in the request; a
	// key with no values is treated the same.
	Context map[string][]string
}

// Decision is IAM's answer.
type Decision int

// The decisions, by what the policies say.
const (
	ImplicitDeny Decision = iota // no statement allows it
	Allowed                      // a statement allows it and none denies it
	ExplicitDeny                 // a statement denies it
)

// String returns the decision as iam:SimulateCustomPolicy names it.
func (d Decision) String() string {
	return [...]string{ImplicitDeny: "implicitDeny", Allowed: "allowed", ExplicitDeny: "explicitDeny"}[d]
}

// Result is the answer and where it came from.
type Result struct {
	Decision Decision
	// Matched are the statements that decided: those that deny, or else those that allow.
	Matched []Statement
	// Missing are the keys that a statement for this action and resource asked for and the request does not have, sorted.
	Missing []string
}

// Evaluate answers a request by identity policies of one principal. It knows nothing of boundaries, session and resource policies, and
// service control policies, each of which can only take away.
func Evaluate(r Request, policies ...Policy) Result {
	var allow, deny []Statement
	missing := map[string]bool{}
	for _, p := range policies {
		for _, s := range p.Statements {
			if !s.concerns(r) {
				continue
			}
			fits := true
			for _, c := range s.Conditions {
				if len(r.values(c.Key)) == 0 {
					missing[c.Key] = true
				}
				fits = fits && c.Holds(r)
			}
			switch {
			case !fits:
			case s.Deny:
				deny = append(deny, s)
			default:
				allow = append(allow, s)
			}
		}
	}
	out := Result{Missing: make([]string, 0, len(missing))}
	for key := range missing {
		out.Missing = append(out.Missing, key)
	}
	slices.Sort(out.Missing)
	switch {
	case len(deny) > 0:
		out.Decision, out.Matched = ExplicitDeny, deny
	case len(allow) > 0:
		out.Decision, out.Matched = Allowed, allow
	}
	return out
}

// concerns reports whether a statement is about a request's action and resource, whatever its conditions.
func (s Statement) concerns(r Request) bool {
	return slices.ContainsFunc(s.Actions, func(a string) bool { return glob(strings.ToLower(a), strings.ToLower(r.Action)) }) &&
		slices.ContainsFunc(s.Resources, func(p string) bool { return glob(p, r.Resource) })
}

func (r Request) values(key string) []string {
	if v, ok := r.Context[key]; ok {
		return v
	}
	for k, v := range r.Context {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

const (
	forAll, forAny = "ForAllValues:", "ForAnyValue:"
	ifExists       = "IfExists"
	null           = "Null"
)

// operator compares one value of the request with one of the policy. A negated one holds if the value equals none of the policy's.
type operator struct {
	holds   func(got, want string) bool
	negated bool
}

var operators = map[string]operator{
	"StringEquals":              {holds: func(a, b string) bool { return a == b }},
	"StringNotEquals":           {holds: func(a, b string) bool { return a == b }, negated: true},
	"StringEqualsIgnoreCase":    {holds: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {holds: strings.EqualFold, negated: true},
	"StringLike":                {holds: func(a, b string) bool { return glob(b, a) }},
	"StringNotLike":             {holds: func(a, b string) bool { return glob(b, a) }, negated: true},
	"ArnEquals":                 {holds: arnLike},
	"ArnLike":                   {holds: arnLike},
	"ArnNotEquals":              {holds: arnLike, negated: true},
	"ArnNotLike":                {holds: arnLike, negated: true},
	"Bool":                      {holds: strings.EqualFold},
	"NumericEquals":             {holds: number(func(c int) bool { return c == 0 })},
	"NumericNotEquals":          {holds: number(func(c int) bool { return c == 0 }), negated: true},
	"NumericLessThan":           {holds: number(func(c int) bool { return c < 0 })},
	"NumericLessThanEquals":     {holds: number(func(c int) bool { return c <= 0 })},
	"NumericGreaterThan":        {holds: number(func(c int) bool { return c > 0 })},
	"NumericGreaterThanEquals":  {holds: number(func(c int) bool { return c >= 0 })},
}

// Holds reports whether a condition holds for a request.
func (c Condition) Holds(r Request) bool {
	got := r.values(c.Key)
	if c.what == null {
		return slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, "true") == (len(got) == 0) })
	}
	op := operators[c.what]
	if len(got) == 0 { // negated operators and ForAllValues hold for a key that is not there
		return c.ifExists || c.set == forAll || c.set == "" && op.negated
	}
	one := func(v string) bool {
		return slices.ContainsFunc(c.Values, func(want string) bool { return op.holds(v, want) }) != op.negated
	}
	if c.set == forAll || c.set == "" && op.negated {
		return !slices.ContainsFunc(got, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(got, one)
}

// arnLike compares ARNs by their six parts, so that a * stays within one.
func arnLike(got, pattern string) bool {
	a, b := strings.SplitN(got, ":", 6), strings.SplitN(pattern, ":", 6)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !glob(b[i], a[i]) {
			return false
		}
	}
	return true
}

func number(holds func(compared int) bool) func(got, want string) bool {
	return func(got, want string) bool {
		a, okA := new(big.Rat).SetString(got)
		b, okB := new(big.Rat).SetString(want)
		return okA && okB && holds(a.Cmp(b))
	}
}

// glob reports whether s fits a pattern in which * stands for any characters and ? for one. It takes time in proportion to the product of
// both lengths at most.
func glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
