// Package awstest starts servers of AWS's protocols that were not written here, for tests.
package awstest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

const (
	// motoStart is how long moto may take to come up: it is a Python program. motoRetry is the wait between two looks.
	motoStart = 30 * time.Second
	motoRetry = 100 * time.Millisecond
	// motoStop is how long its output is waited for when it is ended.
	motoStop = 5 * time.Second
)

// Moto starts moto_server on loopback for as long as the test runs and returns its URL. Where there is none, or when the
// tests are to be short, it skips the test and says so.
func Moto(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: short; moto takes seconds to start")
	}
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("SKIPPED: no moto_server here; the opinion of a server that was not written here is missing")
	}
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "-H", "127.0.0.1", "-p", port)
	cmd.WaitDelay = motoStop
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start moto_server: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	endpoint := "http://127.0.0.1:" + port
	deadline, retry := time.After(motoStart), time.NewTicker(motoRetry)
	defer retry.Stop()
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/moto-api/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			return endpoint
		}
		select {
		case <-deadline:
			t.Skipf("SKIPPED: moto_server does not start: %v", err)
		case <-retry.C:
		}
	}
}
