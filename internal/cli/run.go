package cli

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/backstop-ecs/backstop/internal/app"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/telemetry"
)

type runOptions struct {
	path  string
	log   string
	speed float64
	http  string
}

func newRunCommand(s IO) *cobra.Command { return newRun(s, runDaemon) }

func newRun(s IO, run func(context.Context, IO, runOptions) error) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Guard the configured workloads until told to stop",
		Long: "Run is the daemon: it looks at every workload once a tick and at once when an event, or an operator's command, concerns it. SIGTERM and Ctrl-C " +
			"end it after the pass in flight; it may be killed at any point, the next start heals. It logs to stderr: JSON, or text on a terminal. " +
			"It serves the dashboard, /metrics, /healthz and /readyz on http.listen of the configuration; orders need the token in $" + dashboardTokenEnv + ". " +
			"With OTEL_EXPORTER_OTLP_ENDPOINT it sends every pass as an OpenTelemetry trace (docs/metrics.md). " +
			"Endpoint, region and credentials are the AWS SDK's own (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, ...).",
		Example: "backstop run --config backstop.yaml",
		Args:    atMost(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(o.speed > 0 && o.speed <= speedMax) {
				return usageError("--sandbox-speed %v: must be above 0 and at most %g", o.speed, float64(speedMax))
			}
			if o.http != "" && o.http != "off" {
				if err := checkPages(s, o.http, false); err != nil {
					return err
				}
			}
			return run(cmd.Context(), s, o)
		},
	}
	configFlag(cmd, s, &o.path)
	choiceFlag(cmd, &o.log, "log", "", "info", []string{"debug", "info", "warn", "error"}, "the least level to log")
	cmd.Flags().Float64Var(&o.speed, "sandbox-speed", 1, "the speed of the sandbox that it guards; ticks and waits are divided by it")
	cmd.Flags().StringVar(&o.http, "http", "", "address of the dashboard and the metrics instead of the configuration's http.listen, or off")
	return cmd
}

func runDaemon(ctx context.Context, s IO, o runOptions) error {
	file, err := readConfig(ctx, s, o.path, true)
	if err != nil {
		return err
	}
	cfg, err := loadFor(ctx, file)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.log)); err != nil {
		return usageError("--log: %w", err)
	}
	log, pages := newLog(s, false, level), &daemonPages{}
	traces, err := telemetry.Open(ctx, telemetry.Options{Env: s.Env, Version: Version, Log: log})
	if err != nil { // what cannot be drawn must not keep anybody from guarding
		log.LogAttrs(ctx, slog.LevelError, "passes are not sent as traces", slog.Any(control.KeyErr, err))
	}
	defer traces.Close() //nolint:contextcheck // ctx has ended; the grace is its own
	opts := app.Options{Config: file, AWS: cfg, Log: log, Scale: o.speed, Tell: func(ctx context.Context, r control.Report) {
		pages.tell(ctx, r)
		traces.Tell(ctx, r)
	}}
	if o.speed != 1 {
		opts.Tick = max(1, scaled(file.Tick, o.speed))
	}
	sayIfNoCredentials(ctx, cfg, opts.Log)
	a, err := app.New(ctx, opts)
	if err != nil {
		return err
	}
	defer sayIfNotAlone(ctx, file.State.SQLite, log)()
	keepBackup(ctx, a.Store, log)
	addr := file.HTTP.Listen
	if o.http != "" {
		addr = o.http
	}
	if pages, err = openPages(ctx, s, file, a, addr, o.http != "", log); err != nil {
		return errors.Join(err, a.Close())
	}
	err = a.Run(ctx)
	return errors.Join(err, pages.close(), a.Close()) //nolint:contextcheck // ctx has ended; the grace is its own
}

// lockSuffix is what the name of the file that daemons lock adds to the state file's.
const lockSuffix = "-daemon"

// sayIfNotAlone says at the start that another daemon has the same state file. Leases keep that safe; it is seldom intended.
// A daemon that has ended, however it ended, is none. It returns what ends our own share.
func sayIfNotAlone(ctx context.Context, state string, log *slog.Logger) (release func()) {
	if state == "" {
		return func() {}
	}
	others, release := holdLock(state + lockSuffix)
	if others {
		log.LogAttrs(ctx, slog.LevelWarn, "another daemon guards with the same state file; they decide in turns, and one is enough", slog.String("state", state),
			slog.String("hint", "`fuser "+state+lockSuffix+"` names both; stop one, or give each its own state.sqlite and workloads"))
	}
	return release
}

// keepBackup lets a store that keeps a copy of itself do so for as long as the daemon runs.
func keepBackup(ctx context.Context, store control.Store, log *slog.Logger) {
	keeper, ok := store.(interface {
		KeepBackup(ctx context.Context, tell func(error))
	})
	if !ok {
		return
	}
	keeper.KeepBackup(ctx, func(err error) {
		var hinted interface{ Hint() string }
		hint := ""
		if errors.As(err, &hinted) {
			hint = hinted.Hint()
		}
		log.LogAttrs(ctx, slog.LevelError, "the state file is not backed up", slog.Any(control.KeyErr, err), slog.String(control.KeyHint, hint))
	})
}

// credentialsTimeout bounds how long a start waits to see whether there are credentials at all.
const credentialsTimeout = 5 * time.Second

// sayIfNoCredentials says at the start what else would show as pools that cannot be read. It is no reason not to
// start: credentials may come, and every pass looks again.
func sayIfNoCredentials(ctx context.Context, cfg aws.Config, log *slog.Logger) {
	if cfg.Credentials == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		log.LogAttrs(ctx, slog.LevelError, "no AWS credentials were found; nothing can be read until there are", slog.Any(control.KeyErr, err),
			slog.String("hint", "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine or task a role"))
	}
}
