// Package policysim asks IAM what policies would allow (iam:SimulateCustomPolicy). The SDK's package for IAM would add a tenth to the program for
// this one call; the SDK signs it all the same.
package policysim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// Input is what is asked: whether the policies, documents in JSON, allow an action on each of at most 50 resources with a context. A value of several
// strings is a list.
type Input struct {
	Policies  []string
	Action    string
	Resources []string
	Context   map[string][]string
}

// answerMax bounds an answer, in bytes: fifty answers with the statements that matched are some 50 KB.
const answerMax = 4 << 20

type answer struct {
	Results []struct {
		Resource string `xml:"EvalResourceName"`
		Decision string `xml:"EvalDecision"`
	} `xml:"SimulateCustomPolicyResult>EvaluationResults>member"`
	Truncated bool `xml:"SimulateCustomPolicyResult>IsTruncated"`
}

type refusal struct {
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
}

// Refused returns the resources on which the policies do not allow the action. Errors: what AWS refuses is a smithy.APIError; an answer that is not
// complete is an error.
func Refused(ctx context.Context, cfg aws.Config, in Input) ([]string, error) {
	r, err := request(ctx, cfg, in)
	if err != nil {
		return nil, fmt.Errorf("ask IAM: %w", err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	got, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask IAM: %w", err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, answerMax))
	if err != nil {
		return nil, fmt.Errorf("read IAM's answer: %w", err)
	}
	if got.StatusCode != http.StatusOK {
		var no refusal
		if xml.Unmarshal(body, &no) != nil || no.Code == "" {
			return nil, fmt.Errorf("ask IAM: it answered %s", got.Status)
		}
		return nil, &smithy.GenericAPIError{Code: no.Code, Message: no.Message, Fault: smithy.FaultClient}
	}
	var out answer
	if err := xml.Unmarshal(body, &out); err != nil {
		return nil, fmt.Errorf("read IAM's answer: %w", err)
	}
	if out.Truncated || len(out.Results) != len(in.Resources) {
		return nil, fmt.Errorf("read IAM's answer: it is about %d of %d resources", len(out.Results), len(in.Resources))
	}
	var refused []string
	for _, one := range out.Results {
		if one.Decision != "allowed" {
			refused = append(refused, one.Resource)
		}
	}
	return refused, nil
}

// request is the signed call.
func request(ctx context.Context, cfg aws.Config, in Input) (*http.Request, error) {
	form := url.Values{"Action": {"SimulateCustomPolicy"}, "Version": {"2010-05-08"}, "ActionNames.member.1": {in.Action}}
	for i, p := range in.Policies {
		form.Set(fmt.Sprintf("PolicyInputList.member.%d", i+1), p)
	}
	for i, r := range in.Resources {
		form.Set(fmt.Sprintf("ResourceArns.member.%d", i+1), r)
	}
	for i, key := range slices.Sorted(maps.Keys(in.Context)) {
		prefix := fmt.Sprintf("ContextEntries.member.%d.", i+1)
		form.Set(prefix+"ContextKeyName", key)
		form.Set(prefix+"ContextKeyType", "string")
		if key == "aws:TagKeys" || len(in.Context[key]) > 1 {
			form.Set(prefix+"ContextKeyType", "stringList")
		}
		for k, value := range in.Context[key] {
			form.Set(fmt.Sprintf("%sContextKeyValues.member.%d", prefix, k+1), value)
		}
	}
	at, region := endpoint(cfg)
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(body))
	return r, v4.NewSigner().SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "iam", region, time.Now())
}

// endpoint is IAM's in the partition of a region, and the region that calls are signed for.
func endpoint(cfg aws.Config) (at, region string) {
	at, region = "https://iam.amazonaws.com/", "us-east-1"
	switch {
	case strings.HasPrefix(cfg.Region, "cn-"):
		at, region = "https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"
	case strings.HasPrefix(cfg.Region, "us-gov-"):
		at, region = "https://iam.us-gov.amazonaws.com/", "us-gov-west-1"
	}
	if cfg.BaseEndpoint != nil {
		at = *cfg.BaseEndpoint
	}
	return at, region
}
