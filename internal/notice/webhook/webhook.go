package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/hookurl"
	"github.com/backstop-ecs/backstop/internal/notice"
)

const (
	// drainMax is how much of an answer is read, so that the connection can be used again.
	drainMax = 64 << 10
	// keyMin is the least length of a signing key, in bytes, by the scheme.
	keyMin = 24
	// slackMax is how long a section of Slack's may be.
	slackMax = 2900
)

// Secret returns a value that must not be shown, when it is needed: it may have to be read from elsewhere.
type Secret func(ctx context.Context) (string, error)

// sender is what both kinds of webhook share.
type sender struct {
	name   string
	url    Secret
	strict *http.Client
	local  *http.Client
}

func newSender(name string, url Secret) sender {
	return sender{name: name, url: url, strict: newClient(false), local: newClient(true)}
}

// Name returns the name it was made with.
func (s *sender) Name() string { return s.name }

func (s *sender) post(ctx context.Context, body []byte, header http.Header) error {
	raw, err := s.url(ctx)
	if err != nil {
		return fmt.Errorf("read URL of %s: %w", s.name, err)
	}
	u, local, err := hookurl.Parse(raw)
	if err != nil {
		return fmt.Errorf("send to %s: %w", s.name, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send to %s: the URL is not one that can be called", s.name)
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "backstop")
	client := s.strict
	if local {
		client = s.local
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("send to %s: %w", s.name, mute(err))
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, drainMax)) // what it says is nobody's business
	if answer.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("send to %s: it answers with status %d", s.name, answer.StatusCode)
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return &notice.RefusedError{Err: err, Do: "the URL is revoked, wrong or of another kind: make a new one, and put it where the configuration says"}
	}
	return err
}

// Hook is a generic webhook.
type Hook struct {
	sender
	key Secret
	now func() time.Time
}

var _ notice.Sender = (*Hook)(nil)

// New returns a sender that posts the message's JSON to a URL. key, if not nil, signs requests: it is whsec_ and base64, or
// any text of at least 24 bytes.
func New(name string, url, key Secret) *Hook {
	return &Hook{sender: newSender(name, url), key: key, now: time.Now}
}

// Send posts a message once. Receivers tell repetitions by the header webhook-id.
func (h *Hook) Send(ctx context.Context, m notice.Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send to %s: %w", h.name, err)
	}
	at := strconv.FormatInt(h.now().Unix(), 10)
	header := http.Header{"Webhook-Id": {m.ID}, "Webhook-Timestamp": {at}}
	if h.key != nil {
		text, err := h.key(ctx)
		if err != nil {
			return fmt.Errorf("read signing key of %s: %w", h.name, err)
		}
		signature, err := sign(text, m.ID, at, body)
		if err != nil {
			return fmt.Errorf("sign for %s: %w", h.name, err)
		}
		header.Set("Webhook-Signature", signature)
	}
	return h.post(ctx, body, header)
}

// sign makes a signature of the Standard Webhooks scheme.
func sign(key, id, at string, body []byte) (string, error) {
	key = strings.TrimSpace(key)
	raw := []byte(key)
	if text, ok := strings.CutPrefix(key, "whsec_"); ok {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(text); err != nil {
			return "", errors.New("the key after whsec_ is not base64")
		}
	}
	if len(raw) < keyMin {
		return "", fmt.Errorf("the key has fewer than %d bytes", keyMin)
	}
	mac := hmac.New(sha256.New, raw)
	_, _ = fmt.Fprintf(mac, "%s.%s.", id, at) // a hash does not fail
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// Slack is an incoming webhook of Slack.
type Slack struct{ sender }

var _ notice.Sender = (*Slack)(nil)

// NewSlack returns a sender to an incoming webhook of Slack.
func NewSlack(name string, url Secret) *Slack { return &Slack{newSender(name, url)} }

var colours = map[failover.Severity]string{failover.Critical: "#d62728", failover.Warning: "#ff9f1c", failover.Info: "#2ca02c"}

// Send posts a message once.
func (s *Slack) Send(ctx context.Context, m notice.Message) error {
	text := func(kind, t string) map[string]any { return map[string]any{"type": kind, "text": t} }
	body := escape(m.Text())
	if len(body) > slackMax {
		body = strings.ToValidUTF8(body[:slackMax], "") + "..."
	}
	colour := colours[m.Severity]
	if m.Status == notice.Resolved {
		colour = colours[failover.Info]
	}
	post, err := json.Marshal(map[string]any{
		"text": escape(m.Subject()), // what notifications and screen readers say
		"attachments": []any{map[string]any{"color": colour, "blocks": []any{
			map[string]any{"type": "section", "text": text("mrkdwn", "*"+escape(m.Subject())+"*")},
			map[string]any{"type": "section", "text": text("mrkdwn", body)},
		}}},
	})
	if err != nil {
		return fmt.Errorf("send to %s: %w", s.name, err)
	}
	return s.post(ctx, post)
}

// post refuses what is Slack's and no incoming webhook: it would answer 400 to each notice.
func (s *Slack) post(ctx context.Context, body []byte) error {
	raw, err := s.url(ctx)
	if err == nil && hookurl.OtherSlack(raw) {
		return &notice.RefusedError{Err: fmt.Errorf("send to %s: it is no incoming webhook of Slack", s.name),
			Do: "a workflow's URL takes other JSON: make an incoming webhook (https://hooks.slack.com/services/...)"}
	}
	return s.sender.post(ctx, body, http.Header{})
}

// escape keeps text from being read as Slack's mentions and links.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
