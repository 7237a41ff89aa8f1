// Package proxy lets programs reach a sandbox that cannot be told an endpoint: as their HTTPS proxy it ends the TLS of AWS's hosts with certificates of
// its own, and hands the requests on. It tunnels to nowhere else.
package proxy

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// domains are AWS's, for which alone the authority may sign.
var domains = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.dev"}

const (
	// validFor is how long certificates are valid: a sandbox does not live longer.
	validFor = 30 * 24 * time.Hour
	// leavesMax bounds the certificates that are kept, one for each host.
	leavesMax     = 1000
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Proxy is an HTTPS proxy before a handler.
type Proxy struct {
	next http.Handler
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// New returns a proxy before next with an authority of its own, and the authority's certificate as PEM. The key stays in memory. now is this machine's
// clock, by which clients judge certificates.
func New(next http.Handler, now time.Time) (*Proxy, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the proxy's authority: %w", err)
	}
	ca := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Backstop sandbox, this run only"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validFor),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: domains}
	raw, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the proxy's authority: %w", err)
	}
	if ca, err = x509.ParseCertificate(raw); err != nil {
		return nil, nil, fmt.Errorf("make the proxy's authority: %w", err)
	}
	return &Proxy{next: next, ca: ca, key: key, leaves: map[string]*tls.Certificate{}}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), nil
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // never fails (crypto/rand)
	}
	return n
}

// ours reports whether a host is AWS's.
func ours(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(domains, func(d string) bool { return strings.HasSuffix(host, "."+d) })
}

// ServeHTTP ends the tunnels that are asked for, and passes on everything else.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		if r.URL.IsAbs() {
			if !ours(r.URL.Hostname()) {
				http.Error(w, "The sandbox is a proxy for AWS's hosts alone.", http.StatusForbidden)
				return
			}
			r.Host = "localhost"
		}
		p.next.ServeHTTP(w, r)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil || !ours(host) {
		http.Error(w, "The sandbox is a proxy for AWS's hosts alone.", http.StatusForbidden)
		return
	}
	leaf, err := p.leaf(host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	p.tunnel(r.Context(), &early{conn, buffered.Reader}, host, leaf)
}

// tunnel serves one connection to a host until its client closes it, or ctx ends.
func (p *Proxy) tunnel(ctx context.Context, conn net.Conn, host string, leaf *tls.Certificate) {
	secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*leaf}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
	l := &one{conn: secured, closed: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = "localhost"                     // the certificate has shown that it is AWS's name
			r.URL.Scheme, r.URL.Host = "https", host // what the answer names, such as a queue's URL, is reached by the tunnel as well
			p.next.ServeHTTP(w, r)
		}),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateClosed || s == http.StateHijacked {
				_ = l.Close()
			}
		}}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(l) // ends with the connection
}

// leaf is the certificate for a host.
func (p *Proxy) leaf(host string) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.leaves[host]; c != nil {
		return c, nil
	}
	if len(p.leaves) >= leavesMax {
		clear(p.leaves)
	}
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: p.ca.NotBefore, NotAfter: p.ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		p.ca, &p.key.PublicKey, p.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", host, err)
	}
	c := &tls.Certificate{Certificate: [][]byte{raw, p.ca.Raw}, PrivateKey: p.key}
	p.leaves[host] = c
	return c, nil
}

// early is a connection of which something may have been read.
type early struct {
	net.Conn
	read *bufio.Reader
}

func (e *early) Read(b []byte) (int, error) { return e.read.Read(b) }

// one is a listener with one connection.
type one struct {
	mu     sync.Mutex
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *one) Accept() (net.Conn, error) {
	l.mu.Lock()
	conn := l.conn
	l.conn = nil
	l.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	<-l.closed
	return nil, errors.New("closed")
}

func (l *one) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *one) Addr() net.Addr { return &net.TCPAddr{} }
