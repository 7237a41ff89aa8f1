package wording

import (
	"fmt"
	"time"

	"github.com/backstop-ecs/backstop/internal/failover"
)

// Trend says whether a shortage passes. It is empty where there is none and was none.
type Trend struct {
	// Direction is better, worse, same, over or unknown.
	Direction string `json:"direction,omitempty"`
	Text      string `json:"text,omitempty"`
}

// TrendOf compares what is missing now with what was missing at an earlier moment (a range that is no single number: not known), and says
// when what is on its way is due: "getting better: 12 missing, 31 were 5m ago; 12 on their way, the last due in 1m10s".
func TrendOf(c *Counts, before failover.Range, at, now time.Time) Trend {
	ago, is := Span(now.Sub(at)), c.Missing.Low
	switch {
	case !c.Missing.Known():
		return Trend{"unknown", "whether it gets better is not known: a pool cannot be read"}
	case is == 0 && before.High == 0, is == 0 && !before.Known():
		return Trend{}
	case is == 0:
		return Trend{"over", fmt.Sprintf("over: nothing is missing, %s %s ago", were(before.Low), ago)}
	}
	on := c.due(now)
	if c.Arriving() >= is && c.Due.After(now) && !(before.Known() && is < before.Low) { // sooner over than what was five minutes ago tells
		return Trend{"better", fmt.Sprintf("recovering: %d missing, %s", is, on)}
	}
	switch {
	case !before.Known():
		return Trend{"unknown", fmt.Sprintf("%d missing, not known %s ago; %s", is, ago, on)}
	case is < before.Low:
		return Trend{"better", fmt.Sprintf("getting better: %d missing, %s %s ago; %s", is, were(before.Low), ago, on)}
	case is > before.Low:
		return Trend{"worse", fmt.Sprintf("getting worse: %d missing, %s %s ago; %s", is, were(before.Low), ago, on)}
	}
	return Trend{"same", fmt.Sprintf("no change: %d missing, as %s ago; %s", is, ago, on)}
}

func were(n int) string {
	switch n {
	case 0:
		return "none was"
	case 1:
		return "1 was"
	}
	return fmt.Sprintf("%d were", n)
}

// due says how many tasks are on their way and when the last is due.
func (c *Counts) due(now time.Time) string {
	switch n := c.Arriving(); {
	case n == 0:
		return "nothing is on its way"
	case c.Due.IsZero():
		return fmt.Sprintf("%d on the way", n)
	case !c.Due.After(now):
		return fmt.Sprintf("%d on the way, overdue for %s", n, Span(now.Sub(c.Due)))
	case n == 1:
		return "1 on the way, due in " + Span(c.Due.Sub(now))
	default:
		return fmt.Sprintf("%d on the way, the last due in %s", n, Span(c.Due.Sub(now)))
	}
}

// Deployed says that a deployment began to a pool's service.
func Deployed(pool, taskDefinition string) string {
	if taskDefinition == "" {
		return "deployment to " + pool
	}
	return fmt.Sprintf("deployment to %s: %s", pool, taskDefinition)
}

// Rescaled says that another number of tasks is wanted.
func Rescaled(before, after int) string {
	return fmt.Sprintf("%s wanted instead of %d", Count(after, "task"), before)
}
