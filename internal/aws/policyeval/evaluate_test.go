package policyeval

import (
	"fmt"
	"strings"
	"testing"
)

// statement returns a policy of one statement with a condition.
func statement(t *testing.T, effect, condition string) Policy {
	t.Helper()
	p, err := Parse(fmt.Appendf(nil, `{"Version": "2012-10-17", "Statement": {"Effect": %q, "Action": "ecs:UpdateService", "Resource": "*", "Condition": %s}}`, effect, condition))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEachOperatorAnswersAsIAMDescribesIt(t *testing.T) {
	const arn = "arn:aws:ecs:us-east-1:123456789012:cluster/prod"
	none, a, b, ab := []string(nil), []string{"a"}, []string{"b"}, []string{"a", "b"}
	for _, c := range []struct {
		condition string
		values    []string
		want      bool
	}{
		{`{"Null": {"k": "true"}}`, none, true}, {`{"Null": {"k": "true"}}`, a, false}, {`{"Null": {"k": false}}`, a, true}, {`{"Null": {"k": "false"}}`, none, false},
		{`{"StringEquals": {"k": "a"}}`, a, true}, {`{"StringEquals": {"k": "a"}}`, none, false}, {`{"StringEquals": {"K": ["b", "a"]}}`, a, true},
		{`{"StringEquals": {"k": "A"}}`, a, false}, {`{"StringEqualsIgnoreCase": {"k": "A"}}`, a, true},
		{`{"StringEqualsIfExists": {"k": "a"}}`, none, true}, {`{"StringEqualsIfExists": {"k": "a"}}`, b, false},
		{`{"StringNotEquals": {"k": "a"}}`, none, true}, {`{"StringNotEquals": {"k": "a"}}`, b, true}, {`{"StringNotEquals": {"k": ["a", "b"]}}`, b, false},
		{`{"StringLike": {"k": "a*"}}`, []string{"abc"}, true}, {`{"StringLike": {"k": "a?c"}}`, []string{"ac"}, false}, {`{"StringNotLike": {"k": "a*"}}`, b, true},
		{`{"ArnEquals": {"k": "` + arn + `"}}`, []string{arn}, true},
		{`{"ArnLike": {"k": "arn:aws:ecs:*:123456789012:cluster/*"}}`, []string{arn}, true},
		{`{"ArnLike": {"k": "arn:aws:ecs:*:cluster/prod"}}`, []string{arn}, false}, // a * stays within its part
		{`{"ArnNotLike": {"k": "arn:aws:ecs:*:123456789012:cluster/*"}}`, []string{arn}, false},
		{`{"Bool": {"k": true}}`, []string{"true"}, true}, {`{"Bool": {"k": "true"}}`, []string{"false"}, false}, {`{"BoolIfExists": {"k": "false"}}`, none, true},
		{`{"NumericLessThanEquals": {"k": 10}}`, []string{"9"}, true}, {`{"NumericGreaterThan": {"k": "10"}}`, []string{"9"}, false}, {`{"NumericEquals": {"k": "10"}}`, []string{"x"}, false},
		{`{"ForAllValues:StringEquals": {"k": ["a", "b"]}}`, ab, true}, {`{"ForAllValues:StringEquals": {"k": "a"}}`, ab, false}, {`{"ForAllValues:StringEquals": {"k": "a"}}`, none, true},
		{`{"ForAnyValue:StringEquals": {"k": "a"}}`, ab, true}, {`{"ForAnyValue:StringEquals": {"k": "a"}}`, b, false}, {`{"ForAnyValue:StringEquals": {"k": "a"}}`, none, false},
		{`{"ForAllValues:StringNotEquals": {"k": "a"}}`, ab, false}, {`{"ForAnyValue:StringNotEquals": {"k": "a"}}`, ab, true},
		{`{"StringEquals": {"k": "a"}, "Null": {"j": "true"}}`, a, true}, {`{"StringEquals": {"k": "a", "j": "a"}}`, a, false}, // all must hold
	} {
		r := Request{Action: "ecs:UpdateService", Resource: "arn:aws:ecs:us-east-1:123456789012:service/prod/api", Context: map[string][]string{}}
		if c.values != nil {
			r.Context["k"] = c.values
		}
		if got := Evaluate(r, statement(t, "Allow", c.condition)).Decision == Allowed; got != c.want {
			t.Errorf("%s with k = %v: %t, want %t", c.condition, c.values, got, c.want)
		}
	}
}

func TestADenialWinsAndTheAnswerSaysWhy(t *testing.T) {
	allow, deny := statement(t, "Allow", `{"Null": {"ecs:subnet": "true"}}`), statement(t, "Deny", `{"StringEquals": {"ecs:cluster": "c"}}`)
	r := Request{Action: "ECS:updateservice", Resource: "x"}
	if got := Evaluate(r, allow, deny); got.Decision != Allowed || len(got.Matched) != 1 || strings.Join(got.Missing, " ") != "ecs:cluster ecs:subnet" {
		t.Errorf("without a cluster: %+v", got)
	}
	r.Context = map[string][]string{"ecs:cluster": {"c"}}
	if got := Evaluate(r, allow, deny); got.Decision != ExplicitDeny || !got.Matched[0].Deny || got.Decision.String() != "explicitDeny" {
		t.Errorf("with the cluster that is denied: %+v", got)
	}
	r.Action = "ecs:DeleteService"
	if got := Evaluate(r, allow, deny); got.Decision != ImplicitDeny || got.Matched != nil || len(got.Missing) > 0 {
		t.Errorf("an action of no statement: %+v", got)
	}
}

func TestWhatIsNotEvaluatedIsRefused(t *testing.T) {
	for name, document := range map[string]string{
		"NotAction":      `{"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}`,
		"NotResource":    `{"Statement": [{"Effect": "Deny", "Action": "*", "NotResource": "x"}]}`,
		"a principal":    `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}`,
		"a variable":     `{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}]}`,
		"an operator":    `{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}`,
		"NullIfExists":   `{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"NullIfExists": {"k": "true"}}}]}`,
		"no value":       `{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Null": {"k": []}}}]}`,
		"another effect": `{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}`,
		"no resource":    `{"Statement": [{"Effect": "Allow", "Action": "*"}]}`,
		"no statement":   `{"Version": "2012-10-17"}`,
		"two documents":  `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}} {}`,
	} {
		if p, err := Parse([]byte(document)); err == nil {
			t.Errorf("%s is taken as %+v", name, p)
		}
	}
}

func TestAPatternThatCouldRunForeverEnds(t *testing.T) {
	if glob(strings.Repeat("a*", 50)+"b", strings.Repeat("a", 5000)) {
		t.Error("it fits")
	}
	for pattern, s := range map[string]string{"": "", "*": "", "a*c": "abbc", "?": "x", "*:task/prod/*": "arn:task/prod/1"} {
		if !glob(pattern, s) {
			t.Errorf("%q does not fit %q", s, pattern)
		}
	}
}
