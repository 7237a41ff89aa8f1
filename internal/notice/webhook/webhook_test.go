package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/hookurl"
	"github.com/backstop-ecs/backstop/internal/notice"
)

func literal(s string) Secret { return func(context.Context) (string, error) { return s, nil } }

var message = notice.Message{Version: 1, ID: "ntc_1", Kind: notice.OnDemandShort, Status: notice.Opened, Severity: failover.Critical, Workload: "api",
	At: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Title: "on-demand is short too", What: []string{"standard misses 3 of 5 <!channel> & more"}}

func TestASignedRequestIsVerifiedByAnImplementationOfTheScheme(t *testing.T) {
	key := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	verify, err := standard.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	var bodies [][]byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verify.Verify(body, r.Header); err != nil {
			t.Errorf("the signature is refused: %v", err)
		}
		bodies = append(bodies, body)
	}))
	defer s.Close()
	hook := New("hook", literal(s.URL+"/secret-path"), literal(key))
	if err := hook.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	var got notice.Message
	if err := json.Unmarshal(bodies[0], &got); err != nil || got.ID != message.ID || got.Kind != notice.OnDemandShort {
		t.Errorf("the body is %s, %v", bodies[0], err)
	}
	if err := New("hook", literal(s.URL), literal("short")).Send(t.Context(), message); err == nil || strings.Contains(err.Error(), "short\"") {
		t.Errorf("a key that is too short gave %v", err)
	}
}

func TestSlackGetsTextThatCannotMentionAnybody(t *testing.T) {
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}))
	defer s.Close()
	if err := NewSlack("slack", literal(s.URL)).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	var post struct {
		Text        string
		Attachments []struct {
			Blocks []struct{ Text struct{ Text string } }
		}
	}
	if err := json.Unmarshal([]byte(body), &post); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if !strings.Contains(post.Text, "on-demand is short too") || strings.Contains(post.Attachments[0].Blocks[1].Text.Text, "<!channel>") ||
		!strings.Contains(post.Attachments[0].Blocks[1].Text.Text, "&lt;!channel&gt; &amp; more") {
		t.Errorf("the post is %s", body)
	}
}

// TestANameThatLeadsHomeIsRefused calls this machine by an https URL whose host is not a loopback name in so many
// words: localhost resolves to it, with a dot at the end.
func TestANameThatLeadsHomeIsRefused(t *testing.T) {
	called := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	err := New("hook", literal("https://localhost.:"+port+"/x"), nil).Send(t.Context(), message)
	if err == nil || called {
		t.Fatalf("it was called: %v, %v", called, err)
	}
	if !errors.Is(err, hookurl.ErrAddress) && !strings.Contains(err.Error(), "resolved") {
		t.Errorf("the error is %v, want that the address is refused", err)
	}
}

func TestNoErrorNamesTheURL(t *testing.T) {
	redirect := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/meta-data", http.StatusFound))
	defer redirect.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then a server sees that the caller has gone
		<-r.Context().Done()
	}))
	defer slow.Close()
	for _, test := range []struct{ name, url, want string }{
		{"a redirect", redirect.URL + "/T0KEN", "status 302"},
		{"nobody there", gone.URL + "/T0KEN", "refused"},
		{"no answer", slow.URL + "/T0KEN", "in time"},
		{"no such name", "https://t0ken.invalid/T0KEN", ""},
		{"plain http elsewhere", "http://hooks.example.com/T0KEN", "must begin with https"},
		{"credentials in it", "https://T0KEN:x@hooks.example.com/", "not one that can be called"},
		{"no URL", "T0KEN\x7f://", "not one that can be called"},
		{"metadata", "https://169.254.169.254/T0KEN", "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			for _, s := range []notice.Sender{New("hook", literal(test.url), nil), NewSlack("slack", literal(test.url))} {
				err := s.Send(ctx, message)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want %q", err, test.want)
				}
				if strings.Contains(strings.ToLower(err.Error()), "t0ken") {
					t.Errorf("the error shows the URL: %v", err)
				}
			}
		})
	}
}
