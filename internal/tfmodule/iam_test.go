package tfmodule

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string
}

func policy(t *testing.T, name string) []statement {
	t.Helper()
	var p struct{ Statement []statement }
	if err := json.Unmarshal(readFile(t, testdata+"/"+name), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Statement) == 0 {
		t.Fatalf("%s has no statements", name)
	}
	return p.Statement
}

func actions(statements []statement) map[string]bool {
	all := make(map[string]bool)
	for _, s := range statements {
		for _, a := range s.Action {
			all[a] = true
		}
	}
	return all
}

// withoutResource are the actions that AWS lets nobody restrict by resource.
var withoutResource = map[string]string{
	"ecs:ListTasks":                                   "held to the clusters by a condition, as in AWS's own examples",
	"ecs:DescribeTaskDefinition":                      "task definitions do not support resource-level permissions",
	"application-autoscaling:DescribeScalableTargets": "has no resource type",
	"elasticloadbalancing:DescribeListeners":          "describing has no resource type",
	"elasticloadbalancing:DescribeRules":              "describing has no resource type",
	"elasticloadbalancing:DescribeTargetGroups":       "describing has no resource type",
	"elasticloadbalancing:DescribeTargetHealth":       "describing has no resource type",
}

func TestEveryStatementNamesItsResources(t *testing.T) {
	for _, s := range slices.Concat(policy(t, "policy.json"), policy(t, "policy_observe.json")) {
		for _, a := range s.Action {
			if strings.Contains(a, "*") {
				t.Errorf("%s: the action %s is not exact", s.Sid, a)
			}
			if _, known := withoutResource[a]; !known && slices.Contains(s.Resource, "*") {
				t.Errorf("%s: %s on every resource", s.Sid, a)
			}
		}
		for _, r := range s.Resource {
			if r != "*" && strings.Count(r, "*") > 0 && !regexp.MustCompile(`(:task/[^*]+/\*|:task-definition/[^*]+:\*|:log-group:[^*]+:\*)$`).MatchString(r) && s.Sid != "ReadDeployments" {
				t.Errorf("%s: %s leaves more open than AWS makes it", s.Sid, r)
			}
		}
		if slices.Contains(s.Action, "ecs:TagResource") && !slices.Equal(s.Condition["StringEquals"]["ecs:CreateAction"], []string{"RunTask"}) && !slices.Equal(s.Condition["ForAllValues:StringEquals"]["aws:TagKeys"], []string{"backstop:demand"}) {
			t.Error("ecs:TagResource is not held to the one tag that is Backstop's")
		}
		if slices.Contains(s.Action, "ecs:ListTasks") && len(s.Condition["ArnEquals"]["ecs:cluster"]) == 0 {
			t.Error("ecs:ListTasks without the condition on the cluster lists every task of the account")
		}
	}
}

func TestObservingHasNoActionThatChangesAnything(t *testing.T) {
	var acting []string
	for a := range actions(policy(t, "policy_observe.json")) {
		switch service, verb, _ := strings.Cut(a, ":"); {
		case service == "dynamodb", service == "sqs", service == "sns", service == "logs", service == "kms", service == "ssm": // its own things
		case strings.HasPrefix(verb, "Describe"), strings.HasPrefix(verb, "List"), strings.HasPrefix(verb, "Get"):
		default:
			acting = append(acting, a)
		}
	}
	if len(acting) > 0 {
		t.Errorf("the role of an observing function may %v", acting)
	}
}

// notCalledByName are permissions that no line of ours calls for by name, each with who needs it.
var notCalledByName = map[string]string{
	"iam:PassRole":           "ECS asks for it when a service's task definition is changed, and when a task is started",
	"kms:Decrypt":            "SNS and SSM, on the function's behalf",
	"kms:GenerateDataKey":    "SNS, on the function's behalf",
	"logs:CreateLogStream":   "the Lambda runtime",
	"logs:PutLogEvents":      "the Lambda runtime",
	"sqs:DeleteMessage":      "Lambda's event source mapping",
	"sqs:GetQueueAttributes": "Lambda's event source mapping",
	"sqs:ReceiveMessage":     "Lambda's event source mapping",
	"sts:AssumeRole":         "the SDK, for pools with a role_arn",
	"sts:TagSession":         "the SDK, for pools with session_tags",
}

// notForTheFunction are calls that the function never makes.
var notForTheFunction = map[string]string{
	"dynamodb:Scan":        "only `backstop history` without a workload reads the whole table, with its user's own rights",
	"dynamodb:CreateTable": "tests",
	"sqs:SendMessage":      "tests",
}

// callsInCode finds the AWS calls that the adapters make: SDK methods on a client, paginators and the names that errors
// carry.
func callsInCode(t *testing.T) map[string]bool {
	t.Helper()
	patterns := map[string]*regexp.Regexp{
		"ecs":                     regexp.MustCompile(`\.ecs\.([A-Z][a-z]+[A-Za-z]+)\(`),
		"application-autoscaling": regexp.MustCompile(`\.scaling\.([A-Z][a-z]+[A-Za-z]+)\(`),
		"elasticloadbalancing":    regexp.MustCompile(`\.elb\.([A-Z][a-z]+[A-Za-z]+)\(`),
		"dynamodb":                regexp.MustCompile(`dynamodb\.(?:New)?([A-Z][a-z]+[A-Za-z]*?)(?:Input\{|Paginator\()`),
	}
	named := regexp.MustCompile(`Wrap\("((?:ecs|application-autoscaling|elasticloadbalancing|ssm|s3|sqs|sns):[A-Z][A-Za-z]+)"`)
	calls := make(map[string]bool)
	err := filepath.WalkDir("../aws", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for service, p := range patterns {
			for _, m := range p.FindAllSubmatch(text, -1) {
				calls[service+":"+string(m[1])] = true
			}
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			calls[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls["dynamodb:TransactWriteItems"] { // authorised as what it is made of; the store's are puts
		delete(calls, "dynamodb:TransactWriteItems")
		calls["dynamodb:PutItem"] = true
	}
	return calls
}

func TestThePolicyIsWhatTheCodeCalls(t *testing.T) {
	calls, allowed := callsInCode(t), actions(policy(t, "policy.json"))
	allowed["s3:GetObject"] = true // only with a configuration in S3, which the fixture has not
	for _, c := range slices.Sorted(maps.Keys(calls)) {
		if _, other := notForTheFunction[c]; !allowed[c] && !other {
			t.Errorf("the code calls %s, which terraform/iam.tf does not allow", c)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(allowed)) {
		if _, other := notCalledByName[a]; !calls[a] && !other {
			t.Errorf("terraform/iam.tf allows %s, which nothing calls", a)
		}
	}
}

func TestEveryActionIsExplainedInTheDocs(t *testing.T) {
	doc := string(readFile(t, "../../docs/iam.md"))
	explained := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+:[A-Za-z]+)` \\|").FindAllStringSubmatch(doc, -1) {
		explained[m[1]] = true
	}
	allowed := actions(policy(t, "policy.json"))
	allowed["s3:GetObject"] = true
	if !maps.Equal(explained, allowed) {
		t.Errorf("docs/iam.md explains\n%v, the policy has\n%v", slices.Sorted(maps.Keys(explained)), slices.Sorted(maps.Keys(allowed)))
	}
}
