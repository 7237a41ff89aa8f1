package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/backstop-ecs/backstop/internal/control"
)

// watched is an exporter that logs the beginning and the end of a time in which the collector takes nothing, once
// each, instead of every batch.
type watched struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	down atomic.Bool
	lost atomic.Int64
}

// ExportSpans sends spans. What cannot be sent is lost, and no error: nobody could do anything about it.
func (w *watched) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := w.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil:
		lost := w.lost.Add(int64(len(spans)))
		if w.down.CompareAndSwap(false, true) {
			w.log.LogAttrs(ctx, slog.LevelWarn, "the collector takes no traces; they are dropped until it does", slog.Int64(control.KeyDropped, lost), slog.Any(control.KeyErr, err))
		}
	case w.down.CompareAndSwap(true, false):
		w.log.LogAttrs(ctx, slog.LevelInfo, "the collector takes traces again", slog.Int64(control.KeyDropped, w.lost.Swap(0)))
	}
	return nil
}
