package cli

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freePort returns a port that nobody listens on at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port, l.Close()
}

// subst puts the port into a file of the script: subst FILE.
func subst(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: subst FILE")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "$PORT", ts.Getenv("PORT"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// exits runs a command and demands an exit code: exits 3 backstop status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// waitFor runs a command until its stdout matches: waitfor PATTERN COMMAND...
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	deadline, look := time.NewTimer(20*time.Second), time.NewTicker(50*time.Millisecond)
	defer deadline.Stop()
	defer look.Stop()
	for {
		_ = ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if pattern.MatchString(out) {
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("%s never matched; the last answer:\n%s%s", args[0], out, ts.ReadFile("stderr"))
		case <-look.C:
		}
	}
}

// endpoint waits until a sandbox in the background answers, and sets SANDBOX and AWS's variables for it:
// endpoint ADDRESS.
func endpoint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: endpoint ADDRESS")
	}
	url := "http://" + args[0]
	deadline, look := time.NewTimer(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer look.Stop()
	for {
		if r, err := http.Get(url + "/_sandbox/state"); err == nil {
			_ = r.Body.Close()
			break
		}
		select {
		case <-deadline.C:
			ts.Fatalf("no sandbox at %s", url)
		case <-look.C:
		}
	}
	for _, l := range environment(url, "us-east-1") {
		name, value, _ := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("SANDBOX", url)
}

// steer calls the sandbox's own API: steer capacity '{...}'.
func steer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: steer ROUTE BODY")
	}
	r, err := http.Post(ts.Getenv("SANDBOX")+"/_sandbox/"+args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(r.Body)
		ts.Fatalf("%s: %s: %s", args[0], r.Status, body)
	}
}
