package cli

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// slowAWS answers the first calls after a while, and the rest never.
type slowAWS struct {
	answers []string
	after   time.Duration
}

// Do implements aws.HTTPClient.
func (a *slowAWS) Do(r *http.Request) (*http.Response, error) {
	if len(a.answers) == 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body := a.answers[0]
	a.answers = a.answers[1:]
	time.Sleep(a.after) //nolint:forbidigo // of the bubble
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// TestReadingServicesIsGivenUpWhenAWSDoesNotAnswer: after a minute without an answer, however long the whole has taken.
func TestReadingServicesIsGivenUpWhenAWSDoesNotAnswer(t *testing.T) {
	page := `{"clusterArns":["arn:aws:ecs:us-east-1:123456789012:cluster/prod"],"nextToken":"more"}`
	for _, c := range []struct {
		name    string
		answers []string
		want    time.Duration
	}{
		{"it never answers", nil, time.Minute},
		{"it answers slowly, and then no more", []string{page, page, page}, 3*50*time.Second + time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: &slowAWS{c.answers, 50 * time.Second}}
				_, err := findServices(t.Context(), cfg, "")
				var says interface{ Hint() string }
				if !errors.Is(err, errNoAnswer) || !errors.As(err, &says) || !strings.Contains(err.Error(), "us-east-1: AWS has not answered for 1m") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begun); took < c.want || took > c.want+time.Second {
					t.Errorf("it took %s, want %s", took, c.want)
				}
			})
		})
	}
}
