// Package lambdaruntime is the Lambda Runtime API on this machine: it runs a bootstrap as Lambda does, feeds it
// invocations and returns what it answers. It follows the public protocol, version 2018-06-01.
//
// It is not Lambda: it freezes no process between invocations, limits neither memory nor processor, and knows no
// extensions. It is for tests and for measuring.
package lambdaruntime

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	prefix = "/2018-06-01/runtime/"
	// answerMax is the largest answer of Lambda, in bytes.
	answerMax = 6 << 20
	// startLimit is how long Lambda waits for a bootstrap to ask for its first invocation.
	startLimit = 10 * time.Second
	stopLimit  = 2 * time.Second
)

// Error is an error that the function reported for an invocation.
type Error struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// Error says what the function said.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Options say what to run.
type Options struct {
	// Bootstrap is the program, Env its environment beside what Lambda sets.
	Bootstrap string
	Env       []string
	// Stdout and Stderr get what it writes; nil: nowhere.
	Stdout, Stderr io.Writer
}

// Runtime runs one bootstrap.
type Runtime struct {
	cmd     *exec.Cmd
	server  *http.Server
	started time.Time
	// Init is how long the bootstrap took from its start to its first request for an invocation.
	Init time.Duration

	next  chan *invocation
	ready chan struct{}
	once  sync.Once
	died  chan struct{}
	err   error // of the process, once died is closed

	mu      sync.Mutex
	running map[string]*invocation
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answer   chan answer
}

type answer struct {
	body []byte
	err  error
}

// Start starts a bootstrap and waits until it asks for an invocation.
func Start(ctx context.Context, o Options) (*Runtime, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	r := &Runtime{next: make(chan *invocation), ready: make(chan struct{}), died: make(chan struct{}), running: make(map[string]*invocation)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"invocation/next", r.serveNext)
	mux.HandleFunc("POST "+prefix+"invocation/{id}/response", func(w http.ResponseWriter, q *http.Request) { r.serveAnswer(w, q, false) })
	mux.HandleFunc("POST "+prefix+"invocation/{id}/error", func(w http.ResponseWriter, q *http.Request) { r.serveAnswer(w, q, true) })
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: startLimit}
	go func() { _ = r.server.Serve(l) }()                                // ends with Close
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), o.Bootstrap) // it ends with Close
	r.cmd.Env = append(append(os.Environ(), o.Env...), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "_HANDLER=bootstrap",
		"AWS_LAMBDA_FUNCTION_NAME=backstop", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST")
	r.cmd.Stdout, r.cmd.Stderr = o.Stdout, o.Stderr
	r.cmd.WaitDelay = stopLimit
	r.mu.Lock()
	r.started = time.Now()
	r.mu.Unlock()
	if err := r.cmd.Start(); err != nil {
		_ = r.server.Close()
		return nil, fmt.Errorf("start %s: %w", o.Bootstrap, err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.died)
	}()
	timer := time.NewTimer(startLimit)
	defer timer.Stop()
	select {
	case <-r.ready:
		return r, nil
	case <-r.died:
		_ = r.server.Close()
		return nil, fmt.Errorf("the bootstrap ended while starting: %w", errors.Join(r.err))
	case <-timer.C:
		err = fmt.Errorf("the bootstrap asked for no invocation within %s", startLimit)
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.Close()
	return nil, err
}

func (r *Runtime) serveNext(w http.ResponseWriter, q *http.Request) {
	r.once.Do(func() {
		r.mu.Lock()
		r.Init = time.Since(r.started)
		r.mu.Unlock()
		close(r.ready)
	})
	select {
	case <-q.Context().Done():
	case in := <-r.next:
		r.mu.Lock()
		r.running[in.id] = in
		r.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:backstop")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(in.payload) // the process died: Invoke finds out
	}
}

func (r *Runtime) serveAnswer(w http.ResponseWriter, q *http.Request, failed bool) {
	body, err := io.ReadAll(io.LimitReader(q.Body, answerMax))
	r.mu.Lock()
	in := r.running[q.PathValue("id")]
	delete(r.running, q.PathValue("id"))
	r.mu.Unlock()
	if in == nil || err != nil {
		http.Error(w, `{"errorMessage":"no such invocation","errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	a := answer{body: body}
	if failed {
		e := &Error{}
		if json.Unmarshal(body, e) != nil {
			e.Message = string(body)
		}
		a = answer{err: e}
	}
	in.answer <- a
	w.WriteHeader(http.StatusAccepted)
}

// Invoke hands the bootstrap one payload and returns its answer. timeout is the function's; what the function
// reports as an error is an [*Error].
func (r *Runtime) Invoke(ctx context.Context, payload []byte, timeout time.Duration) ([]byte, error) {
	in := &invocation{id: strings.ToLower(rand.Text()), payload: payload, deadline: time.Now().Add(timeout), answer: make(chan answer, 1)}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	timedOut := fmt.Errorf("task timed out after %s", timeout)
	select {
	case r.next <- in:
	case <-r.died:
		return nil, fmt.Errorf("the bootstrap has ended: %w", errors.Join(r.err))
	case <-timer.C:
		return nil, timedOut
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-in.answer:
		return a.body, a.err
	case <-r.died:
		return nil, fmt.Errorf("the bootstrap ended while it ran: %w", errors.Join(r.err))
	case <-timer.C:
		return nil, timedOut
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// PID is the bootstrap's process.
func (r *Runtime) PID() int { return r.cmd.Process.Pid }

// Kill ends the bootstrap at once, as kill -9 does, and waits for its end.
func (r *Runtime) Kill() {
	_ = r.cmd.Process.Kill()
	<-r.died
	_ = r.server.Close()
}

// Close ends the bootstrap and returns what it used: processor time and, in bytes, the most memory it had.
func (r *Runtime) Close() (cpu time.Duration, memory int64) {
	r.Kill()
	if s := r.cmd.ProcessState; s != nil {
		cpu = s.UserTime() + s.SystemTime()
		if u, ok := s.SysUsage().(*syscall.Rusage); ok {
			memory = u.Maxrss << 10 // Linux counts in KiB
		}
	}
	return cpu, memory
}
