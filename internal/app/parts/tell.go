package parts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/remote"
	"github.com/backstop-ecs/backstop/internal/aws/topic"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/measure"
	"github.com/backstop-ecs/backstop/internal/notice"
	"github.com/backstop-ecs/backstop/internal/notice/webhook"
)

const (
	// secretFor is how long a secret that was read is used before it is read again.
	secretFor = 5 * time.Minute
	// secretMax bounds a secret's file, in bytes.
	secretMax = 16 << 10
)

// Desk returns the desk that tells a configuration's receivers, or nil when there are none, or when the store keeps
// no pages.
func Desk(cfg aws.Config, f *config.File, store control.Store, tariffs *measure.Tariffs, log *slog.Logger) *notice.Desk {
	shelf, ok := store.(notice.Store)
	senders := Senders(cfg, f, log)
	if !ok || len(senders) == 0 {
		return nil
	}
	o := notice.Options{Store: shelf, Senders: senders, Log: log, Cost: func(workload string, d *failover.Decision) string {
		if p, ok := tariffs.Of(workload); ok {
			return costText(p, d)
		}
		return ""
	}}
	o.Daily = daily(f, senders, shelf, tariffs)
	return notice.New(o)
}

// Senders returns what sends to a configuration's receivers, in its order.
func Senders(cfg aws.Config, f *config.File, log *slog.Logger) (out []notice.Sender) {
	for i, n := range f.Notify {
		for _, s := range []config.Secret{n.Slack, n.Webhook, n.SigningSecret} {
			warnUnreadable(log, i, s)
		}
		switch {
		case n.SNS != "":
			out = append(out, topic.New(cfg, n.SNS))
		case !n.Slack.IsZero():
			out = append(out, webhook.NewSlack(receiver("Slack", n.Slack), secret(cfg, n.Slack)))
		case !n.Webhook.IsZero():
			var key webhook.Secret
			if !n.SigningSecret.IsZero() {
				key = secret(cfg, n.SigningSecret)
			}
			out = append(out, webhook.New(receiver("webhook", n.Webhook), secret(cfg, n.Webhook), key))
		}
	}
	return out
}

// receiver names a receiver by where its secret is kept, or by a digest of it that is too short to tell anything of it. The
// name is kept with notices that wait: by its place in the list, a list in another order would send them to others.
func receiver(kind string, s config.Secret) string {
	if scheme, name, ok := s.Reference(); ok {
		return kind + " " + scheme + ":" + name
	}
	value, _ := s.Value()
	return fmt.Sprintf("%s %.3x", kind, sha256.Sum256([]byte(value)))
}

// warnUnreadable logs a secret of the environment or of a file that is not there: better at the start than when the first
// notice is due. It is no reason not to guard.
func warnUnreadable(log *slog.Logger, i int, s config.Secret) {
	scheme, name, ok := s.Reference()
	if !ok || (scheme != config.SecretEnv && scheme != config.SecretFile) {
		return
	}
	if _, err := readHere(scheme, name); err != nil {
		log.Error("a receiver of notices gets none: its secret cannot be read", slog.String("key", fmt.Sprintf("notify[%d]", i)),
			slog.String("secret", scheme+":"+name), slog.Any(control.KeyErr, err))
	}
}

// secret returns what reads a secret when it is needed, and again some minutes later, so that one that was replaced
// is found.
func secret(cfg aws.Config, s config.Secret) webhook.Secret {
	if value, ok := s.Value(); ok {
		return func(context.Context) (string, error) { return value, nil }
	}
	var mu sync.Mutex
	var value string
	var read time.Time
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if value != "" && time.Since(read) < secretFor {
			return value, nil
		}
		got, err := readSecret(ctx, cfg, s)
		if err != nil {
			return "", err
		}
		value, read = strings.TrimSpace(got), time.Now()
		return value, nil
	}
}

func readSecret(ctx context.Context, cfg aws.Config, s config.Secret) (string, error) {
	scheme, name, _ := s.Reference()
	if scheme == config.SecretSSM {
		return remote.Parameter(ctx, cfg, name)
	}
	return readHere(scheme, name)
}

// readHere reads a secret of this machine.
func readHere(scheme, name string) (string, error) {
	switch scheme {
	case config.SecretEnv:
		if v := os.Getenv(name); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("environment variable %s is not set", name)
	case config.SecretFile:
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(io.LimitReader(f, secretMax))
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		if len(b) == 0 {
			return "", fmt.Errorf("read %s: it is empty", name)
		}
		return string(b), nil
	}
	return "", fmt.Errorf("secrets of scheme %q are not known", scheme)
}
