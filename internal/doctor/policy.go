package doctor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// answer is what can be told of a question whose facts are not all known. The order counts: min is "and", max is "or".
type answer int

const (
	no answer = iota
	maybe
	yes
)

func told(is bool) answer {
	if is {
		return yes
	}
	return no
}

// words is a JSON value that is one string or a list of them.
type words []string

// UnmarshalJSON reads either form; anything else is no word.
func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*w = many
	}
	return nil
}

// sender is the principal of a statement: "*", or by kind.
type sender struct{ services words }

// UnmarshalJSON reads what a policy says.
func (p *sender) UnmarshalJSON(b []byte) error {
	var kinds struct{ Service, AWS words }
	if json.Unmarshal(b, &p.services) == nil && len(p.services) > 0 {
		return nil
	}
	if json.Unmarshal(b, &kinds) == nil {
		p.services = append(kinds.Service, kinds.AWS...)
	}
	return nil
}

// statementOf is a statement of a policy.
type statementOf struct {
	Sid, Effect                              string
	Principal, NotPrincipal                  *sender
	Action, NotAction, Resource, NotResource words
	Condition                                map[string]map[string]words
}

// policyOf is a resource's policy. Its statements stay as they are written, so that a fix can leave them alone.
type policyOf struct {
	Version   json.RawMessage   `json:",omitempty"`
	ID        json.RawMessage   `json:"Id,omitempty"`
	Statement []json.RawMessage `json:",omitempty"`
}

// readPolicy reads a policy; an empty one has no statements. Statement may be an object alone.
func readPolicy(text string) (policyOf, []statementOf, error) {
	var p policyOf
	if strings.TrimSpace(text) == "" {
		return p, nil, nil
	}
	var raw struct {
		Version, ID, Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return p, nil, fmt.Errorf("read policy: %w", err)
	}
	p.Version, p.ID = raw.Version, raw.ID
	if json.Unmarshal(raw.Statement, &p.Statement) != nil && len(raw.Statement) > 0 {
		p.Statement = []json.RawMessage{raw.Statement}
	}
	all := make([]statementOf, len(p.Statement))
	for i := range all {
		if err := json.Unmarshal(p.Statement[i], &all[i]); err != nil {
			return p, nil, fmt.Errorf("read statement %d of policy: %w", i+1, err)
		}
	}
	return p, all, nil
}

// sendMessage is what a delivery needs of the queue's policy.
const sendMessage = "sqs:sendmessage"

// delivery is an attempt of an AWS service to put a message into a queue, or to use its key for that, on behalf of a rule or a topic of an account.
type delivery struct {
	service, source, account string // source: an ARN; empty: any
	action                   string // in lower case
	resource                 string // an ARN; empty: the one that the policy belongs to, whatever it says
}

// allows reports whether a policy lets a delivery through, and which statement refuses it, if one does.
func allows(all []statementOf, d delivery) (ok answer, deniedBy string) {
	allowed, denied := no, no
	for i := range all {
		s := &all[i]
		is := s.applies(d)
		if s.Effect == "Allow" {
			allowed = max(allowed, is)
			continue
		}
		if is > denied {
			denied, deniedBy = is, orElse(s.Sid, fmt.Sprintf("number %d", i+1))
		}
	}
	switch denied {
	case yes:
		return no, deniedBy
	case maybe:
		return min(allowed, maybe), ""
	}
	return allowed, ""
}

// applies reports whether a statement is about a delivery.
func (s *statementOf) applies(d delivery) answer {
	is := min(s.names(d), told(s.allowsTo(d.action)), told(s.covers(d.resource)))
	for operator, keys := range s.Condition {
		for key, values := range keys {
			is = min(is, holds(operator, key, values, d))
		}
	}
	return is
}

// names reports whether a statement is about who delivers.
func (s *statementOf) names(d delivery) answer {
	if s.Principal == nil {
		return told(s.NotPrincipal != nil && !slices.Contains(s.NotPrincipal.services, d.service))
	}
	return told(slices.Contains(s.Principal.services, d.service) || slices.Contains(s.Principal.services, "*"))
}

// allowsTo reports whether a statement is about an action.
func (s *statementOf) allowsTo(action string) bool {
	if s.NotAction != nil {
		return !like(s.NotAction, action)
	}
	return like(s.Action, action)
}

func (s *statementOf) covers(resource string) bool {
	switch {
	case resource == "":
		return true
	case s.NotResource != nil:
		return !like(s.NotResource, resource)
	}
	return len(s.Resource) == 0 || like(s.Resource, resource)
}

// sources are the ARNs that a statement wants deliveries to come from.
func (s *statementOf) sources() []string {
	var out []string
	for _, keys := range s.Condition {
		for key, values := range keys {
			if strings.EqualFold(key, "aws:SourceArn") {
				out = append(out, values...)
			}
		}
	}
	return out
}

// holds reports whether a condition holds for a delivery. What is not known of it, as the organization of the account, may be either.
func holds(operator, key string, values words, d delivery) answer {
	have := map[string]string{"aws:sourcearn": d.source, "aws:sourceaccount": d.account, "aws:securetransport": "true",
		"aws:principalisawsservice": "true", "aws:principalservicename": d.service}
	value, known := have[strings.ToLower(key)]
	operator = strings.TrimSuffix(operator, "IfExists")
	if _, rest, set := strings.Cut(operator, ":"); set {
		operator = rest
	}
	operator, not := strings.Replace(operator, "Not", "", 1), strings.Contains(operator, "Not")
	if !known {
		return maybe
	}
	if value == "" {
		return yes // any source
	}
	is := no
	switch operator {
	case "ArnEquals", "ArnLike", "StringLike":
		is = told(like(values, value))
	case "StringEquals":
		is = told(slices.Contains(values, value))
	case "StringEqualsIgnoreCase", "Bool":
		is = told(slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) }))
	default:
		return maybe
	}
	if not {
		return yes - is
	}
	return is
}

// like reports whether a value matches one of the patterns, in which * and ? stand for any characters. Case does not count, as in actions.
func like(patterns words, value string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		expr := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p))
		ok, err := regexp.MatchString("(?is)^"+expr+"$", value)
		return err == nil && ok
	})
}

// withStatement returns a policy with one more statement. Those that are there stay as they are written.
func withStatement(p policyOf, taken []statementOf, statement map[string]any) (string, error) {
	sid := "Backstop"
	for n := 2; slices.ContainsFunc(taken, func(s statementOf) bool { return s.Sid == sid }); n++ {
		sid = fmt.Sprintf("Backstop%d", n)
	}
	statement["Sid"] = sid
	added, err := json.Marshal(statement)
	if err != nil {
		return "", fmt.Errorf("write statement: %w", err)
	}
	if len(p.Version) == 0 {
		p.Version = json.RawMessage(`"2012-10-17"`)
	}
	p.Statement = append(slices.Clone(p.Statement), added)
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write policy: %w", err)
	}
	return string(text), nil
}

// quoted puts a text into single quotes for a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
