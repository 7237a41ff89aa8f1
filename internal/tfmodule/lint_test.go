package tfmodule

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/racetest"
)

// TestALinterKnowsThePoliciesAndPatterns puts the rendered policies and patterns into a CloudFormation template and asks
// cfn-lint, which knows every action of AWS and was not written here.
func TestALinterKnowsThePoliciesAndPatterns(t *testing.T) {
	if testing.Short() || racetest.Enabled {
		t.Skip("starts a slow program, which the race detector does not watch")
	}
	linter, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("SKIPPED: no cfn-lint here; the second opinion on the policies is missing")
	}
	assume := json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	resources := map[string]any{}
	for name, file := range map[string]string{"Acting": "policy.json", "Observing": "policy_observe.json"} {
		resources[name] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{"AssumeRolePolicyDocument": assume,
			"Policies": []any{map[string]any{"PolicyName": "backstop", "PolicyDocument": json.RawMessage(readFile(t, testdata+"/"+file))}}}}
	}
	all := rules(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		resources["Rule"+strconv.Itoa(i)] = map[string]any{"Type": "AWS::Events::Rule", "Properties": map[string]any{"EventPattern": all[name],
			"Targets": []any{map[string]string{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:backstop"}}}}
	}
	lint := func(change func(string) string) (string, error) {
		body, err := json.Marshal(map[string]any{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "template.json")
		if err := os.WriteFile(path, []byte(change(string(body))), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), linter, path).CombinedOutput()
		return string(out), err
	}
	if out, err := lint(func(s string) string { return s }); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := lint(func(s string) string { return strings.ReplaceAll(s, "ecs:UpdateService", "ecs:UpdateServices") }); err == nil || !strings.Contains(strings.ToLower(out), "updateservices") {
		t.Errorf("an action that does not exist passed (%v), so this test proves nothing: %s", err, out)
	}
}
