package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/play/page"
)

func TestThePageToPlayWithIsServed(t *testing.T) {
	s, _, _ := testIO("")
	says, to := io.Pipe()
	s.Err = to
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runPlay(ctx, s, playOptions{http: "127.0.0.1:0"}) }()
	line, err := bufio.NewReader(says).ReadString('\n')
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(line)
	if err != nil || url == "" || !strings.Contains(line, "simulated") {
		t.Fatalf("it says %q (%v)", line, err)
	}
	if code, body := fetch(t, url); code != http.StatusOK || !strings.Contains(body, "<title>Play with Backstop (simulation)") || strings.Contains(body, `id="wasm"`) {
		t.Errorf("the page: %d %.200s", code, body)
	}
	r, err := http.Post(url+"api/answer", "application/json", strings.NewReader(`{"kind": "run", "trace": "sweep", "days": 1, "tasks": 9, "policy": "fill"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if body, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(body), `"cost_ratio":0.`) {
		t.Errorf("a question is answered with %.300s (%v)", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestThePageIsNotWrittenWithoutTheSource: an installed program says where to get it, and leaves no file.
func TestThePageIsNotWrittenWithoutTheSource(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _, _ := testIO("")
	err := runPlay(t.Context(), s, playOptions{write: "play.html"})
	if !errors.Is(err, page.ErrNoSource) || !strings.Contains(err.Error(), "take backstop-play.html of the release") {
		t.Errorf("it says: %v", err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("files were left: %v, %v", left, err)
	}
	if err := os.WriteFile("old.html", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := runPlay(t.Context(), s, playOptions{write: "old.html"}); err == nil {
		t.Error("the old page was replaced by nothing")
	}
	if text, err := os.ReadFile("old.html"); err != nil || string(text) != "old" {
		t.Errorf("the old page is now %q, %v", text, err)
	}
	if err := runPlay(t.Context(), s, playOptions{write: os.DevNull}); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a device is answered with %v", err)
	}
}
