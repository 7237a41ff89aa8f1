package sandbox

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestPoliciesAreSimulatedWithResourcesAndConditions(t *testing.T) {
	s := New(Options{Manual: true})
	c := iam.NewFromConfig(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: s, BaseEndpoint: aws.String("http://sandbox.localhost")})
	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:ListTasks", "Resource": "*", "Condition": {"ArnEquals": {"ecs:cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod"}}},
		{"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": "arn:aws:ecs:*:*:service/prod/api-*"}]}`
	ask := func(action, resource, cluster string) (types.PolicyEvaluationDecisionType, []string) {
		t.Helper()
		in := &iam.SimulateCustomPolicyInput{PolicyInputList: []string{policy}, ActionNames: []string{action}, ResourceArns: []string{resource}}
		if cluster != "" {
			in.ContextEntries = []types.ContextEntry{{ContextKeyName: aws.String("ecs:cluster"), ContextKeyType: types.ContextKeyTypeEnumString, ContextKeyValues: []string{"arn:aws:ecs:eu-west-1:123456789012:cluster/" + cluster}}}
		}
		out, err := c.SimulateCustomPolicy(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.EvaluationResults) != 1 || aws.ToString(out.EvaluationResults[0].EvalActionName) != action || out.IsTruncated {
			t.Fatalf("%+v", out)
		}
		return out.EvaluationResults[0].EvalDecision, out.EvaluationResults[0].MissingContextValues
	}
	for _, c := range []struct {
		action, resource, cluster string
		want                      types.PolicyEvaluationDecisionType
	}{
		{"ecs:ListTasks", "*", "prod", types.PolicyEvaluationDecisionTypeAllowed},
		{"ecs:ListTasks", "*", "other", types.PolicyEvaluationDecisionTypeImplicitDeny},
		{"ecs:ListTasks", "*", "", types.PolicyEvaluationDecisionTypeImplicitDeny},
		{"ecs:UpdateService", "arn:aws:ecs:eu-west-1:123456789012:service/prod/api-spot", "", types.PolicyEvaluationDecisionTypeAllowed},
		{"ecs:UpdateService", "arn:aws:ecs:eu-west-1:123456789012:service/prod/web", "", types.PolicyEvaluationDecisionTypeImplicitDeny},
	} {
		got, missing := ask(c.action, c.resource, c.cluster)
		if got != c.want || c.action == "ecs:ListTasks" && c.cluster == "" && len(missing) != 1 {
			t.Errorf("%s on %s with cluster %q: %s (%v), want %s", c.action, c.resource, c.cluster, got, missing, c.want)
		}
	}
	if _, err := c.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{PolicyInputList: []string{"{"}, ActionNames: []string{"ecs:ListTasks"}}); err == nil {
		t.Error("a policy that is none is taken")
	}
}
