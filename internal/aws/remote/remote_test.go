package remote_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
