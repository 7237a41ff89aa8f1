package role

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// asked answers AssumeRole and keeps what was asked.
type asked struct{ forms []url.Values }

func (s *asked) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.forms = append(s.forms, form)
	rec := httptest.NewRecorder()
	_, _ = io.WriteString(rec, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	return rec.Result(), nil
}

// TestARoleIsAssumedAsItsTrustPolicyAsks assumes one role with an external ID and session tags, and one without, by one configuration.
func TestARoleIsAssumedAsItsTrustPolicyAsks(t *testing.T) {
	const asks, plain = "arn:aws:iam::210987654321:role/asks", "arn:aws:iam::210987654321:role/plain"
	s := &asked{}
	cfg := With(aws.Config{Region: "us-east-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")},
		map[string]Trust{asks: {ExternalID: "f2c1", Tags: map[string]string{"team": "shop", "stage": "live"}}})
	for _, arn := range []string{asks, plain} {
		if c, err := At(cfg, "eu-west-1", arn, Session).Credentials.Retrieve(t.Context()); err != nil || c.AccessKeyID != "ASIA" {
			t.Fatalf("%s: %+v, %v", arn, c, err)
		}
	}
	if got := s.forms[0]; got.Get("ExternalId") != "f2c1" || got.Get("Tags.member.1.Key")+got.Get("Tags.member.1.Value")+got.Get("Tags.member.2.Key") != "stageliveteam" || got.Get("RoleSessionName") != Session {
		t.Errorf("the role that asks for them is assumed by %v", got)
	}
	if text := s.forms[1].Encode(); strings.Contains(text, "ExternalId") || strings.Contains(text, "Tags") {
		t.Errorf("the other by %v", text)
	}
	if len(With(cfg, nil).ConfigSources) != len(cfg.ConfigSources) {
		t.Error("what was said before is not replaced")
	}
}
