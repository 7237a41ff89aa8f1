package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/demo"
)

// played plays one scenario with 10 tasks, with a handler of this package's own in a rival's place.
func played(t *testing.T, only, scenario string, dirs map[string]string) string {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), options{dirs: dirs, only: only, scenarios: scenario, tasks: 10, seeds: 1}, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestWhatECSDoesAloneIsToldFromOnDemand: the judge counts what is missing in service, and what is paid, whichever service runs it.
func TestWhatECSDoesAloneIsToldFromOnDemand(t *testing.T) {
	t.Parallel()
	text := played(t, "nothing,on-demand,fill", "shortage", nil)
	for _, want := range []string{"| ECS alone | 59", "| all on-demand | 0 / 1,800 |", "| **Backstop** `fill` | 0 / 6", "| all on-demand | $8.04; 0; no |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

// TestAHandlerIsInvokedByItsRule: half of what is missing is covered by a handler that is asked to.
func TestAHandlerIsInvokedByItsRule(t *testing.T) {
	t.Parallel()
	if _, err := interpreter(); err != nil {
		t.Skip(err)
	}
	dir, err := filepath.Abs("testdata/rival")
	if err != nil {
		t.Fatal(err)
	}
	text := played(t, "wheatstalk", "shortage", map[string]string{"wheatstalk": dir})
	for _, want := range []string{"another version than @ff6b735 | 29", "- not run: AWS's sample"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "invocations failed") || strings.Contains(text, "none for 3,") {
		t.Errorf("the handler did not cover:\n%s", text)
	}
}

// TestARuleThatMatchesNothingIsSaid: the interruption's text does not begin as that rule has it.
func TestARuleThatMatchesNothingIsSaid(t *testing.T) {
	t.Parallel()
	h := &host{}
	weny := rivals[len(rivals)-1]
	r, err := weny.rule("")
	if err != nil {
		t.Fatal(err)
	}
	rival, said := invoked(h, r)
	w := worlds(10)[0]
	c := contestant{name: weny.name, open: func(string) (*demo.Rival, func() string) { return rival, said }}
	got, err := mean(context.Background(), options{tasks: 10, seeds: 1}, c, w, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got.onDemand != 0 || !strings.Contains(strings.Join(sorted(got.notes), " "), "matched no event") {
		t.Errorf("%+v", got)
	}
}

// TestThePageHasWhatIsRun: the tables of docs/comparison.md are of these rivals at these commits, in these scenarios.
func TestThePageHasWhatIsRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	head(&b, worlds(100))
	if n := strings.Count(string(page), b.String()); n != 2 {
		t.Errorf("%d tables have the head\n%s, want 2", n, b.String())
	}
	for _, r := range rivals {
		if title := "\n| `" + r.repo + "` @" + r.commit[:7] + " | "; strings.Count(string(page), title) != 2 {
			t.Errorf("not in both tables: %s", title)
		}
	}
	for _, s := range unpublished {
		if !strings.Contains(string(page), "- not run: "+s) {
			t.Errorf("the page lacks what is not run: %s", s)
		}
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, o := range []options{{tasks: 10}, {tasks: 0, seeds: 1}, {tasks: 10, seeds: 1, scenarios: "nothing-such"}, {tasks: 10, seeds: 1, only: "wheatstalk"},
		{tasks: 10, seeds: 1, dirs: map[string]string{"wheatstalk": t.TempDir()}}} {
		if err := run(t.Context(), o, &strings.Builder{}); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
