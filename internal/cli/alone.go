package cli

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/app/parts"
	"github.com/backstop-ecs/backstop/internal/aws/standalone"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/taskretry"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// aloneFact is what became of tasks of no service in the last 24 hours.
type aloneFact struct {
	Started    int `json:"started_again"`
	NotStarted int `json:"not_started_again"`
	Waiting    int `json:"waiting"`
}

// aloneOf counts the records of the last 24 hours; nil where there is no book.
func aloneOf(b *taskretry.Book, now time.Time) *aloneFact {
	if b == nil {
		return nil
	}
	var f aloneFact
	for i := range b.Records {
		switch r := &b.Records[i]; {
		case r.Open():
			f.Waiting++
		case now.Sub(r.At) >= 24*time.Hour:
		case r.Started != "":
			f.Started++
		default:
			f.NotStarted++
		}
	}
	return &f
}

// aloneNames takes the names that stand for a cluster's tasks of no service out of a selection.
func aloneNames(file *config.File, s *selection) (out []string) {
	var rest []string
	for _, name := range s.names {
		if slices.ContainsFunc(file.Tasks, func(t config.Tasks) bool { return taskretry.Name(t.Cluster) == name }) {
			out = append(out, name)
		} else {
			rest = append(rest, name)
		}
	}
	s.names = rest
	return out
}

// bookOf reads what is kept of a configuration's tasks of no service; an empty book where nothing is.
func bookOf(ctx context.Context, file *config.File) (taskretry.Book, error) {
	if len(file.Tasks) == 0 {
		return taskretry.Book{}, nil
	}
	store, err := openStore(ctx, file, reading)
	if err != nil || store == nil {
		return taskretry.Book{}, err
	}
	defer func() { _ = store.Close() }()
	return taskretry.Read(ctx, store)
}

// recordOf is what is kept of a task of no service; ok is false where nothing is.
func recordOf(b *taskretry.Book, task string) (f taskFacts, ok bool) {
	if r := b.Find(task); r != nil {
		f = taskFacts{Task: task, Workload: taskretry.Name(r.Cluster), LookedAt: r.At, Word: "not started again"}
		f.Text, _ = r.Words()
		switch {
		case r.Open():
			f.Word = "waiting to be started again"
		case r.Started != "":
			f.Word = "started again"
		case r.Verdict == taskretry.Unsure:
			f.Word = "perhaps started again"
		}
		return f, true
	}
	if r := b.Origin(task); r != nil {
		f = taskFacts{Task: task, Workload: taskretry.Name(r.Cluster), LookedAt: r.At, Word: "took another task's place",
			Text: wording.RetryTook(ecsevent.TaskID(r.Task), r.Attempt, r.Allowed)}
		return f, true
	}
	return f, false
}

// findAlone looks for a task in the clusters whose tasks of no service are started again, and says what becomes of it; ok is false where it is in none.
// A cluster that cannot be read is no reason not to find it in another; err is then of the first.
func findAlone(ctx context.Context, file *config.File, cfg aws.Config, task string) (f taskFacts, ok bool, err error) {
	places, err := parts.TaskPlaces(file, cfg.Region)
	if err != nil {
		return f, false, err
	}
	tasks := standalone.New(cfg)
	for i := range places {
		got, failed := tasks.Describe(ctx, &places[i], []string{task})
		err = cmp.Or(err, failed)
		for arn, t := range got {
			if err = cmp.Or(err, t.Err); t.Err == nil && !t.OfService {
				return aloneFacts(&places[i], arn, &t), true, nil
			}
		}
	}
	return f, false, err
}

// aloneFacts says what becomes of a task of which nothing is kept.
func aloneFacts(p *taskretry.Place, arn string, t *taskretry.Told) taskFacts {
	f := taskFacts{Task: ecsevent.TaskID(arn), Workload: taskretry.Name(p.Cluster), Word: "not started again"}
	d := taskretry.Decide(&taskretry.Task{End: runtask.Lost, Tags: t.Tags, Untold: t.Untold}) // what its tags say, had it been lost
	c := wording.RetryCase{Alive: t.End == runtask.Alive, Lost: t.End == runtask.Lost || t.End == runtask.NotStarted, Never: d.Verdict == taskretry.Left, Wrong: d.Text,
		UsedUp: d.Verdict == taskretry.UsedUp, Attempt: d.Attempt}
	_, c.Tagged = t.Tags[taskretry.TagRetry]
	_, c.OfRun = t.Tags[runtask.TagRun]
	if f.Text = wording.RetryNot(&c); c.Alive {
		f.Word = "under way"
	}
	return f
}
