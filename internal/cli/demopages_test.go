package cli

import (
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// TestTheDemosPagesLiveInItsTime: a play of another day has a guard that lives, and is not a month late.
func TestTheDemosPagesLiveInItsTime(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: plays a scenario")
	}
	scenario, err := demo.Find("interruption", 10)
	if err != nil {
		t.Fatal(err)
	}
	d, err := demo.Open(t.Context(), demo.Options{Scenario: scenario, Policy: "fill", Tasks: 10, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	s, _, _ := testIO("")
	pages, err := (&demoView{s: s, o: demoOptions{http: "127.0.0.1:0"}}).openPages(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pages.stop() }()
	if _, err := d.Play(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, body := fetch(t, strings.TrimSuffix(pages.url, "/")+"/api/workloads")
	if code != 200 || !strings.Contains(body, `"guard":{"level":"ok"}`) || !strings.Contains(body, `"silent":false`) {
		t.Errorf("after the play the page answers %d: %.400s", code, body)
	}
}
