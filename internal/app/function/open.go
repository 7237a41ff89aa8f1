package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/remote"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
)

// Environment variables that say where the configuration is; exactly one of the first three.
const (
	// EnvConfig is the configuration itself, as YAML, or a reference to it: ssm:NAME or s3://BUCKET/KEY.
	EnvConfig = "BACKSTOP_CONFIG"
	// EnvConfigSSM names a parameter of AWS Systems Manager, EnvConfigS3 an object as BUCKET/KEY.
	EnvConfigSSM = "BACKSTOP_CONFIG_SSM"
	EnvConfigS3  = "BACKSTOP_CONFIG_S3"
	// EnvLog is the least level to log: debug, info (the default), warn or error.
	EnvLog = "BACKSTOP_LOG"
	// EnvSpeed is the speed of the sandbox that is guarded, for tests; it must not be set on AWS.
	EnvSpeed = "BACKSTOP_SANDBOX_SPEED"
)

// startTimeout bounds the reading of the configuration: Lambda gives the initialisation 10 s.
const startTimeout = 8 * time.Second

// Open makes the function as the environment describes it. getenv reads a variable; metric lines go to stdout, log lines
// to stderr. The error names every key of the configuration that is wrong.
func Open(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) (*Function, *slog.Logger, error) {
	var level slog.Level
	levelErr := level.UnmarshalText([]byte(orElse(getenv(EnvLog), "info")))
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: control.LogAttr}))
	if levelErr != nil {
		return nil, log, fmt.Errorf("%s: must be debug, info, warn or error (got %q)", EnvLog, getenv(EnvLog))
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	speed := 1.0
	if text := getenv(EnvSpeed); text != "" {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n > 0 && n <= 1e6) {
			return nil, log, fmt.Errorf("%s: must be a number above 0 (got %q)", EnvSpeed, text)
		}
		if getenv("AWS_ENDPOINT_URL") == "" {
			return nil, log, fmt.Errorf("%s: is the speed of a sandbox, and AWS_ENDPOINT_URL names none", EnvSpeed)
		}
		speed = n
	}
	cfg, err := loadAWS(getenv)
	if err != nil {
		return nil, log, err
	}
	name, body, err := readConfig(ctx, cfg, getenv)
	if err != nil {
		return nil, log, err
	}
	file, err := config.Parse(body, name)
	if err != nil {
		return nil, log, err
	}
	for _, w := range file.Warnings {
		log.LogAttrs(ctx, slog.LevelWarn, "configuration", slog.String("problem", w.String()))
	}
	if file.Region != "" {
		cfg.Region = file.Region
	}
	f, err := New(Options{Config: file, AWS: cfg, Log: log, Metrics: stdout, Scale: speed})
	return f, log, err
}

// readConfig returns the configuration's text and a name for it in messages.
func readConfig(ctx context.Context, cfg aws.Config, getenv func(string) string) (name string, body []byte, err error) {
	var set []string
	for _, key := range []string{EnvConfig, EnvConfigSSM, EnvConfigS3} {
		if getenv(key) != "" {
			set = append(set, key)
		}
	}
	if len(set) != 1 {
		return "", nil, fmt.Errorf("exactly one of %s, %s and %s must be set (got %d: %s)", EnvConfig, EnvConfigSSM, EnvConfigS3, len(set), strings.Join(set, ", "))
	}
	text := strings.TrimSpace(getenv(EnvConfig))
	parameter, inSSM := strings.CutPrefix(text, "ssm:")
	object, inS3 := strings.CutPrefix(text, "s3://")
	if strings.ContainsAny(text, "\n{") {
		inSSM, inS3 = false, false
	}
	switch {
	case set[0] == EnvConfigSSM || inSSM:
		parameter = orElse(getenv(EnvConfigSSM), parameter)
		value, err := remote.Parameter(ctx, cfg, parameter)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w%s", set[0], err, hint(err))
		}
		return "ssm:" + parameter, []byte(value), nil
	case set[0] == EnvConfigS3 || inS3:
		object = orElse(strings.TrimPrefix(getenv(EnvConfigS3), "s3://"), object)
		bucket, key, ok := strings.Cut(object, "/")
		if !ok || bucket == "" || key == "" {
			return "", nil, fmt.Errorf("%s: must be BUCKET/KEY (got %q)", set[0], object)
		}
		body, err := remote.Object(ctx, cfg, bucket, key)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w%s", set[0], err, hint(err))
		}
		return "s3://" + object, body, nil
	}
	return EnvConfig, []byte(text), nil
}

// hint returns what a person can do about an error, in brackets.
func hint(err error) string {
	if text := control.HintOf(err); text != "" {
		return " (" + text + ")"
	}
	return ""
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
