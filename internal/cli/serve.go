package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const (
	// A page's requests are small; what takes longer hangs. A stream of changes lifts the limit on writing for itself.
	pageHeaderTimeout = 5 * time.Second
	pageReadTimeout   = 30 * time.Second
	pageWriteTimeout  = time.Minute
	pageIdleTimeout   = 2 * time.Minute
	pageHeaderBytes   = 64 << 10
	// pageGrace is how long answers in flight may go on when the process is told to stop.
	pageGrace = time.Second
)

// served is an HTTP server that is up.
type served struct {
	url    string
	server *http.Server
	cancel context.CancelFunc
	ended  chan error
}

// listen serves a handler on an address until stop is called.
func listen(ctx context.Context, addr string, handler http.Handler) (*served, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve pages: %w", err)
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v := &served{url: "http://" + listener.Addr().String() + "/", cancel: cancel, ended: make(chan error, 1)}
	v.server = &http.Server{Handler: handler, ReadHeaderTimeout: pageHeaderTimeout, ReadTimeout: pageReadTimeout, WriteTimeout: pageWriteTimeout,
		IdleTimeout: pageIdleTimeout, MaxHeaderBytes: pageHeaderBytes, BaseContext: func(net.Listener) context.Context { return base }}
	go func() { v.ended <- v.server.Serve(listener) }()
	return v, nil
}

// stop ends the streams, lets other answers finish, and closes.
func (v *served) stop() error {
	if v.server == nil {
		return nil
	}
	v.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), pageGrace)
	defer cancel()
	if v.server.Shutdown(ctx) != nil {
		_ = v.server.Close()
	}
	if err := <-v.ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve pages: %w", err)
	}
	return nil
}
