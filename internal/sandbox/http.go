package sandbox

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of the listener.
const (
	headerTimeout   = 10 * time.Second
	bodyTimeout     = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	headerBytesMax  = 64 << 10
	shutdownTimeout = 2 * time.Second
)

// steeringPrefix is where the sandbox's own routes live; no AWS service has such a path.
const steeringPrefix = "/_sandbox/"

// exposure is what the listener's address demands.
type exposure struct {
	open bool   // reachable from other machines
	base string // http://host:port, once listening
}

// errLost is what an in-process caller sees of an answer that a fault swallowed.
var errLost = errors.New("connection reset by peer (fault: lost answer)")

// ServeHTTP answers AWS calls and steering calls that come over a socket.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := s.forbidden(r); reason != "" {
		http.Error(w, reason, http.StatusForbidden)
		return
	}
	answer := s.answer(r)
	if answer.lost {
		panic(http.ErrAbortHandler) // the server's own way of closing the connection without an answer
	}
	answer.writeHeader(w.Header())
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // an error here means that the caller has gone
}

// Do answers a request in process, without a socket: it makes the sandbox an aws.HTTPClient. It works inside a
// testing/synctest bubble.
func (s *Sandbox) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	answer := s.answer(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if answer.lost {
		return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: errLost}
	}
	response := &http.Response{Status: strconv.Itoa(answer.status) + " " + http.StatusText(answer.status), StatusCode: answer.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer.body)),
		ContentLength: int64(len(answer.body)), Request: r}
	answer.writeHeader(response.Header)
	return response, nil
}

// RoundTrip is Do under the name that http.Client wants of its transport.
func (s *Sandbox) RoundTrip(r *http.Request) (*http.Response, error) { return s.Do(r) }

func (s *Sandbox) answer(r *http.Request) (a reply) {
	if strings.HasPrefix(r.URL.Path, steeringPrefix) || r.URL.Path == strings.TrimSuffix(steeringPrefix, "/") {
		a = s.serveSteering(r)
	} else {
		a = s.serveAWS(r)
	}
	if !s.opts.Manual {
		a.speed = s.opts.Speed
	}
	return a
}

// TimeHeader is in the answers of a sandbox whose clock is its own: how many of its seconds go by in a real one. How far it is from others says nothing about
// theirs.
const TimeHeader = "X-Backstop-Sandbox-Time"

func (a reply) writeHeader(h http.Header) {
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	// AWS's clock is the virtual one: what is guarded here reads it from this header.
	h.Set("Date", a.date.UTC().Format(http.TimeFormat))
	if a.speed > 0 {
		h.Set(TimeHeader, strconv.FormatFloat(a.speed, 'g', -1, 64))
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if a.requestID != "" {
		h.Set("X-Amzn-Requestid", a.requestID)
	}
	if a.queryError != "" {
		h.Set("X-Amzn-Query-Error", a.queryError)
	}
}

// forbidden says why a request over a socket must not be answered, or "". A web page must not be able to
// steer a sandbox on its reader's machine: neither from its own origin nor through a name that it lets
// resolve to a loopback address. Off loopback the steering routes want the token.
func (s *Sandbox) forbidden(r *http.Request) string {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !loopbackName(u.Hostname()) {
			return "The sandbox answers no web page from elsewhere (Origin " + clip(origin) + ")."
		}
	} else if r.Header.Get("Sec-Fetch-Site") == "cross-site" { // a picture or a link of a page: browsers send no Origin with them
		return "The sandbox answers no web page from elsewhere (Sec-Fetch-Site cross-site)."
	}
	if !s.online.open {
		if host := hostOnly(r.Host); !loopbackName(host) {
			return "The sandbox answers to loopback names only (Host " + clip(host) + ")."
		}
		return ""
	}
	if strings.HasPrefix(r.URL.Path, steeringPrefix) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.opts.Token)) != 1 {
			return "The steering routes want Authorization: Bearer TOKEN."
		}
	}
	return ""
}

func hostOnly(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return strings.Trim(hostPort, "[]")
}

func loopbackName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Listener is a sandbox that listens. Addr is its address; Serve runs it.
type Listener struct {
	URL     string       // http://host:port
	Handler http.Handler // answers in the sandbox's place; nil: the sandbox
	sandbox *Sandbox
	socket  net.Listener
}

// Listen opens a socket at addr (host:port; port 0 picks one). Call it before the sandbox is used. An
// address off loopback needs Options.Token.
func (s *Sandbox) Listen(ctx context.Context, addr string) (*Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	open := !loopbackName(host)
	if open && s.opts.Token == "" {
		return nil, fmt.Errorf("listen on %s: an address off loopback needs a token", addr)
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	base := "http://" + reachable(socket.Addr().String())
	s.mu.Lock()
	s.online = exposure{open: open, base: base}
	s.mu.Unlock()
	return &Listener{URL: base, sandbox: s, socket: socket}, nil
}

// reachable is the address at which a client on this machine finds a listener on every address.
func reachable(addr string) string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsUnspecified() {
		return addr
	}
	return net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
}

// Serve answers until ctx ends, and moves the world meanwhile. It returns nil when it ended because ctx did.
func (l *Listener) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	handler := l.Handler
	if handler == nil {
		handler = l.sandbox
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytesMax, BaseContext: func(net.Listener) context.Context { return ctx }}
	drove := make(chan struct{})
	go func() {
		defer close(drove)
		l.sandbox.Drive(ctx)
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done() // ends the long polls too: it is the base of their contexts
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if server.Shutdown(wait) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(l.socket)
	stop()
	<-ended
	<-drove
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve sandbox: %w", err)
}
