package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/backstop-ecs/backstop/internal/aws/service"
	"github.com/backstop-ecs/backstop/internal/config"
	"github.com/backstop-ecs/backstop/internal/control"
	"github.com/backstop-ecs/backstop/internal/failover"
	"github.com/backstop-ecs/backstop/internal/health"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// taskID is what ECS names a task by: 32 hexadecimal digits, alone or at the end of an ARN.
var taskID = regexp.MustCompile(`^(?:arn:[^ ]*:task/.*/)?([0-9a-f]{32})$`)

// taskFacts is the answer of `backstop explain TASK`.
type taskFacts struct {
	Task     string `json:"task"`
	Workload string `json:"workload"`
	Pool     string `json:"pool"`
	Service  string `json:"service"`
	// InService, Word and Text say whether it serves, its state in a word, and why.
	InService bool      `json:"in_service"`
	Word      string    `json:"word"`
	Text      string    `json:"text"`
	Phase     string    `json:"phase"`
	Health    string    `json:"health,omitempty"`
	Revision  string    `json:"revision,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndsAt    time.Time `json:"ends_at,omitzero"`
	Protected bool      `json:"protected"`
	LookedAt  time.Time `json:"looked_at"`
}

// taskIn takes a task's ID from the arguments, if one of them is one.
func taskIn(args []string) (task string, workloads []string) {
	for _, a := range args {
		if m := taskID.FindStringSubmatch(a); m != nil && task == "" {
			task = m[1]
			continue
		}
		workloads = append(workloads, a)
	}
	return task, workloads
}

// runExplainTask looks at the services now, finds a task, and says why it is in service or not.
func runExplainTask(ctx context.Context, s IO, o explainOptions, task string) error {
	file, cfg, workloads, err := chosen(ctx, s, o.path, o.selection)
	if err != nil {
		return err
	}
	facts, err := taskFactsOf(ctx, file, cfg, workloads, task)
	if err != nil {
		return err
	}
	if o.output == outputJSON {
		return printJSON(s.Out, facts)
	}
	if facts.Service == "" {
		say(s.Out, "task %s, %s: %s", facts.Task, facts.Workload, facts.Word)
	} else {
		say(s.Out, "task %s of %s, pool %s (%s): %s", facts.Task, facts.Workload, facts.Pool, facts.Service, facts.Word)
	}
	say(s.Out, "  %s", facts.Text)
	if facts.Phase == "" {
		return nil
	}
	say(s.Out, "  phase %s, health %s, revision %s, created %s, running since %s", facts.Phase, orDash(facts.Health), orDash(facts.Revision), momentOr(facts.CreatedAt),
		momentOr(facts.StartedAt))
	return nil
}

// taskFactsOf finds a task: among those of no service that are known, in the guarded services, or in the clusters of tasks of no service.
func taskFactsOf(ctx context.Context, file *config.File, cfg aws.Config, workloads []control.Workload, task string) (taskFacts, error) {
	book, err := bookOf(ctx, file)
	if err != nil {
		return taskFacts{}, err
	}
	if facts, ok := recordOf(&book, task); ok {
		return facts, nil
	}
	facts, ok, unread := findAlone(ctx, file, cfg, task)
	if ok {
		return facts, nil
	}
	kept, err := keptOf(ctx, file)
	if err != nil {
		return taskFacts{}, err
	}
	facts, err = findTask(ctx, service.New(cfg, service.Options{}), workloads, kept, task)
	if err != nil && unread != nil { // it may be where nobody could look
		return facts, fmt.Errorf("look for task %s: %w", task, unread)
	}
	return facts, err
}

func momentOr(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return wording.Moment(t)
}

// keptOf reads the states of a configuration's workloads; none where nothing was written yet.
func keptOf(ctx context.Context, file *config.File) (map[string]control.Record, error) {
	store, err := openStore(ctx, file, reading)
	if err != nil || store == nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	kept, err := store.Load(ctx, workloadNames(file.Workloads))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return kept, nil
}

// findTask looks for a task in the services of workloads.
func findTask(ctx context.Context, services control.Services, workloads []control.Workload, kept map[string]control.Record, task string) (taskFacts, error) {
	for i := range workloads {
		w := &workloads[i]
		at, obs := services.Describe(ctx, w.Refs, control.Worth{Urgency: control.Short})
		for k := range obs {
			po := &obs[k]
			if po.Err != failover.ErrNone {
				return taskFacts{}, fmt.Errorf("look for task %s: read %s: %s", task, w.Refs[k], po.ErrText)
			}
			l, err := services.List(ctx, w.Refs[k], control.Want{Stopped: true, Health: true})
			if err != nil {
				return taskFacts{}, fmt.Errorf("look for task %s in %s: %w", task, w.Refs[k], err)
			}
			po.Tasks, po.HealthBased, po.HealthErr, po.OutOfTraffic, po.Revisions = l.Tasks, l.HealthBased, l.HealthErr, l.OutOfTraffic, l.Revisions
			f := taskFacts{Task: task, Workload: w.Name, Pool: w.Policy.Pools[k].Name, Service: w.Refs[k].String(), LookedAt: at}
			for n := range po.Tasks {
				t := &po.Tasks[n]
				if !strings.HasSuffix(t.ID, task) {
					continue
				}
				state := kept[w.Name].State
				seen := state.PoolSeen(f.Pool)
				f.Task, f.Phase, f.Health, f.Revision = task, string(t.Phase), string(t.Health), t.Revision
				f.CreatedAt, f.StartedAt, f.EndsAt, f.Protected = t.CreatedAt, t.StartedAt, t.EndsAt, t.Protected
				verdict := health.TaskOf(&w.Policy, po, &seen, t, at)
				f.InService, f.Word, f.Text = verdict.InService, verdict.Word, verdict.Text
				return f, nil
			}
			for n := range l.Signals {
				if sig := &l.Signals[n]; strings.HasSuffix(sig.Task, task) {
					f.Word, f.Text = "stopped", wording.TaskStopped(sig)
					return f, nil
				}
			}
		}
	}
	return taskFacts{}, refuse("no task %s in the guarded services: ECS forgets a stopped task after about an hour; `backstop history --kind decision -o json` has what was seen", task)
}
