package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// cookieName names the session's cookie.
const cookieName = "backstop_session"

// policyCSP lets the page load its own files and nothing else: no inline script or style, no frame around it.
const policyCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// withHeaders sets what every answer carries.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// hosts are the names that a request may ask for; nil: any.
type hosts []string

// hostsFor returns the names that are taken on a listening address. On loopback they are this machine's own names, so
// that a page of another site whose name was made to point here (DNS rebinding) is refused, and so is a proxy that
// would show to everybody what is for this machine. Elsewhere any name is taken: everything needs the token there, and
// no other site's page has it.
func hostsFor(listen string) hosts {
	if !Loopback(listen) {
		return nil
	}
	out := hosts{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		out = append(out, strings.ToLower(host))
	}
	return out
}

// has reports whether a request asks for one of the names.
func (hs hosts) has(r *http.Request) bool {
	return hs == nil || slices.Contains(hs, hostName(r.Host))
}

// OwnHost returns what reports whether a request asks for a name that is taken on a listening address: on loopback, one of
// this machine's own; elsewhere, any.
func OwnHost(listen string) func(*http.Request) bool { return hostsFor(listen).has }

// GuardHost refuses requests for other names than [OwnHost] takes, as the pages do.
func GuardHost(listen string, next http.Handler) http.Handler { return hostsFor(listen).guard(next) }

func (hs hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hs.has(r) {
			http.Error(w, fmt.Sprintf("no page of %q here: on a loopback address this answers to localhost alone; to be asked for by other names, listen on another address, where looking needs the token",
				hostName(r.Host)), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName returns a Host header without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// Loopback reports whether a listening address can be reached from this machine alone. An address without a host, such
// as ":7077", can be reached from everywhere.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// CheckToken says why pages may not be served on a listening address with a token, which is empty when there is none.
func CheckToken(listen, token string) error {
	switch {
	case token == "" && !Loopback(listen):
		return fmt.Errorf("%s can be reached from other machines, which needs a token; set one, or listen on 127.0.0.1", listen)
	case token != "" && len(token) < tokenBytesMin:
		return fmt.Errorf("the token has %d bytes, it must have %d at least", len(token), tokenBytesMin)
	}
	return nil
}

// keys checks tokens and keeps sessions.
type keys struct {
	token [sha256.Size]byte
	none  bool // there is no token
	now   func() time.Time

	mu       sync.Mutex
	sessions map[string]time.Time // by the digest of the cookie, until when
	failures []time.Time
}

func newKeys(token string, now func() time.Time) *keys {
	return &keys{token: sha256.Sum256([]byte(token)), none: token == "", now: now, sessions: make(map[string]time.Time)}
}

// errTooMany says that too many wrong tokens came lately.
var errTooMany = fmt.Errorf("more than %d wrong tokens within %s; wait", loginFailuresMax, loginWindow)

// right compares a token in constant time. After too many wrong ones it answers with errTooMany for a while.
func (k *keys) right(token string) (bool, error) {
	if k.none {
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	k.failures = slices.DeleteFunc(k.failures, func(at time.Time) bool { return now.Sub(at) > loginWindow })
	if len(k.failures) >= loginFailuresMax {
		return false, errTooMany
	}
	given := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(given[:], k.token[:]) == 1 {
		return true, nil
	}
	k.failures = append(k.failures, now)
	return false, nil
}

// open begins a session and returns what its cookie holds. The session that ends first makes room when there are too
// many.
func (k *keys) open() string {
	secret := rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	first := ""
	for id, until := range k.sessions {
		if !now.Before(until) {
			delete(k.sessions, id)
		} else if first == "" || until.Before(k.sessions[first]) {
			first = id
		}
	}
	if len(k.sessions) >= sessionsMax {
		delete(k.sessions, first)
	}
	k.sessions[digest(secret)] = now.Add(sessionFor)
	return secret
}

func (k *keys) end(secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sessions, digest(secret))
}

// holds reports whether a request comes with a session or with the token itself.
func (k *keys) holds(r *http.Request) bool {
	if c, err := r.Cookie(cookieName); err == nil {
		k.mu.Lock()
		until, ok := k.sessions[digest(c.Value)]
		ok = ok && k.now().Before(until)
		k.mu.Unlock()
		if ok {
			return true
		}
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	right, err := k.right(token)
	return right && err == nil
}

// digest makes the key of a session, so that looking it up takes no time that depends on the secret.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
