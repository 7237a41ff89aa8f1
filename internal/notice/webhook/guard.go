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
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout = 3 * time.Second
	// headerTimeout bounds the wait for an answer's header; the whole attempt is bounded by the caller.
	headerTimeout = 5 * time.Second
	idleTimeout   = 30 * time.Second
)

// errAddress says that a name leads where no webhook is.
var errAddress = errors.New("the address is this machine's own or link-local, which is refused")

// metadata are addresses of clouds' metadata services outside of the link-local ranges.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("100.100.100.200")}

// nat64 leads to the IPv4 address in its last four bytes.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// allowed says whether a connection to an address may be opened. local lets loopback pass.
func allowed(a netip.Addr, local bool) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		return allowed(netip.AddrFrom4([4]byte(b[12:])), local)
	}
	for _, m := range metadata {
		if a == m {
			return false
		}
	}
	if a.IsLoopback() {
		return local
	}
	thisNetwork := a.Is4() && a.As4()[0] == 0
	return a.IsValid() && !thisNetwork && !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsUnspecified() && !a.IsInterfaceLocalMulticast() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// newClient returns a client that opens connections to allowed addresses only.
func newClient(local bool) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(at.Addr(), local) {
			return errAddress
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 1, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// check reads a URL. local says that it names this machine in so many words.
func check(raw string) (u *url.URL, local bool, err error) {
	u, err = url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.User != nil {
		return nil, false, errors.New("the URL is not one that can be called")
	}
	host := strings.ToLower(u.Hostname())
	addr, isAddr := netip.ParseAddr(host)
	local = host == "localhost" || isAddr == nil && addr.Unmap().IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, false, errors.New("the URL must begin with https (http on this machine alone)")
	}
	return u, local, nil
}

// mute says what went wrong with a call without naming whom was called: errors of the standard library quote the
// URL, the host or the address.
func mute(err error) error {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errAddress):
		return errAddress
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
