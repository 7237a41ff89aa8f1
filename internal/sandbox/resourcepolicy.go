package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
)

// The services that bring something to queues and topics, as policies name them.
const (
	principalEvents = "events.amazonaws.com"
	principalSNS    = "sns.amazonaws.com"

	actionSend    = "sqs:SendMessage"
	actionPublish = "sns:Publish"
)

// delivery is an attempt of an AWS service to bring something to a queue or a topic, for a rule or a topic of an account.
type delivery struct {
	service, action, resource string
	source, account           string // the ARN of the rule or topic, and whose it is
}

// accessPolicy is the policy of a queue or a topic. It decides what AWS's services may bring there; the account's own callers may do everything.
type accessPolicy struct {
	text string
	told map[delivery]bool // answers given before; a policy that changes is another value
}

func newPolicy(text string) accessPolicy { return accessPolicy{text, map[delivery]bool{}} }

// lets reports whether a policy lets a delivery through. What cannot be judged is not let through, and said once.
func (p accessPolicy) lets(d delivery, log *slog.Logger) bool {
	if p.text == "" {
		return false
	}
	allowed, known := p.told[d]
	if !known {
		var err error
		if allowed, err = judge(p.text, d); err != nil {
			log.Warn("policy cannot be judged, nothing is delivered", slog.String("resource", d.resource), slog.Any("error", err))
		}
		p.told[d] = allowed
	}
	return allowed
}

// judge answers by the statements that are about the service: those without their principal are an identity policy of it.
func judge(text string, d delivery) (bool, error) {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return false, fmt.Errorf("read policy: %w", err)
	}
	var statements []map[string]json.RawMessage
	if json.Unmarshal(document.Statement, &statements) != nil {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(document.Statement, &one); err != nil {
			return false, fmt.Errorf("read policy: %w", err)
		}
		statements = append(statements, one)
	}
	own := statements[:0]
	for _, s := range statements {
		about, err := isAbout(s, d.service)
		if err != nil {
			return false, err
		}
		if !about {
			continue
		}
		delete(s, "Principal")
		if s["Resource"] == nil && s["NotResource"] == nil {
			s["Resource"] = json.RawMessage(`"*"`)
		}
		own = append(own, s)
	}
	if len(own) == 0 {
		return false, nil
	}
	kept, err := json.Marshal(map[string]any{"Statement": own})
	if err != nil {
		return false, fmt.Errorf("read policy: %w", err)
	}
	policy, err := policyeval.Parse(kept)
	if err != nil {
		return false, fmt.Errorf("read policy: %w", err)
	}
	answer := policyeval.Evaluate(policyeval.Request{Action: d.action, Resource: d.resource, Context: map[string][]string{
		"aws:SourceArn": {d.source}, "aws:SourceAccount": {d.account}, "aws:SecureTransport": {"true"},
		"aws:PrincipalIsAWSService": {"true"}, "aws:PrincipalServiceName": {d.service}}}, policy)
	return answer.Decision == policyeval.Allowed, nil
}

// isAbout reports whether a statement's principal is everybody or the service.
func isAbout(statement map[string]json.RawMessage, service string) (bool, error) {
	if statement["NotPrincipal"] != nil {
		return false, errors.New("read policy: NotPrincipal is not evaluated here")
	}
	principal := statement["Principal"]
	if names := oneOrMany(principal); len(names) > 0 {
		return slices.Contains(names, "*"), nil
	}
	var byKind map[string]json.RawMessage
	if err := json.Unmarshal(principal, &byKind); err != nil {
		return false, fmt.Errorf("read principal: %w", err)
	}
	return slices.Contains(oneOrMany(byKind["Service"]), service) || slices.Contains(oneOrMany(byKind["AWS"]), "*"), nil
}

// oneOrMany reads a text or a list of texts; nothing of anything else.
func oneOrMany(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many
}
