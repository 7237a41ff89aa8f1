package taskretry

import (
	"strings"
	"testing"
	"time"

	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/runtask"
)

func TestDecide(t *testing.T) {
	tags := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for name, c := range map[string]struct {
		task Task
		want Decision
	}{
		"interrupted":                    {Task{End: runtask.Lost, Tags: tags(TagRetry, "1")}, Decision{Verdict: Again, Attempt: 2, Allowed: 1}},
		"ended before it ran":            {Task{End: runtask.NotStarted, Tags: tags(TagRetry, "1")}, Decision{Verdict: Again, Attempt: 2, Allowed: 1}},
		"started again, and lost":        {Task{End: runtask.Lost, Tags: tags(TagRetry, "1", TagAttempt, "2")}, Decision{Verdict: UsedUp, Attempt: 2, Allowed: 1}},
		"the third of four":              {Task{End: runtask.Lost, Tags: tags(TagRetry, "3", TagAttempt, "3")}, Decision{Verdict: Again, Attempt: 4, Allowed: 3}},
		"the fourth of four":             {Task{End: runtask.Lost, Tags: tags(TagRetry, "3", TagAttempt, "4")}, Decision{Verdict: UsedUp, Attempt: 4, Allowed: 3}},
		"not tagged":                     {Task{End: runtask.Lost, Tags: tags("team", "shop")}, Decision{Verdict: Left}},
		"never, by its tag":              {Task{End: runtask.Lost, Tags: tags(TagRetry, "0")}, Decision{Verdict: Left}},
		"of backstop run-task":           {Task{End: runtask.Lost, Tags: tags(TagRetry, "1", runtask.TagRun, "r")}, Decision{Verdict: Left}},
		"its work is done":               {Task{End: runtask.Finished, Tags: tags(TagRetry, "1")}, Decision{Verdict: Left}},
		"stopped by a user, or no image": {Task{End: runtask.Failed, Tags: tags(TagRetry, "1")}, Decision{Verdict: Left}},
		"it runs":                        {Task{End: runtask.Alive, Tags: tags(TagRetry, "1")}, Decision{Verdict: Left}},
		"what ECS does not tell":         {Task{End: runtask.Lost, Tags: tags(TagRetry, "1"), Untold: "a volume"}, Decision{Verdict: Untold, Attempt: 1, Allowed: 1, Text: "a volume"}},
	} {
		if got := Decide(&c.task); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	for _, tags := range []map[string]string{tags(TagRetry, "yes"), tags(TagRetry, ""), tags(TagRetry, "-1"), tags(TagRetry, "11"), tags(TagRetry, "1.5"), tags(TagRetry, "1", TagAttempt, "x"), tags(TagRetry, "1", TagAttempt, "0")} {
		if got := Decide(&Task{End: runtask.Lost, Tags: tags}); got.Verdict != BadTag || !strings.Contains(got.Text, "must be a whole number") {
			t.Errorf("%v: %+v", tags, got)
		}
	}
}

// TestOneJudge: an event is judged as run-task judges a task that it looks at, in every form in which AWS told of an interruption.
func TestOneJudge(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		stop  ecsevent.Stop
		exits map[string]int
		want  runtask.End
	}{
		"by code":                  {ecsevent.Stop{Code: "SpotInterruption", StartedAt: at}, map[string]int{"main": 143}, runtask.Lost},
		"by text, without a code":  {ecsevent.Stop{Reason: "Your Spot Task was interrupted.", Capacity: failover.Spot, StartedAt: at}, nil, runtask.Lost},
		"by a notice":              {ecsevent.Stop{Code: "TerminationNotice", Capacity: failover.Spot, StartedAt: at}, nil, runtask.Lost},
		"its machine failed":       {ecsevent.Stop{Code: "InfrastructureHealth", StartedAt: at}, nil, runtask.Lost},
		"retired":                  {ecsevent.Stop{Reason: "ECS is performing maintenance on the underlying infrastructure hosting the task.", StartedAt: at}, nil, runtask.Lost},
		"no room":                  {ecsevent.Stop{Code: "TaskFailedToStart", Reason: "Capacity is unavailable at this time. Please try again later or in a different availability zone"}, nil, runtask.NotStarted},
		"interrupted at its start": {ecsevent.Stop{Code: "SpotInterruption"}, nil, runtask.NotStarted},
		"done under the warning":   {ecsevent.Stop{Code: "SpotInterruption", StartedAt: at}, map[string]int{"main": 0}, runtask.Finished},
		"a sidecar's 0":            {ecsevent.Stop{Code: "SpotInterruption", StartedAt: at}, map[string]int{"main": 143, "log": 0}, runtask.Lost},
		"ended":                    {ecsevent.Stop{Code: "EssentialContainerExited", StartedAt: at}, map[string]int{"main": 0}, runtask.Finished},
		"failed":                   {ecsevent.Stop{Code: "EssentialContainerExited", StartedAt: at}, map[string]int{"main": 1}, runtask.Finished},
		"no image":                 {ecsevent.Stop{Code: "TaskFailedToStart", Reason: "CannotPullContainerError: not found"}, nil, runtask.Failed},
		"stopped by a user":        {ecsevent.Stop{Code: "UserInitiated", Reason: "Your Spot Task was interrupted.", Capacity: failover.Spot, StartedAt: at}, nil, runtask.Failed},
	} {
		c.stop.LastStatus = "STOPPED"
		if got := endOf(&ecsevent.Standalone{Stop: c.stop, Exits: c.exits}, "main"); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestWorkOfADeletedRevisionIsDoneWhereAllThatExitedDidSoWith0: which container counts is not known then.
func TestWorkOfADeletedRevisionIsDoneWhereAllThatExitedDidSoWith0(t *testing.T) {
	stop := ecsevent.Stop{Code: "SpotInterruption", StartedAt: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), LastStatus: "STOPPED"}
	for _, c := range []struct {
		exits map[string]int
		want  runtask.End
	}{{map[string]int{"a": 0, "b": 0}, runtask.Finished}, {map[string]int{"a": 0, "b": 137}, runtask.Lost}, {nil, runtask.Lost}} {
		if got := endOf(&ecsevent.Standalone{Stop: stop, Exits: c.exits}, ""); got != c.want {
			t.Errorf("%v: %v, want %v", c.exits, got, c.want)
		}
	}
}

// TestThePageHasABound: what is open, or young enough to be told of again, is not dropped for what is new.
func TestThePageHasABound(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var b Book
	for i := range recordsMax {
		b.Records = append(b.Records, Record{Task: strings.Repeat("x", i), At: now.Add(-3 * time.Hour), Verdict: UsedUp})
	}
	b.Records[7].Verdict = Again
	b.Records = append(b.Records, Record{Task: "new", At: now, Verdict: Again})
	if err := b.tidy(now); err != nil || len(b.Records) != recordsMax || b.Find("new") == nil || b.Find(strings.Repeat("x", 7)) == nil {
		t.Errorf("%v: %d records", err, len(b.Records))
	}
	for i := range b.Records {
		b.Records[i].At = now
	}
	b.Records = append(b.Records, Record{Task: "one too many", At: now})
	if err := b.tidy(now); err == nil {
		t.Error("a record within the time in which its event may come again was dropped")
	}
	if err := b.tidy(now.Add(25 * time.Hour)); err != nil || len(b.Records) != 2 {
		t.Errorf("a day later %d records are left, want the open ones: %v", len(b.Records), err)
	}
}
