package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/backstop-ecs/backstop/internal/hookurl"
)

const (
	dialTimeout = 3 * time.Second
	// headerTimeout bounds the wait for an answer's header; the whole attempt is bounded by the caller.
	headerTimeout = 5 * time.Second
	idleTimeout   = 30 * time.Second
)

// newClient returns a client that opens connections to allowed addresses only.
func newClient(local bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !hookurl.Allowed(at.Addr(), local) {
			return hookurl.ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 1, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// mute says what went wrong with a call without naming whom was called: errors of the standard library quote the
// URL, the host or the address.
func mute(err error) error {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, hookurl.ErrAddress):
		return hookurl.ErrAddress
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("no answer in time")
	case errors.As(err, &dns):
		return errors.New("the name cannot be resolved")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection is refused")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	}
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("the connection failed (%T)", err)
}
