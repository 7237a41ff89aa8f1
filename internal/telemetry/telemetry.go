// Package telemetry sends passes as OpenTelemetry traces to a collector, over OTLP/HTTP, when the environment's
// standard variables (OTEL_EXPORTER_OTLP_ENDPOINT and its like) say where.
//
// A span is made of a report when the pass is over, so a pass neither knows of it nor waits for it. What the
// collector does not take in time is dropped. The package is the daemon's; the function does not link it.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/backstop-ecs/backstop/internal/control"
)

const (
	// graceDefault is how long the last spans are waited for when the daemon is told to stop.
	graceDefault = 2 * time.Second
	// A batch that the collector does not take is tried again for a while; then it is dropped and said.
	retryFirst = time.Second
	retryMax   = 5 * time.Second
	retryFor   = 20 * time.Second
)

// Options say how traces are sent. The rest is read from the process's environment by OpenTelemetry's own code.
type Options struct {
	// Env reads the environment, to say whether traces are wanted at all.
	Env func(name string) string
	// Version is the service.version of the spans.
	Version string
	Log     *slog.Logger
	// Grace is how long Close waits for the last spans; 0: two seconds.
	Grace time.Duration
}

// Traces sends passes. A nil *Traces sends nothing.
type Traces struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
	log      *slog.Logger
	grace    time.Duration
}

// endpoint returns where the environment wants traces sent, or "".
func endpoint(env func(string) string) string {
	if env("OTEL_SDK_DISABLED") == "true" || env("OTEL_TRACES_EXPORTER") == "none" {
		return ""
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if v := env(name); v != "" {
			return v
		}
	}
	return ""
}

// check returns what is wrong with the environment's wish; OpenTelemetry's own code would send to its default instead.
func check(env func(string) string, to string) error {
	if u, err := url.Parse(to); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("send traces to %q: it must be a URL such as http://127.0.0.1:4318", to)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch v := env(name); v {
		case "", "http/protobuf", "http/json":
		default:
			return fmt.Errorf("send traces: %s=%s is not spoken here; http/protobuf and http/json are (collectors listen for them on port 4318)", name, v)
		}
	}
	if v := env("OTEL_TRACES_EXPORTER"); v != "" && v != "otlp" {
		return fmt.Errorf("send traces: OTEL_TRACES_EXPORTER=%s is not known here; otlp and none are", v)
	}
	return nil
}

// Open returns what sends traces, or nil when the environment names no collector. It does not call the collector.
func Open(ctx context.Context, o Options) (*Traces, error) {
	to := endpoint(o.Env)
	if to == "" {
		return nil, nil
	}
	if err := check(o.Env, to); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace <= 0 {
		o.Grace = graceDefault
	}
	otel.SetLogger(logr.FromSlogHandler(o.Log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		o.Log.LogAttrs(ctx, slog.LevelWarn, "traces: OpenTelemetry reports", slog.Any(control.KeyErr, err))
	}))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryFirst, MaxInterval: retryMax, MaxElapsedTime: retryFor}))
	if err != nil {
		return nil, fmt.Errorf("send traces to %s: %w", to, err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "backstop"), attribute.String("service.version", o.Version)), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, errors.Join(fmt.Errorf("describe this process for traces: %w", err), exporter.Shutdown(ctx))
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(&watched{SpanExporter: exporter, log: o.Log}))
	o.Log.LogAttrs(ctx, slog.LevelInfo, "passes are sent as traces", slog.String("endpoint", shown(to)))
	return &Traces{tracer: provider.Tracer("github.com/backstop-ecs/backstop"), provider: provider, log: o.Log, grace: o.Grace}, nil
}

// shown is an endpoint for the log, without what may be secret in it.
func shown(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// Close sends what is left, within the grace.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.grace)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.LogAttrs(ctx, slog.LevelWarn, "the last traces were not sent", slog.Any(control.KeyErr, err))
	}
}
