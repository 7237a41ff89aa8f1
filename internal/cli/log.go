package cli

import (
	"log/slog"
	"time"

	"github.com/backstop-ecs/backstop/internal/control"
)

// newLog returns a logger to stderr: text for a person, JSON for everything else.
func newLog(s IO, quiet bool, level slog.Level) *slog.Logger {
	switch opts := (&slog.HandlerOptions{Level: level, ReplaceAttr: control.LogAttr}); {
	case quiet:
		return slog.New(slog.DiscardHandler)
	case s.ErrTerminal:
		return slog.New(slog.NewTextHandler(s.Err, opts))
	default:
		return slog.New(slog.NewJSONHandler(s.Err, opts))
	}
}

// scaled divides a duration by a sandbox's speed.
func scaled(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}
