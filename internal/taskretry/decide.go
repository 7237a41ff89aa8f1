package taskretry

import (
	"fmt"
	"strconv"

	"github.com/backstop-ecs/backstop/internal/runtask"
)

// The tags of tasks that are started again.
const (
	// TagRetry says how often the work may be started again, 1 to [Most]; TagSecurityGroups names the security groups where they are not those of
	// the configuration, with spaces between them.
	TagRetry          = "backstop:retry"
	TagSecurityGroups = "backstop:security-groups"
	// TagAttempt counts the starts of the same work, from 1, and TagOf names the task whose place one took. The guard writes them.
	TagAttempt = runtask.TagAttempt
	TagOf      = "backstop:retry-of"
)

// Most is how often the same work may be started again.
const Most = 10

// Task is a task that has stopped, as far as deciding needs it.
type Task struct {
	End  runtask.End
	Tags map[string]string
	// Untold says what starting it again takes and ECS does not tell; empty: nothing.
	Untold string
}

// Verdict says what becomes of a task that has stopped.
type Verdict string

// Verdicts. Of [Left] nothing is kept.
const (
	// Left: nobody asked for it to be started again, or it ended otherwise than by a loss.
	Left Verdict = "left"
	// Again: it is started again.
	Again Verdict = "again"
	// BadTag: a tag does not say what it should. UsedUp: the work was started as often as its tag allows. Untold: ECS does not tell what it takes.
	BadTag Verdict = "bad_tag"
	UsedUp Verdict = "used_up"
	Untold Verdict = "untold"
	// Refused: ECS refuses it for good. GivenUp: there was no room, no permission or no answer for too long. Unsure: ECS had an answer for its token
	// already, to another call, and does not tell whether that started it.
	Refused Verdict = "refused"
	GivenUp Verdict = "given_up"
	Unsure  Verdict = "unsure"
)

// Decision is what is decided about a task that has stopped.
type Decision struct {
	Verdict Verdict
	// Attempt counts the starts of the work, the one that is decided on included; Allowed is how often it may be started again. 0: not known.
	Attempt, Allowed int
	// Text says what is wrong, where something is.
	Text string
}

// Decide says what becomes of a task that has stopped.
func Decide(t *Task) Decision {
	value, tagged := t.Tags[TagRetry]
	_, ofRun := t.Tags[runtask.TagRun]
	if !tagged || value == "0" || ofRun || t.End != runtask.Lost && t.End != runtask.NotStarted {
		return Decision{Verdict: Left}
	}
	allowed, err := strconv.Atoi(value)
	if err != nil || allowed < 1 || allowed > Most {
		return Decision{Verdict: BadTag, Text: fmt.Sprintf("its tag %s is %q: it must be a whole number between 1 and %d", TagRetry, value, Most)}
	}
	attempt := 1
	if text, is := t.Tags[TagAttempt]; is {
		if attempt, err = strconv.Atoi(text); err != nil || attempt < 1 {
			return Decision{Verdict: BadTag, Text: fmt.Sprintf("its tag %s is %q: it must be a whole number from 1 on", TagAttempt, text)}
		}
	}
	d := Decision{Verdict: Again, Attempt: attempt + 1, Allowed: allowed}
	switch {
	case attempt > allowed:
		d.Verdict, d.Attempt = UsedUp, attempt
	case t.Untold != "":
		d.Verdict, d.Attempt, d.Text = Untold, attempt, t.Untold
	}
	return d
}
