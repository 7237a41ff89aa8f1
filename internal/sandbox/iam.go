package sandbox

import (
	"encoding/xml"
	"strings"

	"github.com/backstop-ecs/backstop/internal/aws/policyeval"
)

// IAM has the one call that asks nothing of an account: what policies that are sent along would allow (S29).
var iamOperations = map[string]operation{
	"SimulateCustomPolicy": op((*Sandbox).simulateCustomPolicy),
}

// simulationsMax bounds the answers of one call; AWS pages beyond 100.
const simulationsMax = 100

type contextEntry struct {
	ContextKeyName   string
	ContextKeyValues []string
}

type simulateInput struct {
	PolicyInputList, ActionNames, ResourceArns []string
	ContextEntries                             []contextEntry
}

type evaluationXML struct {
	EvalActionName       string
	EvalResourceName     string
	EvalDecision         string
	MissingContextValues []string `xml:"MissingContextValues>member"`
}

type simulateOutput struct {
	EvaluationResults []evaluationXML
}

// MarshalXML writes the result as the query protocol has it.
func (o *simulateOutput) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		EvaluationResults []evaluationXML `xml:"EvaluationResults>member"`
		IsTruncated       bool
	}{o.EvaluationResults, false}, start)
}

func (s *Sandbox) simulateCustomPolicy(_ *call, in *simulateInput) (*simulateOutput, error) {
	var policies []policyeval.Policy
	for _, text := range in.PolicyInputList {
		p, err := policyeval.Parse([]byte(text))
		if err != nil {
			return nil, refuse("InvalidInput", "%s", clip(err.Error()))
		}
		policies = append(policies, p)
	}
	switch {
	case len(policies) == 0:
		return nil, refuse("ValidationError", "1 validation error detected: Value null at 'policyInputList' failed to satisfy constraint: Member must not be null")
	case len(in.ActionNames) == 0:
		return nil, refuse("ValidationError", "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must not be null")
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if len(in.ActionNames)*len(resources) > simulationsMax {
		return nil, refuse("InvalidInput", "The sandbox answers at most %d simulations in a call", simulationsMax)
	}
	context := map[string][]string{}
	for _, c := range in.ContextEntries {
		context[c.ContextKeyName] = c.ContextKeyValues
	}
	out := &simulateOutput{}
	for _, action := range in.ActionNames {
		if !strings.Contains(action, ":") {
			return nil, refuse("InvalidInput", "Invalid action name: %s", clip(action))
		}
		for _, resource := range resources {
			r := policyeval.Evaluate(policyeval.Request{Action: action, Resource: resource, Context: context}, policies...)
			out.EvaluationResults = append(out.EvaluationResults, evaluationXML{action, resource, r.Decision.String(), r.Missing})
		}
	}
	return out, nil
}
