package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/backstop-ecs/backstop/internal/asl"
	"github.com/backstop-ecs/backstop/internal/aws/logs"
	"github.com/backstop-ecs/backstop/internal/ecsevent"
	"github.com/backstop-ecs/backstop/internal/runtask"
	"github.com/backstop-ecs/backstop/internal/wording"
)

// ranTask is a task in the answer, with ECS's names.
type ranTask struct {
	TaskArn              string         `json:"taskArn"`
	ClusterArn           string         `json:"clusterArn"`
	TaskDefinitionArn    string         `json:"taskDefinitionArn"`
	CapacityProviderName string         `json:"capacityProviderName,omitempty"`
	LaunchType           string         `json:"launchType,omitempty"`
	AvailabilityZone     string         `json:"availabilityZone,omitempty"`
	LastStatus           string         `json:"lastStatus"`
	DesiredStatus        string         `json:"desiredStatus"`
	StartedBy            string         `json:"startedBy,omitempty"`
	Group                string         `json:"group,omitempty"`
	CreatedAt            time.Time      `json:"createdAt,omitzero"`
	StartedAt            time.Time      `json:"startedAt,omitzero"`
	StoppedAt            time.Time      `json:"stoppedAt,omitzero"`
	StopCode             string         `json:"stopCode,omitempty"`
	StoppedReason        string         `json:"stoppedReason,omitempty"`
	Containers           []ranContainer `json:"containers"`
}

type ranContainer struct {
	Name       string `json:"name"`
	LastStatus string `json:"lastStatus"`
	ExitCode   *int32 `json:"exitCode,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

type ranFailure struct {
	Reason string `json:"reason"`
}

// ranAnswer is the answer of run-task: that of the AWS CLI, and what this program adds.
type ranAnswer struct {
	Tasks    []ranTask    `json:"tasks"`
	Failures []ranFailure `json:"failures"`
	Run      ranRun       `json:"backstop"`
}

type ranRun struct {
	ClientToken string `json:"client_token"`
	Wanted      int    `json:"wanted"`
	Started     int    `json:"started"`
	Finished    int    `json:"finished"`
	Interrupted int    `json:"interrupted"`
	NotStarted  int    `json:"not_started"`
	Failed      int    `json:"failed"`
	// ExitCode is there with --wait where all work has ended, CostUSD where all prices are known.
	ExitCode *int     `json:"exit_code,omitempty"`
	CostUSD  *float64 `json:"cost_usd,omitempty"`
}

// followIn prints logs as they come: between the other lines where text is printed, and beside the answer where that is JSON.
func (o *runTaskOptions) followIn(cfg aws.Config, s IO) *runtask.Follow {
	out, terminal := s.Out, s.OutTerminal
	if o.output == outputJSON {
		out, terminal = s.Err, s.ErrTerminal
	}
	var failed bool
	return &runtask.Follow{
		Reader: logs.New(cfg),
		Line: func(from, text string) {
			if terminal {
				text = strings.ReplaceAll(visibleLines(strings.ReplaceAll(text, "\t", "\n")), "\n", "\t")
			}
			if from != "" {
				text = from + " | " + text
			}
			if failed {
				return
			}
			if _, err := fmt.Fprintln(out, text); err != nil {
				failed = true
				say(s.Err, "logs are not printed any more: %v; the run goes on", err)
			}
		},
		Warn: func(text string) { say(s.Err, "%s", text) },
	}
}

// printMachine prints what Step Functions runs.
func (o *runTaskOptions) printMachine(s IO) error {
	text, err := asl.Machine(&o.req)
	if err != nil {
		return err
	}
	_, err = s.Out.Write(text)
	return err
}

// print prints the answer; done: the run has come to its end.
func (o *runTaskOptions) print(s IO, res *runtask.Result, done bool) error {
	if o.output == outputJSON {
		return printJSON(s.Out, o.answer(res, done))
	}
	rows := [][]string{{"TASK", "ON", "ZONE", "STATUS", "EXIT", "WHY"}}
	for i := range res.Tasks {
		t := ranTaskOf(&res.Tasks[i])
		exit := ""
		for _, c := range t.Containers {
			if c.Name == res.Main && c.ExitCode != nil {
				exit = fmt.Sprint(*c.ExitCode)
			}
		}
		rows = append(rows, []string{ecsevent.TaskID(t.TaskArn), orDash(t.CapacityProviderName), orDash(t.AvailabilityZone), t.LastStatus, orDash(exit), orDash(t.StoppedReason)})
	}
	if len(res.Tasks) > 0 {
		if err := fitted(s.Out, rows, s.Width); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(s.Out, visible(o.outcome(res, false)))
	return err
}

// outcome is what came of a run, in a line, with the work's exit code where it is wanted.
func (o *runTaskOptions) outcome(res *runtask.Result, exit bool) string {
	text := fmt.Sprintf("%s wanted, %d started: %d finished, %d interrupted, %d not started, %d failed", wording.Count(o.req.Count, "task"), res.Starts,
		res.Ends[runtask.Finished], res.Ends[runtask.Lost], res.Ends[runtask.NotStarted], res.Ends[runtask.Failed])
	if n := res.Ends[runtask.Alive]; n > 0 {
		text += fmt.Sprintf(", %d under way", n)
	}
	if res.Priced {
		text += fmt.Sprintf("; $%.4f until now, by the table", res.USD)
	}
	if exit && o.req.Wait {
		text += fmt.Sprintf("; exit code %d", res.Exit)
	}
	return text + "; run " + o.req.Token
}

func (o *runTaskOptions) answer(res *runtask.Result, done bool) ranAnswer {
	out := ranAnswer{Tasks: []ranTask{}, Failures: []ranFailure{}, Run: ranRun{ClientToken: o.req.Token, Wanted: o.req.Count, Started: res.Starts, Finished: res.Ends[runtask.Finished],
		Interrupted: res.Ends[runtask.Lost], NotStarted: res.Ends[runtask.NotStarted], Failed: res.Ends[runtask.Failed]}}
	for i := range res.Tasks {
		out.Tasks = append(out.Tasks, ranTaskOf(&res.Tasks[i]))
	}
	for i := range res.Failures {
		out.Failures = append(out.Failures, ranFailure{aws.ToString(res.Failures[i].Reason)})
	}
	if o.req.Wait && done {
		out.Run.ExitCode = &res.Exit
	}
	if res.Priced {
		out.Run.CostUSD = &res.USD
	}
	return out
}

func ranTaskOf(t *types.Task) ranTask {
	out := ranTask{TaskArn: aws.ToString(t.TaskArn), ClusterArn: aws.ToString(t.ClusterArn), TaskDefinitionArn: aws.ToString(t.TaskDefinitionArn),
		CapacityProviderName: aws.ToString(t.CapacityProviderName), LaunchType: string(t.LaunchType), AvailabilityZone: aws.ToString(t.AvailabilityZone),
		LastStatus: aws.ToString(t.LastStatus), DesiredStatus: aws.ToString(t.DesiredStatus), StartedBy: aws.ToString(t.StartedBy), Group: aws.ToString(t.Group),
		CreatedAt: aws.ToTime(t.CreatedAt), StartedAt: aws.ToTime(t.StartedAt), StoppedAt: aws.ToTime(t.StoppedAt), StopCode: string(t.StopCode),
		StoppedReason: aws.ToString(t.StoppedReason), Containers: []ranContainer{}}
	for i := range t.Containers {
		c := &t.Containers[i]
		out.Containers = append(out.Containers, ranContainer{aws.ToString(c.Name), aws.ToString(c.LastStatus), c.ExitCode, aws.ToString(c.Reason)})
	}
	slices.SortFunc(out.Containers, func(a, b ranContainer) int { return strings.Compare(a.Name, b.Name) })
	return out
}
