package policysim_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/backstop-ecs/backstop/internal/aws/policysim"
	"github.com/backstop-ecs/backstop/internal/sandbox"
)

const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:TagResource", "Resource": "arn:aws:ecs:*:*:service/prod/api", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["backstop:demand"]}}}]}`

func TestWhatAPolicyDoesNotAllowIsNamed(t *testing.T) {
	box := sandbox.New(sandbox.Options{Manual: true})
	cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: box, BaseEndpoint: aws.String("http://sandbox.localhost")}
	api, web := "arn:aws:ecs:eu-west-1:123456789012:service/prod/api", "arn:aws:ecs:eu-west-1:123456789012:service/prod/web"
	for _, c := range []struct {
		tag  string
		want []string
	}{{"backstop:demand", []string{web}}, {"owner", []string{api, web}}} {
		got, err := policysim.Refused(t.Context(), cfg, policysim.Input{Policies: []string{policy}, Action: "ecs:TagResource", Resources: []string{api, web}, Context: map[string][]string{"aws:TagKeys": {c.tag}}})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.tag, got, err, c.want)
		}
	}
	_, err := policysim.Refused(t.Context(), cfg, policysim.Input{Policies: []string{"{"}, Action: "ecs:TagResource", Resources: []string{api}})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidInput" {
		t.Errorf("a policy that is none: %v", err)
	}
}
