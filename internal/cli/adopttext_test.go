package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backstop-ecs/backstop/internal/adopt"
)

// TestTheListFitsTheTerminalAndSaysAThingOnce: three services with the same obstacle, one of them with a policy of a thousand characters, and notes.
func TestTheListFitsTheTerminalAndSaysAThingOnce(t *testing.T) {
	saves := 147.5
	row := func(name string, more ...adopt.Obstacle) adopt.Row {
		return adopt.Row{Cluster: "prod", Service: name, Tasks: 6, Capacity: adopt.OnDemand, Saves: &saves, State: adopt.Advised,
			Obstacles: append(more, adopt.Obstacle{Weight: adopt.Advice, Short: "stopTimeout below 120", What: "stopTimeout (app 30 s): a task under notice is killed before its two minutes are over", Fix: "register a revision of " + name},
				adopt.Obstacle{Weight: adopt.Note, Short: "no health check", What: "it has no health check", Fix: "set ready_after"})}
	}
	l := adopt.List{Region: "us-east-1", Prices: "list prices", Services: []adopt.Row{row("web"),
		row("invoices-and-orders-of-the-shop", adopt.Obstacle{Weight: adopt.Advice, Short: "scaling sees one twin", What: "the policy cpu follows CPU alone", Fix: "aws put " + strings.Repeat("x", 1000)}), row("api")}}
	l.Services = append(l.Services, adopt.Row{Cluster: "prod", Service: "quiet", State: adopt.Ready, Capacity: adopt.OnDemand, Saves: &saves, Obstacles: []adopt.Obstacle{{Weight: adopt.Note, Short: "no task", What: "it runs no task"}}})
	for _, width := range []int{0, 120, 80, 60} {
		var out bytes.Buffer
		if err := printSurvey(&out, &l, width); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); width > 0 && n > width && !strings.HasPrefix(line, "  fix: ") && !strings.HasPrefix(line, "The plan of one: ") {
				t.Errorf("%d columns at %d: %s", n, width, line)
			}
		}
		if n := strings.Count(strings.ReplaceAll(text, "\n    ", " "), "a task under notice is killed"); n != 1 {
			t.Errorf("at %d the obstacle is said %d times:\n%s", width, n, text)
		}
		for _, not := range []string{"health check", "no task", "xxxx"} {
			if strings.Contains(text, not) {
				t.Errorf("at %d it says %q:\n%s", width, not, text)
			}
		}
		if !strings.Contains(text, "fix: backstop adopt invoices-and-orders-of-the-shop --cluster prod") {
			t.Errorf("at %d no way to the policy:\n%s", width, text)
		}
	}
}
