package main

import (
	"context"
	_ "embed" // for the runtimes
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/lambdaruntime"
	"github.com/backstop-ecs/backstop/internal/sandbox"
	"github.com/backstop-ecs/backstop/internal/sandbox/proxy"
)

//go:embed runtime.py
var runtimePython []byte

//go:embed runtime.cjs
var runtimeNode []byte

const (
	// queueName is where a rival's rule delivers.
	queueName = "rival"
	// invocationLimit is real: a handler that takes longer hangs.
	invocationLimit = time.Minute
	headerTimeout   = 10 * time.Second
)

// interpreter finds a Python with boto3: the first on the PATH, or Debian's.
func interpreter() (path string, err error) {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if path, err = exec.LookPath(name); err == nil {
			err = exec.Command(path, "-c", "import boto3").Run()
		}
		if err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("needs python3 with boto3 (Debian: apt-get install python3-boto3): %w", err)
}

// python is a handler under the Python of this machine.
func python(work, dir, handler string, env ...string) (program, error) {
	path, err := interpreter()
	if err != nil {
		return program{}, err
	}
	return written(work, "runtime.py", append([]byte("#!"+path+"\n"), runtimePython...), dir, handler, env)
}

// node is a handler under the Node of this machine, with the aws-sdk 2 that Lambda's own runtimes had.
func node(o options, work, dir, handler string) (program, error) {
	modules := filepath.Join(o.node, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "aws-sdk", "package.json")); err != nil {
		return program{}, fmt.Errorf("needs aws-sdk 2: make clients CLIENTS=js-v2, or --node: %w", err)
	}
	lead, err := filepath.Abs(o.proxy)
	if err != nil {
		return program{}, err
	}
	if _, err := os.Stat(lead); err != nil {
		return program{}, fmt.Errorf("start this in the checkout, or with --node-proxy: %w", err)
	}
	return written(work, "runtime.cjs", runtimeNode, dir, handler, []string{"NODE_PATH=" + modules, "NODE_OPTIONS=--no-warnings --require " + lead})
}

func written(work, name string, text []byte, dir, handler string, env []string) (program, error) {
	path := filepath.Join(work, name)
	if err := os.WriteFile(path, text, 0o700); err != nil {
		return program{}, err
	}
	return program{bootstrap: path, env: append(env, "RIVAL_DIR="+dir, "RIVAL_HANDLER="+handler)}, nil
}

// invoked is a rival whose handler is invoked by its rule.
func invoked(h *host, r rule) (*demo.Rival, func() string) {
	rival := &demo.Rival{Queue: queueName, Prepare: func(ctx context.Context, box *sandbox.Sandbox) error {
		h.cfg = aws.Config{Region: demo.Region, HTTPClient: box, Credentials: credentials.NewStaticCredentialsProvider("rival", "rival", "")}
		if err := put(ctx, h.cfg, r); err != nil {
			return err
		}
		return h.lead(ctx, box)
	}, Take: h.take, Close: h.close}
	return rival, h.said
}

// host runs a handler and counts its invocations.
type host struct {
	options options
	program program
	work    string
	note    string
	cfg     aws.Config
	env     []string
	runtime *lambdaruntime.Runtime
	servers []*http.Server
	log     *os.File

	events, failed int
	problem        string
}

// queuePolicy lets rules send to the queue, which gets nothing without one.
const queuePolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}`

// put puts a rival's rule into the sandbox, with a queue as its target.
func put(ctx context.Context, cfg aws.Config, r rule) error {
	queue := "arn:aws:sqs:" + demo.Region + ":" + account + ":" + queueName
	if _, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queueName), Attributes: map[string]string{"Policy": queuePolicy}}); err != nil {
		return err
	}
	events := eventbridge.NewFromConfig(cfg)
	if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(queueName), EventPattern: &r.pattern}); err != nil {
		return err
	}
	target := types.Target{Id: aws.String(queueName), Arn: &queue}
	if r.template != "" {
		target.InputTransformer = &types.InputTransformer{InputPathsMap: r.paths, InputTemplate: &r.template}
	}
	answer, err := events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(queueName), Targets: []types.Target{target}})
	if err == nil && answer.FailedEntryCount > 0 {
		err = fmt.Errorf("put target: %+v", answer.FailedEntries)
	}
	return err
}

// lead makes the environment that leads the handler to the sandbox as its HTTPS proxy, and starts it.
func (h *host) lead(ctx context.Context, box *sandbox.Sandbox) error {
	if h.program.bootstrap == "" {
		return nil
	}
	before, ca, err := proxy.New(box, time.Now())
	if err != nil {
		return err
	}
	bundle := filepath.Join(h.work, "ca.pem")
	if err := os.WriteFile(bundle, ca, 0o600); err != nil {
		return err
	}
	at, err := h.serve(ctx, before)
	if err != nil {
		return err
	}
	// Where a handler posts its messages to.
	hook, err := h.serve(ctx, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if err != nil {
		return err
	}
	if h.options.log != "" {
		if h.log, err = os.OpenFile(h.options.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	h.env = append([]string{"HTTPS_PROXY=" + at, "AWS_CA_BUNDLE=" + bundle, "SSL_CERT_FILE=" + bundle, "NODE_EXTRA_CA_CERTS=" + bundle, "AWS_REGION=" + demo.Region, "AWS_DEFAULT_REGION=" + demo.Region,
		"AWS_ACCESS_KEY_ID=rival", "AWS_SECRET_ACCESS_KEY=rival", "AWS_EC2_METADATA_DISABLED=true", "SLACK_WEBHOOK=" + hook}, h.program.env...)
	return h.start(ctx)
}

// start starts the handler's process, as Lambda does again after one has ended.
func (h *host) start(ctx context.Context) error {
	out := io.Writer(io.Discard)
	if h.log != nil {
		out = h.log
	}
	var err error
	h.runtime, err = lambdaruntime.Start(ctx, lambdaruntime.Options{Bootstrap: h.program.bootstrap, Env: h.env, Stdout: out, Stderr: out})
	return err
}

func (h *host) serve(ctx context.Context, handler http.Handler) (url string, err error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	h.servers = append(h.servers, s)
	go func() { _ = s.Serve(l) }() // ends with close
	return "http://" + l.Addr().String(), nil
}

// take invokes the handler for each event. A handler that is not run gets nothing.
func (h *host) take(ctx context.Context, bodies []string) error {
	for _, body := range bodies {
		h.events++
		if h.program.bootstrap == "" {
			continue
		}
		if h.runtime == nil {
			if err := h.start(ctx); err != nil {
				return err
			}
		}
		_, err := h.runtime.Invoke(ctx, []byte(body), invocationLimit)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		h.failed++
		h.problem = err.Error()
		if reported := new(lambdaruntime.Error); !errors.As(err, &reported) { // the process has ended, or hangs
			h.runtime.Close()
			h.runtime = nil
		}
		if err := h.retry(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// retryAfter is when Lambda tries a failed asynchronous invocation again.
var retryAfter = []time.Duration{time.Minute, 2 * time.Minute}

// retry puts an event back. How often it was tried is the number of spaces at its end, of which JSON takes no notice.
func (h *host) retry(ctx context.Context, body string) error {
	tried := len(body) - len(strings.TrimRight(body, " "))
	if tried >= len(retryAfter) {
		return nil
	}
	body += " "
	c := sqs.NewFromConfig(h.cfg)
	queue, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queueName)})
	if err == nil {
		_, err = c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body, DelaySeconds: int32(retryAfter[tried].Seconds())})
	}
	return err
}

// said is what has to be said beside the figures.
func (h *host) said() string {
	switch {
	case h.program.bootstrap == "" && h.events == 0:
		return "its rule for failures matched no event, so its handler would not have been called, and was not run"
	case h.program.bootstrap == "":
		return "its rule for failures matched events, and its handler was not run: the figures are those of ECS alone"
	case h.failed > 0:
		return fmt.Sprintf("invocations failed, the last with: %.200s", h.problem)
	}
	return h.note
}

func (h *host) close() {
	if h.runtime != nil {
		h.runtime.Close()
	}
	for _, s := range h.servers {
		_ = s.Close()
	}
	if h.log != nil {
		_ = h.log.Close()
	}
}
