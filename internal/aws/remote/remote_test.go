package remote_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/backstop-ecs/backstop/internal/aws/remote"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
)

func serve(t *testing.T, h http.HandlerFunc) aws.Config {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
}

func TestAParameterIsReadDecryptedAndAPassingErrorTriedAgain(t *testing.T) {
	calls := 0
	cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" || string(body) != `{"Name":"/backstop/x","WithDecryption":true}` ||
			!strings.Contains(r.Header.Get("Authorization"), "/us-east-1/ssm/aws4_request") {
			t.Errorf("the request is %v %s", r.Header, body)
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Name":"/backstop/x","Value":"version: 1"}}`)
	})
	got, err := remote.Parameter(t.Context(), cfg, "/backstop/x")
	if err != nil || got != "version: 1" || calls != 2 {
		t.Errorf("got %q, %v in %d calls", got, err, calls)
	}
}

func TestAnObjectIsReadByItsKeyWhateverIsInIt(t *testing.T) {
	cfg := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/bucket/a%20b/c%2Bd.yaml" || !strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request") {
			t.Errorf("the request is %s %v", r.RequestURI, r.Header)
		}
		_, _ = io.WriteString(w, "body")
	})
	got, err := remote.Object(t.Context(), cfg, "bucket", "a b/c+d.yaml")
	if err != nil || string(got) != "body" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestARefusalIsClassifiedAndNotTriedAgain(t *testing.T) {
	for _, test := range []struct{ body, code string }{
		{`{"__type":"AccessDeniedException","Message":"no"}`, "AccessDenied"}, {`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`, "AccessDenied"}} {
		calls := 0
		cfg := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := remote.Object(t.Context(), cfg, "bucket", "key")
		var kinded control.KindedError
		if !errors.As(err, &kinded) || kinded.Kind() != failover.ErrDenied || !strings.Contains(kinded.Hint(), "s3:GetObject") || calls != 1 {
			t.Errorf("%s gave %v in %d calls", test.body, err, calls)
		}
	}
}

// answers is a client that is answered one after the other; the last answer stays.
type answers []struct {
	status int
	body   string
}

func (a *answers) Do(*http.Request) (*http.Response, error) {
	now := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	return &http.Response{StatusCode: now.status, Body: io.NopCloser(strings.NewReader(now.body))}, nil
}

// TestThrottlingPassesWhateverItsStatus: Systems Manager throttles with a status of 400, which must not end a cold
// start.
func TestThrottlingPassesWhateverItsStatus(t *testing.T) {
	const good = `{"Parameter":{"Value":"version: 1"}}`
	for _, test := range []struct {
		name string
		a    answers
		ok   bool
		kind failover.ErrorKind
	}{
		{"Systems Manager's", answers{{400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`}, {200, good}}, true, ""},
		{"three times", answers{{400, `{"__type":"ThrottlingException"}`}, {400, `{"__type":"ThrottlingException"}`}, {400, `{"__type":"ThrottlingException"}`}, {200, good}}, true, ""},
		{"with a namespace", answers{{400, `{"__type":"com.amazonaws.ssm#RequestLimitExceeded"}`}, {200, good}}, true, ""},
		{"S3's", answers{{503, `<Error><Code>SlowDown</Code></Error>`}, {400, `<Error><Code>RequestTimeout</Code></Error>`}, {200, good}}, true, ""},
		{"without end", answers{{400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`}}, false, failover.ErrThrottled},
		{"no throttling", answers{{400, `{"__type":"ParameterNotFound"}`}, {200, good}}, false, failover.ErrUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := aws.Config{Region: "us-east-1", HTTPClient: &test.a, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
				got, err := remote.Parameter(t.Context(), cfg, "/backstop/x")
				var kinded control.KindedError
				switch {
				case test.ok && (err != nil || got != "version: 1"):
					t.Errorf("got %q, %v", got, err)
				case !test.ok && (!errors.As(err, &kinded) || kinded.Kind() != test.kind):
					t.Errorf("got %v, want an error of kind %s", err, test.kind)
				}
			})
		})
	}
}
