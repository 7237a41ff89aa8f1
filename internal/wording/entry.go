package wording

import (
	"strings"

	"github.com/backstop-ecs/backstop/internal/journal"
)

// Entry says what an entry of the journal records, in a line.
func Entry(e *journal.Entry) string {
	switch {
	case e.Decision != nil && e.First:
		return FirstLook(e.Decision)
	case e.Decision != nil:
		return Decision(e.Decision, len(e.Withheld) > 0 && len(e.Actions) == 0)
	case e.Intent != nil:
		return Order(e.Intent)
	case e.Notice != nil:
		return e.Notice.Text
	}
	parts := make([]string, 0, len(e.Outcomes))
	for i := range e.Outcomes {
		parts = append(parts, Outcome(&e.Outcomes[i]))
	}
	return strings.Join(parts, "; ")
}
