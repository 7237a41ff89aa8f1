package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/backstop-ecs/backstop/internal/demo"
	"github.com/backstop-ecs/backstop/internal/racetest"
)

// allScenariosEnv makes the test below play every scenario, which takes some minutes.
const allScenariosEnv = "BACKSTOP_ALL_SCENARIOS"

// TestTheReadmeHasTheDemosFigures plays scenarios and holds their figures against the table in README.md; -update
// writes them. Without the variable above it plays two short ones.
func TestTheReadmeHasTheDemosFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: plays scenarios")
	}
	if racetest.Enabled {
		t.Skip("skipped: under the race detector it plays the same, which make docs-check compares")
	}
	const file = "../../README.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"interruption", "zone-sweep"}
	if os.Getenv(allScenariosEnv) != "" {
		names = demo.Names()
	}
	text := string(raw)
	for _, name := range names {
		text = withFigures(t, text, name, played(t, name))
	}
	if text == string(raw) {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("README.md has other figures than the demo; make pictures writes them\n%s", firstDifference(string(raw), text))
}

// playFigures are what the table shows of a play.
type playFigures struct {
	Held    float64 `json:"demand_held_percent"`
	Missing float64 `json:"shortfall_task_minutes"`
	Cost    float64 `json:"cost_ratio"`
	Back    bool    `json:"back_on_spot"`
}

// played plays a scenario.
func played(t *testing.T, name string) playFigures {
	t.Helper()
	s, out, errs := testIO("")
	if code := Main(t.Context(), []string{"demo", "--scenario", name, "--output", "json"}, s); code != ExitDone {
		t.Fatalf("demo of %s: exit code %d\n%s", name, code, errs)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	var f playFigures
	if err := json.Unmarshal(lines[len(lines)-1], &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// withFigures returns the README with a scenario's figures in its row, and the day's in the text as well.
func withFigures(t *testing.T, text, name string, f playFigures) string {
	t.Helper()
	held, missing, back := "100", "0", "no"
	if f.Held < 100 {
		held = fmt.Sprintf("%.3f", f.Held)
	}
	if f.Missing > 0 {
		missing = grouped(fmt.Sprintf("%.1f", f.Missing))
	}
	if f.Back {
		back = "yes"
	}
	cost := strconv.Itoa(int(100*f.Cost + 0.5))
	row := regexp.MustCompile("(?m)^(\\| `" + name + "`[^|]*\\| )[0-9.]+( % \\| )[0-9.,]*[0-9]([^|]*\\| )[0-9]+( % \\| )(?:yes|no)( \\|)$")
	if !row.MatchString(text) {
		t.Fatalf("README.md has no row of %s", name)
	}
	text = row.ReplaceAllString(text, "${1}"+held+"${2}"+missing+"${3}"+cost+"${4}"+back+"${5}")
	if name == "day" {
		text = regexp.MustCompile(`The day cost [0-9]+ %`).ReplaceAllString(text, "The day cost "+cost+" %")
		text = regexp.MustCompile(`[0-9.,]+ task-minutes were missing, all of them`).ReplaceAllString(text, missing+" task-minutes were missing, all of them")
	}
	return text
}

// grouped writes a number's thousands apart.
func grouped(number string) string {
	whole, rest, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole + "." + rest
}
